"""What every page's template knows besides its own context."""

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, object]:
    """The navigation entry that is lit, the theme (light, dark or auto) and the demo flag."""
    section = request.path.split("/")[1] or "home"
    theme = request.COOKIES.get("bespoke_theme", "auto")
    return {
        "unread": getattr(getattr(request, "user", None), "unread_count", 0),
        "section": section,
        "theme": theme if theme in ("light", "dark") else "auto",
        "demo": settings.DEMO,
    }
