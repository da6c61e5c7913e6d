"""nunjucks' filters on texts, written to give its results."""

from __future__ import annotations

import math
import re
from typing import Any

from .filtering import count_of, filter_named, like, list_of, text_of
from .javascript import (
    LONGEST_TEXT,
    Regex,
    Safe,
    Undefined,
    bounded,
    fail,
    kind,
    length,
    number,
    printed,
    text,
    too_long,
)
from .lexer import SPACE
from .methods import encode
from .methods import replace as replace_text

_ESCAPES = str.maketrans(
    {"&": "&amp;", '"': "&quot;", "'": "&#39;", "<": "&lt;", ">": "&gt;", "\\": "&#92;"}
)
_TAGS = re.compile(r"</?([a-z][a-z0-9]*)\b[^>]*>|<!--[\s\S]*?-->", re.IGNORECASE)
_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "g": re.ASCII, "y": re.ASCII}


@filter_named("capitalize")
def capitalize(value: Any) -> str:
    lower = text_of(value, "capitalize").lower()
    return like(value, lower[:1].upper() + lower[1:])


@filter_named("center")
def _center(value: Any, width: Any = 80) -> str:
    content, size = text_of(value, "center"), count_of(width, 80)
    spaces = size - length(content)
    if spaces <= 0:
        return content
    left = spaces // 2 - spaces % 2 if spaces % 2 == 0 else math.ceil(spaces / 2 - 1)
    return like(value, " " * left + content + " " * math.ceil(spaces / 2))


@filter_named("escape", "e")
def _escape(value: Any) -> Safe:
    return value if isinstance(value, Safe) else _force_escape(value)


@filter_named("forceescape")
def _force_escape(value: Any) -> Safe:
    return Safe(bounded(printed(value).translate(_ESCAPES)))


@filter_named("safe")
def _safe(value: Any) -> Safe:
    return Safe(printed(value))


@filter_named("indent")
def _indent(value: Any, width: Any = 4, first: Any = False) -> str:
    content = text_of(value, "indent")
    size = count_of(width, 4)
    lines = content.split("\n")
    if size * len(lines) > LONGEST_TEXT:
        raise too_long()
    result = ("\n" + " " * size).join(lines)
    return like(value, " " * size + result if first and content else result)


@filter_named("lower")
def _lower(value: Any) -> str:
    return text_of(value, "lower").lower()


@filter_named("upper")
def _upper(value: Any) -> str:
    return text_of(value, "upper").upper()


@filter_named("nl2br")
def _nl2br(value: Any) -> str:
    return like(value, re.sub(r"\r\n|\n", "<br />\n", text_of(value, "nl2br")))


@filter_named("replace")
def _replace(value: Any, old: Any, new: Any, limit: Any = -1) -> Any:
    if isinstance(old, Regex):
        return replace_text(text_of(value, "replace"), old, new)
    number_or_text = isinstance(value, (str, int, float)) and not isinstance(value, bool)
    if not number_or_text or not isinstance(old, (str, int, float)) or isinstance(old, bool):
        return value
    content, search, fill = text(value), text(old), text(new)
    count = int(number(limit)) if not isinstance(limit, Undefined) else -1
    if not search:
        return like(value, bounded(fill + fill.join(content) + fill))
    if content.count(search) * len(fill) > LONGEST_TEXT:
        raise too_long()
    return like(value, content.replace(search, fill, count))


@filter_named("string")
def _string(value: Any) -> str:
    return like(value, text(value))


@filter_named("striptags")
def _striptags(value: Any, preserve: Any = False) -> str:
    content = _TAGS.sub("", text_of(value, "striptags")).strip(SPACE)
    if not preserve:
        return like(value, re.sub(r"\s+", " ", content))
    content = re.sub(r" +", " ", re.sub(r"^ +| +$", "", content, flags=re.MULTILINE))
    return like(value, re.sub(r"\n\n\n+", "\n\n", content.replace("\r\n", "\n")))


@filter_named("title")
def _title(value: Any) -> str:
    return like(value, " ".join(capitalize(word) for word in text_of(value, "title").split(" ")))


@filter_named("trim")
def _trim(value: Any) -> str:
    if not isinstance(value, str):
        raise fail(f"the filter trim needs a text, and this is {kind(value)}")
    return like(value, value.strip(SPACE))


@filter_named("truncate")
def _truncate(value: Any, size: Any = 255, kill: Any = False, end: Any = "...") -> str:
    content, limit = text_of(value, "truncate"), count_of(size, 255)
    if len(content) <= limit:
        return content
    space = content.rfind(" ", 0, limit + 1)
    cut = limit if kill or space < 0 else space
    return like(value, content[:cut] + (printed(end) if end is not None else "..."))


@filter_named("urlencode")
def _urlencode(value: Any) -> str:
    if isinstance(value, str):
        return encode(value)
    pairs = value.items() if isinstance(value, dict) else list_of(value, "urlencode")
    return "&".join(f"{encode(key)}={encode(item)}" for key, item in pairs)


@filter_named("wordcount")
def _wordcount(value: Any) -> int | None:
    return len(re.findall(r"\w+", text_of(value, "wordcount"), re.ASCII)) or None


@filter_named("r/")
def _regex(source: str, flags: str) -> Regex:
    """Only the parser can write this name: it makes a Regex of a literal r/…/."""
    options = re.ASCII
    for flag in flags:
        options |= _FLAGS[flag]
    try:
        pattern = re.compile(source.replace("\\/", "/").replace("(?<", "(?P<"), options)
    except re.error as error:
        raise fail(f"the regular expression is not valid: {error}") from None
    return Regex(pattern, "g" in flags)
