"""What views ask of a request: who is behind it, and how much of the page it wants."""

from django.http import HttpRequest
from rest_framework.request import Request

from accounts.models import User


def signed_in(request: HttpRequest | Request) -> User:
    """The user of a request that the login middleware (or the API's permission) let through."""
    assert isinstance(request.user, User)
    return request.user


def template_for(request: HttpRequest, page: str, partial: str) -> str:
    """The page, or for htmx the named partial of the very same file."""
    restoring = request.headers.get("HX-History-Restore-Request")
    return f"{page}#{partial}" if request.headers.get("HX-Request") and not restoring else page
