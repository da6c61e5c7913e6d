"""Signing in and out of the pages."""

import secrets
from urllib.parse import quote

from localforge import authentication, clock
from localforge.call import Call
from localforge.pages import csrf
from localforge.pages.render import page, redirect
from localforge.reply import Reply
from localforge.routing import get, post
from localforge.secrets import check_password, digest
from localforge.store import users

_LIFETIME = 14 * 24 * 3600


def _cookie(call: Call, value: str, seconds: int) -> str:
    secure = "; Secure" if call.base.startswith("https:") else ""
    flags = f"Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}"
    return f"{authentication.COOKIE}={value}; {flags}"


def _target(call: Call) -> str:
    wanted = call.params.text("next", "/")
    inside = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if inside and "\n" not in wanted and "\r" not in wanted else "/"


def sign_in_form(call: Call) -> Reply:
    """GET /users/sign_in"""
    return _form(call)


def _form(call: Call, problem: str = "", status: int = 200) -> Reply:
    cookie = authentication.session_cookie(call.headers) or secrets.token_urlsafe(32)
    call.headers["cookie"] = f"{authentication.COOKIE}={cookie}"
    name = call.params.text("username") if problem else ""
    reply = page(call, "sign_in.html", status, problem=problem, next=_target(call), name=name)
    reply.cookies.append(_cookie(call, cookie, _LIFETIME))
    return reply


def sign_in(call: Call) -> Reply:
    """POST /users/sign_in"""
    csrf.check(call)
    found = users.find_user(call.db, call.params.text("username").strip())
    right = check_password(call.params.text("password"), found["password"] if found else None)
    if not found or not right or found["state"] != "active":
        return _form(call, "The user name or the password is wrong.", 422)
    session = secrets.token_urlsafe(32)
    call.db.run("DELETE FROM sessions WHERE expires_at < ?", clock.now())
    call.db.insert(
        "sessions", digest=digest(session), user_id=found["id"], expires_at=clock.later(_LIFETIME)
    )
    reply = redirect(call, _target(call))
    reply.cookies.append(_cookie(call, session, _LIFETIME))
    return reply


def sign_out(call: Call) -> Reply:
    """POST /users/sign_out"""
    csrf.check(call)
    if call.session:
        call.db.run("DELETE FROM sessions WHERE digest = ?", digest(call.session))
    reply = redirect(call, "/")
    reply.cookies.append(_cookie(call, "", 0))
    return reply


def sign_in_path(call: Call) -> str:
    """Where somebody signs in to come back here."""
    return f"/users/sign_in?next={quote(call.path, safe='')}"


ROUTES = [
    get("/users/sign_in", sign_in_form),
    post("/users/sign_in", sign_in),
    post("/users/sign_out", sign_out),
]
