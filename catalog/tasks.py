"""Background work of the catalogue: an id in, one service call; each may run twice."""

from datetime import timedelta

import structlog
from celery import Task, shared_task
from django.utils import timezone

from catalog.models import Source, WebhookDelivery
from catalog.queueing import reschedule
from forge import ForgeUnavailable

log = structlog.get_logger(__name__)


@shared_task(bind=True, max_retries=8)
def read_repository(self: Task[..., None], path: str) -> None:
    from catalog import services

    try:
        services.read_repository(path=path)
    except ForgeUnavailable as error:
        reschedule(self, error)


@shared_task
def read_source(pk: int) -> None:
    from catalog import services

    if source := Source.objects.filter(pk=pk).first():
        services.read_source(source=source)


@shared_task
def connect_hooks() -> None:
    from catalog.services.sources import connect_hooks as connect

    for problem in connect():
        log.warning("no webhook: pushes are found by the schedule instead", reason=problem)


@shared_task
def rebuild_memberships() -> None:
    from catalog import services

    services.rebuild_memberships()


@shared_task
def read_changes() -> None:
    """Periodic: finds what a lost webhook hid, by one short listing of what changed lately."""
    from catalog.services.sources import read_changes as read

    read()


@shared_task
def read_sources() -> None:
    """Periodic: whole listings, which also find what is gone."""
    for pk in Source.objects.active().values_list("pk", flat=True):
        read_source(pk)


@shared_task
def remove_orphans() -> None:
    """Periodic: what no file declares goes after its time of grace."""
    from catalog import services

    services.remove_orphans(now=timezone.now())


@shared_task(bind=True, max_retries=8)
def handle_delivery(self: Task[..., None], pk: int) -> None:
    from catalog import services

    try:
        services.handle_delivery(pk=pk)
    except ForgeUnavailable as error:
        reschedule(self, error)


@shared_task
def check_proposals() -> None:
    """Periodic: merge requests of the edit form whose webhook was lost."""
    from catalog import services

    services.check_proposals()


@shared_task
def handle_left_over_deliveries() -> None:
    """Periodic: deliveries whose task the broker lost; those that are handled go after a week."""
    now = timezone.now()
    left = WebhookDelivery.objects.filter(
        handled_at=None, received_at__lt=now - timedelta(seconds=30)
    )
    for pk in left.order_by("received_at").values_list("pk", flat=True)[:500]:
        handle_delivery.delay(pk)
    WebhookDelivery.objects.filter(handled_at__lt=now - timedelta(days=7)).delete()
