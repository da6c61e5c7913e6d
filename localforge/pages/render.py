"""Templates to replies: Jinja2 with autoescape, icons as inline SVG, strict policy headers."""

import re
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup
from tablericons.jinja import icon as tabler_icon

from localforge.call import Call
from localforge.pages import csrf
from localforge.reply import Reply

HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data:; object-src 'none';"
    " base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
_DATE = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)")


@lru_cache
def icon(name: str, size: int = 18) -> str:
    """An icon that only decorates."""
    return tabler_icon(f"outline/{name}", size=size, aria_hidden="true", focusable="false")


def markdown(text: str) -> Markup:
    """Markdown as HTML; raw HTML in it stays text."""
    return Markup(_MARKDOWN.render(text))  # noqa: S704 - html is off, links are checked


def when(text: str | None) -> str:
    """A moment as people read it."""
    found = _DATE.match(text or "")
    return f"{found[1]} {found[2]}" if found else ""


def segments(path: str) -> str:
    """A path for an address: everything encoded but the slashes."""
    return quote(path, safe="/")


def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("localforge"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals.update(icon=icon, home="/")
    found.filters.update(markdown=markdown, when=when, segments=segments)
    return found


_ENVIRONMENT = _environment()


def page(call: Call, template: str, status: int = 200, **values: Any) -> Reply:
    """A page."""
    text = _ENVIRONMENT.get_template(template).render(
        base=call.base, user=call.user, csrf_token=csrf.token(call), path=call.path, **values
    )
    return Reply(text.encode(), status, dict(HEADERS), "text/html; charset=utf-8")


def redirect(call: Call, path: str) -> Reply:
    """Somewhere else in the forge, after a form."""
    return Reply(b"", 303, {**HEADERS, "location": call.base + path}, "text/plain")


_TITLES = {
    401: "Please sign in",
    403: "You may not do that",
    404: "There is nothing here",
    405: "That cannot be done",
    409: "Somebody was faster",
    422: "That cannot be done",
    500: "Something broke",
}


def error_page(call: Call, reply: Reply) -> Reply:
    """An error as people read it."""
    body = reply.body if isinstance(reply.body, dict) else {}
    text = body.get("message") or body.get("error") or ""
    shown = page(
        call, "error.html", reply.status, title=_TITLES.get(reply.status, "That did not work"),
        text=text if isinstance(text, str) else "; ".join(map(str, text)),
        number=body.get("error_id"),
    )  # fmt: skip
    shown.headers.update(reply.headers)
    return shown
