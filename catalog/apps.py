"""The catalogue's wiring."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CatalogConfig(AppConfig):
    name = "catalog"

    def ready(self) -> None:
        from accounts.models import asked_along

        asked_along.append("SELECT max(id) FROM catalog_revision")
        import catalog.showing  # noqa: F401  (it registers the catalogue's own panels and gaps)

        post_migrate.connect(stitch_if_moved, sender=self)


def stitch_if_moved(apps: Any = None, **kwargs: Any) -> None:
    """Stored answers name the forge's address: they are made anew when it is another.

    A flush tells the same without `apps`; nothing is stored then.
    """
    from catalog.services.entities import stitch_if_moved

    if apps is None:
        return
    try:
        apps.get_model("catalog", "Entity")._meta.get_field("answer")
    except LookupError:  # migrated back, to before there were any
        return
    stitch_if_moved()
