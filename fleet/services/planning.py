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
from fleet.services.reading import repository_now
from forge import ForgeError, ForgeUnavailable
from scaffolder import sandbox
from scaffolder.models import Lineage, Release, StoredTree, load_tree, store_tree
from scaffolder.services.compositions import CannotCompose, Composed, Composer, NeedsAnswer
from scaffolder.services.lineage import LINEAGE_PATH, lineage_file
from scaffolder.weave.tree import Tree
from scaffolder.weave.upgrade import Finding, upgrade

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
    target.shape = ""
    try:
        _plan(target, composer)
    except NeedsAnswer as error:
        target.state, target.problem = State.NEEDS_ANSWER, str(error)
    except ForgeUnavailable:
        raise
    except (CannotCompose, ForgeError, *sandbox.STOPPED) as error:
        target.problem = str(error)
    except Exception as error:
        log.exception("target cannot be planned", target=target.pk)
        target.problem = f"Unexpected error ({type(error).__name__}); it is in the log."


def _plan(target: Target, composer: Composer) -> None:
    lineage = list(
        Lineage.objects.filter(repository=target.repository).select_related("release", "run__user")
    )
    wanted = changes()[target.campaign.kind].releases(target.campaign.release, lineage)
    if wanted is None:
        target.state = State.SUPERSEDED
        target.finished_at = timezone.now()
        return
    wanted = sorted(wanted, key=lambda release: (release.kind != "template", release.block_ref))
    made = composer.compose(wanted, lineage[0].answers, _author(lineage, target.campaign))
    base = {p: f for p, f in load_tree(lineage[0].base).items() if p != LINEAGE_PATH}
    now = repository_now(target.repository, base, made.tree)
    target.project_id, target.commit = now.project.id, now.commit
    mine = {path: file for path, file in now.files.items() if path != LINEAGE_PATH}
    merged = sandbox.call(upgrade, base, mine, dict(made.tree), seconds=30)
    target.releases = [release.pk for release in wanted]
    target.answers, target.base = made.answers, store_tree(made.tree)
    if merged.clean and merged.tree == mine:
        target.state = State.NO_OP
        return
    result = dict(merged.tree)
    result[LINEAGE_PATH] = lineage_file(wanted, made.answers, made.tree)
    _keep(target, now.files, result, merged.findings, made)
    target.state = State.PLANNED if merged.clean else State.CONFLICT


def _author(lineage: list[Lineage], campaign: Campaign) -> User:
    """Whoever made the repository: a template may use their name."""
    run = next((row.run for row in lineage if row.run), None)
    return run.user if run else campaign.created_by


def _keep(
    target: Target, ours: Tree, result: Tree, findings: tuple[Finding, ...], made: Composed
) -> None:
    found = diffs.changed(ours, result)
    before = {path: old for path, (old, _) in found.items() if old}
    after = {path: new for path, (_, new) in found.items() if new}
    target.before = store_tree(before)
    target.after = dict.fromkeys(found) | store_tree(after)
    told = {path: sides for path, sides in found.items() if path != LINEAGE_PATH}
    target.summary = diffs.summary(told)
    target.findings = [_stored(finding) for finding in findings]
    conflicts = [f"{f['kind']} {f['path']}" for f in target.conflicts]
    target.shape = diffs.shape(told, conflicts, _texts(made.answers))


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
