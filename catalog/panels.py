"""What higher apps show on the catalogue's pages: panels of an entity, gaps of what a group owns.

They register themselves here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from accounts.models import User
from catalog.models import Entity, EntityQuerySet


@dataclass(frozen=True)
class Panel:
    """`context` returns what `template` needs, or None when there is nothing to show."""

    id: str
    order: int
    template: str
    context: Callable[[Entity, User], dict[str, Any] | None]


_PANELS: dict[str, Panel] = {}


def register(panel: Panel) -> None:
    if panel.id in _PANELS:
        raise RuntimeError(f"Two panels are called {panel.id}")
    _PANELS[panel.id] = panel


def panels_for(entity: Entity, user: User) -> list[tuple[Panel, dict[str, Any]]]:
    """The panels that have something to show, in order."""
    found = []
    for panel in sorted(_PANELS.values(), key=lambda panel: panel.order):
        context = panel.context(entity, user)
        if context is not None:
            found.append((panel, context | {"panel": panel}))
    return found


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that what a group owns may lack; `choose` keeps the entities that do."""

    id: str
    order: int
    label: str
    choose: Callable[[EntityQuerySet, User], EntityQuerySet]


_GAPS: dict[str, Gap] = {}


def register_gap(gap: Gap) -> None:
    if gap.id in _GAPS:
        raise RuntimeError(f"Two gaps are called {gap.id}")
    _GAPS[gap.id] = gap


def gaps() -> list[Gap]:
    return sorted(_GAPS.values(), key=lambda gap: gap.order)
