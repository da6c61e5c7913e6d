"""The members that a template may reach on a value: JavaScript's own for texts, lists, numbers and
objects, each a function written here. Nothing is ever looked up on a Python object, so there is no
`__class__`, no `format` and no mutating method to deny."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from .javascript import (
    LONGEST_TEXT,
    MISSING,
    JsList,
    Regex,
    Undefined,
    bounded,
    fail,
    length,
    number,
    text,
    too_long,
)
from .lexer import SPACE
from .operators import same

Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Method:
    """A function bound to its value: all that a template may call besides macros and globals."""

    name: str
    owner: Any
    function: Function

    def __call__(self, *args: Any, **named: Any) -> Any:
        if named:
            raise fail(f"{self.name}() takes no named values")
        try:
            return self.function(self.owner, *args)
        except TypeError:
            raise fail(f"{self.name}() cannot be called with these values") from None


def _given(value: Any) -> bool:
    return not isinstance(value, Undefined)


def _whole(value: Any, default: int, size: int) -> int:
    """A position as slice() reads it: from the end when negative."""
    place = number(value) if _given(value) else default
    if math.isnan(place):
        return 0
    place = int(max(-size, min(size, place)))
    return place + size if place < 0 else place


def regex_replacement(found: re.Match[str], template: str) -> str:
    """`$&`, `$1` and `$$` in the replacement, as JavaScript expands them."""

    def expand(part: re.Match[str]) -> str:
        sign = part.group(1)
        if sign == "$":
            return "$"
        if sign == "&":
            return found.group()
        return (found.group(int(sign)) or "") if int(sign) <= found.re.groups else part.group()

    return re.sub(r"\$(\$|&|[1-9]\d?)", expand, template)


def replace(value: str, old: Any, new: Any, *, everywhere: bool = False) -> str:
    """String.replace and String.replaceAll."""
    pattern = old.pattern if isinstance(old, Regex) else re.compile(re.escape(text(old)))
    everywhere = old.everywhere if isinstance(old, Regex) else everywhere
    template, size = text(new), 0

    def one(found: re.Match[str]) -> str:
        nonlocal size
        result = regex_replacement(found, template) if "$" in template else template
        size += len(result)
        if size > LONGEST_TEXT:
            raise too_long()
        return result

    return bounded(pattern.sub(one, value, count=0 if everywhere else 1))


def _replace_all(value: str, old: Any, new: Any) -> str:
    return replace(value, old, new, everywhere=True)


def _split(value: str, separator: Any = MISSING, limit: Any = MISSING) -> JsList:
    if not _given(separator):
        parts = [value]
    elif isinstance(separator, Regex):
        parts = [part or "" for part in separator.pattern.split(value)]
    else:
        parts = value.split(text(separator)) if text(separator) else list(value)
    return JsList(parts[: int(number(limit))] if _given(limit) else parts)


def _slice(value: Any, start: Any = 0, end: Any = MISSING) -> Any:
    size = len(value)
    part = value[_whole(start, 0, size) : _whole(end, size, size)]
    return JsList(part) if isinstance(value, list) else part


def _substring(value: str, start: Any = 0, end: Any = MISSING) -> str:
    size = len(value)
    first = 0 if number(start) < 0 else _whole(start, 0, size)
    last = 0 if _given(end) and number(end) < 0 else _whole(end, size, size)
    return value[min(first, last) : max(first, last)]


def _substr(value: str, start: Any = 0, count: Any = MISSING) -> str:
    first = _whole(start, 0, len(value))
    return value[first : first + (max(0, int(number(count))) if _given(count) else len(value))]


def _pad(value: str, size: Any, fill: Any) -> str:
    missing = int(min(1e10, number(size))) - len(value)
    filler = text(fill)
    if missing > LONGEST_TEXT:
        raise too_long()
    return (filler * (missing // len(filler) + 1))[:missing] if missing > 0 and filler else ""


def _repeat(value: str, count: Any) -> str:
    times = number(count)
    if not times >= 0 or times * len(value) > LONGEST_TEXT:
        raise too_long()
    return value * int(times)


def _index_of(value: Any, item: Any) -> int:
    if isinstance(value, str):
        return value.find(text(item))
    return next((place for place, member in enumerate(value) if same(member, item)), -1)


def _last_index_of(value: Any, item: Any) -> int:
    if isinstance(value, str):
        return value.rfind(text(item))
    places = [place for place, member in enumerate(value) if same(member, item)]
    return places[-1] if places else -1


def _concat(value: Any, *others: Any) -> Any:
    if isinstance(value, str):
        return bounded(value + "".join(text(other) for other in others))
    joined = JsList(value)
    for other in others:
        joined.extend(other if isinstance(other, list) else [other])
        if len(joined) > LONGEST_TEXT // 100:
            raise fail("the list grows too long")
    return joined


def join(value: list[Any], separator: Any = ",") -> str:
    """Array.join: null and undefined are empty."""
    joint = text(separator) if _given(separator) else ","
    parts = ["" if item is None or not _given(item) else text(item) for item in value]
    if sum(map(len, parts)) + len(joint) * len(parts) > LONGEST_TEXT:
        raise too_long()
    return joint.join(parts)


def _flat(value: list[Any]) -> JsList:
    return JsList(inner for item in value for inner in (item if isinstance(item, list) else [item]))


def _at(value: Any, place: Any) -> Any:
    where = int(number(place))
    return value[where] if -len(value) <= where < len(value) else Undefined()


def _match(value: str, pattern: Any) -> Any:
    if not isinstance(pattern, Regex):
        pattern = Regex(re.compile(text(pattern), re.ASCII), everywhere=False)
    if pattern.everywhere:
        return JsList(found.group() for found in pattern.pattern.finditer(value)) or None
    found = pattern.pattern.search(value)
    return JsList([found.group(), *found.groups()]) if found else None


def _fixed(value: float, digits: Any = 0) -> str:
    return f"{value:.{max(0, min(100, int(number(digits))))}f}"


_TEXT: dict[str, Function] = {
    "at": _at,
    "charAt": lambda value, place=0: value[int(place) : int(place) + 1] if place >= 0 else "",
    "concat": _concat,
    "endsWith": lambda value, end: value.endswith(text(end)),
    "includes": lambda value, part: text(part) in value,
    "indexOf": _index_of,
    "lastIndexOf": _last_index_of,
    "match": _match,
    "padEnd": lambda value, size, fill=" ": value + _pad(value, size, fill),
    "padStart": lambda value, size, fill=" ": _pad(value, size, fill) + value,
    "repeat": _repeat,
    "replace": replace,
    "replaceAll": _replace_all,
    "slice": _slice,
    "split": _split,
    "startsWith": lambda value, start: value.startswith(text(start)),
    "substr": _substr,
    "substring": _substring,
    "toLowerCase": lambda value: value.lower(),
    "toString": lambda value: str(value),
    "toUpperCase": lambda value: value.upper(),
    "trim": lambda value: value.strip(SPACE),
    "trimEnd": lambda value: value.rstrip(SPACE),
    "trimStart": lambda value: value.lstrip(SPACE),
}
_LIST: dict[str, Function] = {
    "at": _at,
    "concat": _concat,
    "flat": _flat,
    "includes": lambda value, item: any(same(member, item) for member in value),
    "indexOf": _index_of,
    "join": join,
    "lastIndexOf": _last_index_of,
    "slice": _slice,
    "toString": text,
}
_NUMBER: dict[str, Function] = {"toString": text, "toFixed": _fixed}
_OBJECT: dict[str, Function] = {
    "hasOwnProperty": lambda value, key: text(key) in value,
    "toString": text,
}
METHODS: dict[type, dict[str, Function]] = {
    str: _TEXT, list: _LIST, bool: _NUMBER, int: _NUMBER, float: _NUMBER, dict: _OBJECT,
    Regex: {"test": lambda value, item: bool(value.pattern.search(text(item)))},
}  # fmt: skip


def member(value: Any, key: Any) -> Any:
    """`value.key` or `value[key]`: its own member, else one of JavaScript's, else undefined."""
    if isinstance(value, dict):
        name = text(key)
        if name in value:
            return value[name]
    elif isinstance(value, (list, str)):
        if isinstance(key, (int, float)) or (isinstance(key, str) and key.isdecimal()):
            place = int(key)
            return value[place] if 0 <= place < len(value) else Undefined(name=text(key))
        if key == "length":
            return length(value) if isinstance(value, str) else len(value)
    name = text(key)
    known = next((table for type_, table in METHODS.items() if isinstance(value, type_)), {})
    if name in known:
        return Method(name, value, known[name])
    return Undefined(name=name)


def encode(value: Any) -> str:
    """encodeURIComponent."""
    return quote(text(value), safe="-_.!~*'()")
