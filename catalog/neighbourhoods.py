"""The graph's questions asked of the catalogue: what one person may see of them, within bounds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from accounts.models import User
from catalog import graph
from catalog.models import Entity, Relation

MOST_DEPTH = 20


@dataclass(frozen=True, slots=True)
class Found:
    """What was reached, with the edges among it. `cut` says that there is more than that."""

    rows: dict[str, Entity]
    edges: list[graph.Edge]
    cut: bool

    @property
    def forward(self) -> list[graph.Edge]:
        return graph.forward(self.edges)


def reached(
    roots: Sequence[str], user: User, *, types: Collection[str], kinds: Collection[str] = (),
    depth: int = MOST_DEPTH, most: int,
) -> Found:  # fmt: skip
    """What following relations of these types leads to; three queries, whatever the depth."""
    visible = Entity.objects.visible_to(user)
    depths, cut = visible.reached(roots, types=types, kinds=kinds, depth=depth, most=most)
    rows = visible.filter(ref__in=depths).without_texts().in_bulk(field_name="ref")
    edges = Relation.objects.among(rows, types)
    return Found(rows, [graph.Edge(*edge) for edge in edges], cut)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whom to tell: a group or person, those above, and what of theirs is concerned."""

    ref: str
    above: list[str]
    owns: list[str]


@dataclass(frozen=True, slots=True)
class Impact:
    """What cannot work without a thing, nearest first, and whom that concerns."""

    steps: list[graph.Step]
    rows: dict[str, Entity]
    cycles: list[list[str]]
    cut: bool
    owners: list[Owner] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)


def dependents(root: Entity, user: User, *, depth: int = MOST_DEPTH, most: int) -> Impact:
    """What depends on it or on a part of it, transitively, and the owners up the group tree."""
    parts, too_many = _parts(root, user, most)
    found = _followed([root.ref, *parts], user, graph.DEPENDENTS, depth, most)
    refs = [root.ref, *parts, *(step.ref for step in found.steps)]
    owners = _owners([ref for ref in refs if ref in found.rows], found.rows, user, most)
    return replace(found, owners=owners, parts=parts, cut=found.cut or too_many)


def dependencies(root: Entity, user: User, *, depth: int = MOST_DEPTH, most: int) -> Impact:
    """What it depends on, transitively."""
    return _followed([root.ref], user, graph.DEPENDENCIES, depth, most)


def _parts(root: Entity, user: User, most: int) -> tuple[list[str], bool]:
    types = graph.PARTS.get(root.kind)
    if types is None:
        return [], False
    visible = Entity.objects.visible_to(user)
    found, cut = visible.reached([root.ref], types=types, kinds=(), depth=MOST_DEPTH, most=most)
    return sorted(ref for ref in found if ref != root.ref), cut


def _followed(
    roots: Sequence[str], user: User, types: Collection[str], depth: int, most: int
) -> Impact:
    found = reached(roots, user, types=types, depth=depth, most=most)
    steps = graph.reach(found.edges, *roots, types=types, depth=depth)
    cycles = graph.cycles(found.edges, types=types)
    return Impact([step for step in steps if step.depth], found.rows, cycles, found.cut)


def _owners(refs: list[str], rows: dict[str, Entity], user: User, most: int) -> list[Owner]:
    owned: dict[str, list[str]] = {}
    for ref in refs:
        if rows[ref].owner_ref:
            owned.setdefault(rows[ref].owner_ref, []).append(ref)
    visible = Entity.objects.visible_to(user)
    groups, _ = visible.reached(sorted(owned), types=["childOf"], kinds=(), depth=50, most=most)
    parents = {source: target for source, _, target in Relation.objects.among(groups, ["childOf"])}
    return [Owner(ref, graph.above(parents, ref), owned[ref]) for ref in sorted(owned)]
