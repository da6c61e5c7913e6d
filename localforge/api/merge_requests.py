"""Merge requests."""

import json
from typing import Any

from localforge import access
from localforge.call import Call
from localforge.errors import ApiError, bad_request, forbidden, not_found
from localforge.git import diffs, merging
from localforge.paging import page_items
from localforge.reply import Reply, accepted, created
from localforge.routing import delete, get, post, put
from localforge.shapes import commits as commit_shapes
from localforge.shapes import merge_requests as shapes
from localforge.shapes import pipelines as pipeline_shapes
from localforge.shapes import users as user_shapes
from localforge.store import projects, users
from localforge.store.database import Row
from localforge.verbs import item_events, notes, refresh, start
from localforge.verbs import merge_requests as verbs


def the_one(call: Call, level: int = access.NONE) -> tuple[Row, Row]:
    """The project and the merge request that the path names."""
    project = call.project(level)
    return project, verbs.get(call, project, call.number("iid"))


def get_merge_request(call: Call) -> dict[str, Any]:
    """GET /projects/:id/merge_requests/:iid"""
    project, row = the_one(call)
    refresh.seen(call, row)
    shape = shapes.detail(call, project, row)
    if call.params.flag("include_rebase_in_progress"):
        shape["rebase_in_progress"] = False
    if call.params.flag("include_diverged_commits_count"):
        repo = call.repo(project)
        tip = repo.branch(row["target_branch"])
        shape["diverged_commits_count"] = len(repo.between(row["sha"], tip)) if tip else 0
    return shape


def _labels(params: Any, name: str = "labels") -> list[str]:
    return list(dict.fromkeys(params.texts(name)))


def _people(call: Call, name: str) -> list[int]:
    ids = call.params.integers(f"{name}_ids") or call.params.integers(f"{name}_id")
    return [user_id for user_id in dict.fromkeys(ids) if users.get_user(call.db, user_id)]


def _sent_data(params: Any) -> Row:
    data: Row = {}
    for name in ("squash", "remove_source_branch", "allow_collaboration", "discussion_locked"):
        if params.get(name) is not None:
            data[name] = params.flag(name)
    return data


def create_merge_request(call: Call) -> Reply:
    """POST /projects/:id/merge_requests"""
    source, params = call.writable(access.REPORTER), call.params
    target = source
    if params.integer("target_project_id"):
        found = projects.get_project(call.db, params.integer("target_project_id"))
        if found is None or not access.can_see_project(call.db, call.user, found):
            raise not_found("Project")
        target = found
    columns: Row = {name: params.need(name) for name in ("source_branch", "target_branch", "title")}
    columns["description"] = params.text("description")
    columns["labels"] = json.dumps(_labels(params))
    columns["assignees"] = json.dumps(_people(call, "assignee"))
    columns["reviewers"] = json.dumps(_people(call, "reviewer"))
    columns["milestone_id"] = params.integer("milestone_id") or None
    data = _sent_data(params)
    if "remove_source_branch" not in data:
        default = projects.settings(target).get("remove_source_branch_after_merge", True)
        data["remove_source_branch"] = bool(default)
    item_events.ensure_labels(call, target, _labels(params))
    row = verbs.create(call, source, target, columns, data)
    return created(shapes.detail(call, target, row))


def update_merge_request(call: Call) -> dict[str, Any]:
    """PUT /projects/:id/merge_requests/:iid"""
    project, row = the_one(call)
    own = call.need_user()["id"] == row["author_id"]
    if not own:
        project = call.project(access.DEVELOPER)
    params = call.params
    columns: Row = {
        name: params.text(name)
        for name in ("title", "description", "target_branch")
        if params.get(name) is not None
    }
    if "title" in columns and not columns["title"].strip():
        raise bad_request({"title": ["can't be blank"]})
    columns |= _changed_lists(call, project, row)
    projects.change_data(call.db, "merge_requests", row, **_sent_data(params))
    item_events.record(call, project, "merge_request", row, columns)
    verbs.change(call, project, row, columns)
    if params.get("state_event"):
        verbs.set_state(call, project, row, params.choice("state_event", ("close", "reopen")))
    return shapes.detail(call, project, row)


def _changed_lists(call: Call, project: Row, row: Row) -> Row:
    columns: Row = {}
    labels = changed_labels(call, project, row)
    if labels is not None:
        columns["labels"] = json.dumps(labels)
    for name in ("assignee", "reviewer"):
        if f"{name}_ids" in call.params or f"{name}_id" in call.params:
            columns[f"{name}s"] = json.dumps(_people(call, name))
    if "milestone_id" in call.params:
        columns["milestone_id"] = call.params.integer("milestone_id") or None
    return columns


def changed_labels(call: Call, project: Row, row: Row) -> list[str] | None:
    """The labels after the change that the caller wishes, or None if there is none."""
    params = call.params
    if not {"labels", "add_labels", "remove_labels"} & set(params):
        return None
    now = _labels(params) if "labels" in params else json.loads(row["labels"])
    now = [*now, *(name for name in _labels(params, "add_labels") if name not in now)]
    removed = set(_labels(params, "remove_labels"))
    found = [name for name in now if name not in removed]
    item_events.ensure_labels(call, project, found)
    return found


def delete_merge_request(call: Call) -> None:
    """DELETE /projects/:id/merge_requests/:iid"""
    _, row = the_one(call, access.OWNER)
    call.db.run("DELETE FROM notes WHERE kind = 'merge_request' AND item_id = ?", row["id"])
    call.db.run("DELETE FROM merge_requests WHERE id = ?", row["id"])


def merge(call: Call) -> dict[str, Any]:
    """PUT /projects/:id/merge_requests/:iid/merge"""
    project, row = the_one(call, access.REPORTER)
    if project["archived"]:
        raise ApiError(403, {"message": "403 Forbidden"})
    verbs.merge(call, project, row, verbs.options_of(call.params))
    return shapes.detail(call, project, row)


def cancel_auto_merge(call: Call) -> Reply:
    """POST .../cancel_merge_when_pipeline_succeeds"""
    _, row = the_one(call, access.DEVELOPER)
    if not row["auto_merge"]:
        raise ApiError(406, {"message": "406 Not Acceptable"})
    call.db.update("merge_requests", row["id"], auto_merge=0)
    return created({"status": "success"})


def merge_ref(call: Call) -> dict[str, Any]:
    """GET .../merge_ref: what a merge would give"""
    project, row = the_one(call)
    repo = call.repo(project)
    ours = repo.branch(row["target_branch"])
    if ours is None or not merging.can_merge(repo, ours, row["sha"]):
        raise bad_request("Merge request is not mergeable")
    return {"commit_id": repo.ref(f"refs/merge-requests/{row['iid']}/head")}


def rebase(call: Call) -> Reply:
    """PUT .../rebase"""
    project, row = the_one(call, access.DEVELOPER)
    verbs.rebase(call, project, row)
    return accepted({"rebase_in_progress": True})


def _diffs(call: Call, project: Row, row: Row) -> list[dict[str, Any]]:
    repo = call.repo(project)
    base, head = shapes.base_and_head(repo, row)
    return [commit_shapes.diff(found) for found in diffs.file_diffs(repo, base, head)]


def changes(call: Call) -> dict[str, Any]:
    """GET .../changes"""
    project, row = the_one(call)
    shape = shapes.detail(call, project, row)
    return {**shape, "changes": _diffs(call, project, row), "overflow": False}


def list_diffs(call: Call) -> Reply:
    """GET .../diffs"""
    project, row = the_one(call)
    return page_items(call, _diffs(call, project, row))


def raw_diffs(call: Call) -> Reply:
    """GET .../raw_diffs: a patch that git can apply"""
    project, row = the_one(call)
    repo = call.repo(project)
    base, head = shapes.base_and_head(repo, row)
    patch = diffs.raw_diff(repo, base, head).patch or ""
    return Reply(patch.encode("utf-8", "surrogateescape"), media_type="text/plain; charset=utf-8")


def list_commits(call: Call) -> Reply:
    """GET .../commits"""
    project, row = the_one(call)
    repo = call.repo(project)
    base, head = shapes.base_and_head(repo, row)
    return page_items(
        call, repo.between(base, head), lambda c: commit_shapes.commit(call, project, c)
    )


def list_versions(call: Call) -> Reply:
    """GET .../versions"""
    _, row = the_one(call)
    sql = "SELECT * FROM versions WHERE merge_request_id = ? ORDER BY id DESC"
    return page_items(call, call.db.all(sql, row["id"]), _version)


def _version(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "head_commit_sha": row["head_sha"],
        "base_commit_sha": row["base_sha"],
        "start_commit_sha": row["start_sha"],
        "created_at": row["created_at"],
        "merge_request_id": row["merge_request_id"],
        "state": "collected",
        "real_size": "1",
        "patch_id_sha": None,
    }


def get_version(call: Call) -> dict[str, Any]:
    """GET .../versions/:version_id"""
    project, row = the_one(call)
    version = call.db.one(
        "SELECT * FROM versions WHERE id = ? AND merge_request_id = ?",
        call.number("version_id"),
        row["id"],
    )
    if version is None:
        raise not_found("Version")
    repo = call.repo(project)
    base, head = version["base_sha"], version["head_sha"]
    return {
        **_version(version),
        "commits": [commit_shapes.commit(call, project, c) for c in repo.between(base, head)],
        "diffs": [commit_shapes.diff(d) for d in diffs.file_diffs(repo, base, head)],
    }


def participants(call: Call) -> Reply:
    """GET .../participants"""
    _, row = the_one(call)
    ids = [
        row["author_id"],
        *(n["author_id"] for n in notes.every(call, "merge_request", row["id"])),
    ]
    return page_items(call, list(dict.fromkeys(ids)), lambda i: user_shapes.by_id(call, i))


def reviewers(call: Call) -> Reply:
    """GET .../reviewers"""
    _, row = the_one(call)
    found = user_shapes.many(call, row["reviewers"])
    return page_items(
        call, [{"user": u, "state": "unreviewed", "created_at": row["created_at"]} for u in found]
    )


def closes_issues(call: Call) -> Reply:
    """GET .../closes_issues: not worked out"""
    the_one(call)
    return page_items(call, [])


def pipelines(call: Call) -> Reply:
    """GET .../pipelines"""
    _, row = the_one(call)
    found = call.db.all(
        "SELECT id, iid, project_id, sha, ref, status, source, created_at, updated_at"
        " FROM pipelines WHERE project_id IN (?, ?) AND sha = ? ORDER BY id DESC",
        row["project_id"], row["source_project_id"], row["sha"],
    )  # fmt: skip
    return page_items(call, found)


def create_pipeline(call: Call) -> Reply:
    """POST .../pipelines: for the newest commit of the source branch"""
    _, row = the_one(call)
    source = projects.get_project(call.db, row["source_project_id"])
    if source is None or call.project_level(source) < access.DEVELOPER:
        raise forbidden()
    made = start.wanted(
        call, source, ref=row["source_branch"], sha=row["sha"], source="merge_request_event",
        data={},
    )  # fmt: skip
    return created(pipeline_shapes.detail(call, source, made))


_ALL = "/projects/:id/merge_requests"
_ONE = f"{_ALL}/:iid"
ROUTES = [
    post(_ALL, create_merge_request),
    get(_ONE, get_merge_request),
    put(_ONE, update_merge_request),
    delete(_ONE, delete_merge_request),
    put(f"{_ONE}/merge", merge),
    post(f"{_ONE}/cancel_merge_when_pipeline_succeeds", cancel_auto_merge),
    get(f"{_ONE}/merge_ref", merge_ref),
    put(f"{_ONE}/rebase", rebase),
    get(f"{_ONE}/changes", changes),
    get(f"{_ONE}/diffs", list_diffs),
    get(f"{_ONE}/raw_diffs", raw_diffs),
    get(f"{_ONE}/commits", list_commits),
    get(f"{_ONE}/versions", list_versions),
    get(f"{_ONE}/versions/:version_id", get_version),
    get(f"{_ONE}/participants", participants),
    get(f"{_ONE}/reviewers", reviewers),
    get(f"{_ONE}/closes_issues", closes_issues),
    get(f"{_ONE}/pipelines", pipelines),
    post(f"{_ONE}/pipelines", create_pipeline),
]
