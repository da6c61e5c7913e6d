"""Background work of the scaffolder: an id in, one service call; each may run twice."""

import uuid
from typing import Any

from celery import shared_task
from celery.signals import worker_process_init
from django.utils import timezone

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


@shared_task(autoretry_for=(ForgeUnavailable,), retry_backoff=2, max_retries=8)
def release_blocks(repository: str) -> None:
    from scaffolder import services

    services.release_blocks(repository=repository)


@shared_task
def release_changed_blocks() -> None:
    """Periodic: blocks whose repository moved on without us noticing."""
    from scaffolder import services

    for repository in services.outdated_repositories():
        release_blocks.delay(repository)
