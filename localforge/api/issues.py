"""Issues: enough for clients that expect them."""

import json
from typing import Any

from localforge import access, clock
from localforge.api.merge_requests import changed_labels
from localforge.call import Call
from localforge.errors import not_found
from localforge.paging import page_items, page_rows
from localforge.reply import Reply, created
from localforge.routing import delete, get, post, put
from localforge.shapes import issues as shapes
from localforge.shapes import users as user_shapes
from localforge.store import projects, records, users
from localforge.store.database import Query, Row
from localforge.verbs import events, item_events, notes

_EVENTS = ("label", "milestone", "weight")


def list_everywhere(call: Call) -> Reply:
    """GET /issues"""
    user, query = call.need_user(), _visible(call)
    if call.params.text("scope", "created_by_me") != "all":
        query.where("i.author_id = ?", user["id"])
    return _list(call, query)


def list_of_group(call: Call) -> Reply:
    """GET /groups/:id/issues"""
    prefix = call.group()["full_path"] + "/"
    query = _visible(call).where("substr(p.full_path, 1, ?) = ?", len(prefix), prefix)
    return _list(call, query)


def list_of_project(call: Call) -> Reply:
    """GET /projects/:id/issues"""
    return _list(call, Query("issues i", "i.*").where("i.project_id = ?", call.project()["id"]))


def _visible(call: Call) -> Query:
    query = Query("issues i JOIN projects p ON p.id = i.project_id", "i.*")
    return access.only_visible_projects(query, call.user)


def _list(call: Call, query: Query) -> Reply:
    params = call.params
    state = params.choice("state", ("opened", "closed", "all"), "all")
    if state != "all":
        query.where("i.state = ?", state)
    iids = params.integers("iids")
    if iids:
        query.where(f"i.iid IN ({', '.join('?' * len(iids))})", *iids)
    for label in params.texts("labels"):
        _where_label(query, label)
    if params.get("search"):
        query.where("i.title LIKE ?", f"%{params.text('search')}%")
    if params.get("milestone"):
        query.where(
            "i.milestone_id IN (SELECT id FROM records WHERE kind = 'milestone'"
            " AND json_extract(data, '$.title') = ?)", params.text("milestone"),
        )  # fmt: skip
    return page_rows(
        call, query.order("i.created_at DESC, i.id DESC"), lambda row: _view(call, row)
    )


def _where_label(query: Query, label: str) -> None:
    if label.lower() in ("any", "none"):
        query.where("i.labels <> '[]'" if label.lower() == "any" else "i.labels = '[]'")
    else:
        query.where("EXISTS (SELECT 1 FROM json_each(i.labels) WHERE value = ?)", label)


def _view(call: Call, row: Row) -> dict[str, Any]:
    project = projects.get_project(call.db, row["project_id"])
    assert project is not None
    return shapes.issue(call, project, row)


def _the_one(call: Call, name: str = "iid") -> tuple[Row, Row]:
    project = call.project()
    sql = "SELECT * FROM issues WHERE project_id = ? AND iid = ?"
    row = call.db.one(sql, project["id"], call.number(name))
    if row is None:
        raise not_found("Issue")
    return project, row


def get_issue(call: Call) -> dict[str, Any]:
    """GET /projects/:id/issues/:iid"""
    return shapes.issue(call, *_the_one(call))


def create_issue(call: Call) -> Reply:
    """POST /projects/:id/issues"""
    project, params = call.writable(access.GUEST), call.params
    labels, now = params.texts("labels"), clock.now()
    last = "SELECT coalesce(max(iid), 0) + 1 FROM issues WHERE project_id = ?"
    row_id = call.db.insert(
        "issues", iid=call.db.value(last, project["id"]), project_id=project["id"],
        title=params.need("title"), description=params.text("description"),
        author_id=call.need_user()["id"], labels=labels,
        assignees=_people(call), milestone_id=params.integer("milestone_id") or None,
        created_at=now, updated_at=now, data=params.only(("due_date", "confidential", "weight")),
    )  # fmt: skip
    row = call.db.one("SELECT * FROM issues WHERE id = ?", row_id)
    assert row is not None
    item_events.ensure_labels(call, project, labels)
    changed = {"labels": row["labels"], "milestone_id": row["milestone_id"]}
    item_events.record(
        call, project, "issue", {**row, "labels": "[]", "milestone_id": None}, changed
    )
    events.emit(call, project, events.ISSUE, lambda: shapes.payload(call, project, row, "open"))
    return created(shapes.issue(call, project, row))


def _people(call: Call) -> list[int]:
    ids = call.params.integers("assignee_ids") or call.params.integers("assignee_id")
    return [user_id for user_id in ids if users.get_user(call.db, user_id)]


def update_issue(call: Call) -> dict[str, Any]:
    """PUT /projects/:id/issues/:iid"""
    project, row = _the_one(call)
    if row["author_id"] != call.need_user()["id"]:
        call.project(access.REPORTER)
    params = call.params
    columns: Row = {
        n: params.text(n) for n in ("title", "description") if params.get(n) is not None
    }
    labels = changed_labels(call, project, row)
    if labels is not None:
        columns["labels"] = json.dumps(labels)
    if {"assignee_ids", "assignee_id"} & set(params):
        columns["assignees"] = json.dumps(_people(call))
    if "milestone_id" in params:
        columns["milestone_id"] = params.integer("milestone_id") or None
    if params.get("weight") is not None:
        item_events.record_weight(call, row, params["weight"])
    columns |= _state(call, row)
    item_events.record(call, project, "issue", row, columns)
    call.db.update("issues", row["id"], updated_at=clock.now(), **columns)
    row.update(columns)
    projects.change_data(
        call.db, "issues", row, **params.only(("due_date", "confidential", "weight"))
    )
    action = {"closed": "close", "opened": "reopen"}.get(columns.get("state", ""), "update")
    events.emit(call, project, events.ISSUE, lambda: shapes.payload(call, project, row, action))
    return shapes.issue(call, project, row)


def _state(call: Call, row: Row) -> Row:
    event = call.params.choice("state_event", ("close", "reopen"))
    if event == "close" and row["state"] == "opened":
        by = call.need_user()["id"]
        return {"state": "closed", "closed_at": clock.now(), "closed_by": by}
    if event == "reopen" and row["state"] == "closed":
        return {"state": "opened", "closed_at": None, "closed_by": None}
    return {}


def delete_issue(call: Call) -> None:
    """DELETE /projects/:id/issues/:iid"""
    call.project(access.OWNER)
    _, row = _the_one(call)
    call.db.run("DELETE FROM issues WHERE id = ?", row["id"])


def participants(call: Call) -> list[Any]:
    """GET .../participants"""
    _, row = _the_one(call)
    ids = [row["author_id"], *(n["author_id"] for n in notes.every(call, "issue", row["id"]))]
    return [user_shapes.by_id(call, user_id) for user_id in dict.fromkeys(ids)]


def nothing(call: Call) -> list[Any]:
    """GET .../closed_by and .../related_merge_requests: not worked out"""
    _the_one(call)
    return []


def _item(call: Call) -> tuple[str, Row]:
    if "/issues/" in call.path:
        return "issue", _the_one(call)[1]
    project = call.project()
    sql = "SELECT * FROM merge_requests WHERE project_id = ? AND iid = ?"
    row = call.db.one(sql, project["id"], call.number("iid"))
    if row is None:
        raise not_found("Merge Request")
    return "merge_request", row


def _event_kind(call: Call) -> str:
    found = next(kind for kind in _EVENTS if f"/resource_{kind}_events" in call.path)
    return f"{_item(call)[0]}_{found}_event"


def list_events(call: Call) -> Reply:
    """GET .../resource_label_events and its like"""
    _, row = _item(call)
    rows = records.every(call.db, _event_kind(call), ("item", row["id"]))
    return page_items(call, [{"id": one["id"], **one["data"]} for one in rows])


def get_event(call: Call) -> dict[str, Any]:
    """GET .../resource_label_events/:event_id"""
    found = records.by_id(call.db, _event_kind(call), call.number("event_id"))
    if found is None:
        raise not_found("Event")
    return {"id": found["id"], **found["data"]}


def list_links(call: Call) -> list[dict[str, Any]]:
    """GET .../links"""
    _, row = _the_one(call)
    found = []
    for link in records.every(call.db, "issue_link"):
        ends = (link["data"]["source"], link["data"]["target"])
        if row["id"] in ends:
            other = ends[0] if ends[1] == row["id"] else ends[1]
            issue = call.db.one("SELECT * FROM issues WHERE id = ?", other)
            if issue:
                found.append(
                    {**_view(call, issue), "issue_link_id": link["id"], "link_type": "relates_to"}
                )
    return found


def create_link(call: Call) -> Reply:
    """POST .../links"""
    _, row = _the_one(call)
    sql = "SELECT * FROM issues WHERE project_id = ? AND iid = ?"
    params = call.params
    other = call.db.one(
        sql, params.integer("target_project_id"), params.integer("target_issue_iid")
    )
    if other is None:
        raise not_found("Issue")
    records.add(
        call.db, "issue_link", ("item", row["id"]), {"source": row["id"], "target": other["id"]}
    )
    shape = {"source_issue": _view(call, row), "target_issue": _view(call, other)}
    return created({**shape, "link_type": "relates_to"})


def delete_link(call: Call) -> None:
    """DELETE .../links/:link_id"""
    _the_one(call)
    found = records.by_id(call.db, "issue_link", call.number("link_id"))
    if found is None:
        raise not_found("Link")
    records.remove(call.db, found)


_ONE = "/projects/:id/issues/:iid"
_ITEMS = (_ONE, "/projects/:id/merge_requests/:iid")
ROUTES = [
    get("/issues", list_everywhere),
    get("/groups/:id/issues", list_of_group),
    get("/projects/:id/issues", list_of_project),
    post("/projects/:id/issues", create_issue),
    get(_ONE, get_issue),
    put(_ONE, update_issue),
    delete(_ONE, delete_issue),
    get(f"{_ONE}/participants", participants),
    get(f"{_ONE}/closed_by", nothing),
    get(f"{_ONE}/related_merge_requests", nothing),
    get(f"{_ONE}/links", list_links),
    post(f"{_ONE}/links", create_link),
    delete(f"{_ONE}/links/:link_id", delete_link),
    *(get(f"{item}/resource_{kind}_events", list_events) for item in _ITEMS for kind in _EVENTS),
    *(
        get(f"{item}/resource_{kind}_events/:event_id", get_event)
        for item in _ITEMS
        for kind in _EVENTS
    ),
]
