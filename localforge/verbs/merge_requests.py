"""Merge requests: opened, changed, checked, merged, rebased."""

import json
import time
from typing import Any

from localforge import access, clock
from localforge.context import Context
from localforge.errors import bad_request, conflict, forbidden, message, not_found
from localforge.git import diffs, merging
from localforge.git.errors import Conflict
from localforge.git.objects import Signature
from localforge.git.repository import Repo
from localforge.shapes import merge_request_hooks
from localforge.shapes import merge_requests as shapes
from localforge.store import projects, users
from localforge.store.database import Row
from localforge.verbs import events, notes, people, protection, pushes, refresh


def get(ctx: Context, project: Row, iid: int) -> Row:
    """A merge request by its number in the project; 404 if there is none."""
    found = ctx.db.one(
        "SELECT * FROM merge_requests WHERE project_id = ? AND iid = ?", project["id"], iid
    )
    if found is None:
        raise not_found("Merge Request")
    return found


def create(ctx: Context, source: Row, target: Row, columns: Row, data: Row) -> Row:
    """Opens a merge request."""
    _check_new(ctx, source, target, columns)
    sha = ctx.repo(source).branch(columns["source_branch"])
    now = clock.now()
    last = "SELECT coalesce(max(iid), 0) + 1 FROM merge_requests WHERE project_id = ?"
    row_id = ctx.db.insert(
        "merge_requests", iid=ctx.db.value(last, target["id"]), project_id=target["id"],
        source_project_id=source["id"], author_id=ctx.need_user()["id"], sha=sha,
        created_at=now, updated_at=now, data=data,
        check_due=time.time() + ctx.forge.settings.merge_check_delay, **columns,
    )  # fmt: skip
    merge_request = ctx.db.one("SELECT * FROM merge_requests WHERE id = ?", row_id)
    assert merge_request is not None
    refresh.keep_head(ctx, target, merge_request)
    refresh.add_version(ctx, target, merge_request)
    projects.touch(ctx.db, target)
    ctx.forge.wake(ctx.db, ctx.forge.checks_due)
    announce(ctx, target, merge_request, "open")
    return merge_request


def _check_new(ctx: Context, source: Row, target: Row, columns: Row) -> None:
    if ctx.project_level(source) < access.DEVELOPER:
        raise forbidden()
    if not columns["title"].strip():
        raise bad_request({"title": ["can't be blank"]})
    same = source["id"] == target["id"]
    if same and columns["source_branch"] == columns["target_branch"]:
        raise message(422, ["You can't use same project/branch for source and target"])
    if ctx.repo(source).branch(columns["source_branch"]) is None:
        raise bad_request([f'Source branch "{columns["source_branch"]}" does not exist'])
    if ctx.repo(target).branch(columns["target_branch"]) is None:
        raise bad_request([f'Target branch "{columns["target_branch"]}" does not exist'])
    _check_unique(ctx, source, target, columns)


def _check_unique(ctx: Context, source: Row, target: Row, columns: Row, but: int = 0) -> None:
    other = ctx.db.one(
        "SELECT iid FROM merge_requests WHERE state = 'opened' AND source_project_id = ?"
        " AND source_branch = ? AND project_id = ? AND target_branch = ? AND id <> ?",
        source["id"], columns["source_branch"], target["id"], columns["target_branch"], but,
    )  # fmt: skip
    if other:
        text = "Another open merge request already exists for this source branch"
        raise conflict([f"{text}: !{other['iid']}"])


def announce(
    ctx: Context, project: Row, merge_request: Row, action: str, changes: Row | None = None
) -> None:
    """Tells the webhooks."""
    events.emit(
        ctx,
        project,
        events.MERGE_REQUEST,
        lambda: merge_request_hooks.payload(ctx, project, merge_request, action, changes),
    )


def change(ctx: Context, project: Row, merge_request: Row, columns: Row) -> None:
    """Changes columns and announces what is different."""
    different = {n: v for n, v in columns.items() if merge_request[n] != v}
    if not different:
        return
    if "target_branch" in different:
        if ctx.repo(project).branch(different["target_branch"]) is None:
            raise bad_request([f'Target branch "{different["target_branch"]}" does not exist'])
        _check_unique_target(ctx, project, merge_request, different["target_branch"])
    changes = {n: {"previous": merge_request[n], "current": v} for n, v in different.items()}
    different["updated_at"] = clock.now()
    ctx.db.update("merge_requests", merge_request["id"], **different)
    merge_request.update(different)
    if "target_branch" in different:
        refresh.add_version(ctx, project, merge_request)
        refresh.check_again(ctx, merge_request)
    announce(ctx, project, merge_request, "update", changes)


def _check_unique_target(ctx: Context, project: Row, merge_request: Row, branch: str) -> None:
    source = projects.get_project(ctx.db, merge_request["source_project_id"])
    if source:
        columns = {"source_branch": merge_request["source_branch"], "target_branch": branch}
        _check_unique(ctx, source, project, columns, merge_request["id"])


def set_state(ctx: Context, project: Row, merge_request: Row, event: str) -> None:
    """Closes or reopens."""
    if event == "close" and merge_request["state"] == "opened":
        _set_state(ctx, merge_request, "closed", clock.now(), ctx.need_user()["id"])
        announce(ctx, project, merge_request, "close")
    elif event == "reopen" and merge_request["state"] == "closed":
        source = projects.get_project(ctx.db, merge_request["source_project_id"])
        if source:
            _check_unique(ctx, source, project, merge_request, merge_request["id"])
        _set_state(ctx, merge_request, "opened", None, None)
        refresh.check_again(ctx, merge_request)
        announce(ctx, project, merge_request, "reopen")


def _set_state(
    ctx: Context, merge_request: Row, state: str, at: str | None, by: int | None
) -> None:
    columns = {"state": state, "closed_at": at, "closed_by": by, "updated_at": clock.now()}
    ctx.db.update("merge_requests", merge_request["id"], auto_merge=0, **columns)
    merge_request.update(columns, auto_merge=0)
    notes.system(
        ctx, "merge_request", merge_request["id"], "reopened" if state == "opened" else state
    )


def check(ctx: Context, project: Row, merge_request: Row) -> None:
    """Finds out whether it can be merged, and keeps the answer."""
    repo = ctx.repo(project)
    ours = repo.branch(merge_request["target_branch"])
    status = "cannot_be_merged"
    if ours is not None:
        status = _mergeability(repo, project, ours, merge_request["sha"])
    columns: Row = {"merge_status": status}
    if merge_request["prepared_at"] is None:
        columns["prepared_at"] = clock.now()
    ctx.db.update("merge_requests", merge_request["id"], **columns)
    merge_request.update(columns)
    base, head = shapes.base_and_head(repo, merge_request)
    count = len(diffs.raw_diff(repo, base, head))
    projects.change_data(ctx.db, "merge_requests", merge_request, changes_count=count)


def _mergeability(repo: Repo, project: Row, ours: str, theirs: str) -> str:
    if not merging.can_merge(repo, ours, theirs):
        return "cannot_be_merged"
    needs_line = projects.settings(project).get("merge_method") in ("ff", "rebase_merge")
    return "need_rebase" if needs_line and not repo.is_ancestor(ours, theirs) else "can_be_merged"


def merge(ctx: Context, project: Row, merge_request: Row, options: Row) -> None:
    """Merges now, or arms the merge for when the pipeline has succeeded."""
    if merge_request["state"] != "opened":
        raise message(405, "405 Method Not Allowed")
    if not protection.can_merge(ctx, project, merge_request["target_branch"]):
        raise message(401, "401 Unauthorized")
    expected = options.get("sha")
    if expected and expected != merge_request["sha"]:
        raise conflict("SHA does not match HEAD of source branch: " + merge_request["sha"])
    if merge_request["merge_status"] in ("preparing", "checking", "unchecked"):
        if ctx.forge.faults.take("stuck_checking", project["full_path"]):
            raise message(422, "Branch cannot be merged")
        check(ctx, project, merge_request)
    if options.get("auto_merge") and _arm(ctx, project, merge_request, options):
        return
    status = shapes.detailed_status(ctx, project, merge_request)
    if status in ("conflict", "need_rebase"):
        raise message(422, "Branch cannot be merged")
    if status != "mergeable":
        raise message(405, "405 Method Not Allowed")
    perform(ctx, project, merge_request, options)


def _arm(ctx: Context, project: Row, merge_request: Row, options: Row) -> bool:
    pipeline = shapes.head_pipeline(ctx, merge_request)
    if pipeline is None or pipeline["status"] in ("success", "failed", "canceled", "skipped"):
        return False
    user_id = ctx.need_user()["id"]
    projects.change_data(
        ctx.db, "merge_requests", merge_request, auto_merge_options=options, auto_merge_by=user_id
    )
    ctx.db.update("merge_requests", merge_request["id"], auto_merge=1)
    merge_request["auto_merge"] = 1
    announce(ctx, project, merge_request, "update")
    return True


def perform(ctx: Context, project: Row, merge_request: Row, options: Row) -> None:
    """Does the merge itself."""
    repo, branch = ctx.repo(project), merge_request["target_branch"]
    ours = repo.branch(branch)
    assert ours is not None
    data = json.loads(merge_request["data"])
    try:
        sha, squashed = _new_tip(ctx, project, merge_request, {**data, **options}, ours)
    except Conflict:
        raise message(422, "Branch cannot be merged") from None
    _mark_merged(ctx, merge_request, sha, squashed, project)
    pushes.move(ctx, project, [pushes.Update(pushes.HEADS + branch, ours, sha)])
    announce(ctx, project, merge_request, "merge")
    if options.get("should_remove_source_branch", data.get("remove_source_branch")):
        remove_source_branch(ctx, merge_request)


def _new_tip(
    ctx: Context, project: Row, merge_request: Row, options: Row, ours: str
) -> tuple[str, str | None]:
    repo, theirs = ctx.repo(project), merge_request["sha"]
    who = people.signature(ctx.need_user())
    squashed = None
    if options.get("squash"):
        text = options.get("squash_commit_message") or merge_request["title"]
        base = merge_request["base_sha"]
        method = projects.settings(project).get("merge_method", "merge")
        onto = base if method == "merge" and base else ours
        squashed = merging.squash_commit(repo, onto, theirs, text, _author(ctx, merge_request), who)
        theirs = squashed
    method = projects.settings(project).get("merge_method", "merge")
    if method == "ff":
        return theirs, squashed
    text = options.get("merge_commit_message") or _merge_message(project, merge_request)
    return merging.merge_commit(repo, ours, theirs, text, who), squashed


def _author(ctx: Context, merge_request: Row) -> Signature:
    author = users.get_user(ctx.db, merge_request["author_id"])
    return people.signature(author or ctx.need_user())


def _merge_message(project: Row, merge_request: Row) -> str:
    head = (
        f"Merge branch '{merge_request['source_branch']}' into '{merge_request['target_branch']}'"
    )
    tail = f"See merge request {project['full_path']}!{merge_request['iid']}"
    return f"{head}\n\n{merge_request['title']}\n\n{tail}"


def _mark_merged(
    ctx: Context, merge_request: Row, sha: str, squashed: str | None, project: Row
) -> None:
    fast_forward = projects.settings(project).get("merge_method") == "ff"
    columns: Row = {
        "state": "merged",
        "merged_at": clock.now(),
        "merged_by": ctx.need_user()["id"],
        "updated_at": clock.now(),
        "merge_commit_sha": None if fast_forward else sha,
        "squash_commit_sha": squashed,
        "auto_merge": 0,
    }
    ctx.db.update("merge_requests", merge_request["id"], **columns)
    merge_request.update(columns)
    notes.system(ctx, "merge_request", merge_request["id"], "merged")


def remove_source_branch(ctx: Context, merge_request: Row) -> None:
    """Deletes the source branch if it still is what was merged and nothing speaks against it."""
    source = projects.get_project(ctx.db, merge_request["source_project_id"])
    branch = merge_request["source_branch"]
    if source is None or branch == source["default_branch"]:
        return
    if protection.rule_for(ctx, source, branch):
        return
    tip = ctx.repo(source).branch(branch)
    if tip == merge_request["sha"]:
        pushes.move(ctx, source, [pushes.Update(pushes.HEADS + branch, tip, None)])


def rebase(ctx: Context, project: Row, merge_request: Row) -> None:
    """Puts the source branch on top of the target branch."""
    source = projects.get_project(ctx.db, merge_request["source_project_id"])
    if source is None or merge_request["state"] != "opened":
        raise forbidden("Source branch does not exist")
    protection.need_push(ctx, source, merge_request["source_branch"])
    repo = ctx.repo(project)
    onto = repo.branch(merge_request["target_branch"])
    assert onto is not None
    try:
        sha = merging.rebase(repo, onto, merge_request["sha"], people.signature(ctx.need_user()))
    except Conflict as error:
        text = (
            f"Rebase failed: {error}. Rebase locally, resolve all conflicts, then push the branch."
        )
        projects.change_data(ctx.db, "merge_requests", merge_request, merge_error=text)
        return
    projects.change_data(ctx.db, "merge_requests", merge_request, merge_error=None)
    if source["id"] != project["id"]:
        ctx.repo(source).fetch(repo.path, sha)
    ref = pushes.HEADS + merge_request["source_branch"]
    if sha != merge_request["sha"]:
        pushes.move(ctx, source, [pushes.Update(ref, merge_request["sha"], sha)])


def options_of(params: Any) -> Row:
    """What a merge may be told."""
    names = ("sha", "squash_commit_message", "merge_commit_message")
    options: Row = {name: params.text(name) for name in names if params.get(name)}
    for name in ("squash", "should_remove_source_branch"):
        if name in params:
            options[name] = params.flag(name)
    auto = params.flag("auto_merge") or params.flag("merge_when_pipeline_succeeds")
    return {**options, "auto_merge": True} if auto else options
