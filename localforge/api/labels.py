"""Labels and milestones, of projects and of groups."""

from typing import Any

from localforge import access
from localforge.call import Call
from localforge.errors import bad_request, conflict, not_found
from localforge.paging import page_items, page_rows
from localforge.reply import Reply, created
from localforge.routing import delete, get, post, put
from localforge.shapes import issues as issue_shapes
from localforge.shapes import merge_requests as merge_request_shapes
from localforge.store import namespaces, projects, records
from localforge.store.database import Query, Row
from localforge.store.records import Scope


def _scope(call: Call, level: int = access.NONE) -> Scope:
    if "/groups/" in call.path:
        return "group", call.group(level)["id"]
    return "project", call.project(level)["id"]


def _with_ancestors(call: Call, scope: Scope) -> list[Scope]:
    if scope[0] == "project":
        project = projects.get_project(call.db, scope[1])
        group = namespaces.get_namespace(call.db, project["namespace_id"]) if project else None
    else:
        group = namespaces.get_namespace(call.db, scope[1])
    assert group is not None
    groups = [group, *namespaces.ancestors(call.db, group)]
    return list(dict.fromkeys([scope, *(("group", g["id"]) for g in groups)]))


def _label(call: Call, row: Row) -> dict[str, Any]:
    counts = _counts(call, row) if call.params.flag("with_counts") else {}
    user_id = call.user["id"] if call.user else 0
    return {
        "id": row["id"],
        "name": row["key"],
        "description": row["data"].get("description"),
        "description_html": row["data"].get("description") or "",
        "text_color": "#FFFFFF",
        "color": row["data"]["color"],
        "archived": False,
        "subscribed": user_id in row["data"].get("subscribers", []),
        "priority": row["data"].get("priority"),
        "is_project_label": row["scope"] == "project",
        **counts,
    }


def _counts(call: Call, row: Row) -> dict[str, int]:
    sql = (
        "SELECT count(*) FROM merge_requests WHERE state = 'opened'"
        " AND EXISTS (SELECT 1 FROM json_each(labels) WHERE value = ?)"
    )
    count = call.db.value(sql, row["key"])
    return {"open_issues_count": 0, "closed_issues_count": 0, "open_merge_requests_count": count}


def list_labels(call: Call) -> Reply:
    """GET .../labels"""
    scope = _scope(call)
    inherited = call.params.flag("include_ancestor_groups", True)
    scopes = _with_ancestors(call, scope) if inherited else [scope]
    rows = [row for one in scopes for row in records.every(call.db, "label", one)]
    text = call.params.text("search").lower()
    rows = [row for row in rows if text in row["key"].lower()]
    rows.sort(key=lambda row: row["key"].lower())
    return page_items(call, rows, lambda row: _label(call, row))


def _the_label(call: Call, level: int) -> Row:
    scope, ref = _scope(call, level), call.values["name"]
    for one in _with_ancestors(call, scope):
        found = records.find(call.db, "label", one, ref)
        if found is None and ref.isdecimal():
            found = records.by_id(call.db, "label", int(ref))
            found = found if found and (found["scope"], found["scope_id"]) == one else None
        if found:
            return found
    raise not_found("Label")


def get_label(call: Call) -> dict[str, Any]:
    """GET .../labels/:name"""
    return _label(call, _the_label(call, access.NONE))


def create_label(call: Call) -> Reply:
    """POST .../labels"""
    scope, name = _scope(call, access.REPORTER), call.params.need("name")
    color = call.params.need("color")
    if not name.strip() or "," in name:
        raise bad_request({"title": ["is invalid"]})
    if records.find(call.db, "label", scope, name):
        raise conflict("Label already exists")
    data = {"color": color, **call.params.only(("description", "priority"))}
    return created(_label(call, records.add(call.db, "label", scope, data, name)))


def update_label(call: Call) -> dict[str, Any]:
    """PUT .../labels/:name, or with the name as a parameter"""
    row = _label_in_path_or_params(call)
    name = call.params.text("new_name")
    if name and name != row["key"]:
        _rename(call, row, name)
    sent = call.params.only(("color", "description", "priority"))
    return _label(call, records.change(call.db, row, sent, name or None))


def _label_in_path_or_params(call: Call) -> Row:
    if "name" not in call.values:
        call.values["name"] = call.params.text("name") or call.params.need("label_id")
    return _the_label(call, access.REPORTER)


def _rename(call: Call, row: Row, name: str) -> None:
    for table in ("merge_requests", "issues"):
        sql = (
            f"UPDATE {table} SET labels = (SELECT json_group_array("  # noqa: S608 - names are ours
            "CASE value WHEN ? THEN ? ELSE value END) FROM json_each(labels))"
            " WHERE EXISTS (SELECT 1 FROM json_each(labels) WHERE value = ?)"
        )
        if row["scope"] == "project":
            call.db.run(sql + " AND project_id = ?", row["key"], name, row["key"], row["scope_id"])
        else:
            call.db.run(sql, row["key"], name, row["key"])


def delete_label(call: Call) -> None:
    """DELETE .../labels/:name, or with the name as a parameter"""
    records.remove(call.db, _label_in_path_or_params(call))


def subscribe(call: Call) -> Reply:
    """POST .../labels/:name/subscribe and unsubscribe"""
    row, user_id = _the_label(call, access.NONE), call.need_user()["id"]
    others = [i for i in row["data"].get("subscribers", []) if i != user_id]
    wanted = call.path.endswith("/subscribe")
    now = [*others, user_id] if wanted else others
    return created(_label(call, records.change(call.db, row, {"subscribers": now})))


def promote_label(call: Call) -> dict[str, Any]:
    """PUT /projects/:id/labels/:name/promote"""
    return _label(call, _promote(call, _the_label(call, access.MAINTAINER)))


def _promote(call: Call, row: Row) -> Row:
    project = call.project(access.MAINTAINER)
    group = namespaces.get_namespace(call.db, project["namespace_id"])
    if group is None or group["kind"] != "group":
        raise bad_request("the project is not in a group")
    call.db.update("records", row["id"], scope="group", scope_id=group["id"])
    return {**row, "scope": "group", "scope_id": group["id"]}


_MILESTONE = ("title", "description", "due_date", "start_date")


def _milestone(call: Call, row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "iid": row["data"]["iid"],
        f"{row['scope']}_id": row["scope_id"],
        "state": "active",
        "description": "",
        "due_date": None,
        "start_date": None,
        **row["data"],
        "expired": False,
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "web_url": f"{call.base}/-/milestones/{row['id']}",
    }


def list_milestones(call: Call) -> Reply:
    """GET .../milestones"""
    rows = records.every(call.db, "milestone", _scope(call))
    views = [_milestone(call, row) for row in reversed(rows)]
    params = call.params
    for name in ("state", "title"):
        if params.get(name):
            views = [view for view in views if view[name] == params.text(name)]
    return page_items(call, views)


def _the_milestone(call: Call, level: int = access.NONE) -> Row:
    scope = _scope(call, level)
    found = records.by_id(call.db, "milestone", call.number("milestone_id"))
    if found is None or (found["scope"], found["scope_id"]) != scope:
        raise not_found("Milestone")
    return found


def get_milestone(call: Call) -> dict[str, Any]:
    """GET .../milestones/:milestone_id"""
    return _milestone(call, _the_milestone(call))


def create_milestone(call: Call) -> Reply:
    """POST .../milestones"""
    scope = _scope(call, access.REPORTER)
    call.params.need("title")
    iid = 1 + max((r["data"]["iid"] for r in records.every(call.db, "milestone", scope)), default=0)
    data = {"iid": iid, **call.params.only(_MILESTONE)}
    return created(_milestone(call, records.add(call.db, "milestone", scope, data)))


def update_milestone(call: Call) -> dict[str, Any]:
    """PUT .../milestones/:milestone_id"""
    row, data = _the_milestone(call, access.REPORTER), call.params.only(_MILESTONE)
    event = call.params.choice("state_event", ("close", "activate"))
    if event:
        data["state"] = "closed" if event == "close" else "active"
    return _milestone(call, records.change(call.db, row, data))


def delete_milestone(call: Call) -> None:
    """DELETE .../milestones/:milestone_id"""
    row = _the_milestone(call, access.REPORTER)
    call.db.run("UPDATE issues SET milestone_id = NULL WHERE milestone_id = ?", row["id"])
    call.db.run("UPDATE merge_requests SET milestone_id = NULL WHERE milestone_id = ?", row["id"])
    records.remove(call.db, row)


def promote_milestone(call: Call) -> Reply:
    """POST /projects/:id/milestones/:milestone_id/promote"""
    return created(_milestone(call, _promote(call, _the_milestone(call, access.MAINTAINER))))


def milestone_items(call: Call) -> Reply:
    """GET .../milestones/:milestone_id/issues and merge_requests"""
    milestone = _the_milestone(call)
    issues = call.path.endswith("/issues")
    query = Query("issues i" if issues else "merge_requests i", "i.*")
    query.where("i.milestone_id = ?", milestone["id"]).order("i.id DESC")
    shape = issue_shapes.issue if issues else merge_request_shapes.listed

    def view(row: Row) -> dict[str, Any]:
        project = projects.get_project(call.db, row["project_id"])
        assert project is not None
        return shape(call, project, row)

    return page_rows(call, query, view)


def _routes(place: str) -> list[Any]:
    labels, milestones = f"/{place}/:id/labels", f"/{place}/:id/milestones"
    one = f"{milestones}/:milestone_id"
    return [
        get(labels, list_labels),
        post(labels, create_label),
        put(labels, update_label),
        delete(labels, delete_label),
        get(f"{labels}/:name", get_label),
        put(f"{labels}/:name", update_label),
        delete(f"{labels}/:name", delete_label),
        post(f"{labels}/:name/subscribe", subscribe),
        post(f"{labels}/:name/unsubscribe", subscribe),
        get(milestones, list_milestones),
        post(milestones, create_milestone),
        get(one, get_milestone),
        put(one, update_milestone),
        delete(one, delete_milestone),
        get(f"{one}/issues", milestone_items),
        get(f"{one}/merge_requests", milestone_items),
    ]


ROUTES = [
    *_routes("projects"),
    *_routes("groups"),
    put("/projects/:id/labels/:name/promote", promote_label),
    post("/projects/:id/milestones/:milestone_id/promote", promote_milestone),
]
