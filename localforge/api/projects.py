"""Projects."""

import json
from typing import Any

from localforge import access, clock
from localforge.call import Call, Upload
from localforge.errors import ApiError, bad_request, conflict, not_found, param_error
from localforge.paging import page_keyset, page_rows
from localforge.reply import Reply, accepted, created
from localforge.routing import delete, get, post, put
from localforge.shapes import payloads
from localforge.shapes import projects as shapes
from localforge.store import namespaces, projects, records, users
from localforge.store.database import Query, Row
from localforge.verbs import events, names, uploads
from localforge.verbs import projects as verbs

_ORDERS = {
    "id": "p.id", "name": "p.name COLLATE NOCASE", "path": "p.path COLLATE NOCASE",
    "created_at": "p.created_at", "updated_at": "p.updated_at",
    "last_activity_at": "p.last_activity_at", "star_count": "p.star_count",
}  # fmt: skip


def list_projects(call: Call) -> Reply:
    """GET /projects"""
    query = access.only_visible_projects(Query("projects p", "p.*"), call.user)
    return listing(call, query, keyset=call.params.text("pagination") == "keyset")


def listing(call: Call, query: Query, *, keyset: bool = False) -> Reply:
    """A listing of projects, filtered and ordered as the caller wishes."""
    _filter(call, query)
    shape = shapes.simple if call.params.flag("simple") or call.user is None else shapes.full

    def view(row: Row) -> dict[str, Any]:
        return shape(call, row)

    if keyset:
        if call.params.text("order_by", "created_at") != "id":
            text = "Keyset pagination is not yet available for this type of request"
            raise ApiError(405, {"error": text})
        return page_keyset(call, query, "p.id", view)
    order = _ORDERS[call.params.choice("order_by", _ORDERS, "created_at")]
    direction = "ASC" if call.params.text("sort") == "asc" else "DESC"
    return page_rows(call, query.order(f"{order} {direction}, p.id {direction}"), view)


def _filter(call: Call, query: Query) -> None:
    params = call.params
    if params.get("search"):
        text = f"%{params.text('search')}%"
        column = "p.full_path" if params.flag("search_namespaces") else "p.path"
        query.where(f"p.name LIKE ? OR {column} LIKE ? OR p.description LIKE ?", text, text, text)
    for name in ("visibility",):
        if params.get(name):
            query.where(f"p.{name} = ?", params.text(name))
    if "archived" in params and params["archived"] not in (None, ""):
        query.where("p.archived = ?", int(params.flag("archived")))
    for topic in params.texts("topic"):
        query.where("EXISTS (SELECT 1 FROM json_each(p.topics) WHERE value = ?)", topic)
    for name, sign in (("after", ">"), ("before", "<")):
        _filter_times(params, query, name, sign)
    if params.get("id_after") and params.text("pagination") != "keyset":
        query.where("p.id > ?", params.integer("id_after"))
    if params.get("id_before") and params.text("pagination") != "keyset":
        query.where("p.id < ?", params.integer("id_before"))
    _filter_people(call, query)
    for key, value in (params.get("custom_attributes") or {}).items():
        query.where(
            "p.id IN (SELECT scope_id FROM records WHERE kind = 'custom_attribute'"
            " AND scope = 'project' AND key = ? AND json_extract(data, '$.value') = ?)", key, value,
        )  # fmt: skip


def _filter_times(params: Any, query: Query, name: str, sign: str) -> None:
    if params.get(f"last_activity_{name}"):
        query.where(f"p.last_activity_at {sign} ?", params.moment(f"last_activity_{name}"))
    if params.get(f"updated_{name}"):
        if params.text("order_by") != "updated_at":
            raise bad_request("`updated_at` filter and `updated_at` sorting must be paired")
        query.where(f"p.updated_at {sign} ?", params.moment(f"updated_{name}"))


def _filter_people(call: Call, query: Query) -> None:
    params = call.params
    if call.user is None:
        return
    level = params.integer("min_access_level")
    if params.flag("owned"):
        namespace = users.user_namespace(call.db, call.user["id"])
        query.where("p.namespace_id = ?", namespace["id"] if namespace else 0)
    if params.flag("membership") or level:
        access.member_projects(query, call.user, level or access.GUEST)
    if params.flag("starred"):
        query.where(
            "p.id IN (SELECT scope_id FROM records WHERE kind = 'star' AND scope = 'project'"
            " AND key = ?)", str(call.user["id"]),
        )  # fmt: skip


def group_projects(call: Call) -> Reply:
    """GET /groups/:id/projects"""
    group = call.group()
    query = access.only_visible_projects(Query("projects p", "p.*"), call.user)
    if call.params.flag("include_subgroups"):
        prefix = group["full_path"] + "/"
        own, values = "substr(p.full_path, 1, ?) = ?", [len(prefix), prefix]
    else:
        own, values = "p.namespace_id = ?", [group["id"]]
    if call.params.flag("with_shared", True):
        own += " OR p.id IN (SELECT source_id FROM shares WHERE kind = 'project' AND group_id = ?)"
        values.append(group["id"])
    return listing(call, query.where(own, *values))


def get_project(call: Call) -> dict[str, Any]:
    """GET /projects/:id"""
    project = call.project()
    shape = shapes.detail(call, project) if call.user else shapes.simple(call, project)
    if call.params.flag("statistics") and call.user:
        shape["statistics"] = {"commit_count": 0, "storage_size": 0, "repository_size": 0}
    return shape


def namespace_for(call: Call, ref: str) -> Row:
    """The namespace that a parameter names; without one, the caller's own."""
    if not ref:
        found = users.user_namespace(call.db, call.need_user()["id"])
    else:
        found = namespaces.find_namespace(call.db, ref)
        if (
            found
            and found["kind"] == "group"
            and not access.can_see_group(call.db, call.user, found)
        ):
            found = None
    if found is None:
        raise bad_request({"namespace": ["is not valid"]})
    return found


def create_project(call: Call) -> Reply:
    """POST /projects"""
    call.need_user()
    params = call.params
    name, path = params.text("name"), params.text("path")
    if not name and not path:
        raise param_error("name, path are missing, at least one parameter must be provided")
    namespace = namespace_for(call, params.text("namespace_id"))
    project = verbs.create(
        call, namespace, name=name or path, path=path or names.slug(name),
        visibility=params.choice("visibility", access.VISIBILITIES, "private"),
        default_branch=params.text("default_branch") or "main",
        description=params.text("description"), topics=_topics(params) or [],
        data=params.only(shapes.SETTINGS),
    )  # fmt: skip
    if params.get("import_url"):
        verbs.import_from(call, project, params.text("import_url"))
    elif params.flag("initialize_with_readme"):
        verbs.first_commit(call, project, verbs.readme(project))
    return created(shapes.detail(call, project))


def _topics(params: Any) -> list[str] | None:
    if "topics" not in params and "tag_list" not in params:
        return None
    found: list[str] = params.texts("topics") or params.texts("tag_list")
    return list(dict.fromkeys(found))


def update_project(call: Call) -> dict[str, Any]:
    """PUT /projects/:id"""
    project, params = call.project(access.MAINTAINER), call.params
    namespace = namespaces.get_namespace(call.db, project["namespace_id"])
    assert namespace is not None
    name, path = params.text("name") or project["name"], params.text("path") or project["path"]
    if (name, path) != (project["name"], project["path"]):
        names.check_project(name, path)
        verbs.check_free(call, namespace, name, path, but=project["id"])
    columns: Row = {"name": name, "description": params.text("description", project["description"])}
    columns["visibility"] = params.choice("visibility", access.VISIBILITIES, project["visibility"])
    verbs.check_visibility(namespace, columns["visibility"])
    topics = _topics(params)
    if topics is not None:
        columns["topics"] = json.dumps(topics)
    if params.get("default_branch"):
        columns["default_branch"] = _change_default(call, project, params.text("default_branch"))
    call.db.update("projects", project["id"], updated_at=clock.now(), **columns)
    project.update(columns)
    projects.change_data(call.db, "projects", project, **params.only(shapes.SETTINGS))
    _keep_avatar(call, project)
    verbs.relocate(call, project, namespace, path)
    events.emit_system(call, payloads.project_event(call, project, "project_update"))
    return shapes.detail(call, projects.get_project(call.db, project["id"]) or project)


def _change_default(call: Call, project: Row, branch: str) -> str:
    repo = call.repo(project)
    if repo.branch(branch) is None and not project["empty"]:
        raise bad_request({"base": [f"Could not change HEAD: branch '{branch}' does not exist"]})
    repo.set_head(names.check_branch(branch))
    return branch


def _keep_avatar(call: Call, project: Row) -> None:
    avatar = call.params.get("avatar")
    if isinstance(avatar, Upload):
        path = uploads.keep(call, "project", project["id"], avatar)
        projects.change_data(call.db, "projects", project, avatar=path)
    elif avatar == "":
        projects.change_data(call.db, "projects", project, avatar=None)


def delete_project(call: Call) -> Reply:
    """DELETE /projects/:id"""
    verbs.delete(call, call.project(access.OWNER))
    return accepted()


def archive(call: Call) -> Reply:
    """POST /projects/:id/archive"""
    return _set_archived(call, 1)


def unarchive(call: Call) -> Reply:
    """POST /projects/:id/unarchive"""
    return _set_archived(call, 0)


def _set_archived(call: Call, value: int) -> Reply:
    project = call.project(access.OWNER)
    call.db.update("projects", project["id"], archived=value, updated_at=clock.now())
    project["archived"] = value
    return created(shapes.detail(call, project))


def transfer(call: Call) -> dict[str, Any]:
    """PUT /projects/:id/transfer"""
    project = call.project(access.OWNER)
    namespace = namespace_for(call, call.params.need("namespace"))
    verbs.check_may_create(call, namespace)
    verbs.relocate(call, project, namespace, project["path"])
    return shapes.detail(call, project)


def fork(call: Call) -> Reply:
    """POST /projects/:id/fork"""
    call.need_user()
    origin, params = call.project(), call.params
    ref = params.text("namespace_id") or params.text("namespace_path") or params.text("namespace")
    namespace = namespace_for(call, ref)
    project = verbs.fork(
        call, origin, namespace, name=params.text("name") or origin["name"],
        path=params.text("path") or origin["path"],
    )  # fmt: skip
    return created(shapes.detail(call, project))


def list_forks(call: Call) -> Reply:
    """GET /projects/:id/forks"""
    query = Query("projects p", "p.*").where("p.forked_from = ?", call.project()["id"])
    return listing(call, access.only_visible_projects(query, call.user))


def link_fork(call: Call) -> Reply:
    """POST /projects/:id/fork/:forked_from_id"""
    project = call.project(access.MAINTAINER)
    origin = projects.get_project(call.db, call.number("forked_from_id"))
    if origin is None or not access.can_see_project(call.db, call.user, origin):
        raise not_found("Source Project")
    if project["forked_from"]:
        raise conflict("Project already forked")
    call.db.update("projects", project["id"], forked_from=origin["id"])
    project["forked_from"] = origin["id"]
    return created(shapes.detail(call, project))


def unlink_fork(call: Call) -> None:
    """DELETE /projects/:id/fork"""
    project = call.project(access.OWNER)
    call.db.update("projects", project["id"], forked_from=None)


def star(call: Call) -> Reply:
    """POST /projects/:id/star"""
    return _set_star(call, wanted=True)


def unstar(call: Call) -> Reply:
    """POST /projects/:id/unstar"""
    return _set_star(call, wanted=False)


def _set_star(call: Call, *, wanted: bool) -> Reply:
    project, key = call.project(), str(call.need_user()["id"])
    scope = ("project", project["id"])
    found = records.find(call.db, "star", scope, key)
    if wanted == (found is not None):
        return Reply(b"", 304)
    if found:
        records.remove(call.db, found)
    else:
        records.add(call.db, "star", scope, {}, key)
    project["star_count"] += 1 if wanted else -1
    call.db.update("projects", project["id"], star_count=project["star_count"])
    return created(shapes.detail(call, project))


def languages(call: Call) -> dict[str, float]:
    """GET /projects/:id/languages: not detected"""
    call.project()
    return {}


ROUTES = [
    get("/projects", list_projects),
    post("/projects", create_project),
    get("/projects/:id", get_project),
    put("/projects/:id", update_project),
    delete("/projects/:id", delete_project),
    get("/groups/:id/projects", group_projects),
    post("/projects/:id/archive", archive),
    post("/projects/:id/unarchive", unarchive),
    put("/projects/:id/transfer", transfer),
    post("/projects/:id/fork", fork),
    post("/projects/:id/fork/:forked_from_id", link_fork),
    delete("/projects/:id/fork", unlink_fork),
    get("/projects/:id/forks", list_forks),
    post("/projects/:id/star", star),
    post("/projects/:id/unstar", unstar),
    get("/projects/:id/languages", languages),
]
