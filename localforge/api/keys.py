"""SSH keys, deploy keys and deploy tokens. Keys are only kept and listed, for Git over SSH is not
spoken; deploy tokens open repositories over HTTP."""

import base64
import binascii
import hashlib
from secrets import token_hex
from typing import Any

from localforge import access, deploy_tokens, secrets
from localforge.call import Call
from localforge.errors import bad_request, not_found
from localforge.paging import page_items
from localforge.reply import Reply, created
from localforge.routing import delete, get, post, put
from localforge.shapes import users as user_shapes
from localforge.store import records
from localforge.store.database import Row


def fingerprint(key: str) -> str:
    """The SHA256 fingerprint of a public key."""
    parts = key.split()
    try:
        raw = base64.b64decode(parts[1], validate=True)
    except (IndexError, binascii.Error):
        raise bad_request({"key": ["is invalid"]}) from None
    return "SHA256:" + base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")


def _shape(row: Row) -> dict[str, Any]:
    data = row["data"]
    return {
        "id": row["id"],
        "title": data["title"],
        "key": data["key"],
        "fingerprint_sha256": data["fingerprint"],
        "created_at": row["created_at"],
        "expires_at": None,
        "can_push": data.get("can_push", False),
        "usage_type": "auth_and_signing",
    }


def _sent(call: Call) -> dict[str, Any]:
    key = call.params.need("key").strip()
    title, can_push = call.params.need("title"), call.params.flag("can_push")
    return {"title": title, "key": key, "fingerprint": fingerprint(key), "can_push": can_push}


def _owner(call: Call) -> tuple[str, int]:
    if "/users/" in call.path:
        if call.method != "GET":
            call.need_admin()
        return "user", call.target_user()["id"]
    return "user", call.need_user()["id"]


def list_ssh(call: Call) -> Reply:
    """GET /user/keys and /users/:id/keys"""
    return page_items(call, records.every(call.db, "ssh_key", _owner(call)), _shape)


def create_ssh(call: Call) -> Reply:
    """POST /user/keys and /users/:id/keys"""
    return created(_shape(records.add(call.db, "ssh_key", _owner(call), _sent(call))))


def _the_ssh(call: Call) -> Row:
    found = records.by_id(call.db, "ssh_key", call.number("key_id"))
    if found is None or ("user", found["scope_id"]) != _owner(call):
        raise not_found("Key")
    return found


def get_ssh(call: Call) -> dict[str, Any]:
    """GET /user/keys/:key_id"""
    return _shape(_the_ssh(call))


def delete_ssh(call: Call) -> None:
    """DELETE /user/keys/:key_id"""
    records.remove(call.db, _the_ssh(call))


def _with_owner(call: Call, row: Row) -> dict[str, Any]:
    if row["kind"] == "ssh_key":
        return {**_shape(row), "user": user_shapes.by_id(call, row["scope_id"])}
    uses = [
        {"deploy_key_id": row["id"], "project_id": p, "can_push": False} for p in _users_of(row)
    ]
    return {**_shape(row), "user": None, "deploy_keys_projects": uses}


def key_by_id(call: Call) -> dict[str, Any]:
    """GET /keys/:key_id"""
    call.need_admin()
    found = records.by_id(call.db, "ssh_key", call.number("key_id"))
    if found is None:
        raise not_found("Key")
    return _with_owner(call, found)


def key_by_fingerprint(call: Call) -> dict[str, Any]:
    """GET /keys?fingerprint="""
    call.need_admin()
    wanted = call.params.need("fingerprint")
    for kind in ("ssh_key", "deploy_key"):
        for row in records.every(call.db, kind):
            if row["data"]["fingerprint"] == wanted:
                return _with_owner(call, row)
    raise not_found("Key")


def _users_of(row: Row) -> list[int]:
    found: list[int] = row["data"].get("projects", [])
    return found


def list_deploy(call: Call) -> Reply:
    """GET /deploy_keys"""
    call.need_admin()
    return page_items(call, records.every(call.db, "deploy_key"), _shape)


def create_deploy(call: Call) -> Reply:
    """POST /deploy_keys"""
    call.need_admin()
    return created(_shape(records.add(call.db, "deploy_key", records.INSTANCE, _sent(call))))


def list_of_project(call: Call) -> Reply:
    """GET /projects/:id/deploy_keys"""
    project_id = call.project(access.MAINTAINER)["id"]
    rows = [r for r in records.every(call.db, "deploy_key") if project_id in _users_of(r)]
    return page_items(call, rows, _shape)


def create_of_project(call: Call) -> Reply:
    """POST /projects/:id/deploy_keys; a key that is known already is shared"""
    project_id, sent = call.project(access.MAINTAINER)["id"], _sent(call)
    for row in records.every(call.db, "deploy_key"):
        if row["data"]["fingerprint"] == sent["fingerprint"]:
            return created(_shape(_enable(call, row, project_id)))
    sent["projects"] = [project_id]
    return created(_shape(records.add(call.db, "deploy_key", records.INSTANCE, sent)))


def _enable(call: Call, row: Row, project_id: int) -> Row:
    now = list(dict.fromkeys([*_users_of(row), project_id]))
    return records.change(call.db, row, {"projects": now})


def _the_deploy(call: Call) -> tuple[int, Row]:
    project_id = call.project(access.MAINTAINER)["id"]
    found = records.by_id(call.db, "deploy_key", call.number("key_id"))
    if found is None:
        raise not_found("Deploy Key")
    return project_id, found


def enable(call: Call) -> Reply:
    """POST /projects/:id/deploy_keys/:key_id/enable"""
    project_id, row = _the_deploy(call)
    return created(_shape(_enable(call, row, project_id)))


def get_of_project(call: Call) -> dict[str, Any]:
    """GET /projects/:id/deploy_keys/:key_id"""
    project_id, row = _the_deploy(call)
    if project_id not in _users_of(row):
        raise not_found("Deploy Key")
    return _shape(row)


def update_of_project(call: Call) -> dict[str, Any]:
    """PUT /projects/:id/deploy_keys/:key_id"""
    _, row = _the_deploy(call)
    return _shape(records.change(call.db, row, call.params.only(("title", "can_push"))))


def delete_of_project(call: Call) -> None:
    """DELETE /projects/:id/deploy_keys/:key_id; gone when no project uses it"""
    project_id, row = _the_deploy(call)
    left = [other for other in _users_of(row) if other != project_id]
    if left:
        records.change(call.db, row, {"projects": left})
    else:
        records.remove(call.db, row)


def _place(call: Call) -> tuple[str, int]:
    if "/groups/" in call.path:
        return "group", call.group(access.OWNER)["id"]
    return "project", call.project(access.MAINTAINER)["id"]


def _token(row: Row) -> dict[str, Any]:
    return {"id": row["id"], **row["data"], "revoked": False, "expired": False}


def list_tokens(call: Call) -> Reply:
    """GET .../deploy_tokens"""
    if call.path.startswith("/api/v4/deploy_tokens"):
        call.need_admin()
        return page_items(call, records.every(call.db, "deploy_token"), _token)
    return page_items(call, records.every(call.db, "deploy_token", _place(call)), _token)


def create_token(call: Call) -> Reply:
    """POST .../deploy_tokens"""
    place, params = _place(call), call.params
    name, scopes = params.need("name"), params.texts("scopes")
    if not scopes:
        raise bad_request({"error": "scopes is missing"})
    day, secret = params.text("expires_at")[:10], secrets.new_token(deploy_tokens.PREFIX)
    data = {
        "name": name,
        "username": params.text("username") or f"gitlab+deploy-token-{token_hex(4)}",
        "expires_at": f"{day}T00:00:00.000Z" if day else None,
        "scopes": scopes,
    }
    row = records.add(call.db, "deploy_token", place, data, secrets.digest(secret))
    return created({**_token(row), "token": secret})


def _the_token(call: Call) -> Row:
    place = _place(call)
    found = records.by_id(call.db, "deploy_token", call.number("token_id"))
    if found is None or (found["scope"], found["scope_id"]) != place:
        raise not_found("Deploy Token")
    return found


def get_token(call: Call) -> dict[str, Any]:
    """GET .../deploy_tokens/:token_id"""
    return _token(_the_token(call))


def delete_token(call: Call) -> None:
    """DELETE .../deploy_tokens/:token_id"""
    records.remove(call.db, _the_token(call))


def _token_routes(place: str) -> list[Any]:
    base = f"/{place}/:id/deploy_tokens"
    return [
        get(base, list_tokens),
        post(base, create_token),
        get(f"{base}/:token_id", get_token),
        delete(f"{base}/:token_id", delete_token),
    ]


def _ssh_routes(base: str) -> list[Any]:
    return [
        get(base, list_ssh),
        post(base, create_ssh),
        get(f"{base}/:key_id", get_ssh),
        delete(f"{base}/:key_id", delete_ssh),
    ]


_DEPLOY = "/projects/:id/deploy_keys"
ROUTES = [
    *_ssh_routes("/user/keys"),
    *_ssh_routes("/users/:id/keys"),
    get("/keys", key_by_fingerprint),
    get("/keys/:key_id", key_by_id),
    get("/deploy_keys", list_deploy),
    post("/deploy_keys", create_deploy),
    get(_DEPLOY, list_of_project),
    post(_DEPLOY, create_of_project),
    get(f"{_DEPLOY}/:key_id", get_of_project),
    put(f"{_DEPLOY}/:key_id", update_of_project),
    delete(f"{_DEPLOY}/:key_id", delete_of_project),
    post(f"{_DEPLOY}/:key_id/enable", enable),
    get("/deploy_tokens", list_tokens),
    *_token_routes("projects"),
    *_token_routes("groups"),
]
