"""Background work of the fleet: ids in, one service call; each may run twice."""

from __future__ import annotations

from celery import Task, shared_task

from catalog.queueing import reschedule
from forge import ForgeUnavailable


@shared_task(bind=True, max_retries=8)
def plan_targets(self: Task[..., None], pks: list[int]) -> None:
    from fleet import services

    try:
        services.plan_targets(pks=pks)
    except ForgeUnavailable as error:
        reschedule(self, error)


@shared_task(bind=True, max_retries=8)
def open_target(self: Task[..., None], pk: int) -> None:
    from fleet import services

    try:
        services.open_target(pk=pk)
    except ForgeUnavailable as error:
        reschedule(self, error)


@shared_task(bind=True, max_retries=8)
def close_target(self: Task[..., None], pk: int) -> None:
    from fleet import services

    try:
        services.close_target(pk=pk)
    except ForgeUnavailable as error:
        reschedule(self, error)


@shared_task(bind=True, max_retries=8)
def refresh_target(self: Task[..., None], pk: int) -> None:
    from fleet import services

    try:
        services.refresh_target(pk=pk)
    except ForgeUnavailable as error:
        reschedule(self, error)


@shared_task(bind=True, max_retries=8)
def merge_target(self: Task[..., None], pk: int) -> None:
    from fleet import services

    try:
        services.merge_target(pk=pk)
    except ForgeUnavailable as error:
        reschedule(self, error)


@shared_task
def tick() -> None:
    """Periodic: whose turn is it, and what did the queue lose?"""
    from fleet import services

    services.tick()


@shared_task
def follow() -> None:
    """Periodic: merges and pipelines whose webhook was lost."""
    from fleet import services

    services.follow()
