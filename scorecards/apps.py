"""The scorecards' wiring: they listen to the catalogue."""

from typing import Any

from django.apps import AppConfig


class ScorecardsConfig(AppConfig):
    name = "scorecards"

    def ready(self) -> None:
        from catalog import signals
        from scorecards import panels  # noqa: F401  (registers the entity page's panel)

        signals.entities_changed.connect(_entities_changed, dispatch_uid="scorecards.entities")
        signals.repository_changed.connect(_repository_changed, dispatch_uid="scorecards.commits")


def _entities_changed(refs: list[str], **_: Any) -> None:
    """A scorecard that changed is about everything; an entity that changed is about itself."""
    from catalog.models import Entity
    from scorecards.models import EVALUATED_KINDS

    changed = Entity.objects.filter(orphaned_at=None)
    if any(ref.startswith("scorecard:") for ref in refs):
        wanted = changed.filter(kind__in=EVALUATED_KINDS)
    else:
        wanted = changed.filter(ref__in=refs, kind__in=EVALUATED_KINDS)
    _evaluate(wanted)


def _repository_changed(repository: Any, **_: Any) -> None:
    from catalog.models import Entity
    from scorecards.models import EVALUATED_KINDS

    inside = Entity.objects.filter(
        location__repository=repository, kind__in=EVALUATED_KINDS, orphaned_at=None
    )
    _evaluate(inside)


def _evaluate(entities: Any) -> None:
    """One message for them all: the reader of a large repository does not wait for thousands."""
    from catalog.queueing import on_commit
    from scorecards import tasks

    if pks := list(entities.values_list("pk", flat=True)):
        on_commit(tasks.evaluate_entities, pks)
