"""Plans a target: one three-way merge of its repository, kept and not sent anywhere."""

from __future__ import annotations

from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from fleet import diffs
from fleet.changes import changes
from fleet.models import Campaign, Target
from fleet.outcomes import Outcome, Work
from fleet.services.asking import tell_owners
from forge import ForgeError, ForgeUnavailable
from scaffolder import sandbox
from scaffolder.models import Lineage, Release, StoredTree, store_ground, store_tree
from scaffolder.services.compositions import CannotCompose, Composer, NeedsAnswer
from scaffolder.services.lineage import LINEAGE_PATH
from scaffolder.weave.upgrade import Finding

log = structlog.get_logger(__name__)
State = Target.State


def plan_target(*, pk: int) -> None:
    plan_targets(pks=[pk])


def plan_targets(*, pks: list[int]) -> None:
    """Plans targets one by one. Leaves out those that another worker has, or that are planned."""
    composer = Composer()
    with sandbox.together():
        campaigns = {_plan_one(pk, composer) for pk in pks}
    for campaign in filter(None, campaigns):
        settle(campaign)


def _plan_one(pk: int, composer: Composer) -> int | None:
    with transaction.atomic():
        target = claim(pk, State.UNPLANNED)
        if target is None or target.campaign.is_over:
            return None
        plan(target, composer)
        target.save()
        if target.state == State.NEEDS_ANSWER:
            tell_owners(target, f"{target.campaign.title} needs an answer for {target.repository}")
    return target.campaign_id


def claim(pk: int, state: State) -> Target | None:
    """The target, locked to the end of the transaction; None when it is not ours to change."""
    rows = Target.objects.select_for_update(skip_locked=True, of=("self",))
    rows = rows.select_related("campaign__release", "campaign__created_by")
    return rows.filter(pk=pk, state=state).first()


def settle(campaign_id: int) -> None:
    """A campaign is ready when its last target is planned, and there is one to send."""
    planning = Campaign.objects.filter(pk=campaign_id, status=Campaign.Status.PLANNING)
    if not Target.objects.filter(campaign=campaign_id, state=State.UNPLANNED).exists():
        planning.update(status=Campaign.Status.READY)


def plan(target: Target, composer: Composer) -> None:
    """Sets what the plan found on the target. A forge that does not answer is raised."""
    target.state, target.problem, target.planned_at = State.FAILED, "", timezone.now()
    target.before, target.after, target.findings, target.summary = {}, {}, [], {}
    target.shape, target.asked = "", []
    try:
        _plan(target, composer)
    except NeedsAnswer as error:
        target.state, target.problem = State.NEEDS_ANSWER, str(error)
        target.asked = list(error.names)
    except ForgeUnavailable:
        raise
    except (CannotCompose, ForgeError, *sandbox.STOPPED) as error:
        target.problem = str(error)
    except Exception as error:
        log.exception("target cannot be planned", target=target.pk)
        target.problem = f"Unexpected error ({type(error).__name__}); it is in the log."


def _plan(target: Target, composer: Composer) -> None:
    rows = Lineage.objects.filter(repository=target.repository)
    lineage = list(rows.select_related("release", "run__user"))
    work = Work(
        target.campaign.release, target.repository, target.entity_ref, lineage, target.given,
        _author(lineage, target.campaign), composer, target.campaign.options,
    )  # fmt: skip
    outcome = changes()[target.campaign.kind].outcome(work)
    if outcome is None:
        target.state = State.SUPERSEDED
        target.finished_at = timezone.now()
        return
    target.project_id, target.commit = outcome.now.project.id, outcome.now.commit
    target.releases = [release.pk for release in outcome.releases]
    target.answers, target.base = outcome.answers, store_tree(outcome.base)
    target.ground = store_ground(outcome.ground)
    if outcome.is_no_op:
        target.state = State.NO_OP
        return
    _keep(target, outcome)
    target.state = State.PLANNED if outcome.is_clean else State.CONFLICT


def _author(lineage: list[Lineage], campaign: Campaign) -> User:
    """Whoever made the repository: a template may use their name."""
    run = next((row.run for row in lineage if row.run), None)
    return run.user if run else campaign.created_by


def _keep(target: Target, outcome: Outcome) -> None:
    found = diffs.changed(outcome.now.files, outcome.result)
    before = {path: old for path, (old, _) in found.items() if old}
    after = {path: new for path, (_, new) in found.items() if new}
    target.before = store_tree(before)
    target.after = dict.fromkeys(found) | store_tree(after)
    told = {path: sides for path, sides in found.items() if path != LINEAGE_PATH}
    target.summary = diffs.summary(told)
    if outcome.alike:
        target.summary |= {"alike": outcome.alike[0], "made": outcome.alike[1]}
    target.findings = [_stored(finding) for finding in outcome.findings]
    conflicts = [f"{f['kind']} {f['path']}" for f in target.conflicts]
    target.shape = diffs.shape(told, conflicts, _texts(outcome.answers))


def _texts(answers: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The answers that tell repositories apart: what people typed."""
    return {
        name: answer["value"]
        for name, answer in answers.items()
        if isinstance(answer["value"], str) and answer["origin"] != "default"
    }


def _stored(finding: Finding) -> dict[str, Any]:
    sides = {"base": finding.base, "ours": finding.ours, "theirs": finding.theirs}
    stored: StoredTree = store_tree({name: file for name, file in sides.items() if file})
    return {"path": finding.path, "kind": finding.kind.value, "text": str(finding),
            "sides": dict.fromkeys(sides) | stored}  # fmt: skip


def releases_of(target: Target) -> list[Release]:
    """What the repository is made of once the target is merged, in the plan's order."""
    found = Release.objects.in_bulk(target.releases)
    return [found[pk] for pk in target.releases]
