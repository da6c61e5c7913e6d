"""Values as JavaScript sees them. Templates are written for nunjucks, so `true` prints as `true`,
an empty list is true, `"1" == 1`, and `a.length` counts. Only JSON data goes in: no Python object
is ever within a template's reach, which is the sandbox's first wall."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from jinja2 import Undefined as JinjaUndefined
from jinja2.exceptions import TemplateRuntimeError

from .lexer import SPACE

LONGEST_TEXT = 10_000_000
MOST_NODES = 200_000
_SAFE_INTEGER = 2**53
_NUMERIC = re.compile(r"[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|Infinity)")


class JsList(list[Any]):
    """An array: true even when empty."""

    def __bool__(self) -> bool:
        return True


class JsDict(dict[str, Any]):
    """An object: true even when empty."""

    def __bool__(self) -> bool:
        return True


class _NotANumber(float):
    """NaN, which unlike Python's is false."""

    def __bool__(self) -> bool:
        return False


NAN = _NotANumber("nan")


class Safe(str):
    """A text that `escape` leaves alone: an object in JavaScript, so true even when empty."""

    def __bool__(self) -> bool:
        return True


class Callee:
    """What is meant to be called from templates: the one kind of value besides JSON data."""

    __slots__ = ()


class Undefined(JinjaUndefined):
    """Prints nothing, is false, and gives itself for every member."""

    __slots__ = ()

    def __str__(self) -> str:
        return ""

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JinjaUndefined)

    def __hash__(self) -> int:
        return 0


MISSING = Undefined()


@dataclass(frozen=True, slots=True)
class Regex:
    """A literal `r/…/flags`."""

    pattern: re.Pattern[str]
    everywhere: bool


def fail(reason: str) -> TemplateRuntimeError:
    """An error for the template's author; raise what this returns."""
    return TemplateRuntimeError(reason)


def from_python(value: object) -> Any:
    """JSON data to template values. Raises TypeError on anything that JSON does not know."""
    if value is None or isinstance(value, (str, bool, float, Undefined, JsDict, JsList, Callee)):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _SAFE_INTEGER else float(value)
    if isinstance(value, Mapping):
        return JsDict({str(key): from_python(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return JsList(from_python(item) for item in value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"a template value must be JSON data, not {type(value).__name__}")


def check_size(value: Any) -> None:
    """Raises TemplateRuntimeError when lists in lists come to more than MOST_NODES values."""
    left, waiting = MOST_NODES, [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, (list, dict)):
            waiting.extend(item.values() if isinstance(item, dict) else item)
            left -= len(item)
        if left < 0 or len(waiting) > MOST_NODES:
            raise fail(f"the value holds more than {MOST_NODES:,} values")


def to_python(value: Any) -> Any:
    """Template values back to plain data; members that are undefined go, as in JSON."""
    check_size(value)
    return _to_python(value)


def _to_python(value: Any) -> Any:
    if isinstance(value, dict):
        items = value.items()
        return {key: _to_python(item) for key, item in items if not isinstance(item, Undefined)}
    if isinstance(value, list):
        return [_to_python(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) <= _SAFE_INTEGER:
        return int(value)
    if isinstance(value, str):
        return str(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Undefined):
        return None
    raise fail(f"{kind(value)} is not a value that can be used here")


def kind(value: object) -> str:
    """What a value is, with its article, for error texts."""
    if isinstance(value, Undefined):
        return f"`{value._undefined_name}`, which is not defined," if _named(value) else "nothing"
    names = ((bool, "true or false"), (str, "a text"), ((int, float), "a number"),
             (list, "a list"), (dict, "an object"), (type(None), "null"))  # fmt: skip
    return next((name for types, name in names if isinstance(value, types)), "a function")


def _named(value: Undefined) -> bool:
    return isinstance(value._undefined_name, str)


def text(value: Any) -> str:
    """String(value). Raises TemplateRuntimeError for a function."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, list):
        check_size(value)
        return bounded(",".join(_items(value)))
    if isinstance(value, dict):
        return "[object Object]"
    if isinstance(value, Undefined):
        return "undefined"
    raise fail(f"{kind(value)} cannot be printed")


def _items(value: list[Any]) -> Iterator[str]:
    for item in value:
        if isinstance(item, list):
            yield ",".join(_items(item))
        else:
            yield "" if _absent(item) else text(item)


def _absent(value: object) -> bool:
    return value is None or isinstance(value, Undefined)


def printed(value: Any) -> str:
    """What `${{ value }}` writes: undefined and null write nothing."""
    return "" if _absent(value) else text(value)


def number_text(value: float) -> str:
    """Number.prototype.toString, to which 1.0 is `1` and 1e-7 is `1e-7`."""
    if isinstance(value, int):
        return str(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value.is_integer() and abs(value) < 1e21:
        return format(Decimal(repr(value)), "f").removesuffix(".0") if value else "0"
    if 1e-6 <= abs(value) < 1e21:
        return format(Decimal(repr(value)), "f")
    return re.sub(r"e([+-])0*", r"e\1", repr(value))


def number(value: Any) -> float:
    """Number(value); NaN where there is none."""
    if isinstance(value, (bool, int, float)):
        return value if not isinstance(value, bool) else int(value)
    if value is None:
        return 0
    if isinstance(value, (list, str)):
        digits = text(value).strip(SPACE)
        if not digits:
            return 0
        return shorten(float(digits)) if _NUMERIC.fullmatch(digits) else NAN
    return NAN


def shorten(value: float) -> float:
    """A whole float as int, so that Python counts and prints it as JavaScript does."""
    if isinstance(value, int):
        return value if abs(value) <= _SAFE_INTEGER else float(value)
    if math.isnan(value):
        return NAN
    whole = math.isfinite(value) and value.is_integer() and abs(value) <= _SAFE_INTEGER
    return int(value) if whole else value


def bounded(value: str) -> str:
    """The text itself. Raises TemplateRuntimeError when it is longer than LONGEST_TEXT."""
    if len(value) > LONGEST_TEXT:
        raise too_long()
    return value


def too_long() -> TemplateRuntimeError:
    return fail(f"the text grows beyond {LONGEST_TEXT:,} characters")


def length(value: str) -> int:
    """String.length: UTF-16 units, of which an emoji has two."""
    return len(value) if value.isascii() else len(value.encode("utf-16-le", "surrogatepass")) // 2


def dump(value: Any, spaces: Any = None) -> Any:
    """JSON.stringify(value, null, spaces)."""
    if isinstance(value, Undefined):
        return value
    if spaces is None or isinstance(spaces, Undefined) or not spaces:
        indent: str | None = None
    else:
        indent = spaces[:10] if isinstance(spaces, str) else " " * min(10, int(number(spaces)))
    separators = (",", ": ") if indent else (",", ":")
    check_size(value)
    plain = _plain(value)
    return bounded(json.dumps(plain, ensure_ascii=False, indent=indent, separators=separators))


def _plain(value: Any) -> Any:
    """JSON-ready: undefined leaves objects and is null in lists, as NaN and Infinity are."""
    if isinstance(value, dict):
        items = value.items()
        return {key: _plain(item) for key, item in items if not isinstance(item, Undefined)}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return shorten(value) if math.isfinite(value) else None
    if value is None or isinstance(value, (str, bool, int)):
        return value
    return None
