"""Questions about the graph of relations: what is near, what breaks with what, circles, a drawing.

An edge is written in one direction only, the way its field says it: a component `dependsOn`, an
API is what something `providesApi`. Everything is in order of reference, so that the same graph
is always drawn and told the same way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from catalog.relations import INVERSE

FORWARD = (
    "dependsOn", "consumesApi", "providesApi", "partOf", "ownedBy", "childOf", "memberOf",
)  # fmt: skip
NEEDED = ("component", "api", "resource", "system", "domain")  # kinds that others can depend on
# Following these from a thing leads to what cannot work without it, or to what it needs itself.
DEPENDENTS = ("dependencyOf", "apiConsumedBy", "providesApi")
DEPENDENCIES = tuple(INVERSE[type_] for type_ in DEPENDENTS)
# What stops together with a thing: a system is its parts, a group what it and those below it own.
PARTS: Mapping[str, tuple[str, ...]] = {
    "system": ("hasPart",), "domain": ("hasPart",), "group": ("ownerOf", "parentOf", "hasPart"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    source: str
    type: str
    target: str


def forward(edges: Iterable[Edge]) -> list[Edge]:
    """Each edge once, in the direction of its field; the store knows both."""
    return sorted(
        {e if e.type in FORWARD else Edge(e.target, INVERSE[e.type], e.source) for e in edges}
    )


def both_ways(types: Collection[str]) -> list[str]:
    """The types and their inverses: what to follow to see everything around a thing."""
    return sorted({*types, *(INVERSE[type_] for type_ in types)})


# -- what is reached ----------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Step:
    """How a thing was reached: so many steps away, over this edge."""

    ref: str
    depth: int
    edge: Edge | None = None


def reach(
    edges: Iterable[Edge], *roots: str, types: Collection[str], depth: int | None = None
) -> list[Step]:
    """Everything that following edges of these types leads to, nearest first; the roots too."""
    leads = _by_source(e for e in edges if e.type in types)
    steps = {root: Step(root, 0) for root in roots}
    waiting = deque(roots)
    while waiting:
        step = steps[waiting.popleft()]
        if depth is not None and step.depth >= depth:
            continue
        for edge in leads.get(step.ref, []):
            if edge.target not in steps:
                steps[edge.target] = Step(edge.target, step.depth + 1, edge)
                waiting.append(edge.target)
    return sorted(steps.values(), key=lambda step: (step.depth, step.ref))


def _by_source(edges: Iterable[Edge]) -> dict[str, list[Edge]]:
    found: dict[str, list[Edge]] = {}
    for edge in sorted(edges):
        found.setdefault(edge.source, []).append(edge)
    return found


def above(parents: Mapping[str, str], group: str) -> list[str]:
    """The groups above a group, nearest first; a circle in the tree ends it."""
    chain: list[str] = []
    seen = {group}
    while (group := parents.get(group, "")) and group not in seen:
        chain.append(group)
        seen.add(group)
    return chain


def tree(edges: Iterable[Edge], tops: Iterable[str]) -> list[tuple[str, int]]:
    """(thing, depth) as an indented list shows it; what is below several stands below the first."""
    below = _by_source(edges)
    waiting = [(top, 0) for top in sorted(tops, reverse=True)]
    found: dict[str, int] = {}
    while waiting:
        ref, depth = waiting.pop()
        if ref not in found:
            found[ref] = depth
            waiting += [(edge.target, depth + 1) for edge in reversed(below.get(ref, []))]
    return list(found.items())


# -- circles ------------------------------------------------------------------------------------
def cycles(edges: Iterable[Edge], *, types: Collection[str]) -> list[list[str]]:
    """The shortest circle through each knot of things that need each other, as a walk."""
    leads = {
        source: sorted({edge.target for edge in found})
        for source, found in _by_source(e for e in edges if e.type in types).items()
    }
    return [_walk_round(knot, leads) for knot in _knots(leads)]


def _knots(leads: Mapping[str, list[str]]) -> list[set[str]]:
    """Strongly connected components with a circle in them (Kosaraju's two passes)."""
    backwards: dict[str, list[str]] = {}
    for source, targets in leads.items():
        for target in targets:
            backwards.setdefault(target, []).append(source)
    found, seen = [], set[str]()
    for ref in reversed(_finished(leads)):
        if ref in seen:
            continue
        knot = set(_visit(ref, backwards, seen))
        if len(knot) > 1 or ref in leads.get(ref, []):
            found.append(knot)
    return sorted(found, key=min)


def _finished(leads: Mapping[str, list[str]]) -> list[str]:
    seen: set[str] = set()
    order: list[str] = []
    for ref in sorted(leads):
        if ref not in seen:
            order += _visit(ref, leads, seen)
    return order


def _visit(start: str, leads: Mapping[str, list[str]], seen: set[str]) -> list[str]:
    """Everything new below `start`, each after what is below it; no recursion, however deep."""
    seen.add(start)
    order, path = [], [(start, iter(leads.get(start, [])))]
    while path:
        ref, rest = path[-1]
        following = next((target for target in rest if target not in seen), None)
        if following is None:
            order.append(ref)
            path.pop()
        else:
            seen.add(following)
            path.append((following, iter(leads.get(following, []))))
    return order


def _walk_round(knot: set[str], leads: Mapping[str, list[str]]) -> list[str]:
    start = min(knot)
    came_from: dict[str, str] = {}
    waiting = deque([start])
    while start not in came_from:
        ref = waiting.popleft()
        for target in leads.get(ref, []):
            if target in knot and target not in came_from:
                came_from[target] = ref
                waiting.append(target)
    walk = [start]
    while (ref := came_from[walk[-1]]) != start:
        walk.append(ref)
    return [start, *reversed(walk[1:]), start]


# -- a drawing ----------------------------------------------------------------------------------
BOX_WIDTH, BOX_HEIGHT, GAP_X, GAP_Y, MARGIN = 184, 44, 128, 16, 12


@dataclass(frozen=True, slots=True)
class Box:
    """A thing's place; x and y are its top left corner."""

    ref: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Line:
    """An edge as SVG's path, and the middle of it."""

    edge: Edge
    path: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Drawing:
    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def draw(root: str, refs: Collection[str], edges: Sequence[Edge]) -> Drawing:
    """In columns: what points at the root left of it, what it points at right of it, and so on."""
    edges = sorted({e for e in edges if e.source in refs and e.target in refs})
    columns = _ordered(_columns(root, refs, edges), edges)
    tallest = max(len(column) for column in columns)
    height = tallest * (BOX_HEIGHT + GAP_Y) - GAP_Y
    boxes = {}
    for number, column in enumerate(columns):
        top = (height - len(column) * (BOX_HEIGHT + GAP_Y) + GAP_Y) // 2
        for row, ref in enumerate(column):
            x = MARGIN + number * (BOX_WIDTH + GAP_X)
            boxes[ref] = Box(ref, x, MARGIN + top + row * (BOX_HEIGHT + GAP_Y))
    width = len(columns) * (BOX_WIDTH + GAP_X) - GAP_X
    lines = tuple(_line(edge, boxes[edge.source], boxes[edge.target]) for edge in edges)
    beside = any(boxes[edge.source].x == boxes[edge.target].x for edge in edges)
    spare = GAP_X // 2 if beside else 0
    return Drawing(width + 2 * MARGIN + spare, height + 2 * MARGIN, tuple(boxes.values()), lines)


def _columns(root: str, refs: Collection[str], edges: Sequence[Edge]) -> list[list[str]]:
    """Signed distance from the root; what nothing connects stands in the root's column."""
    neighbours: dict[str, list[tuple[str, int]]] = {}
    for edge in edges:
        neighbours.setdefault(edge.source, []).append((edge.target, 1))
        neighbours.setdefault(edge.target, []).append((edge.source, -1))
    place = {root: 0}
    waiting = deque([root])
    while waiting:
        ref = waiting.popleft()
        for other, step in neighbours.get(ref, []):
            if other not in place:
                place[other] = place[ref] + step
                waiting.append(other)
    found: dict[int, list[str]] = {}
    for ref in sorted({root, *refs}):
        found.setdefault(place.get(ref, 0), []).append(ref)
    return [found[number] for number in sorted(found)]


def _ordered(columns: list[list[str]], edges: Sequence[Edge]) -> list[list[str]]:
    """Each thing near the middle of its neighbours, so that few lines cross."""
    neighbours: dict[str, list[str]] = {}
    for edge in edges:
        neighbours.setdefault(edge.source, []).append(edge.target)
        neighbours.setdefault(edge.target, []).append(edge.source)
    for _ in range(4):
        height = {
            ref: row - (len(column) - 1) / 2 for column in columns for row, ref in enumerate(column)
        }

        def middle(ref: str, height: dict[str, float] = height) -> tuple[float, str]:
            around = [height[other] for other in neighbours.get(ref, [])] or [height[ref]]
            return sum(around) / len(around), ref

        columns = [sorted(column, key=middle) for column in columns]
    return columns


def _line(edge: Edge, source: Box, target: Box) -> Line:
    """From side to side; within one column, round the right side."""
    start, end = source.y + BOX_HEIGHT // 2, target.y + BOX_HEIGHT // 2
    if source.x == target.x:
        side, bend = source.x + BOX_WIDTH, source.x + BOX_WIDTH + GAP_X // 2
        if source is target:
            start, end = start - 10, end + 10
        path = f"M {side} {start} C {bend} {start} {bend} {end} {side} {end}"
        return Line(edge, path, bend - 12, (start + end) // 2)
    right = target.x > source.x
    begin, finish = (source.x + BOX_WIDTH, target.x) if right else (source.x, target.x + BOX_WIDTH)
    middle = (begin + finish) // 2
    path = f"M {begin} {start} C {middle} {start} {middle} {end} {finish} {end}"
    return Line(edge, path, middle, (start + end) // 2)
