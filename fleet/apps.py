"""The fleet's wiring: it listens to what the catalogue hears from the forge."""

from typing import Any

from django.apps import AppConfig


class FleetConfig(AppConfig):
    name = "fleet"

    def ready(self) -> None:
        from catalog import signals
        from fleet import panels  # noqa: F401  (registers the entity page's panel)

        signals.merge_request_changed.connect(_merge_request, dispatch_uid="fleet.requests")
        signals.repository_changed.connect(_repository, dispatch_uid="fleet.commits")
        signals.pipeline_changed.connect(_pipeline, dispatch_uid="fleet.pipelines")


def _merge_request(payload: dict[str, Any], **_: Any) -> None:
    from fleet import services

    attributes = payload.get("object_attributes") or {}
    services.note_merge_request(
        repository=_project(payload),
        iid=attributes.get("iid", 0),
        state=attributes.get("state", ""),
        action=attributes.get("action") or "",
    )


def _repository(repository: Any, **_: Any) -> None:
    """Open merge requests follow their default branch."""
    from catalog.queueing import on_commit
    from fleet import services, tasks

    concerned = services.refresh_repository(repository=repository.path, commit=repository.commit)
    for pk in concerned:
        on_commit(tasks.refresh_target, pk)


def _pipeline(payload: dict[str, Any], **_: Any) -> None:
    from fleet import services

    attributes = payload.get("object_attributes") or {}
    services.note_pipeline(
        repository=_project(payload),
        branch=attributes.get("ref") or "",
        iid=(payload.get("merge_request") or {}).get("iid"),
        status=attributes.get("status") or "",
    )


def _project(payload: dict[str, Any]) -> str:
    return str((payload.get("project") or {}).get("path_with_namespace", ""))
