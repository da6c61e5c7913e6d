"""Executes runs: claims a row, does its steps in order, keeps what each step left behind.

A worker that dies loses its lease after a few seconds; another goes on at the first unfinished
step with the workspace as the last finished step left it. Every write checks the lease, so a
worker that was only slow cannot go on beside its successor.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import structlog
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts import audit
from forge import ForgeError, ForgeUnavailable
from scaffolder import tasks
from scaffolder.actions import ActionFailed, Context, actions
from scaffolder.blocks import evaluated
from scaffolder.expressions import ExpressionError, truthy
from scaffolder.models import HEARTBEAT, Run, RunLog, RunStep, load_tree, store_tree
from scaffolder.services.lineage import record_lineage

log = structlog.get_logger(__name__)
ATTEMPTS = 3
PATIENCE = 20  # how often a step is put off before a forge that always says “later” fails it
PAUSE_SECONDS = 0.7


class Postponed(Exception):
    """The forge asked us to come back later: the run is queued for then, and costs nothing."""

    def __init__(self, error: ForgeUnavailable, seconds: float) -> None:
        super().__init__(str(error))
        self.seconds = seconds


class LeaseLost(Exception):
    """Another worker has taken the run over, or somebody removed it."""


def execute_run(*, pk: uuid.UUID) -> None:
    """Does what is left of a run. Returns at once when another worker has it or it is over."""
    lease = uuid.uuid4()
    now = timezone.now()
    claimed = (
        Run.objects.filter(pk=pk)
        .claimable(now)
        .update(lease=lease, heartbeat_at=now, status=Run.Status.RUNNING)
    )
    if not claimed:
        return
    run = Run.objects.select_related("release", "user").get(pk=pk)
    if run.started_at is None:
        run.started_at = now
        _write(run, "started_at")
    structlog.contextvars.bind_contextvars(run=str(pk))
    try:
        with _heartbeat(run):
            _Execution(run).go()
    except Postponed as later:
        _postpone(run, later)
    except LeaseLost:
        log.warning("lease lost: another worker has this run")
    except Exception as error:  # noqa: BLE001  (logged there, with its trace)
        _give_up(run, error)
    finally:
        structlog.contextvars.unbind_contextvars("run")


def _give_up(run: Run, error: Exception) -> None:
    """A fault of ours outside any step: the run ends, so that it cannot fail for ever."""
    log.exception("run failed unexpectedly")
    text = f"Unexpected error ({type(error).__name__}); the log has it under this run."
    with transaction.atomic():
        run.status, run.error, run.finished_at = Run.Status.FAILED, text, timezone.now()
        _write(run, "status", "error", "finished_at")
        Run.objects.filter(pk=run.pk).update(lease=None)


def _postpone(run: Run, later: Postponed) -> None:
    """Queues the run for the time that the forge named."""
    run.resume_at = timezone.now() + timedelta(seconds=later.seconds)
    with transaction.atomic():
        RunLog.objects.create(run=run, text=f"{later} — going on in {later.seconds:.0f} s")
        run.steps.filter(status=RunStep.Status.RUNNING).update(status=RunStep.Status.PENDING)
        run.status = Run.Status.QUEUED
        _write(run, "resume_at", "status")
        Run.objects.filter(pk=run.pk).update(lease=None)
    tasks.execute_run.apply_async((str(run.pk),), countdown=later.seconds)


@contextmanager
def _heartbeat(run: Run) -> Iterator[None]:
    """Says every two seconds that the worker lives, on a connection of its own."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(HEARTBEAT.total_seconds()):
            try:
                Run.objects.filter(pk=run.pk, lease=run.lease).update(heartbeat_at=timezone.now())
            except DatabaseError:
                log.warning("no heartbeat: the database did not answer", run=str(run.pk))
                connection.close()
        connection.close()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _write(run: Run, *fields: str) -> None:
    """Saves fields of the run if the lease is still ours. Raises LeaseLost."""
    values = {name: getattr(run, name) for name in fields}
    if not Run.objects.filter(pk=run.pk, lease=run.lease).update(**values):
        raise LeaseLost


class _Execution:
    """One worker's go at one run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.steps = list(run.steps.all())
        self.source = load_tree(run.release.tree)
        self.workspace = load_tree(run.workspace)
        self.outputs: dict[str, Any] = {
            step.step_id: {"output": step.output}
            for step in self.steps
            if step.status == RunStep.Status.COMPLETED
        }
        self.facts: dict[str, Any] = {}
        for step in self.steps:
            self.facts |= step.notes.get("facts", {})

    def go(self) -> None:
        for step in self.steps:
            if step.status in (RunStep.Status.COMPLETED, RunStep.Status.SKIPPED):
                continue
            if self._cancelled():
                return self._finish(Run.Status.CANCELLED, "Cancelled before the step was begun.")
            if not self._do(step):
                text = f"The step “{step.name}” failed: {step.error}"
                return self._finish(Run.Status.FAILED, text)
        self._finish(Run.Status.COMPLETED)
        return None

    def _cancelled(self) -> bool:
        return Run.objects.filter(pk=self.run.pk, cancel_requested=True).exists()

    # -- one step -------------------------------------------------------------------------------
    def _do(self, step: RunStep) -> bool:
        """Whether the step completed (or was skipped by its condition)."""
        step.status, step.started_at = RunStep.Status.RUNNING, timezone.now()
        step.attempts += 1
        step.error = ""
        self._save(step)
        try:
            if not self._wanted(step):
                step.status = RunStep.Status.SKIPPED
            else:
                step.output = self._call(step)
                step.status = RunStep.Status.COMPLETED
                self.outputs[step.step_id] = {"output": step.output}
        except (ActionFailed, ExpressionError, ForgeError) as error:
            step.status, step.error = RunStep.Status.FAILED, str(error)
            self.say(step, str(error))
        except (LeaseLost, Postponed):
            raise
        except Exception as error:  # a fault of ours: the person gets an id, the log the rest
            log.exception("step failed unexpectedly", step=step.step_id)
            step.status = RunStep.Status.FAILED
            step.error = (
                f"Unexpected error ({type(error).__name__}); the log has it under this run."
            )
        step.finished_at = timezone.now()
        self._keep(step)
        return step.status != RunStep.Status.FAILED

    def _wanted(self, step: RunStep) -> bool:
        condition = step.definition.get("if", True)
        return truthy(evaluated(condition, self._names(), f"{step.step_id}.if"))

    def _names(self) -> dict[str, Any]:
        """What expressions can see."""
        user = self.run.user
        name = (user.entity_ref or "").rpartition("/")[2] or user.username
        return {
            "parameters": self.run.values,
            "steps": self.outputs,
            "user": {"ref": user.entity_ref, "entity": {"metadata": {"name": name}}},
            "context": {"task": {"id": str(self.run.pk)}},
        }

    def _call(self, step: RunStep) -> dict[str, Any]:
        action = actions().get(step.action)
        if action is None:
            raise ActionFailed(f"there is no action “{step.action}”")
        given = evaluated(step.definition.get("input") or {}, self._names(), step.step_id)
        action.check_input(given)
        context = self._context(step)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                output = action.run(context, given)
                break
            except ForgeUnavailable as error:
                if error.retry_after and step.attempts < PATIENCE:
                    raise Postponed(error, error.retry_after) from error
                if attempt == ATTEMPTS:
                    raise
                self.say(step, f"{error} — trying again")
                time.sleep(PAUSE_SECONDS * attempt)
        step.notes["facts"] = context.facts
        step.notes["layers"] = context.layers
        known, self.facts = self.facts, self.facts | context.facts
        self._note_facts(context, known)
        return output

    def _context(self, step: RunStep) -> Context:
        release = self.run.release
        earlier: dict[str, list[str]] = {}
        for other in self.steps:
            earlier |= other.notes.get("layers", {})
        return Context(
            release_id=release.pk,
            template_ref=release.block_ref,
            template_version=release.version,
            folder=release.path.rpartition("/")[0] + "/" if "/" in release.path else "",
            source=self.source,
            workspace=self.workspace,
            values=self.run.values,
            chosen=frozenset(self.run.chosen),
            user=self.run.user,
            log=lambda text: self.say(step, text),
            run_id=str(self.run.pk),
            notes=step.notes,
            save_notes=lambda: self._save(step),
            made=self._made,
            layers=earlier,
            facts=dict(self.facts),
        )

    def _made(self, title: str, url: str) -> None:
        """Tells people at once what exists in the forge, even if the next step fails."""
        entry = {"title": title, "url": url}
        if entry not in self.run.made:
            self.run.made = [*self.run.made, entry]
            _write(self.run, "made")

    def _note_facts(self, context: Context, known: dict[str, Any]) -> None:
        self.run.entity_ref = self.facts.get("entity_ref", "")
        _write(self.run, "entity_ref")
        if "merge_request" in context.facts and "merge_request" not in known:
            self.run.merge_request = self.facts["merge_request"]
            _write(self.run, "merge_request")
        if "published" in context.facts and "blocks" in self.facts:
            record_lineage(
                run=self.run,
                repository=self.facts["published"],
                blocks=self.facts["blocks"],
                base=store_tree(self.workspace),
            )

    # -- keeping --------------------------------------------------------------------------------
    def say(self, step: RunStep, text: str) -> None:
        RunLog.objects.create(
            run=self.run, step_index=step.index, text=text[:10_000].replace("\0", "")
        )

    def _save(self, step: RunStep) -> None:
        with transaction.atomic():
            _write(self.run, "lease")
            step.save()

    def _keep(self, step: RunStep) -> None:
        """The step's end and the workspace it leaves behind, together or not at all."""
        with transaction.atomic():
            self.run.workspace = store_tree(self.workspace)
            _write(self.run, "workspace")
            step.save()

    def _finish(self, status: Run.Status, error: str = "") -> None:
        run = self.run
        run.output = self._output() if status == Run.Status.COMPLETED else {}
        run.status, run.error, run.finished_at = status, error, timezone.now()
        lease, run.lease = run.lease, None
        fields = ("output", "status", "error", "finished_at", "lease")
        with transaction.atomic():
            values = {name: getattr(run, name) for name in fields}
            if not Run.objects.filter(pk=run.pk, lease=lease).update(**values):
                raise LeaseLost
            audit.record(by=run.user, verb=status.value, object_type="run", object_id=run.pk,
                         label=f"{run.template_ref} {run.subject}", made=run.made)  # fmt: skip
        log.info("run ended", status=status.value, error=error)

    def _output(self) -> dict[str, Any]:
        wanted = self.run.release.descriptor["spec"].get("output") or {}
        try:
            output: dict[str, Any] = evaluated(wanted, self._names(), "output")
        except (ActionFailed, ExpressionError) as error:
            return {"problem": str(error)}
        return output
