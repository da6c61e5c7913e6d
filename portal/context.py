"""What every page's template knows besides its own context."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject


def _unread(request: HttpRequest) -> object:
    """Counted only where a page shows it: not for a part of a page."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return 0
    return SimpleLazyObject(request.user.notifications.unread().count)


def site(request: HttpRequest) -> dict[str, object]:
    """The navigation entry that is lit, the theme (light, dark or auto) and the demo flag."""
    section = request.path.split("/")[1] or "home"
    theme = request.COOKIES.get("bespoke_theme", "auto")
    return {
        "unread": _unread(request),
        "section": section,
        "theme": theme if theme in ("light", "dark") else "auto",
        "demo": settings.DEMO,
    }
