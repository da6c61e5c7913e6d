"""Members of groups and projects."""

from typing import Any

from localforge import access, clock
from localforge.call import Call
from localforge.errors import bad_request, conflict, forbidden, not_found, param_error
from localforge.paging import page_items, page_rows
from localforge.reply import Reply, created
from localforge.routing import delete, get, post, put
from localforge.shapes import users as shapes
from localforge.store import namespaces, users
from localforge.store.database import Query, Row


def _place(call: Call, level: int = access.NONE) -> tuple[str, Row]:
    if "/groups/" in call.path:
        return "group", call.group(level)
    return "project", call.project(level)


def _manager(call: Call) -> tuple[str, Row]:
    group = "/groups/" in call.path
    return _place(call, access.OWNER if group else access.MAINTAINER)


def list_members(call: Call) -> Reply:
    """GET .../members: those added directly"""
    kind, place = _place(call)
    query = Query("members m JOIN users u ON u.id = m.user_id", "m.*")
    query.where("m.kind = ? AND m.source_id = ?", kind, place["id"])
    _filter(call, query)
    return page_rows(call, query.order("m.id"), lambda row: shapes.member(call, row))


def _filter(call: Call, query: Query) -> None:
    text = call.params.text("query") or call.params.text("search")
    if text:
        query.where("u.username LIKE ? OR u.name LIKE ?", f"%{text}%", f"%{text}%")
    ids = call.params.integers("user_ids")
    if ids:
        query.where(f"u.id IN ({', '.join('?' * len(ids))})", *ids)


def list_all(call: Call) -> Reply:
    """GET .../members/all: those inherited too"""
    kind, place = _place(call)
    return page_items(
        call, list(everybody(call, kind, place).values()), lambda r: shapes.member(call, r)
    )


def list_users(call: Call) -> Reply:
    """GET /projects/:id/users: whoever is a member, inherited ones included"""
    project = call.project()
    text = call.params.text("search").lower()
    found = [users.get_user(call.db, user_id) for user_id in everybody(call, "project", project)]
    rows = [u for u in found if u and text in f"{u['username']} {u['name']}".lower()]
    return page_items(call, rows, lambda row: shapes.basic(call, row))


def everybody(call: Call, kind: str, place: Row) -> dict[int, Row]:
    """The highest membership of each user, inherited ones included."""
    sources = [(kind, place["id"])]
    group = place if kind == "group" else namespaces.get_namespace(call.db, place["namespace_id"])
    assert group is not None
    if kind == "project":
        sources.append(("group", group["id"]))
    sources += [("group", parent["id"]) for parent in namespaces.ancestors(call.db, group)]
    found: dict[int, Row] = {}
    for source_kind, source_id in sources:
        for row in call.db.all(
            "SELECT * FROM members WHERE kind = ? AND source_id = ? ORDER BY id",
            source_kind, source_id,
        ):  # fmt: skip
            known = found.get(row["user_id"])
            if known is None or known["access_level"] < row["access_level"]:
                found[row["user_id"]] = row
    return found


def _level(call: Call, kind: str, place: Row) -> int:
    level = call.params.integer("access_level", -1)
    if level not in access.LEVELS:
        raise param_error("access_level does not have a valid value")
    group = kind == "group"
    own = (
        access.group_level(call.db, call.user, place["id"]) if group else call.project_level(place)
    )
    if level > own:
        raise forbidden("nobody can give more than they have")
    return level


def _wanted_users(call: Call) -> list[Row]:
    ids = call.params.integers("user_id") or call.params.integers("user_ids")
    found = [users.get_user(call.db, user_id) for user_id in ids]
    if not found and call.params.get("username"):
        found = [users.find_user(call.db, call.params.text("username"))]
    if not found:
        raise param_error("user_id, username are missing, exactly one parameter must be provided")
    if None in found:
        raise not_found("User")
    return [user for user in found if user]


def add_member(call: Call) -> Reply:
    """POST .../members"""
    kind, place = _manager(call)
    level, last = _level(call, kind, place), None
    for user in _wanted_users(call):
        if _find(call, kind, place, user["id"]):
            raise conflict("Member already exists")
        inherited = everybody(call, kind, place).get(user["id"])
        if inherited and inherited["access_level"] > level:
            raise bad_request({"access_level": [
                f"should be greater than or equal to {access.level_name(inherited['access_level'])}"
                " inherited membership"]})  # fmt: skip
        call.db.insert(
            "members", kind=kind, source_id=place["id"], user_id=user["id"], access_level=level,
            expires_at=call.params.get("expires_at"), created_at=clock.now(),
            created_by=call.need_user()["id"],
        )  # fmt: skip
        last = _find(call, kind, place, user["id"])
    assert last is not None
    return created(shapes.member(call, last))


def _find(call: Call, kind: str, place: Row, user_id: int) -> Row | None:
    return call.db.one(
        "SELECT * FROM members WHERE kind = ? AND source_id = ? AND user_id = ?",
        kind, place["id"], user_id,
    )  # fmt: skip


def _member(call: Call, kind: str, place: Row) -> Row:
    found = _find(call, kind, place, call.number("user_id"))
    if found is None:
        raise not_found("Member")
    return found


def get_member(call: Call) -> dict[str, Any]:
    """GET .../members/:user_id"""
    kind, place = _place(call)
    return shapes.member(call, _member(call, kind, place))


def get_any_member(call: Call) -> dict[str, Any]:
    """GET .../members/all/:user_id"""
    kind, place = _place(call)
    found = everybody(call, kind, place).get(call.number("user_id"))
    if found is None:
        raise not_found("Member")
    return shapes.member(call, found)


def update_member(call: Call) -> dict[str, Any]:
    """PUT .../members/:user_id"""
    kind, place = _manager(call)
    row = _member(call, kind, place)
    columns: Row = {"access_level": _level(call, kind, place)}
    if "expires_at" in call.params:
        columns["expires_at"] = call.params.get("expires_at") or None
    call.db.update("members", row["id"], **columns)
    return shapes.member(call, {**row, **columns})


def remove_member(call: Call) -> None:
    """DELETE .../members/:user_id: by a manager, or to leave"""
    leaving = call.user is not None and call.values["user_id"] == str(call.user["id"])
    kind, place = _place(call) if leaving else _manager(call)
    row = _member(call, kind, place)
    call.db.run("DELETE FROM members WHERE id = ?", row["id"])


def _routes(place: str) -> list[Any]:
    base = f"/{place}/:id/members"
    return [
        get(base, list_members),
        post(base, add_member),
        get(f"{base}/all", list_all),
        get(f"{base}/all/:user_id", get_any_member),
        get(f"{base}/:user_id", get_member),
        put(f"{base}/:user_id", update_member),
        delete(f"{base}/:user_id", remove_member),
    ]


ROUTES = [
    *_routes("projects"),
    *_routes("groups"),
    get("/projects/:id/users", list_users),
]
