"""Users and whoever is asking."""

from typing import Any

from localforge.call import Call, Upload
from localforge.errors import ApiError, bad_request, conflict, forbidden, param_error
from localforge.paging import page_keyset, page_rows
from localforge.reply import Reply, created
from localforge.routing import delete, get, post, put
from localforge.secrets import hash_password
from localforge.shapes import users as shapes
from localforge.store import namespaces, projects, users
from localforge.store.database import Query, Row
from localforge.verbs import names, uploads
from localforge.verbs import projects as project_verbs

_DATA = ("bio", "location", "website_url", "organization", "job_title", "projects_limit",
         "external", "note", "can_create_group")  # fmt: skip


def list_users(call: Call) -> Reply:
    """GET /users"""
    call.need_user()
    query = Query("users u", "u.*")
    params = call.params
    if params.get("username"):
        query.where("u.username = ?", params.text("username"))
    if params.get("search"):
        text = f"%{params.text('search')}%"
        query.where("u.username LIKE ? OR u.name LIKE ? OR u.email = ?", text, text, text[1:-1])
    if "blocked" in params:
        query.where("(u.state = 'blocked') = ?", int(params.flag("blocked")))
    if params.flag("active"):
        query.where("u.state = 'active'")
    if params.flag("without_project_bots") or params.flag("exclude_internal"):
        query.where("u.bot = 0")
    for key, value in (params.get("custom_attributes") or {}).items():
        _where_attribute(query, key, value)
    if params.text("pagination") == "keyset":
        return page_keyset(call, query, "u.id", lambda row: _shape(call, row))
    return page_rows(call, query.order("u.id DESC"), lambda row: _shape(call, row))


def _where_attribute(query: Query, key: str, value: Any) -> None:
    query.where(
        "u.id IN (SELECT scope_id FROM records WHERE kind = 'custom_attribute' AND scope = 'user'"
        " AND key = ? AND json_extract(data, '$.value') = ?)",
        key,
        value,
    )


def _shape(call: Call, user: Row) -> dict[str, Any]:
    mine = call.user is not None and call.user["id"] == user["id"]
    return shapes.full(call, user, private=call.admin or mine)


def get_user(call: Call) -> dict[str, Any]:
    """GET /users/:id"""
    return _shape(call, call.target_user())


def create_user(call: Call) -> Reply:
    """POST /users"""
    call.need_admin()
    params = call.params
    username, email = params.need("username"), params.need("email")
    names.check_group(username, username, top=True)
    _check_free(call, username, email)
    if not (
        params.get("password")
        or params.flag("reset_password")
        or params.flag("force_random_password")
    ):
        names_of = "password, reset_password, force_random_password"
        raise param_error(f"{names_of} are missing, at least one parameter must be provided")
    user = users.create_user(
        call.db, username=username, name=params.need("name"), email=email,
        password=params.text("password") or None, admin=params.flag("admin"),
        data=params.only(_DATA),
    )  # fmt: skip
    _keep_avatar(call, user)
    return created(_shape(call, user))


def _keep_avatar(call: Call, user: Row) -> None:
    avatar = call.params.get("avatar")
    if isinstance(avatar, Upload):
        path = uploads.keep(call, "user", user["id"], avatar)
        projects.change_data(call.db, "users", user, avatar=path)


def _check_free(call: Call, username: str, email: str, but: int = 0) -> None:
    find = call.db.one
    if find("SELECT 1 FROM users WHERE email = ? AND id <> ?", email, but):
        raise conflict("Email has already been taken")
    taken = find("SELECT 1 FROM users WHERE username = ? AND id <> ?", username, but)
    if taken or (not but and namespaces.path_taken(call.db, username)):
        raise conflict("Username has already been taken")


def update_user(call: Call) -> dict[str, Any]:
    """PUT /users/:id"""
    call.need_admin()
    user, params = call.target_user(), call.params
    username = params.text("username", user["username"])
    email = params.text("email", user["email"])
    _check_free(call, username, email, user["id"])
    columns: Row = {"username": username, "email": email, "name": params.text("name", user["name"])}
    if "admin" in params:
        columns["admin"] = int(params.flag("admin"))
    if params.get("password"):
        columns["password"] = hash_password(params.text("password"))
    call.db.update("users", user["id"], **columns)
    namespace = users.user_namespace(call.db, user["id"])
    if namespace and username != user["username"]:
        namespaces.move_namespace(call.db, namespace, username, None)
    user.update(columns)
    projects.change_data(call.db, "users", user, **params.only(_DATA))
    _keep_avatar(call, user)
    _keep_identity(call, user)
    return _shape(call, user)


def _keep_identity(call: Call, user: Row) -> None:
    provider = call.params.text("provider")
    if not provider:
        return
    data = projects.settings(user)
    others = [i for i in data.get("identities", []) if i["provider"] != provider]
    identity = {"provider": provider, "extern_uid": call.params.text("extern_uid")}
    projects.change_data(call.db, "users", user, identities=[*others, identity])


def delete_identity(call: Call) -> None:
    """DELETE /users/:id/identities/:provider"""
    call.need_admin()
    user, provider = call.target_user(), call.values["provider"]
    kept = [i for i in projects.settings(user).get("identities", []) if i["provider"] != provider]
    projects.change_data(call.db, "users", user, identities=kept)


def delete_user(call: Call) -> None:
    """DELETE /users/:id"""
    call.need_admin()
    user = call.target_user()
    if user["id"] == 1:
        raise bad_request("The first administrator cannot be deleted")
    namespace = users.user_namespace(call.db, user["id"])
    if namespace:
        for project in call.db.all(
            "SELECT * FROM projects WHERE namespace_id = ?", namespace["id"]
        ):
            project_verbs.delete(call, project)
    call.db.run("DELETE FROM users WHERE id = ?", user["id"])


_MOVES = {
    "block": ("active", "blocked"), "unblock": ("blocked", "active"),
    "deactivate": ("active", "deactivated"), "activate": ("deactivated", "active"),
    "ban": ("active", "banned"), "unban": ("banned", "active"),
}  # fmt: skip


def move_user(call: Call) -> Reply:
    """POST /users/:id/block and its like"""
    call.need_admin()
    user, verb = call.target_user(), call.values["verb"]
    if verb not in _MOVES:
        raise ApiError(404, {"error": "404 Not Found"})
    before, after = _MOVES[verb]
    if user["state"] != before:
        if verb == "block" and user["state"] == "blocked":
            return created(None)
        if verb == "unblock":
            return created(False)
        raise forbidden(f"Can't {verb} a {user['state']} user")
    call.db.update("users", user["id"], state=after)
    return created(True)


def current_user(call: Call) -> dict[str, Any]:
    """GET /user"""
    user = call.need_user()
    shape = shapes.full(call, user, private=True)
    namespace = users.user_namespace(call.db, user["id"])
    return {**shape, "namespace_id": namespace["id"] if namespace else None}


def memberships(call: Call) -> Reply:
    """GET /users/:id/memberships"""
    call.need_admin()
    user = call.target_user()
    kinds = {"": None, "Project": "project", "Namespace": "group"}
    kind = call.params.choice("type", kinds) if "type" in call.params else ""
    query = Query("members m", "m.*").where("m.user_id = ?", user["id"]).order("m.id")
    if kinds[kind]:
        query.where("m.kind = ?", kinds[kind])
    return page_rows(call, query, lambda row: _membership(call, row))


def _membership(call: Call, row: Row) -> dict[str, Any]:
    table = "projects" if row["kind"] == "project" else "namespaces"
    name = call.db.value(f"SELECT name FROM {table} WHERE id = ?", row["source_id"])  # noqa: S608
    return {
        "source_id": row["source_id"],
        "source_name": name,
        "source_type": "Project" if row["kind"] == "project" else "Namespace",
        "access_level": row["access_level"],
    }


ROUTES = [
    get("/users", list_users),
    post("/users", create_user),
    get("/users/:id", get_user),
    put("/users/:id", update_user),
    delete("/users/:id", delete_user),
    delete("/users/:id/identities/:provider", delete_identity),
    get("/users/:id/memberships", memberships),
    post("/users/:id/:verb", move_user),
    get("/user", current_user),
]
