"""Forms from this forge's own pages only: a token bound to the session cookie, in every form."""

import hashlib
import hmac

from localforge.authentication import session_cookie
from localforge.call import Call
from localforge.errors import forbidden


def token_for(call: Call, cookie: str) -> str:
    """The token that belongs to a cookie."""
    return hmac.new(call.forge.secret, cookie.encode(), hashlib.sha256).hexdigest()


def token(call: Call) -> str:
    """The token of this browser, or nothing if it has no cookie yet."""
    cookie = session_cookie(call.headers)
    return token_for(call, cookie) if cookie else ""


def check(call: Call) -> None:
    """403 unless the form came from one of our pages."""
    expected = token(call)
    if not expected or not hmac.compare_digest(expected, call.params.text("csrf_token")):
        raise forbidden("the form is out of date: go back, reload the page, and try again")
