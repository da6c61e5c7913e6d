"""What a branch that moved means for merge requests: a new head, a new check, or the end of it."""

import time

from localforge import clock
from localforge.context import Context
from localforge.shapes import merge_request_hooks as shapes
from localforge.store import projects
from localforge.store.database import Row
from localforge.verbs import events, notes

_OPEN = "SELECT * FROM merge_requests WHERE state = 'opened' AND "


def branch_moved(ctx: Context, project: Row, branch: str, old: str | None, new: str | None) -> None:
    """Refreshes all open merge requests from or into a branch."""
    sources = ctx.db.all(
        _OPEN + "source_project_id = ? AND source_branch = ?", project["id"], branch
    )
    for merge_request in sources:
        if new is not None and new != merge_request["sha"]:
            _new_head(ctx, merge_request, old, new)
    if new is not None:
        _target_moved(ctx, project, branch, old, new)


def check_again(ctx: Context, merge_request: Row) -> None:
    """Queues the question whether it can be merged."""
    due = time.time() + ctx.forge.settings.merge_check_delay
    status = "checking" if merge_request["prepared_at"] else "preparing"
    ctx.db.update("merge_requests", merge_request["id"], merge_status=status, check_due=due)
    merge_request["merge_status"] = status
    ctx.forge.wake(ctx.db, ctx.forge.checks_due)


def _new_head(ctx: Context, merge_request: Row, old: str | None, new: str) -> None:
    target = projects.get_project(ctx.db, merge_request["project_id"])
    assert target is not None
    changes: Row = {"sha": new, "updated_at": clock.now(), "auto_merge": 0}
    if projects.settings(target).get("reset_approvals_on_push", True):
        changes["approvals"] = "[]"
    ctx.db.update("merge_requests", merge_request["id"], **changes)
    merge_request.update(changes)
    keep_head(ctx, target, merge_request)
    add_version(ctx, target, merge_request)
    check_again(ctx, merge_request)
    notes.system(ctx, "merge_request", merge_request["id"], "added commits")
    events.emit(
        ctx,
        target,
        events.MERGE_REQUEST,
        lambda: shapes.payload(ctx, target, merge_request, "update", oldrev=old),
    )


def keep_head(ctx: Context, target: Row, merge_request: Row) -> None:
    """Keeps the commits of a merge request alive in the target's repository."""
    repo = ctx.repo(target)
    source_id = merge_request["source_project_id"]
    if source_id != target["id"] and source_id:
        source = ctx.forge.repositories.path(source_id)
        repo.fetch(source, merge_request["sha"])
    ref = f"refs/merge-requests/{merge_request['iid']}/head"
    old = repo.ref(ref)
    if old != merge_request["sha"]:
        repo.move_ref(ref, old, merge_request["sha"])


def add_version(ctx: Context, target: Row, merge_request: Row) -> None:
    """Remembers one state of a merge request's diff."""
    repo = ctx.repo(target)
    start = repo.branch(merge_request["target_branch"]) or merge_request["sha"]
    base = repo.merge_base(start, merge_request["sha"]) or start
    ctx.db.insert(
        "versions", merge_request_id=merge_request["id"], head_sha=merge_request["sha"],
        base_sha=base, start_sha=start, created_at=clock.now(),
    )  # fmt: skip
    ctx.db.update("merge_requests", merge_request["id"], base_sha=base)
    merge_request["base_sha"] = base


def _target_moved(ctx: Context, project: Row, branch: str, old: str | None, new: str) -> None:
    targets = ctx.db.all(_OPEN + "project_id = ? AND target_branch = ?", project["id"], branch)
    if not targets:
        return
    arrived = {str(c.id) for c in ctx.repo(project).between(old, new)} if old else set()
    for merge_request in targets:
        if merge_request["sha"] in arrived:
            _merged_by_push(ctx, project, merge_request, new)
    # Whoever looks at one of the others asks for a new check; nobody may ever look.
    ctx.db.run(
        "UPDATE merge_requests SET merge_status = 'unchecked' WHERE state = 'opened'"
        " AND project_id = ? AND target_branch = ? AND prepared_at IS NOT NULL",
        project["id"], branch,
    )  # fmt: skip


def seen(ctx: Context, merge_request: Row) -> None:
    """Somebody looks: if nobody has checked since the target moved, it is time to."""
    if merge_request["state"] == "opened" and merge_request["merge_status"] == "unchecked":
        merge_request["merge_status"] = "checking"
        ctx.forge.ask_for_check(merge_request["id"])


def _merged_by_push(ctx: Context, project: Row, merge_request: Row, new: str) -> None:
    changes: Row = {
        "state": "merged",
        "merged_at": clock.now(),
        "merged_by": ctx.user["id"] if ctx.user else None,
        "updated_at": clock.now(),
        "merge_commit_sha": new,
        "merge_status": "can_be_merged",
    }
    ctx.db.update("merge_requests", merge_request["id"], **changes)
    merge_request.update(changes)
    events.emit(
        ctx,
        project,
        events.MERGE_REQUEST,
        lambda: shapes.payload(ctx, project, merge_request, "merge"),
    )
