"""Static files with a hash in their names, so that browsers may keep them for ever."""

from django.contrib.staticfiles.storage import HashedFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage


class ManifestStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Wheels leave out the source maps that their files name: those names are left alone."""

    manifest_strict = False
    patterns = tuple(
        (extension, tuple(p for p in patterns if "sourceMappingURL" not in str(p)))
        for extension, patterns in HashedFilesMixin.patterns
        if extension == "*.css"
    )
