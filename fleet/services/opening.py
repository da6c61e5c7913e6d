"""Opens and closes merge requests. Safe to repeat at any point: it looks before it makes.

Whatever happens in between, a repository has one branch and at most one merge request of a
campaign: both are found by the branch's name. A branch that people have committed to is never
written to again.
"""

from __future__ import annotations

import structlog
from django.db import transaction
from django.utils import timezone

from accounts import audit
from catalog.forges import connect, git
from fleet.models import Campaign, Target
from fleet.services.asking import reviewers
from fleet.services.describing import commit_message, description, title
from fleet.services.following import finish_if_done
from fleet.services.planning import State, claim, plan
from forge import (
    Commit,
    Forge,
    ForgeConflict,
    ForgeError,
    ForgeNotFound,
    ForgeUnavailable,
    MergeRequest,
)
from scaffolder.models import load_tree
from scaffolder.services.compositions import Composer

log = structlog.get_logger(__name__)
AUTHOR = ("Bespoke", "bespoke@localhost")
LABEL = "bespoke"


def open_target(*, pk: int) -> None:
    """Opens the merge request of a target whose turn it is."""
    with transaction.atomic():
        target = claim(pk, State.SCHEDULED)
        if target is None or target.campaign.status != Campaign.Status.RUNNING:
            return
        try:
            _open(target)
        except ForgeUnavailable:
            raise
        except ForgeError as error:
            target.state, target.problem = State.FAILED, str(error)
        target.save()
    finish_if_done(target.campaign_id)


def _open(target: Target) -> None:
    forge, branch = connect(), target.campaign.branch
    found = forge.latest_merge_request(target.repository, branch)
    if found and found.state == "closed" and target.waived_until:
        found = forge.reopen_merge_request(target.repository, found.iid)
    if found is None:
        project = forge.project(target.repository)
        main = project.default_branch or "main"
        tip = _tip(forge, target.repository, branch)
        if tip is None:
            if _drifted(target, forge.tip(target.repository, main).id):
                return
            target.pushed = push(target)
        elif commit_message(target).rpartition("\n")[2] in tip.message:
            target.pushed = tip.id  # ours, by a worker that died before it could say so
        target.red_before = forge.pipeline_status(target.repository, main) == "failed"
        found = forge.ensure_merge_request(
            target.repository,
            source_branch=branch,
            target_branch=main,
            title=title(target),
            description=description(target),
            labels=f"{LABEL},{target.campaign.label}",
            remove_source_branch=True,
            reviewer_ids=reviewers(target, forge),
        )
    _adopt(target, found)


def _tip(forge: Forge, repository: str, branch: str) -> Commit | None:
    try:
        return forge.tip(repository, branch)
    except ForgeNotFound:
        return None


def _drifted(target: Target, tip: str) -> bool:
    """Whether what people reviewed is no longer what would be sent. A commit that changes nothing
    about the outcome is followed silently."""
    if tip == target.commit:
        return False
    shape = target.shape
    plan(target, Composer())
    same = target.state in Target.READY and target.shape == shape
    if not same and target.state in Target.READY:
        target.state = State.DRIFTED
    return not same


def push(target: Target, *, merged_into: str = "") -> str:
    """One commit on the default branch as it was planned on, and on our own tip where the branch is
    there already; its id, empty where somebody was quicker."""
    wanted = {path: stored for path, stored in target.after.items() if stored}
    files = {path: (file.mode, file.content) for path, file in load_tree(wanted).items()}
    try:
        return git().push(
            target.repository, branch=target.campaign.branch, parent=target.commit, files=files,
            removed=[path for path, stored in target.after.items() if not stored],
            message=commit_message(target), author=AUTHOR, merged_into=merged_into,
        )  # fmt: skip
    except ForgeConflict:
        log.info("the branch has moved meanwhile: it stays as it is", target=target.pk)
        return ""


def _adopt(target: Target, request: MergeRequest) -> None:
    """Notes the merge request; what became of it since is found by following it."""
    target.state = State.OPEN
    target.merge_request_iid, target.merge_request_url = request.iid, request.web_url
    target.opened_at = target.opened_at or timezone.now()
    target.checked_at = None
    audit.record(by=None, verb="opened", object_type="campaign target", object_id=target.pk,
                 label=str(target), url=request.web_url, campaign=target.campaign.key)  # fmt: skip


def close_target(*, pk: int) -> None:
    """Closes an open merge request of an aborted campaign, or one that was postponed."""
    with transaction.atomic():
        rows = Target.objects.select_for_update(skip_locked=True, of=("self",))
        target = rows.select_related("campaign").filter(pk=pk).first()
        if target is None or target.merge_request_iid is None:
            return
        aborted = target.campaign.status == Campaign.Status.ABORTED
        if target.state in Target.OPEN and aborted:
            reason = f"The campaign was aborted: {target.campaign.reason}"
        elif target.state == State.WAIVED:
            until = f"{target.waived_until:%d %b %Y}" if target.waived_until else ""
            reason = f"Postponed until {until}: {target.waiver_reason}"
        else:
            return
        request = connect().close_merge_request(target.repository, target.merge_request_iid, reason)
        if target.state in Target.OPEN and request.state == "closed":
            target.state, target.finished_at = State.CLOSED, timezone.now()
            target.save()
