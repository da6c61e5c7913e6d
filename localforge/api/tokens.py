"""Access tokens: personal, of a project, of a group."""

import secrets
from datetime import UTC, date, datetime, timedelta
from typing import Any

from localforge import access, clock
from localforge.call import Call
from localforge.errors import bad_request, forbidden, not_found, param_error
from localforge.paging import page_rows
from localforge.reply import Reply, created
from localforge.routing import delete, get, post
from localforge.secrets import digest, new_token
from localforge.shapes import users as shapes
from localforge.store import users
from localforge.store.database import Query, Row

SCOPES = {
    "api", "read_api", "read_user", "read_repository", "write_repository", "read_registry",
    "write_registry", "sudo", "admin_mode", "create_runner", "manage_runner", "k8s_proxy",
    "ai_features", "self_rotate", "read_service_ping",
}  # fmt: skip
_LONGEST = 400


def _scopes(call: Call) -> list[str]:
    wanted = call.params.texts("scopes")
    if not wanted:
        raise param_error("scopes is missing")
    if not set(wanted) <= SCOPES:
        raise param_error("scopes does not have a valid value")
    return wanted


def _expiry(call: Call, *, required: bool = False) -> str | None:
    text = call.params.text("expires_at")
    if not text:
        month = (datetime.now(UTC) + timedelta(days=365)).date().isoformat()
        return month if required else None
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        raise param_error("expires_at is invalid") from None
    if day > datetime.now(UTC).date() + timedelta(days=_LONGEST):
        raise bad_request(f"Expiration date must be before {_LONGEST} days from now")
    return day.isoformat()


def create_personal(call: Call) -> Reply:
    """POST /users/:id/personal_access_tokens"""
    call.need_admin()
    return _create(call, call.target_user(), "personal")


def create_impersonation(call: Call) -> Reply:
    """POST /users/:id/impersonation_tokens"""
    call.need_admin()
    return _create(call, call.target_user(), "impersonation")


def create_own(call: Call) -> Reply:
    """POST /user/personal_access_tokens"""
    return _create(call, call.need_user(), "personal")


def _create(call: Call, user: Row, kind: str) -> Reply:
    row, secret = users.create_token(
        call.db, user["id"], name=call.params.need("name"), scopes=_scopes(call), kind=kind,
        expires_at=_expiry(call), description=call.params.get("description"),
    )  # fmt: skip
    return created(shapes.token(row, secret))


def list_personal(call: Call) -> Reply:
    """GET /personal_access_tokens"""
    query = Query("tokens t", "t.*").where("t.kind IN ('personal', 'project', 'group')")
    user = call.need_user()
    if not call.admin:
        query.where("t.user_id = ?", user["id"])
    elif call.params.get("user_id"):
        query.where("t.user_id = ?", call.params.integer("user_id"))
    return _list(call, query)


def list_impersonation(call: Call) -> Reply:
    """GET /users/:id/impersonation_tokens"""
    call.need_admin()
    query = Query("tokens t", "t.*").where("t.kind = 'impersonation'")
    return _list(call, query.where("t.user_id = ?", call.target_user()["id"]))


def _list(call: Call, query: Query) -> Reply:
    state = call.params.text("state")
    if state:
        usable = "(t.revoked = 0 AND (t.expires_at IS NULL OR t.expires_at > ?))"
        clause = usable if state == "active" else f"NOT {usable}"
        query.where(clause, clock.today())
    if "revoked" in call.params:
        query.where("t.revoked = ?", int(call.params.flag("revoked")))
    return page_rows(call, query.order("t.id"), shapes.token)


def _own(call: Call, name: str = "token_id") -> Row:
    value = call.values[name]
    if value == "self":
        if call.token is None:
            raise not_found()
        return call.token
    user = call.need_user()
    row = call.db.one("SELECT * FROM tokens WHERE id = ?", call.number(name))
    if row is None or not (call.admin or row["user_id"] == user["id"]):
        raise not_found()
    return row


def get_token(call: Call) -> dict[str, Any]:
    """GET /personal_access_tokens/:id, also `self`"""
    return shapes.token(_own(call))


def revoke(call: Call) -> None:
    """DELETE of any token"""
    call.db.update("tokens", _own(call)["id"], revoked=1)


def rotate(call: Call) -> dict[str, Any]:
    """POST .../rotate: a new secret, the old one is done with"""
    return _rotate(call, _own(call))


def _rotate(call: Call, row: Row) -> dict[str, Any]:
    if row["revoked"]:
        raise bad_request("Token already revoked")
    secret = new_token()
    call.db.update("tokens", row["id"], revoked=1)
    row_id = call.db.insert(
        "tokens",
        **{**row, "id": None, "digest": digest(secret), "expires_at": _expiry(call, required=True)},
    )
    fresh = call.db.one("SELECT * FROM tokens WHERE id = ?", row_id)
    assert fresh is not None
    return shapes.token(fresh, secret)


def _place(call: Call) -> tuple[str, Row]:
    if "/groups/" in call.path:
        return "group", call.group(access.OWNER)
    return "project", call.project(access.MAINTAINER)


def create_bot(call: Call) -> Reply:
    """POST /projects/:id/access_tokens and /groups/:id/access_tokens"""
    kind, place = _place(call)
    level = call.params.integer("access_level", access.MAINTAINER)
    if level not in access.LEVELS:
        raise param_error("access_level does not have a valid value")
    own = access.OWNER if kind == "group" else call.project_level(place)
    if level > own:
        raise bad_request("Access level of the token can't be greater the access level of the user")
    name, scopes = call.params.need("name"), _scopes(call)
    username = f"{kind}_{place['id']}_bot_{secrets.token_hex(16)}"
    bot = users.create_user(
        call.db, username=username, name=name, email=f"{username}@noreply.localhost", bot=True
    )
    call.db.insert(
        "members", kind=kind, source_id=place["id"], user_id=bot["id"], access_level=level,
        created_at=clock.now(), created_by=call.need_user()["id"],
    )  # fmt: skip
    row, secret = users.create_token(
        call.db, bot["id"], name=name, scopes=scopes, kind=kind, source_id=place["id"],
        access_level=level, expires_at=_expiry(call, required=True),
        description=call.params.get("description"),
    )  # fmt: skip
    return created(shapes.token(row, secret))


def list_bots(call: Call) -> Reply:
    """GET /projects/:id/access_tokens"""
    kind, place = _place(call)
    query = Query("tokens t", "t.*").where("t.kind = ? AND t.source_id = ?", kind, place["id"])
    if not call.params.get("state"):
        query.where("t.revoked = 0")
    return _list(call, query)


def _bot_token(call: Call) -> Row:
    kind, place = _place(call)
    row = call.db.one(
        "SELECT * FROM tokens WHERE id = ? AND kind = ? AND source_id = ?",
        call.number("token_id"), kind, place["id"],
    )  # fmt: skip
    if row is None:
        raise not_found("Access Token")
    return row


def get_bot(call: Call) -> dict[str, Any]:
    """GET /projects/:id/access_tokens/:token_id"""
    return shapes.token(_bot_token(call))


def revoke_bot(call: Call) -> None:
    """DELETE /projects/:id/access_tokens/:token_id"""
    call.db.update("tokens", _bot_token(call)["id"], revoked=1)


def rotate_bot(call: Call) -> dict[str, Any]:
    """POST /projects/:id/access_tokens/:token_id/rotate"""
    if call.values["token_id"] == "self":  # noqa: S105 - a word, not a secret
        if call.token is None:
            raise forbidden()
        return _rotate(call, call.token)
    return _rotate(call, _bot_token(call))


_BOTS = [
    route
    for place in ("projects", "groups")
    for route in (
        get(f"/{place}/:id/access_tokens", list_bots),
        post(f"/{place}/:id/access_tokens", create_bot),
        get(f"/{place}/:id/access_tokens/:token_id", get_bot),
        delete(f"/{place}/:id/access_tokens/:token_id", revoke_bot),
        post(f"/{place}/:id/access_tokens/:token_id/rotate", rotate_bot),
    )
]
ROUTES = [
    post("/users/:id/personal_access_tokens", create_personal),
    post("/users/:id/impersonation_tokens", create_impersonation),
    get("/users/:id/impersonation_tokens", list_impersonation),
    get("/users/:id/impersonation_tokens/:token_id", get_token),
    delete("/users/:id/impersonation_tokens/:token_id", revoke),
    post("/user/personal_access_tokens", create_own),
    get("/personal_access_tokens", list_personal),
    get("/personal_access_tokens/:token_id", get_token),
    delete("/personal_access_tokens/:token_id", revoke),
    post("/personal_access_tokens/:token_id/rotate", rotate),
    *_BOTS,
]
