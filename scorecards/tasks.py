"""Background work of the scorecards: an id in, one service call; each may run twice."""

from celery import shared_task

from scorecards.models import entities_to_evaluate

BATCH = 500


@shared_task
def evaluate_entity(pk: int) -> None:
    from scorecards import services

    services.evaluate_entity(pk=pk)


@shared_task
def evaluate_entities(pks: list[int]) -> None:
    for pk in pks:
        evaluate_entity.delay(pk)


@shared_task
def evaluate_outdated() -> None:
    """Periodic: entities whose change nobody told us about, or whose facts were unknown."""
    for pk in entities_to_evaluate().values_list("pk", flat=True)[:BATCH]:
        evaluate_entity.delay(pk)
