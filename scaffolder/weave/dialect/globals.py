"""The functions that a template can call without a value before the dot: nunjucks' `range`,
`cycler` and `joiner`, and whatever the caller wraps in `Function` and puts into the values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .javascript import MISSING, Callee, JsList, Undefined, fail, number, text
from .methods import Method

LONGEST_RANGE = 100_000


@dataclass(frozen=True, slots=True)
class Function(Callee):
    """A Python function that templates may call; it gets and gives JSON data only."""

    name: str
    function: Callable[..., Any]

    def __call__(self, *args: Any, **named: Any) -> Any:
        if named:
            raise fail(f"{self.name}() takes no named values")
        try:
            return self.function(*args)
        except TypeError:
            raise fail(f"{self.name}() cannot be called with these values") from None


def _range(start: Any, stop: Any = MISSING, step: Any = 1) -> JsList:
    first, last = (0, start) if isinstance(stop, Undefined) else (start, stop)
    first, last, stride = number(first), number(last), number(step) or 1
    size = (last - first) / stride
    if not size <= LONGEST_RANGE:
        raise fail(f"a range has at most {LONGEST_RANGE:,} numbers")
    result, at = JsList(), first
    while at < last if stride > 0 else at > last:
        result.append(at)
        at += stride
    return result


class _Cycle:
    """The state of one cycler(): the only thing in a rendering that changes."""

    def __init__(self, items: tuple[Any, ...]) -> None:
        self.items, self.place = items, -1

    def next(self) -> Any:
        if not self.items:
            return Undefined()
        self.place = (self.place + 1) % len(self.items)
        return self.items[self.place]

    def reset(self) -> None:
        self.place = -1

    def current(self) -> Any:
        return self.items[self.place] if self.place >= 0 else None


@dataclass(frozen=True, slots=True)
class Cycler:
    """`cycler('a', 'b')`, whose members are next(), reset() and current."""

    cycle: _Cycle

    def member(self, name: str) -> Any:
        if name == "current":
            return self.cycle.current()
        functions: dict[str, Callable[..., Any]] = {
            "next": lambda _: self.cycle.next(),
            "reset": lambda _: self.cycle.reset(),
        }
        return Method(name, self, functions[name]) if name in functions else Undefined(name=name)


def _joiner(separator: Any = ",") -> Function:
    cycle = _Cycle(("", text(separator)))

    def join() -> Any:
        return cycle.next() if cycle.place < 1 else cycle.current()

    return Function("joiner", join)


GLOBALS: dict[str, Function] = {
    "range": Function("range", _range),
    "cycler": Function("cycler", lambda *items: Cycler(_Cycle(items))),
    "joiner": Function("joiner", _joiner),
}
