"""nunjucks' tests: what may stand behind `is`, and what `select` and `reject` go by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .javascript import Safe, Undefined, number
from .operators import compare


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _divisible(value: Any, by: Any) -> bool:
    divisor = number(by)
    return bool(divisor) and number(value) % divisor == 0


def _nothing(value: Any) -> bool:
    return isinstance(value, Undefined)


TESTS: dict[str, Callable[..., bool]] = {
    "callable": callable,
    "defined": lambda value: not _nothing(value),
    "divisibleby": _divisible,
    "escaped": lambda value: isinstance(value, Safe),
    "even": lambda value: number(value) % 2 == 0,
    "falsy": lambda value: not value,
    "iterable": lambda value: isinstance(value, (str, list)),
    "lower": lambda value: _text(value) == _text(value).lower(),
    "mapping": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "odd": lambda value: number(value) % 2 == 1,
    "string": lambda value: isinstance(value, str),
    "truthy": bool,
    "undefined": _nothing,
    "upper": lambda value: _text(value) == _text(value).upper(),
}
for _names, _operator in (
    (("equalto", "eq", "sameas"), "same"), (("ne",), "notsame"), (("ge",), "gteq"),
    (("greaterthan", "gt"), "gt"), (("le",), "lteq"), (("lessthan", "lt"), "lt"),
):  # fmt: skip
    for _name in _names:
        TESTS[_name] = lambda value, other, _operator=_operator: compare(value, _operator, other)
