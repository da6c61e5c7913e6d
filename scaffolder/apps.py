"""The scaffolder's wiring: it listens to the catalogue."""

from typing import Any

from django.apps import AppConfig


class ScaffolderConfig(AppConfig):
    name = "scaffolder"

    def ready(self) -> None:
        from catalog import signals
        from scaffolder import panels  # noqa: F401  (registers the entity page's panel)

        signals.repository_changed.connect(_release_blocks, dispatch_uid="scaffolder.releases")
        signals.entities_changed.connect(_link_lineage, dispatch_uid="scaffolder.lineage")
        signals.merge_request_changed.connect(_note, dispatch_uid="scaffolder.merge_requests")


def _release_blocks(repository: Any, **_: Any) -> None:
    from catalog.models import Entity
    from catalog.queueing import on_commit
    from scaffolder import tasks
    from scaffolder.services.releases import BLOCK_KINDS

    if Entity.objects.filter(kind__in=BLOCK_KINDS, location__repository=repository).exists():
        on_commit(tasks.release_blocks, repository.path)


def _link_lineage(refs: list[str], **_: Any) -> None:
    from catalog.models import Entity
    from scaffolder import services
    from scaffolder.models import Lineage

    waiting = Lineage.objects.filter(entity_ref="").values("repository")
    known = Entity.objects.filter(ref__in=refs, kind="component")
    for entity in known.filter(location__repository__path__in=waiting).with_place():
        services.entity_became_known(
            repository=entity.location.repository.path, entity_ref=entity.ref
        )


def _note(payload: dict[str, Any], **_: Any) -> None:
    from scaffolder import services

    attributes = payload.get("object_attributes", {})
    services.note_merge_request(
        project=payload.get("project", {}).get("path_with_namespace", ""),
        iid=attributes.get("iid", 0),
        state=attributes.get("state", ""),
    )
