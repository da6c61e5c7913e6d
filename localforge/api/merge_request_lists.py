"""Listings of merge requests: of the whole forge, a group, a project."""

from typing import Any

from localforge import access
from localforge.call import Call
from localforge.errors import param_error
from localforge.paging import page_rows
from localforge.reply import Reply
from localforge.routing import get
from localforge.shapes import merge_requests as shapes
from localforge.store import projects, users
from localforge.store.database import Query, Row
from localforge.verbs import refresh

_ORDERS = {
    "created_at": "m.created_at", "updated_at": "m.updated_at", "merged_at": "m.merged_at",
    "title": "m.title", "label_priority": "m.id", "priority": "m.id",
}  # fmt: skip
_STATES = {
    "all": "",
    "opened": "opened",
    "closed": "closed",
    "merged": "merged",
    "locked": "locked",
}


_CONTAINS = {
    "assignee": "EXISTS (SELECT 1 FROM json_each(m.assignees) WHERE value = ?)",
    "reviewer": "EXISTS (SELECT 1 FROM json_each(m.reviewers) WHERE value = ?)",
}


def _visible(call: Call) -> Query:
    query = Query("merge_requests m JOIN projects p ON p.id = m.project_id", "m.*")
    return access.only_visible_projects(query, call.user, access.REPORTER)


def list_everywhere(call: Call) -> Reply:
    """GET /merge_requests"""
    query, user = _visible(call), call.need_user()
    scope = call.params.text("scope", "created_by_me")
    _scope(query, scope, user)
    return _list(call, query)


def _scope(query: Query, scope: str, user: Row) -> None:
    if scope in ("created_by_me", "created-by-me"):
        query.where("m.author_id = ?", user["id"])
    elif scope in ("assigned_to_me", "assigned-to-me"):
        query.where(_CONTAINS["assignee"], user["id"])
    elif scope == "reviews_for_me":
        query.where(_CONTAINS["reviewer"], user["id"])
    elif scope != "all":
        raise param_error("scope does not have a valid value")


def list_of_group(call: Call) -> Reply:
    """GET /groups/:id/merge_requests"""
    prefix = call.group()["full_path"] + "/"
    query = _visible(call).where("substr(p.full_path, 1, ?) = ?", len(prefix), prefix)
    if call.params.flag("non_archived", True):
        query.where("p.archived = 0")
    return _list(call, _maybe_scope(call, query))


def list_of_project(call: Call) -> Reply:
    """GET /projects/:id/merge_requests"""
    project = call.project()
    query = Query("merge_requests m", "m.*").where("m.project_id = ?", project["id"])
    return _list(call, _maybe_scope(call, query))


def _maybe_scope(call: Call, query: Query) -> Query:
    scope = call.params.text("scope", "all")
    if scope != "all":
        _scope(query, scope, call.need_user())
    return query


def _list(call: Call, query: Query) -> Reply:
    params = call.params
    state = params.choice("state", _STATES, "all")
    if state != "all":
        query.where("m.state = ?", state)
    _filter(call, query)
    _filter_labels(params.texts("labels"), query)
    _filter_people(call, query)
    order = _ORDERS[params.choice("order_by", _ORDERS, "created_at")]
    direction = "ASC" if params.text("sort") == "asc" else "DESC"
    query.order(f"{order} {direction}, m.id {direction}")
    known: dict[int, Row] = {}
    shape = shapes.simple if params.text("view") == "simple" else shapes.listed
    recheck = params.flag("with_merge_status_recheck")

    def view(row: Row) -> dict[str, Any]:
        if recheck:
            refresh.seen(call, row)
        return shape(call, _project_of(call, row, known), row)

    return page_rows(call, query, view)


def _project_of(call: Call, row: Row, known: dict[int, Row]) -> Row:
    project_id = row["project_id"]
    if project_id not in known:
        found = projects.get_project(call.db, project_id)
        assert found is not None
        known[project_id] = found
    return known[project_id]


def _filter(call: Call, query: Query) -> None:
    params = call.params
    for name in ("source_branch", "target_branch", "source_project_id"):
        if params.get(name):
            query.where(f"m.{name} = ?", params.text(name))
    for column in ("created", "updated", "merged"):
        for name, sign in ((f"{column}_after", ">="), (f"{column}_before", "<=")):
            if params.get(name):
                query.where(f"m.{column}_at {sign} ?", params.moment(name))
    iids = params.integers("iids")
    if iids:
        query.where(f"m.iid IN ({', '.join('?' * len(iids))})", *iids)
    if params.get("search"):
        text = f"%{params.text('search')}%"
        query.where("m.title LIKE ? OR m.description LIKE ?", text, text)
    if params.get("draft") is not None or params.get("wip") is not None:
        wanted = params.flag("draft") or params.text("wip") == "yes"
        query.where("(lower(m.title) LIKE 'draft:%') = ?", int(wanted))
    if params.get("milestone"):
        query.where(
            "m.milestone_id IN (SELECT id FROM records WHERE kind = 'milestone'"
            " AND json_extract(data, '$.title') = ?)", params.text("milestone"),
        )  # fmt: skip


def _filter_labels(labels: list[str], query: Query) -> None:
    for label in labels:
        if label.lower() == "any":
            query.where("m.labels <> '[]'")
        elif label.lower() == "none":
            query.where("m.labels = '[]'")
        else:
            query.where("EXISTS (SELECT 1 FROM json_each(m.labels) WHERE value = ?)", label)


def _filter_people(call: Call, query: Query) -> None:
    params = call.params
    author = params.integer("author_id")
    if params.get("author_username"):
        found = users.find_user(call.db, params.text("author_username"))
        author = found["id"] if found else -1
    if author:
        query.where("m.author_id = ?", author)
    for name in ("assignee", "reviewer"):
        value = params.text(f"{name}_id")
        if value.lower() in ("any", "none"):
            sign = "=" if value.lower() == "none" else "<>"
            query.where(f"m.{name}s {sign} '[]'")
        elif value:
            query.where(_CONTAINS[name], params.integer(f"{name}_id"))


ROUTES = [
    get("/merge_requests", list_everywhere),
    get("/groups/:id/merge_requests", list_of_group),
    get("/projects/:id/merge_requests", list_of_project),
]
