"""Groups and namespaces."""

from typing import Any

from localforge import access, clock
from localforge.call import Call, Upload
from localforge.errors import bad_request, forbidden, message, not_found
from localforge.paging import page_items, page_keyset, page_rows
from localforge.reply import Reply, accepted, created
from localforge.routing import delete, get, post, put
from localforge.shapes import namespaces as shapes
from localforge.shapes import projects as project_shapes
from localforge.store import namespaces, projects, users
from localforge.store.database import Query, Row
from localforge.verbs import names, uploads
from localforge.verbs import projects as project_verbs

_ORDERS = {"name": "n.name", "path": "n.path", "id": "n.id"}


def list_groups(call: Call) -> Reply:
    """GET /groups"""
    return _list(call, access.visible_groups(call.user))


def _list(call: Call, query: Query) -> Reply:
    _filter(call, query)
    if call.params.text("pagination") == "keyset":
        return page_keyset(call, query, "n.id", lambda row: shapes.group(call, row))
    order = _ORDERS[call.params.choice("order_by", _ORDERS, "name")]
    direction = "DESC" if call.params.text("sort") == "desc" else "ASC"
    query.order(f"{order} {direction}, n.id")
    return page_rows(call, query, lambda row: shapes.group(call, row))


def _filter(call: Call, query: Query) -> None:
    params = call.params
    if params.get("search"):
        text = f"%{params.text('search')}%"
        query.where("n.name LIKE ? OR n.path LIKE ? OR n.full_path LIKE ?", text, text, text)
    if params.flag("top_level_only"):
        query.where("n.parent_id IS NULL")
    skipped = params.integers("skip_groups")
    if skipped:
        query.where(f"n.id NOT IN ({', '.join('?' * len(skipped))})", *skipped)
    if params.get("visibility"):
        query.where("n.visibility = ?", params.text("visibility"))
    level = params.integer("min_access_level")
    owned = params.flag("owned")
    if call.user and (level or owned) and not call.admin:
        access.mine(query, call.user, access.OWNER if owned else level)
        query.where("n.id IN mine")
    elif call.user and owned:
        query.where("n.id IN (SELECT source_id FROM members WHERE kind = 'group' AND user_id = ?"
                    " AND access_level >= 50)", call.user["id"])  # fmt: skip
    for key, value in (params.get("custom_attributes") or {}).items():
        query.where(
            "n.id IN (SELECT scope_id FROM records WHERE kind = 'custom_attribute'"
            " AND scope = 'group' AND key = ? AND json_extract(data, '$.value') = ?)", key, value,
        )  # fmt: skip


def list_subgroups(call: Call) -> Reply:
    """GET /groups/:id/subgroups"""
    group = call.group()
    return _list(call, access.visible_groups(call.user).where("n.parent_id = ?", group["id"]))


def list_descendants(call: Call) -> Reply:
    """GET /groups/:id/descendant_groups"""
    group = call.group()
    prefix = group["full_path"] + "/"
    query = access.visible_groups(call.user)
    return _list(call, query.where("substr(n.full_path, 1, ?) = ?", len(prefix), prefix))


def get_group(call: Call) -> dict[str, Any]:
    """GET /groups/:id"""
    group = call.group()
    shape = shapes.group_detail(call, group)
    if call.params.flag("with_projects", True):
        query = Query("projects p", "p.*").where("p.namespace_id = ?", group["id"])
        access.only_visible_projects(query, call.user).order("p.id DESC")
        rows = query.rows(call.db, 100)
        shape |= {
            "projects": [project_shapes.simple(call, row) for row in rows],
            "shared_projects": [],
        }
    return shape


def create_group(call: Call) -> Reply:
    """POST /groups"""
    user, params = call.need_user(), call.params
    name, path = params.need("name"), params.need("path")
    parent = _parent(call)
    names.check_group(name, path, top=parent is None)
    full_path = f"{parent['full_path']}/{path}" if parent else path
    if namespaces.path_taken(call.db, full_path):
        text = 'Failed to save group {:path=>["has already been taken"]}'
        raise bad_request(text)
    default = parent["visibility"] if parent else "private"
    visibility = params.choice("visibility", access.VISIBILITIES, default)
    _check_visibility(parent, visibility)
    group = namespaces.create_group(
        call.db, path=path, name=name, parent=parent, visibility=visibility,
        description=params.text("description"), data=params.only(shapes.GROUP_SETTINGS),
    )  # fmt: skip
    if parent is None or access.group_level(call.db, {**user, "admin": 0}, parent["id"]) < 50:
        call.db.insert(
            "members", kind="group", source_id=group["id"], user_id=user["id"],
            access_level=access.OWNER, created_at=clock.now(),
        )  # fmt: skip
    return created(shapes.group_detail(call, group))


def _parent(call: Call) -> Row | None:
    parent_id = call.params.integer("parent_id")
    if not parent_id:
        return None
    parent = namespaces.get_namespace(call.db, parent_id)
    if (
        parent is None
        or parent["kind"] != "group"
        or not access.can_see_group(call.db, call.user, parent)
    ):
        raise not_found("Group")
    if access.group_level(call.db, call.user, parent_id) < access.MAINTAINER:
        raise forbidden()
    return parent


def _check_visibility(parent: Row | None, visibility: str) -> None:
    order = access.VISIBILITIES
    if parent and order.index(visibility) > order.index(parent["visibility"]):
        above = parent["visibility"]
        text = f"{visibility} is not allowed since the parent group has a {above} visibility."
        raise bad_request({"visibility_level": [text]})


def update_group(call: Call) -> dict[str, Any]:
    """PUT /groups/:id"""
    group, params = call.group(access.OWNER), call.params
    name, path = params.text("name", group["name"]), params.text("path", group["path"])
    names.check_group(name, path, top=group["parent_id"] is None)
    parent = namespaces.get_namespace(call.db, group["parent_id"]) if group["parent_id"] else None
    visibility = params.choice("visibility", access.VISIBILITIES, group["visibility"])
    _check_visibility(parent, visibility)
    call.db.update(
        "namespaces", group["id"], name=name, visibility=visibility,
        description=params.text("description", group["description"]),
    )  # fmt: skip
    projects.change_data(call.db, "namespaces", group, **params.only(shapes.GROUP_SETTINGS))
    _keep_avatar(call, group)
    if path != group["path"]:
        _check_free(call, parent, path)
        namespaces.move_namespace(call.db, group, path, parent)
    return shapes.group_detail(call, namespaces.get_namespace(call.db, group["id"]) or group)


def _keep_avatar(call: Call, group: Row) -> None:
    avatar = call.params.get("avatar")
    if isinstance(avatar, Upload):
        path = uploads.keep(call, "group", group["id"], avatar)
        projects.change_data(call.db, "namespaces", group, avatar=path)
    elif avatar == "":
        projects.change_data(call.db, "namespaces", group, avatar=None)


def _check_free(call: Call, parent: Row | None, path: str) -> None:
    full_path = f"{parent['full_path']}/{path}" if parent else path
    if namespaces.path_taken(call.db, full_path):
        raise bad_request({"path": ["has already been taken"]})


def transfer_group(call: Call) -> Reply:
    """POST /groups/:id/transfer: into another group, or to the top"""
    group = call.group(access.OWNER)
    parent = None
    if call.params.get("group_id"):
        parent = namespaces.find_namespace(call.db, call.params.text("group_id"))
        if parent is None or access.group_level(call.db, call.user, parent["id"]) < access.OWNER:
            raise not_found("Group")
        if parent["id"] in namespaces.below(call.db, group["id"]):
            raise bad_request("Transfer failed: a group cannot go into itself")
    _check_free(call, parent, group["path"])
    namespaces.move_namespace(call.db, group, group["path"], parent)
    moved = namespaces.get_namespace(call.db, group["id"])
    assert moved is not None
    return created(shapes.group_detail(call, moved))


def delete_group(call: Call) -> Reply:
    """DELETE /groups/:id, with all that is in it"""
    group = call.group(access.OWNER)
    ids = namespaces.below(call.db, group["id"])
    for group_id in ids:
        for project in call.db.all("SELECT * FROM projects WHERE namespace_id = ?", group_id):
            project_verbs.delete(call, project)
        call.db.run("DELETE FROM members WHERE kind = 'group' AND source_id = ?", group_id)
        call.db.run("DELETE FROM shares WHERE kind = 'group' AND source_id = ?", group_id)
        call.db.run("DELETE FROM hooks WHERE kind = 'group' AND source_id = ?", group_id)
        call.db.run("DELETE FROM records WHERE scope = 'group' AND scope_id = ?", group_id)
    call.db.run("DELETE FROM namespaces WHERE id = ?", group["id"])
    return accepted()


def share_group(call: Call) -> Reply:
    """POST /groups/:id/share"""
    group = call.group(access.OWNER)
    other = namespaces.get_namespace(call.db, call.params.integer("group_id"))
    if other is None or not access.can_see_group(call.db, call.user, other):
        raise not_found("Group")
    _add_share(call, "group", group["id"], other["id"])
    return created(shapes.group_detail(call, group))


def _add_share(call: Call, kind: str, source_id: int, group_id: int) -> None:
    level = call.params.integer("group_access", -1)
    if level not in access.LEVELS:
        raise bad_request("group_access does not have a valid value")
    if call.db.one(
        "SELECT 1 FROM shares WHERE kind = ? AND source_id = ? AND group_id = ?",
        kind,
        source_id,
        group_id,
    ):
        raise message(409, "409 Conflict: already shared with this group")
    call.db.insert(
        "shares", kind=kind, source_id=source_id, group_id=group_id, access_level=level,
        expires_at=call.params.get("expires_at"),
    )  # fmt: skip


def unshare_group(call: Call) -> None:
    """DELETE /groups/:id/share/:group_id"""
    group = call.group(access.OWNER)
    _remove_share(call, "group", group["id"])


def _remove_share(call: Call, kind: str, source_id: int) -> None:
    sql = "DELETE FROM shares WHERE kind = ? AND source_id = ? AND group_id = ?"
    if not call.db.run(sql, kind, source_id, call.number("group_id")):
        raise not_found()


def share_project(call: Call) -> Reply:
    """POST /projects/:id/share"""
    project = call.project(access.MAINTAINER)
    group_id = call.params.integer("group_id")
    other = namespaces.get_namespace(call.db, group_id)
    if other is None or not access.can_see_group(call.db, call.user, other):
        raise not_found("Group")
    _add_share(call, "project", project["id"], group_id)
    level = call.params.integer("group_access")
    return created({"project_id": project["id"], "group_id": group_id, "group_access": level})


def unshare_project(call: Call) -> None:
    """DELETE /projects/:id/share/:group_id"""
    _remove_share(call, "project", call.project(access.MAINTAINER)["id"])


def list_namespaces(call: Call) -> Reply:
    """GET /namespaces"""
    user = call.need_user()
    query = access.mine(Query("namespaces n", "n.*"), user).order("n.kind DESC, n.id")
    if not call.admin:
        query.where("n.id IN mine")
    if call.params.get("search"):
        text = f"%{call.params.text('search')}%"
        query.where("n.name LIKE ? OR n.path LIKE ?", text, text)
    return page_rows(call, query, lambda row: shapes.namespace(call, row))


def get_namespace(call: Call) -> dict[str, Any]:
    """GET /namespaces/:id"""
    call.need_user()
    found = namespaces.find_namespace(call.db, call.values["id"])
    if found is None or (
        found["kind"] == "group" and not access.can_see_group(call.db, call.user, found)
    ):
        raise not_found("Namespace")
    return shapes.namespace(call, found)


def namespace_exists(call: Call) -> dict[str, Any]:
    """GET /namespaces/:id/exists"""
    call.need_user()
    taken = namespaces.path_taken(call.db, call.values["id"])
    return {"exists": taken, "suggests": [call.values["id"] + "1"] if taken else []}


def project_groups(call: Call) -> Reply:
    """GET /projects/:id/groups: the groups above a project"""
    project = call.project()
    group = namespaces.get_namespace(call.db, project["namespace_id"])
    assert group is not None
    found = [group, *namespaces.ancestors(call.db, group)] if group["kind"] == "group" else []
    return page_items(call, found, lambda row: shapes.group(call, row))


def user_owned(call: Call) -> Reply:
    """GET /users/:id/projects"""
    ref = call.values["id"]
    user = users.get_user(call.db, int(ref)) if ref.isdecimal() else users.find_user(call.db, ref)
    if user is None:
        raise not_found("User")
    namespace = users.user_namespace(call.db, user["id"])
    query = Query("projects p", "p.*").where(
        "p.namespace_id = ?", namespace["id"] if namespace else 0
    )
    access.only_visible_projects(query, call.user).order("p.id DESC")
    return page_rows(call, query, lambda row: project_shapes.full(call, row))


ROUTES = [
    get("/groups", list_groups),
    post("/groups", create_group),
    get("/groups/:id", get_group),
    put("/groups/:id", update_group),
    delete("/groups/:id", delete_group),
    get("/groups/:id/subgroups", list_subgroups),
    get("/groups/:id/descendant_groups", list_descendants),
    post("/groups/:id/transfer", transfer_group),
    post("/groups/:id/share", share_group),
    delete("/groups/:id/share/:group_id", unshare_group),
    post("/projects/:id/share", share_project),
    delete("/projects/:id/share/:group_id", unshare_project),
    get("/projects/:id/groups", project_groups),
    get("/users/:id/projects", user_owned),
    get("/namespaces", list_namespaces),
    get("/namespaces/:id", get_namespace),
    get("/namespaces/:id/exists", namespace_exists),
]
