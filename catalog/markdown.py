"""Other people's Markdown as HTML in which nothing runs and nothing is fetched from elsewhere."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

Rewrite = Callable[[str], str | None]
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
# No forms, styles or scripts; an id may only be one of ours, lest it be taken for the page's own.
TAGS = {
    *HEADINGS, "p", "br", "hr", "ul", "ol", "li", "dl", "dt", "dd", "pre", "code", "kbd", "samp",
    "blockquote", "em", "strong", "b", "i", "s", "del", "ins", "sub", "sup", "mark", "small", "a",
    "img", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "div", "span",
}  # fmt: skip
ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "details": {"open"},
    "ol": {"start"},
} | {heading: {"id"} for heading in HEADINGS}
PREFIX = "doc-"
_PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def slug(text: str) -> str:
    return re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-")


def _name_headings(tokens: list[Token]) -> None:
    seen: dict[str, int] = {}
    for token, inline in itertools.pairwise(tokens):
        if token.type == "heading_open":
            name = slug(inline.content)
            count = seen[name] = seen.get(name, -1) + 1
            token.attrSet("id", PREFIX + (f"{name}-{count}" if count else name))


def _outside(address: str) -> str | None:
    """Where a link may lead when nobody says what it is relative to: to the web."""
    return address if re.match(r"(https?://|mailto:)", address, re.IGNORECASE) else None


def render(text: str, *, link: Rewrite = _outside, image: Rewrite = lambda address: None) -> str:
    """`link` and `image` say where an address leads from here; None takes it away."""
    tokens = _PARSER.parse(text)
    _name_headings(tokens)

    def rewritten(tag: str, attribute: str, value: str) -> str | None:
        if attribute == "href":
            return f"#{PREFIX}{value[1:]}" if value.startswith("#") else link(value)
        if attribute == "src":
            return image(value)
        return value if attribute != "id" or value.startswith(PREFIX) else None

    return nh3.clean(
        _PARSER.renderer.render(tokens, _PARSER.options, {}),
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=rewritten,
        url_schemes={"http", "https", "mailto"},
    )
