"""Every filter of the dialect: those on texts, on lists, on any value, and Backstage's own."""

from __future__ import annotations

import math
import re
from typing import Any

from . import list_filters, text_filters
from .backstage_filters import BACKSTAGE_FILTERS
from .filtering import FILTERS, count_of, filter_named
from .javascript import MISSING, Undefined, dump, length, number, shorten, text
from .lexer import SPACE


@filter_named("abs")
def _abs(value: Any) -> float:
    return shorten(abs(number(value)))


@filter_named("default", "d")
def _default(value: Any, default: Any = "", boolean: Any = False, **named: Any) -> Any:
    if boolean or named:
        return value or default
    return default if isinstance(value, Undefined) else value


@filter_named("length")
def _length(value: Any) -> Any:
    if isinstance(value, (list, dict)):
        return len(value)
    if isinstance(value, (int, float)) and value is not False:
        return Undefined()
    return length(value) if isinstance(value, str) else 0


@filter_named("round")
def _round(value: Any, digits: Any = 0, method: Any = "") -> float:
    factor = 10.0 ** min(300, count_of(digits, 0))
    scaled = number(value) * factor
    if not math.isfinite(scaled):
        return shorten(scaled)
    whole = {"ceil": math.ceil, "floor": math.floor}.get(method, lambda x: math.floor(x + 0.5))
    return shorten(whole(scaled) / factor)


@filter_named("float")
def _float(value: Any, default: Any = MISSING) -> Any:
    found = re.match(r"[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+)", text(value).strip(SPACE))
    return shorten(float(found.group())) if found else default


@filter_named("int")
def _int(value: Any, default: Any = MISSING, base: Any = 10) -> Any:
    radix = int(number(base))
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"[: max(2, min(36, radix))]
    content = text(value).strip(SPACE)[:1000]
    prefix = "(?:0x)?" if radix == 16 else ""
    found = re.match(rf"([+-]?){prefix}([{digits}]+)", content, re.IGNORECASE)
    if not found:
        return default
    return shorten(float(int(found.group(1) + found.group(2), radix)))


FILTERS.update(BACKSTAGE_FILTERS)
FILTERS["dump"] = FILTERS["jsonify"] = dump  # jsonify is cookiecutter's name for it

__all__ = ["FILTERS", "list_filters", "text_filters"]
