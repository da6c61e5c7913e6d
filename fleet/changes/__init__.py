"""Kinds of change: what a campaign can do. One file a kind, found by itself.

A change says which repositories it is about and what each would become; how that is shown, sent and
followed is the same for all.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from catalog.models import Entity
from fleet.outcomes import Outcome, Work


@dataclass(frozen=True, slots=True)
class Candidate:
    repository: str
    entity_ref: str
    from_version: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a change without a block is told, kept with the campaign as texts."""

    name: str
    label: str
    help: str = ""
    is_required: bool = True
    lines: int = 1
    is_yes_no: bool = False


def no_problems(settings: Mapping[str, str]) -> dict[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Change:
    """`outcome` is None when there is nothing left to do in a repository."""

    id: str
    title: str
    verb: str  # as in “Upgrade x to 1.1.0”
    block_kinds: tuple[str, ...]  # empty: it is about no block
    candidates: Callable[[Any], list[Candidate]]  # gets the release, None where there is none
    outcome: Callable[[Work], Outcome | None]
    takes_out: bool = False  # the block is no part of the repository afterwards
    settings: tuple[Setting, ...] = ()
    problems: Callable[[Mapping[str, str]], dict[str, str]] = no_problems  # by setting


def every_component(release: Any) -> list[Candidate]:
    """The repositories of all components of the catalogue."""
    entities = Entity.objects.filter(kind="component", orphaned_at=None).with_place()
    found: dict[str, Candidate] = {}
    for entity in entities.order_by("ref"):
        path = entity.location.repository.path
        found.setdefault(path, Candidate(path, entity.ref))
    return list(found.values())


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
