"""Types of checks: rules over facts, with parameters. One file a type, found by itself.

A check type is a function of the entity's descriptor, its facts and the parameters; it returns a
Verdict whose message says what was seen. A fact that is missing means unknown, never failed.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from scorecards.rules import Verdict

Facts = Mapping[str, Any]
CheckType = Callable[[Mapping[str, Any], Facts, Mapping[str, Any]], Verdict]
_TYPES: dict[str, CheckType] = {}


def check_type(name: str) -> Callable[[CheckType], CheckType]:
    """Registers the decorated function as the check type `name`."""

    def register(function: CheckType) -> CheckType:
        if name in _TYPES:
            raise RuntimeError(f"Two check types are called {name}")
        _TYPES[name] = function
        return function

    return register


@cache
def check_types() -> dict[str, CheckType]:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return dict(sorted(_TYPES.items()))
