"""Panels that higher apps show on the entity page; they register themselves here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from accounts.models import User
from catalog.models import Entity


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
