"""Background work of the scaffolder: an id in, one service call; each may run twice."""

import uuid
from typing import Any

from celery import Task, shared_task
from celery.signals import worker_process_init
from django.utils import timezone

from catalog.queueing import reschedule
from forge import ForgeUnavailable
from scaffolder import sandbox
from scaffolder.models import Run


@worker_process_init.connect
def warm_sandbox(**_: Any) -> None:
    """Each worker process has its sandbox ready before the first run asks for it."""
    sandbox.warm()


@shared_task
def execute_run(pk: str) -> None:
    from scaffolder import services

    services.execute_run(pk=uuid.UUID(pk))


@shared_task
def resume_runs() -> None:
    """Periodic: runs whose worker died, or whose task the broker lost."""
    for pk in Run.objects.forgotten(timezone.now()).values_list("pk", flat=True)[:200]:
        execute_run.delay(str(pk))


@shared_task(bind=True, max_retries=8)
def release_blocks(self: Task[..., None], repository: str) -> None:
    from scaffolder import services

    try:
        services.release_blocks(repository=repository)
    except ForgeUnavailable as error:
        reschedule(self, error)


@shared_task
def look_after_approvals() -> None:
    """Periodic: reminders of what waits, and an end for what nobody decided in time."""
    from scaffolder import services

    services.look_after_approvals()


@shared_task
def check_merge_requests() -> None:
    """Periodic: merge requests whose webhook was lost."""
    from scaffolder import services

    services.check_merge_requests()


@shared_task
def release_changed_blocks() -> None:
    """Periodic: blocks whose repository moved on without us noticing, and those that were judged
    by other actions or settings than there are now."""
    from scaffolder import services

    services.judge_again()
    for repository in services.outdated_repositories():
        release_blocks.delay(repository)
