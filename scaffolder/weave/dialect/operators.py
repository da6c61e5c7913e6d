"""The operators of the dialect, as JavaScript defines them: `+` joins texts, `==` converts,
`===` does not, arithmetic on what is no number gives NaN. None of them can build a huge value:
`'x' * 10**9` is NaN, and texts stop at a limit."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .javascript import NAN, Undefined, bounded, fail, kind, number, shorten, text


def _primitive(value: Any) -> Any:
    return text(value) if isinstance(value, (list, dict)) else value


def add(left: Any, right: Any) -> Any:
    left, right = _primitive(left), _primitive(right)
    if isinstance(left, str) or isinstance(right, str):
        return bounded(text(left) + text(right))
    return shorten(number(left) + number(right))


def concat(left: Any, right: Any) -> str:
    """`a ~ b`."""
    return bounded(text(left) + text(right))


def divide(left: float, right: float) -> float:
    if right or math.isnan(right):
        return left / right
    return NAN if not left or math.isnan(left) else math.copysign(math.inf, left)


def remainder(left: float, right: float) -> float:
    finite = right and math.isfinite(left) and not math.isnan(right)
    return math.fmod(left, right) if finite else NAN


def floor_divide(left: float, right: float) -> float:
    quotient = divide(left, right)
    return math.floor(quotient) if math.isfinite(quotient) else quotient


def power(left: float, right: float) -> float:
    if math.isnan(right):
        return NAN
    try:
        result = float(left) ** float(right)
    except (OverflowError, ZeroDivisionError):
        return math.inf
    return result if isinstance(result, float) else NAN


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "-": lambda left, right: left - right,
    "*": lambda left, right: float(left) * float(right),
    "/": divide,
    "//": floor_divide,
    "%": remainder,
    "**": power,
}


def binary(operator: str, left: Any, right: Any) -> Any:
    """Any of + - * / // % **."""
    if operator == "+":
        return add(left, right)
    return shorten(_ARITHMETIC[operator](number(left), number(right)))


def unary(operator: str, value: Any) -> float:
    """`-value` or `+value`."""
    return shorten(-number(value) if operator == "-" else number(value))


def same(left: Any, right: Any) -> bool:
    """`===`: objects and lists are the same only when they are one."""
    if isinstance(left, (list, dict)) or isinstance(right, (list, dict)):
        return left is right
    if isinstance(left, Undefined) or isinstance(right, Undefined):
        return isinstance(left, Undefined) and isinstance(right, Undefined)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
    return bool((numbers or type(left) is type(right) or _texts(left, right)) and left == right)


def _texts(left: Any, right: Any) -> bool:
    return isinstance(left, str) and isinstance(right, str)


def equal(left: Any, right: Any) -> bool:
    """`==`: null equals undefined, and texts meet numbers as numbers."""
    nothing = (type(None), Undefined)
    if isinstance(left, nothing) or isinstance(right, nothing):
        return isinstance(left, nothing) and isinstance(right, nothing)
    if isinstance(left, (list, dict)) and isinstance(right, (list, dict)):
        return left is right
    left, right = _primitive(left), _primitive(right)
    if _texts(left, right):
        return bool(left == right)
    return same(left, right) or number(left) == number(right)


def contains(item: Any, container: Any) -> bool:
    """`item in container`. Raises TemplateRuntimeError where there is nothing to look into."""
    if isinstance(container, str):
        return text(item) in container
    if isinstance(container, list):
        return any(same(item, member) for member in container)
    if isinstance(container, dict):
        return text(item) in container
    raise fail(f"`in` looks into texts, lists and objects, and this is {kind(container)}")


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def ordered(left: Any, right: Any) -> bool:
        left, right = _primitive(left), _primitive(right)
        if _texts(left, right):
            return compare(left, right)
        return compare(number(left), number(right))

    return ordered


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": equal,
    "ne": lambda left, right: not equal(left, right),
    "same": same,
    "notsame": lambda left, right: not same(left, right),
    "lt": _ordered(lambda left, right: bool(left < right)),
    "lteq": _ordered(lambda left, right: bool(left <= right)),
    "gt": _ordered(lambda left, right: bool(left > right)),
    "gteq": _ordered(lambda left, right: bool(left >= right)),
    "in": contains,
    "notin": lambda item, container: not contains(item, container),
}


def compare(left: Any, *rest: Any) -> bool:
    """`left op right op right …`, from the left: each result meets the next operand."""
    result = left
    for operator, right in zip(rest[::2], rest[1::2], strict=True):
        result = _COMPARISONS[operator](result, right)
    return bool(result)
