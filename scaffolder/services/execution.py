"""Executes runs: claims a row, does its steps in order, keeps what each step left behind.

A worker that dies loses its lease after a few seconds; another goes on at the first unfinished
step with the workspace as the last finished step left it. Every write checks the lease, so a
worker that was only slow cannot go on beside its successor.
"""

from __future__ import annotations

import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from typing import Any

import structlog
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts import audit
from forge import ForgeError, ForgeUnavailable
from scaffolder import tasks
from scaffolder.actions import ActionFailed, Context, Json, Later, Waiting, actions
from scaffolder.blocks import asks_about_failure, evaluated, names_for
from scaffolder.expressions import ExpressionError, each_of, shown_output, status_functions, truthy
from scaffolder.models import HEARTBEAT, Run, RunLog, RunStep, load_tree, store_tree
from scaffolder.services.approvals import park
from scaffolder.services.lineage import record_lineage
from scaffolder.services.places import located
from scaffolder.services.telling import tell_the_end
from scaffolder.vault import CannotOpen, Vault
from scaffolder.weave.tree import File

log = structlog.get_logger(__name__)
ATTEMPTS = 3
PATIENCE = 20  # how often a step is put off before a forge that always says “later” fails it
PAUSE_SECONDS = 0.7


class Postponed(Exception):
    """The forge or the step itself wants us to come back later: the run is queued for then, and
    costs nothing meanwhile."""

    def __init__(self, reason: str, seconds: float) -> None:
        super().__init__(reason)
        self.seconds = seconds


class Cancelled(Exception):
    """Somebody asked for it, and the step was between two rounds of its `each`."""


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
    except Waiting:
        park(run=run)
    except LeaseLost:
        log.warning("lease lost: another worker has this run")
    except CannotOpen as error:
        _end_badly(run, str(error))
    except Exception as error:  # noqa: BLE001  (logged there, with its trace)
        _give_up(run, error)
    finally:
        structlog.contextvars.unbind_contextvars("run")


def _give_up(run: Run, error: Exception) -> None:
    """A fault of ours outside any step: the run ends, so that it cannot fail for ever."""
    if run.secrets:  # what the error says may hold one
        log.error("run failed unexpectedly", trace=traceback.format_tb(error.__traceback__))
    else:
        log.exception("run failed unexpectedly")
    text = f"Unexpected error ({type(error).__name__}); the log has it under this run."
    _end_badly(run, text)


def _end_badly(run: Run, text: str) -> None:
    with transaction.atomic():
        run.status, run.error, run.finished_at = Run.Status.FAILED, text, timezone.now()
        run.secrets = ""
        _write(run, "status", "error", "finished_at", "secrets")
        Run.objects.filter(pk=run.pk).update(lease=None)
        tell_the_end(run=run)


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
        self.vault = Vault.opened(run.secrets)
        self.known_secrets = repr((self.vault.given, self.vault.made, self.vault.outputs))
        self.steps = list(run.steps.all())
        self.source = load_tree(run.release.tree)
        self.workspace = load_tree(run.workspace)
        self.kept = dict(self.workspace)
        self.outputs: dict[str, Any] = {
            step.step_id: {"output": self.vault.outputs.get(step.step_id, step.output)}
            for step in self.steps
            if step.status == RunStep.Status.COMPLETED
        }
        self.free_since = run.queued_at
        self.failure = ""
        self.facts: dict[str, Any] = {}
        for step in self.steps:
            self.facts |= step.notes.get("facts", {})

    def go(self) -> None:
        """Every step in turn. After a failure only those whose `if` asks about it are done."""
        for step in self.steps:
            if step.status == RunStep.Status.FAILED:  # before an earlier worker died
                self._note_failure(step)
            if step.status not in (RunStep.Status.PENDING, RunStep.Status.RUNNING):
                continue
            if self.failure and not asks_about_failure(step.definition.get("if")):
                continue
            if self._cancelled():
                return self._finish(Run.Status.CANCELLED, "Cancelled before the step was begun.")
            try:
                self._do(step)
            except Cancelled:
                return self._finish(Run.Status.CANCELLED, "Cancelled in the middle of a step.")
            if step.status == RunStep.Status.FAILED:
                self._note_failure(step)
        self._finish(Run.Status.FAILED if self.failure else Run.Status.COMPLETED, self.failure)
        return None

    def _note_failure(self, step: RunStep) -> None:
        self.failure = self.failure or f"The step “{step.name}” failed: {step.error}"

    def _cancelled(self) -> bool:
        return Run.objects.filter(pk=self.run.pk, cancel_requested=True).exists()

    # -- one step -------------------------------------------------------------------------------
    def _do(self, step: RunStep) -> None:
        step.status, step.started_at = RunStep.Status.RUNNING, timezone.now()
        step.enqueued_at = step.enqueued_at or self.free_since
        step.attempts += 1
        step.error = ""
        self._save(step)
        try:
            if not self._wanted(step):
                step.status = RunStep.Status.SKIPPED
            else:
                output = self._perform(step)
                step.output = self._stored(step.step_id, output)
                step.status = RunStep.Status.COMPLETED
                self.outputs[step.step_id] = {"output": output}
        except (ActionFailed, ExpressionError, ForgeError) as error:
            self._fail(step, located(self.run.release, error))
        except (LeaseLost, Postponed, Cancelled, Waiting):
            raise
        except Exception as error:  # noqa: BLE001  (logged there, with its trace)
            self._fail(step, self._unexpected(step, error))
        step.finished_at = self.free_since = timezone.now()
        self._keep(step)

    def _fail(self, step: RunStep, text: str) -> None:
        """The workspace is again what the last finished step (or round) left behind."""
        step.status, step.error = RunStep.Status.FAILED, self.vault.hide(text)
        self.workspace.clear()
        self.workspace.update(self.kept)
        self.say(step, text)

    def _unexpected(self, step: RunStep, error: Exception) -> str:
        """A fault of ours: the person gets an id, the log the rest."""
        trace = self.vault.hide("".join(traceback.format_exception(error)))
        log.error("step failed unexpectedly", step=step.step_id, exception=trace)
        return f"Unexpected error ({type(error).__name__}); the log has it under this run."

    def _wanted(self, step: RunStep) -> bool:
        condition = step.definition.get("if", True)
        names = self._names | status_functions(failed=bool(self.failure))
        return truthy(evaluated(condition, names, self._place(step, "if")))

    @staticmethod
    def _place(step: RunStep, part: str) -> str:
        return f"{step.definition.get('path') or step.step_id}.{part}"

    @cached_property
    def _known(self) -> dict[str, Any]:
        return names_for(self.run.user, self.run.values, str(self.run.pk))

    @property
    def _names(self) -> dict[str, Any]:
        """What expressions can see; secrets come in where inputs are evaluated."""
        return self._known | {"steps": self.outputs}

    def _perform(self, step: RunStep) -> dict[str, Any]:
        """The step's output; with `each` that of every round, a list for each name."""
        if step.definition.get("each") is None:
            return self._call(step, step.notes, {})
        rounds = self._rounds(step)
        done = step.notes.setdefault("done", [])
        every = [self.vault.outputs.get(f"{step.step_id} {n}", d) for n, d in enumerate(done)]
        for number in range(len(done), len(rounds)):
            if self._cancelled():
                raise Cancelled
            notes = step.notes.setdefault("each", {}).setdefault(str(number), {})
            output = self._call(step, notes, {"each": rounds[number]})
            every.append(output)
            done.append(self._stored(f"{step.step_id} {number}", output))
            self._keep(step)
        return {name: [o[name] for o in every if name in o] for name in _union(every)}

    def _rounds(self, step: RunStep) -> list[dict[str, Any]]:
        """Evaluated once, so that a worker that takes over counts the same rounds."""
        if "rounds" in step.notes:
            return list(step.notes["rounds"])
        place = self._place(step, "each")
        rounds = each_of(evaluated(step.definition["each"], self._names, place), place)
        if self.vault.hide(rounds) == rounds:
            step.notes["rounds"] = rounds
        return rounds

    def _call(self, step: RunStep, notes: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
        action = actions().get(step.action)
        if action is None:
            raise ActionFailed(f"there is no action “{step.action}”")
        values = self.run.values | self.vault.passwords(self.run.values)
        names = self._names | extra | {"parameters": values, "secrets": self.vault.given}
        given = evaluated(step.definition.get("input") or {}, names, self._place(step, "input"))
        action.check_input(given)
        context = self._context(step, notes)
        output = self._patiently(step, action.run, context, given)
        if shown := self.vault.found_in(self._changed()):
            raise ActionFailed(
                f"{self.vault.hide(shown)} would hold a secret: files are stored and published, "
                "so let the pipeline or the cluster read the secret where it is kept"
            )
        step.notes["layers"] = context.layers
        known, self.facts = self.facts, self.facts | context.facts
        if self.facts != known or "facts" in step.notes:
            step.notes["facts"] = self.facts
            self._note_facts(context, known)
        return output

    def _changed(self) -> dict[str, File]:
        return {p: f for p, f in self.workspace.items() if self.kept.get(p) is not f}

    def _patiently(
        self, step: RunStep, act: Callable[[Context, Json], Json], context: Context, given: Json
    ) -> Json:
        """The action's output. A forge that does not answer is asked again a few times."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return act(context, given)
            except Later as later:
                raise Postponed(str(later), later.seconds) from None
            except ForgeUnavailable as error:
                if error.retry_after and step.attempts < PATIENCE:
                    raise Postponed(str(error), error.retry_after) from error
                if attempt == ATTEMPTS:
                    raise
                self.say(step, f"{error} — trying again")
                time.sleep(PAUSE_SECONDS * attempt)
        raise AssertionError("the last attempt returns or raises")

    def _stored(self, key: str, output: dict[str, Any]) -> dict[str, Any]:
        """The output as its row may hold it; the real one is sealed where they differ."""
        hidden: dict[str, Any] = self.vault.hide(output)
        if hidden != output:
            self.vault.outputs[key] = output
        return hidden

    def _context(self, step: RunStep, notes: dict[str, Any]) -> Context:
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
            notes=notes,
            save_notes=lambda: self._save(step),
            made=self._made,
            hide=self.vault.add,
            layers=earlier,
            facts=dict(self.facts),
        )

    def _made(self, title: str, url: str) -> None:
        """Tells people at once what exists in the forge, even if the next step fails."""
        entry = self.vault.hide({"title": title, "url": url})
        if entry not in self.run.made:
            self.run.made = [*self.run.made, entry]
            _write(self.run, "made")

    def _note_facts(self, context: Context, known: dict[str, Any]) -> None:
        if self.run.entity_ref != (ref := self.facts.get("entity_ref", "")):
            self.run.entity_ref = ref
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
        hidden = self.vault.hide(text)
        RunLog.objects.create(
            run=self.run, step_index=step.index, text=hidden[:10_000].replace("\0", "")
        )

    def _save(self, step: RunStep) -> None:
        with transaction.atomic():
            self._seal()
            step.save()

    def _seal(self) -> None:
        """Checks the lease, and keeps what the vault has come to know."""
        known = (self.vault.given, self.vault.made, self.vault.outputs)
        if repr(known) != self.known_secrets:
            self.known_secrets = repr(known)
            self.run.secrets = self.vault.sealed()
        _write(self.run, "secrets")

    def _keep(self, step: RunStep) -> None:
        """The step's end and the workspace it leaves behind, together or not at all."""
        with transaction.atomic():
            if self.workspace != self.kept:
                self.run.workspace = store_tree(self.workspace)
                self.kept = dict(self.workspace)
                _write(self.run, "workspace")
            self._seal()
            step.save()

    def _finish(self, status: Run.Status, error: str = "") -> None:
        run = self.run
        run.output = self._output() if status == Run.Status.COMPLETED else {}
        run.status, run.error, run.finished_at = status, error, timezone.now()
        lease, run.lease, run.secrets = run.lease, None, ""
        fields = ("output", "status", "error", "finished_at", "lease", "secrets")
        with transaction.atomic():
            values = {name: getattr(run, name) for name in fields}
            if not Run.objects.filter(pk=run.pk, lease=lease).update(**values):
                raise LeaseLost
            audit.record(by=run.user, verb=status.value, object_type="run", object_id=run.pk,
                         label=f"{run.template_ref} {run.subject}", made=run.made)  # fmt: skip
            tell_the_end(run=run)
        log.info("run ended", status=status.value, error=error)

    def _output(self) -> dict[str, Any]:
        wanted = self.run.release.descriptor["spec"].get("output") or {}
        try:
            output = shown_output(evaluated(wanted, self._names, "spec.output"))
        except (ActionFailed, ExpressionError) as error:
            return {"problem": self.vault.hide(located(self.run.release, error))}
        return self.vault.hide(output)  # type: ignore[no-any-return]


def _union(outputs: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for output in outputs for name in output))
