"""How tasks are queued: after the commit that makes their work visible."""

from typing import Any, NoReturn

from celery import Task
from django.db import transaction

from forge import ForgeUnavailable

LONGEST_PAUSE = 300


def reschedule(task: Task[..., Any], error: ForgeUnavailable) -> NoReturn:
    """Puts the running task back into the queue: when the forge says, or a little later each time.

    Nothing sleeps in a worker. Raises celery.exceptions.Retry, or the error after the last try.
    """
    delay = error.retry_after or min(2**task.request.retries, LONGEST_PAUSE)
    raise task.retry(exc=error, countdown=delay)


def on_commit(task: Task[..., Any], *args: Any) -> None:
    """Queues the task when the transaction commits.

    A broken broker never breaks the write: the failure is logged, and the periodic tasks find
    what was not queued, because what has to be done is always readable from the database too.
    """
    transaction.on_commit(lambda: task.delay(*args), robust=True)
