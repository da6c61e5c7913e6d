"""Who is asking: a token in a header, the query or the Basic password; on pages, a session."""

from http.cookies import CookieError, SimpleCookie

from localforge import access, clock, secrets
from localforge.bearer import basic, token_in
from localforge.call import Call
from localforge.errors import ApiError, forbidden, unauthorized
from localforge.store import users
from localforge.store.database import Db, Row

COOKIE = "localforge_session"


def identify(call: Call, *, is_api: bool) -> None:
    """Sets the call's user; a token that is wrong is an error, none at all is a stranger."""
    secret = token_in(call.headers, call.query)
    if secret:
        _by_token(call, secret)
    elif not is_api:
        _by_session(call)
    if call.user and is_api:
        _become(call)


def _by_token(call: Call, secret: str) -> None:
    token = users.find_token(call.db, secret)
    user = users.get_user(call.db, token["user_id"]) if token else None
    if token is None or user is None:
        raise unauthorized()
    if user["state"] != "active":
        raise forbidden("Your account has been blocked.")
    if not access.token_allows(token, call.method, call.path):
        raise ApiError(403, {"error": "insufficient_scope", "scope": "api read_api"})
    call.token, call.user = token, user


def _by_session(call: Call) -> None:
    secret = session_cookie(call.headers)
    if not secret:
        return
    row = call.db.one(
        "SELECT u.* FROM users u JOIN sessions s ON s.user_id = u.id"
        " WHERE s.digest = ? AND s.expires_at > ? AND u.state = 'active'",
        secrets.digest(secret),
        clock.now(),
    )
    call.session, call.user = secret, row


def session_cookie(headers: dict[str, str]) -> str | None:
    """The session in the cookies, if there is one."""
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return None
    return cookies[COOKIE].value if COOKIE in cookies else None


def _become(call: Call) -> None:
    wanted = call.params.get("sudo") or call.headers.get("sudo")
    if not wanted or call.user is None:
        return
    if not call.user["admin"]:
        raise forbidden("Must be admin to use sudo")
    ref = str(wanted)
    found = users.get_user(call.db, int(ref)) if ref.isdecimal() else users.find_user(call.db, ref)
    if found is None:
        raise ApiError(404, {"message": f"404 User with ID or username '{ref}' Not Found"})
    call.user = found


def basic_login(authorization: str) -> tuple[str, str] | None:
    """The name and password of Basic authentication, if that is what was sent."""
    scheme, _, value = authorization.partition(" ")
    return basic(value) if scheme.lower() == "basic" else None


def git_user(db: Db, authorization: str, service: str) -> Row | None:
    """Whoever is asking over Git: a token or the user's own password; None for a stranger."""
    login = basic_login(authorization)
    if login is None:
        return None
    name, password = login
    token = users.find_token(db, password)
    if token:
        found = users.get_user(db, token["user_id"])
        allowed = access.token_allows_git(token, service)
    else:
        found = users.find_user(db, name)
        allowed = bool(found and secrets.check_password(password, found["password"]))
    if not found or not allowed or found["state"] != "active":
        raise unauthorized()
    return found
