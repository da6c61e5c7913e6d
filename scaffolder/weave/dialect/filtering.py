"""What all filters share: their register, and how they take their values."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .javascript import LONGEST_TEXT, Safe, Undefined, fail, kind, number, too_long

Filter = Callable[..., Any]
FILTERS: dict[str, Filter] = {}


def filter_named(*names: str) -> Callable[[Filter], Filter]:
    def register(function: Filter) -> Filter:
        FILTERS.update(dict.fromkeys(names, function))
        return function

    return register


def text_of(value: Any, name: str) -> str:
    """The text a filter works on: nothing counts as empty, other kinds are errors."""
    if value is None or value is False or isinstance(value, Undefined):
        return ""
    if isinstance(value, str):
        return value
    raise fail(f"the filter {name} needs a text, and this is {kind(value)}")


def list_of(value: Any, name: str) -> list[Any]:
    if isinstance(value, list):
        return value
    raise fail(f"the filter {name} needs a list, and this is {kind(value)}")


def like(original: Any, result: str) -> str:
    return Safe(result) if isinstance(original, Safe) else result


def count_of(value: Any, default: int) -> int:
    size = number(value) if value and not isinstance(value, Undefined) else default
    if not math.isfinite(size) or size > LONGEST_TEXT:
        raise too_long()
    return int(size)
