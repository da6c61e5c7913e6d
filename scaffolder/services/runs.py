"""The verbs of runs: start, cancel, retry, and what happened to the merge request afterwards."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Role, User
from catalog.forges import connect
from catalog.models import Entity
from catalog.queueing import on_commit
from forge import ForgeNotFound, ForgeUnavailable
from scaffolder import blocks, offering, tasks
from scaffolder.actions import ActionFailed
from scaffolder.blocks import is_secret
from scaffolder.expressions import ExpressionError
from scaffolder.models import Draft, Release, Run, RunStep
from scaffolder.services.approvals import unknown_groups, withdraw
from scaffolder.vault import HIDDEN, Vault

CHECKED_AT_ONCE = 50


def may_start(user: User) -> bool:
    """Developers and platform engineers run golden paths."""
    return not user.roles.isdisjoint({Role.DEVELOPER, Role.PLATFORM})


@transaction.atomic
def start_run(
    *, release: Release, answers: dict[str, Any], by: User, secrets: dict[str, str] | None = None,
    about_ref: str = "",
) -> Run:  # fmt: skip
    """Checks the answers and queues a run. Secrets are sealed, and wiped when the run ends; one
    that was sent among the answers is treated like the others.

    Raises PermissionDenied, or ValidationError with messages by field (`secrets.name`).
    """
    if not may_start(by):
        raise PermissionDenied("Your role cannot run golden paths: ask for a developer's role.")
    if not release.startable:
        raise ValidationError("This golden path has problems and cannot be started.")
    if unknown := unknown_groups([release]).get(release.pk):
        raise ValidationError(" ".join(unknown))
    if "\\u0000" in json.dumps([answers, secrets]):
        raise ValidationError("An answer holds a NUL character.")
    path = blocks.golden_path(release)
    answers, secrets = _apart(path, answers, secrets or {})
    values, errors = path.check(answers)
    errors |= path.check_secrets(answers, secrets)
    if errors:
        raise ValidationError(errors)
    asked = {field.name for page in path.pages for field in page.fields if is_secret(field)}
    values |= dict.fromkeys(asked & secrets.keys(), HIDDEN)
    run = Run.objects.create(
        template_ref=release.block_ref,
        release=release,
        user=by,
        values=values,
        about_ref=about_ref,
        chosen=sorted(path.chosen(answers)),
        secrets=Vault(given=secrets).sealed(),
        secret_names=sorted(secrets),
    )
    RunStep.objects.bulk_create(
        RunStep(
            run=run, index=index, step_id=step["id"], name=step["name"], action=step["action"],
            definition=step,
        )
        for index, step in enumerate(path.steps)
    )  # fmt: skip
    Draft.objects.filter(user=by, template_ref=release.block_ref).delete()
    audit.record(by=by, verb="started", object_type="run", object_id=run.pk,
                 label=f"{run.template_ref} {run.subject}", release=str(release))  # fmt: skip
    on_commit(tasks.execute_run, str(run.pk))
    return run


def _apart(
    path: blocks.GoldenPath, answers: dict[str, Any], secrets: dict[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Answers and secrets, each where it belongs; empty secrets count as not given."""
    names = {field.name for field in path.secrets(answers)}
    among = {k: str(v) for k, v in answers.items() if k in names and v != HIDDEN}
    both = {name: text for name, text in (among | secrets).items() if text}
    return {k: v for k, v in answers.items() if k not in names}, both


@transaction.atomic
def cancel_run(*, run: Run, by: User) -> Run:
    """Stops the run before its next step (at once when no worker has it)."""
    _check(run, by)
    idle = (Run.Status.QUEUED, Run.Status.WAITING)
    waiting = Run.objects.filter(pk=run.pk, status__in=idle)
    now = timezone.now()
    over = {"status": Run.Status.CANCELLED, "finished_at": now, "secrets": ""}
    if not waiting.update(**over, error="Cancelled."):
        running = Run.objects.filter(pk=run.pk, status=Run.Status.RUNNING)
        if not running.update(cancel_requested=True):
            raise ValidationError("The run is over already.")
    withdraw(run=run)
    audit.record(by=by, verb="cancelled", object_type="run", object_id=run.pk, label=str(run))
    run.refresh_from_db()
    return run


@transaction.atomic
def retry_run(*, run: Run, by: User, secrets: dict[str, str] | None = None) -> Run:
    """Queues a failed or cancelled run again, from the first step that is not completed.

    Its secrets were wiped when it ended and must be given again.
    """
    _check(run, by)
    given = {name: text for name, text in (secrets or {}).items() if text}
    if missing := sorted(set(run.secret_names) - given.keys()):
        names = ", ".join(missing)
        raise ValidationError(f"The secrets were wiped when the run ended. Give again: {names}.")
    again = Run.objects.filter(
        pk=run.pk, status__in=[Run.Status.FAILED, Run.Status.CANCELLED]
    ).update(
        status=Run.Status.QUEUED, error="", finished_at=None, cancel_requested=False, lease=None,
        queued_at=timezone.now(), resume_at=None, secrets=Vault(given=given).sealed(),
    )  # fmt: skip
    if not again:
        raise ValidationError("Only a run that failed or was cancelled can be retried.")
    _reset_steps(run)
    audit.record(by=by, verb="retried", object_type="run", object_id=run.pk, label=str(run))
    on_commit(tasks.execute_run, str(run.pk))
    run.refresh_from_db()
    return run


def _reset_steps(run: Run) -> None:
    """Failed steps go on from their notes. Those after them that looked at the failure look again,
    and those whose output was a secret, wiped since, make it again."""
    failed = False
    for step in run.steps.all():
        if step.status in (RunStep.Status.FAILED, RunStep.Status.RUNNING):
            failed = True
            run.steps.filter(pk=step.pk).update(status=RunStep.Status.PENDING, error="")
        elif failed and blocks.asks_about_failure(step.definition.get("if")):
            run.steps.filter(pk=step.pk).update(
                status=RunStep.Status.PENDING, error="", notes={}, output={}
            )
        elif HIDDEN in json.dumps([step.output, step.notes.get("done")]):
            step.notes.pop("done", None)
            run.steps.filter(pk=step.pk).update(
                status=RunStep.Status.PENDING, output={}, notes=step.notes
            )


def _check(run: Run, by: User) -> None:
    if not run.may_be_changed_by(by):
        raise PermissionDenied("Only the person who started a run can change it.")


def note_merge_request(*, project: str, iid: int, state: str) -> int:
    """Keeps the state of the merge request that a run opened; returns how many runs it was."""
    runs = Run.objects.filter(merge_request__project=project, merge_request__iid=iid)
    for run in runs:
        if (run.merge_request or {}).get("state") == "merged":
            continue  # a late message cannot undo it
        checked = {"state": state, "checked": timezone.now().isoformat()}
        merge_request = dict(run.merge_request or {}) | checked
        Run.objects.filter(pk=run.pk).update(merge_request=merge_request)
    return len(runs)


def check_merge_requests() -> int:
    """Asks the forge about the merge requests that we believe open; returns how many are not.

    Oldest looked at last, so that a long list is got through in turns.
    """
    changed = 0
    for run in Run.objects.with_open_merge_request()[:CHECKED_AT_ONCE]:
        known = run.merge_request or {}
        try:
            request = connect().merge_request(known["project"], known["iid"])
        except ForgeNotFound:
            state = "gone"
        except ForgeUnavailable:
            return changed  # the next turn asks again
        else:
            state = request.state
        changed += state != "opened"
        note_merge_request(project=known["project"], iid=known["iid"], state=state)
    return changed


def save_draft(
    *, user: User, template_ref: str, answers: dict[str, Any], about_ref: str | None = None
) -> Draft:
    """Keeps a form that was begun; what it is about stays as it is, unless it is said."""
    about = {} if about_ref is None else {"about_ref": about_ref}
    draft, _ = Draft.objects.update_or_create(
        user=user, template_ref=template_ref, defaults={"answers": answers} | about
    )
    return draft


def begin_on(*, path: blocks.GoldenPath, entity: Entity, by: User) -> Draft:
    """A form about an entity, with the answers that follow from it. One that was begun about the
    same entity goes on as it was left.

    Raises PermissionDenied where the path is not offered, ValidationError where `prefill` fails.
    """
    offer, ref = path.blueprint.offer, path.release.block_ref
    if not may_start(by) or offer is None or not offering.fits(offer, entity):
        raise PermissionDenied("This golden path is not offered here.")
    draft = Draft.objects.of(by, ref)
    if draft.pk and draft.about_ref == entity.ref:
        return draft
    try:
        names = offering.names(entity)
        answers = blocks.evaluated(dict(offer.prefill), names, "spec.offeredOn.prefill")
    except (ActionFailed, ExpressionError) as error:
        raise ValidationError(f"The form cannot be prefilled: {error}") from error
    answers = {name: value for name, value in answers.items() if value not in (None, "")}
    return save_draft(user=by, template_ref=ref, answers=answers, about_ref=entity.ref)


def discard_draft(*, user: User, template_ref: str) -> None:
    Draft.objects.filter(user=user, template_ref=template_ref).delete()
