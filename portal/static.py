"""Static files with a hash in their names, so that browsers may keep them for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ManifestStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Third-party style sheets name source maps that their wheels leave out: that is no error."""

    manifest_strict = False
    support_js_module_import_aggregation = False

    def stored_name(self, name: str) -> str:
        try:
            return str(super().stored_name(name))
        except ValueError:
            return name
