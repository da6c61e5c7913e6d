"""The tabs of an entity's page: each is a page of its own with an address of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.urls import reverse

from catalog import graph
from catalog.documentation import has_documentation
from catalog.models import Entity


@dataclass(frozen=True, slots=True)
class Tab:
    """`view` is a name in catalog.urls that takes kind, namespace and name."""

    id: str
    label: str
    view: str
    shown: Callable[[Entity], bool] = lambda entity: True


TABS = [
    Tab("overview", "Overview", "entity"),
    Tab("members", "Members", "members", lambda entity: entity.kind == "group"),
    Tab("owned", "Owned", "owned", lambda entity: entity.kind in ("group", "user")),
    Tab("definition", "Definition", "definition", lambda entity: entity.kind == "api"),
    Tab("docs", "Docs", "docs", has_documentation),
    Tab("relations", "Relations", "relations"),
    Tab("impact", "Impact", "impact", lambda entity: entity.kind in (*graph.NEEDED, *graph.PARTS)),
    Tab("history", "History", "history"),
]


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    url: str
    current: bool


def tabs_of(entity: Entity, current: str) -> list[Link]:
    """Links to the tabs this entity has; none where there is only one."""
    args = [entity.kind, entity.namespace, entity.name]
    links = [
        Link(tab.label, reverse(f"catalog:{tab.view}", args=args), tab.id == current)
        for tab in TABS
        if tab.shown(entity)
    ]
    return links if len(links) > 1 else []
