"""The token that a request carries: in a header, the query or the Basic password."""

import base64
import binascii
from collections.abc import Mapping, MutableMapping
from typing import Any

from localforge.errors import ApiError, unauthorized
from localforge.params import Params


def token_in(headers: Mapping[str, str], query: Params) -> str | None:
    """Raises ApiError where the Basic password is unreadable."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    return (
        headers.get("private-token")
        or headers.get("job-token")
        or (value.strip() if scheme.lower() == "bearer" else None)
        or query.get("private_token")
        or query.get("access_token")
        or (basic(value)[1] if scheme.lower() == "basic" else None)
    )


def token_of(scope: MutableMapping[str, Any]) -> str | None:
    """The same before anything of the request was read but its headers."""
    headers = {n.decode("latin-1"): v.decode("latin-1") for n, v in scope["headers"]}
    try:
        return token_in(headers, Params())
    except ApiError:
        return None


def basic(value: str) -> tuple[str, str]:
    """Name and password. Raises ApiError."""
    try:
        name, _, password = base64.b64decode(value).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise unauthorized() from None
    return name, password
