"""How tasks are queued: after the commit that makes their work visible."""

from typing import Any

from celery import Task
from django.db import transaction


def on_commit(task: Task[..., Any], *args: Any) -> None:
    """Queues the task when the transaction commits.

    A broken broker never breaks the write: the failure is logged, and the periodic tasks find
    what was not queued, because what has to be done is always readable from the database too.
    """
    transaction.on_commit(lambda: task.delay(*args), robust=True)
