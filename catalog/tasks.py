"""Background work of the catalogue: an id in, one service call; each may run twice."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from catalog.models import Source, WebhookDelivery
from forge import ForgeUnavailable


@shared_task(autoretry_for=(ForgeUnavailable,), retry_backoff=2, max_retries=8)
def read_repository(path: str) -> None:
    from catalog import services

    services.read_repository(path=path)


@shared_task
def read_source(pk: int) -> None:
    from catalog import services

    if source := Source.objects.filter(pk=pk).first():
        services.read_source(source=source)


@shared_task
def read_sources() -> None:
    """Periodic: finds what a lost webhook hid."""
    for pk in Source.objects.values_list("pk", flat=True):
        read_source(pk)


@shared_task(autoretry_for=(ForgeUnavailable,), retry_backoff=2, max_retries=8)
def handle_delivery(pk: int) -> None:
    from catalog import services

    services.handle_delivery(pk=pk)


@shared_task
def handle_left_over_deliveries() -> None:
    """Periodic: deliveries whose task the broker lost; those that are handled go after a week."""
    now = timezone.now()
    left = WebhookDelivery.objects.filter(
        handled_at=None, received_at__lt=now - timedelta(seconds=30)
    )
    for pk in left.values_list("pk", flat=True)[:500]:
        handle_delivery.delay(pk)
    WebhookDelivery.objects.filter(handled_at__lt=now - timedelta(days=7)).delete()
