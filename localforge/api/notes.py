"""Notes and discussions on merge requests, issues, commits and snippets; approvals."""

from typing import Any

from localforge import access, clock
from localforge.call import Call
from localforge.errors import forbidden, message, not_found
from localforge.paging import page_items, page_rows
from localforge.reply import Reply, created
from localforge.routing import delete, get, post, put
from localforge.shapes import merge_requests as merge_request_shapes
from localforge.shapes import notes as shapes
from localforge.shapes import users as user_shapes
from localforge.store import projects, records
from localforge.store.database import Query, Row
from localforge.verbs import merge_requests, notes, talk

_KINDS = {"merge_requests": "merge_request", "issues": "issue", "snippets": "snippet",
          "commits": "commit"}  # fmt: skip


def _place(call: Call) -> tuple[Row, str, Row]:
    """Project, kind of thing, and the thing that the path names."""
    project = call.project()
    word = next(word for word in _KINDS if f"/{word}/" in call.path)
    return project, _KINDS[word], _item(call, project, _KINDS[word])


def _item(call: Call, project: Row, kind: str) -> Row:
    if kind == "merge_request":
        return merge_requests.get(call, project, call.number("iid"))
    if kind == "issue":
        sql = "SELECT * FROM issues WHERE project_id = ? AND iid = ?"
        found = call.db.one(sql, project["id"], call.number("iid"))
    elif kind == "snippet":
        found = records.by_id(call.db, "snippet", call.number("iid"))
    else:
        sha = call.repo(project).resolve(call.values["iid"])
        # Notes are kept by number, so a commit stands for the first digits of its id.
        found = {"id": int(sha[:13], 16), "iid": None, "sha": sha} if sha else None
    if found is None:
        raise not_found()
    return found


def _view(call: Call, item: Row, row: Row) -> dict[str, Any]:
    return shapes.note(call, row, item.get("iid"))


def list_notes(call: Call) -> Reply:
    """GET .../notes"""
    _, kind, item = _place(call)
    query = Query("notes").where("kind = ? AND item_id = ?", kind, item["id"])
    order = "updated_at" if call.params.text("order_by") == "updated_at" else "created_at"
    direction = "ASC" if call.params.text("sort") == "asc" else "DESC"
    query.order(f"{order} {direction}, id {direction}")
    return page_rows(call, query, lambda row: _view(call, item, row))


def _may_talk(call: Call, project: Row) -> None:
    call.need_user()
    if project["archived"]:
        raise forbidden()


def create_note(call: Call) -> Reply:
    """POST .../notes"""
    project, kind, item = _place(call)
    _may_talk(call, project)
    row = talk.add_note(call, project, kind, item, call.params.need("body"))
    return created(_view(call, item, row))


def _the_note(call: Call) -> tuple[Row, Row]:
    _, kind, item = _place(call)
    row = call.db.one(
        "SELECT * FROM notes WHERE id = ? AND kind = ? AND item_id = ?",
        call.number("note_id"), kind, item["id"],
    )  # fmt: skip
    if row is None:
        raise not_found("Note")
    return item, row


def get_note(call: Call) -> dict[str, Any]:
    """GET .../notes/:note_id"""
    item, row = _the_note(call)
    return _view(call, item, row)


def _own_note(call: Call) -> tuple[Row, Row]:
    item, row = _the_note(call)
    if row["author_id"] != call.need_user()["id"] and call.project_level(call.project()) < 40:
        raise forbidden()
    return item, row


def update_note(call: Call) -> dict[str, Any]:
    """PUT .../notes/:note_id, also within a discussion"""
    if call.params.get("body") is None and "resolved" in call.params:
        item, row = _the_note(call)
        call.project(access.DEVELOPER)
    else:
        item, row = _own_note(call)
    columns: Row = {"updated_at": clock.now(), "body": call.params.text("body", row["body"])}
    if "resolved" in call.params:
        columns |= _resolution(call)
    call.db.update("notes", row["id"], **columns)
    return _view(call, item, {**row, **columns})


def _resolution(call: Call) -> Row:
    resolved = call.params.flag("resolved")
    return {
        "resolved": int(resolved),
        "resolved_by": call.need_user()["id"] if resolved else None,
    }


def delete_note(call: Call) -> None:
    """DELETE .../notes/:note_id"""
    _, row = _own_note(call)
    call.db.run("DELETE FROM notes WHERE id = ?", row["id"])


def list_discussions(call: Call) -> Reply:
    """GET .../discussions"""
    _, kind, item = _place(call)
    found = shapes.discussions(call, notes.every(call, kind, item["id"]), item.get("iid"))
    return page_items(call, found)


def _thread(call: Call) -> tuple[Row, str, Row, list[Row]]:
    project, kind, item = _place(call)
    wanted = call.values["discussion_id"]
    rows = [r for r in notes.every(call, kind, item["id"]) if r["discussion"] == wanted]
    if not rows:
        raise not_found("Discussion")
    return project, kind, item, rows


def get_discussion(call: Call) -> dict[str, Any]:
    """GET .../discussions/:discussion_id"""
    _, _, item, rows = _thread(call)
    return shapes.discussions(call, rows, item.get("iid"))[0]


def create_discussion(call: Call) -> Reply:
    """POST .../discussions"""
    project, kind, item = _place(call)
    _may_talk(call, project)
    row = talk.add_note(
        call, project, kind, item, call.params.need("body"), threaded=True,
        position=call.params.get("position"),
    )  # fmt: skip
    return created(shapes.discussions(call, [row], item.get("iid"))[0])


def reply_to(call: Call) -> Reply:
    """POST .../discussions/:discussion_id/notes"""
    project, kind, item, rows = _thread(call)
    _may_talk(call, project)
    row = talk.add_note(
        call, project, kind, item, call.params.need("body"), threaded=True,
        discussion=rows[0]["discussion"],
    )  # fmt: skip
    return created(_view(call, item, row))


def resolve_discussion(call: Call) -> dict[str, Any]:
    """PUT .../discussions/:discussion_id"""
    call.project(access.DEVELOPER)
    _, _, item, rows = _thread(call)
    columns = _resolution(call)
    for row in rows:
        if row["resolvable"]:
            call.db.update("notes", row["id"], **columns)
            row.update(columns)
    return shapes.discussions(call, rows, item.get("iid"))[0]


def list_comments(call: Call) -> Reply:
    """GET /projects/:id/repository/commits/:sha/comments"""
    _, kind, item = _place(call)
    return page_items(
        call, notes.every(call, kind, item["id"]), lambda row: shapes.commit_comment(call, row)
    )


def create_comment(call: Call) -> Reply:
    """POST /projects/:id/repository/commits/:sha/comments"""
    project, kind, item = _place(call)
    row = talk.add_note(call, project, kind, item, call.params.need("note"))
    return created(shapes.commit_comment(call, row))


def _merge_request(call: Call, level: int = access.NONE) -> tuple[Row, Row]:
    project = call.project(level)
    return project, merge_requests.get(call, project, call.number("iid"))


def _approvals(call: Call, project: Row, row: Row) -> dict[str, Any]:
    given = user_shapes.many(call, row["approvals"])
    required = merge_request_shapes.approvals_required(call, project, row)
    mine = call.user is not None and any(u["id"] == call.user["id"] for u in given)
    return {
        **merge_request_shapes.simple(call, project, row),
        "merge_status": row["merge_status"],
        "approved": len(given) >= max(required, 1) or required == 0,
        "approvals_required": required,
        "approvals_left": max(0, required - len(given)),
        "approved_by": [{"user": u, "approved_at": row["updated_at"]} for u in given],
        "suggested_approvers": [],
        "approvers": [],
        "approver_groups": [],
        "user_has_approved": mine,
        "user_can_approve": not mine and call.project_level(project) >= access.DEVELOPER,
        "approval_rules_left": [],
        "has_approval_rules": required > 0,
        "rules": [],
    }


def get_approvals(call: Call) -> dict[str, Any]:
    """GET .../approvals and .../approval_state"""
    return _approvals(call, *_merge_request(call))


def set_approvals(call: Call) -> Reply:
    """POST .../approvals: how many are needed"""
    project, row = _merge_request(call, access.MAINTAINER)
    required = call.params.integer("approvals_required")
    projects.change_data(call.db, "merge_requests", row, approvals_required=required)
    return created(_approvals(call, project, row))


def approve(call: Call) -> Reply:
    """POST .../approve"""
    project, row = _merge_request(call, access.DEVELOPER)
    sha = call.params.text("sha")
    if sha and sha != row["sha"]:
        raise message(409, "SHA does not match HEAD of source branch: " + row["sha"])
    talk.approve(call, project, row, wanted=True)
    return created(_approvals(call, project, row))


def unapprove(call: Call) -> Reply:
    """POST .../unapprove"""
    project, row = _merge_request(call, access.DEVELOPER)
    talk.approve(call, project, row, wanted=False)
    return created(_approvals(call, project, row))


def reset_approvals(call: Call) -> Reply:
    """PUT .../reset_approvals: for bots only"""
    _, row = _merge_request(call, access.DEVELOPER)
    if not call.need_user()["bot"]:
        raise message(401, "401 Unauthorized")
    call.db.update("merge_requests", row["id"], approvals="[]")
    return Reply(202, 202)  # the body is the number, as in GitLab


def _note_routes(base: str) -> list[Any]:
    return [
        get(f"{base}/notes", list_notes),
        post(f"{base}/notes", create_note),
        get(f"{base}/notes/:note_id", get_note),
        put(f"{base}/notes/:note_id", update_note),
        delete(f"{base}/notes/:note_id", delete_note),
    ]


def _discussion_routes(base: str) -> list[Any]:
    one = f"{base}/discussions/:discussion_id"
    return [
        get(f"{base}/discussions", list_discussions),
        post(f"{base}/discussions", create_discussion),
        get(one, get_discussion),
        put(one, resolve_discussion),
        post(f"{one}/notes", reply_to),
        get(f"{one}/notes/:note_id", get_note),
        put(f"{one}/notes/:note_id", update_note),
        delete(f"{one}/notes/:note_id", delete_note),
    ]


_MR = "/projects/:id/merge_requests/:iid"
_COMMIT = "/projects/:id/repository/commits/:iid"
ROUTES = [
    *_note_routes(_MR),
    *_discussion_routes(_MR),
    *_note_routes("/projects/:id/issues/:iid"),
    *_discussion_routes("/projects/:id/issues/:iid"),
    *_note_routes("/projects/:id/snippets/:iid"),
    *_discussion_routes("/projects/:id/snippets/:iid"),
    *_discussion_routes(_COMMIT),
    get(f"{_COMMIT}/comments", list_comments),
    post(f"{_COMMIT}/comments", create_comment),
    get(f"{_MR}/approvals", get_approvals),
    post(f"{_MR}/approvals", set_approvals),
    get(f"{_MR}/approval_state", get_approvals),
    post(f"{_MR}/approve", approve),
    post(f"{_MR}/unapprove", unapprove),
    put(f"{_MR}/reset_approvals", reset_approvals),
]
