"""Webhook deliveries: kept at once, handled by a worker, each effect once."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog import tasks
from catalog.models import Repository, WebhookDelivery
from catalog.queueing import on_commit
from catalog.services.proposals import note_merge_request
from catalog.services.repositories import read_repository
from catalog.signals import merge_request_changed, pipeline_changed


@transaction.atomic
def receive_delivery(*, delivery_id: str, event: str, payload: dict[str, Any]) -> bool:
    """Keeps a verified delivery; False when it was here before."""
    delivery, created = WebhookDelivery.objects.get_or_create(
        delivery_id=delivery_id, defaults={"event": event, "payload": payload}
    )
    if created:
        on_commit(tasks.handle_delivery, delivery.pk)
    return created


def handle_delivery(*, pk: int) -> None:
    """Does what a delivery asks for. Safe to repeat: readings compare before they write."""
    delivery = WebhookDelivery.objects.filter(pk=pk, handled_at=None).first()
    if delivery is None:
        return
    project = str((delivery.payload.get("project") or {}).get("path_with_namespace", ""))
    if project and (
        Repository.objects.of_path(project).exists() or _on_default_branch(delivery.payload)
    ):
        read_repository(path=project)
    kind = delivery.payload.get("object_kind")
    if kind == "merge_request":
        note_merge_request(payload=delivery.payload)
        merge_request_changed.send(sender=WebhookDelivery, payload=delivery.payload)
    elif kind == "pipeline":
        pipeline_changed.send(sender=WebhookDelivery, payload=delivery.payload)
    WebhookDelivery.objects.filter(pk=pk).update(handled_at=timezone.now())


def _on_default_branch(payload: dict[str, Any]) -> bool:
    branch = (payload.get("project") or {}).get("default_branch")
    return bool(branch) and payload.get("ref") == f"refs/heads/{branch}"
