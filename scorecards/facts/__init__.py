"""Fact collectors: what is observed about an entity. One file a collector, found by itself.

A collector returns a JSON object. What it cannot find out is a ForgeError that it lets through:
the fact is then unknown, with the reason, and never false.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from typing import Any

from catalog.models import Entity

Collector = Callable[[Entity], dict[str, Any]]
_COLLECTORS: dict[str, Collector] = {}


def collector(name: str) -> Callable[[Collector], Collector]:
    """Registers the decorated function as the collector of `facts.<name>`."""

    def register(function: Collector) -> Collector:
        if name in _COLLECTORS:
            raise RuntimeError(f"Two collectors are called {name}")
        _COLLECTORS[name] = function
        return function

    return register


@cache
def collectors() -> dict[str, Collector]:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return dict(sorted(_COLLECTORS.items()))
