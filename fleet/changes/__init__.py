"""Kinds of change: what a campaign can do. One file a kind, found by itself.

A change says which repositories it is about and what each would become; how that is shown, sent and
followed is the same for all.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from fleet.outcomes import Outcome, Work
from scaffolder.models import Release


@dataclass(frozen=True, slots=True)
class Candidate:
    repository: str
    entity_ref: str
    from_version: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """`outcome` is None when there is nothing left to do in a repository."""

    id: str
    title: str
    verb: str  # as in “Upgrade x to 1.1.0”
    block_kinds: tuple[str, ...]
    candidates: Callable[[Release], list[Candidate]]
    outcome: Callable[[Work], Outcome | None]
    takes_out: bool = False  # the block is no part of the repository afterwards


_CHANGES: dict[str, Change] = {}


def register(change: Change) -> None:
    if change.id in _CHANGES:
        raise RuntimeError(f"Two changes are called {change.id}")
    _CHANGES[change.id] = change


@cache
def changes() -> dict[str, Change]:
    """Every change by its name."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return dict(sorted(_CHANGES.items()))
