"""The graph's questions, against plain definitions of the answers."""

from __future__ import annotations

import itertools
import re

from hypothesis import given
from hypothesis import strategies as st

from catalog import graph
from catalog.graph import Edge, Step

REFS = [f"component:default/{letter}" for letter in "abcdefgh"]
EDGES = st.lists(
    st.builds(Edge, st.sampled_from(REFS), st.sampled_from(["dependsOn", "consumesApi"]), st.sampled_from(REFS)),
    max_size=20,
)  # fmt: skip
TYPES = ("dependsOn", "consumesApi")
A, B, C, D = REFS[:4]


def depends(*pairs: str) -> list[Edge]:
    return [Edge(f"component:default/{s}", "dependsOn", f"component:default/{t}") for s, t in pairs]


def test_each_step_says_how_far_and_over_what():
    edges = depends("ab", "bc", "ac", "cd", "da")
    assert graph.reach(edges, A, types=TYPES) == [
        Step(A, 0),
        Step(B, 1, Edge(A, "dependsOn", B)),
        Step(C, 1, Edge(A, "dependsOn", C)),
        Step(D, 2, Edge(C, "dependsOn", D)),
    ]
    assert [step.ref for step in graph.reach(edges, A, types=TYPES, depth=1)] == [A, B, C]
    assert [step.ref for step in graph.reach(edges, A, types=["partOf"])] == [A]


def test_both_directions_of_an_edge_are_one():
    both = [Edge(A, "dependsOn", B), Edge(B, "dependencyOf", A)]
    assert graph.forward(both) == [Edge(A, "dependsOn", B)]
    assert graph.both_ways(["dependsOn"]) == ["dependencyOf", "dependsOn"]


def test_what_a_circle_is():
    assert graph.cycles(depends("ab", "bc", "ca", "cd"), types=TYPES) == [[A, B, C, A]]
    assert graph.cycles(depends("aa"), types=TYPES) == [[A, A]]
    assert graph.cycles(depends("ab", "bc", "ac"), types=TYPES) == []


def test_the_groups_above_end_even_in_a_circle():
    assert graph.above({"a": "b", "b": "c"}, "a") == ["b", "c"]
    assert graph.above({"a": "b", "b": "a"}, "a") == ["b"]


@given(EDGES, st.sampled_from(REFS))
def test_reach_is_the_transitive_closure_with_shortest_ways(edges: list[Edge], root: str):
    level, depth, expected = {root}, 0, {root: 0}
    while level:
        depth += 1
        level = {e.target for e in edges if e.source in level} - expected.keys()
        expected |= dict.fromkeys(level, depth)
    steps = graph.reach(edges, root, types=TYPES)
    assert {step.ref: step.depth for step in steps} == expected
    assert steps == graph.reach(list(reversed(edges)), root, types=TYPES)
    for step in steps:
        assert step.edge is None or expected[step.edge.source] == step.depth - 1


@given(EDGES)
def test_every_thing_that_needs_itself_is_in_a_knot_and_walks_are_real(edges: list[Edge]):
    pairs = {(e.source, e.target) for e in edges}
    round_trips = {
        ref for ref in REFS
        if any(ref in {s.ref for s in graph.reach(edges, target, types=TYPES)} for source, target in pairs if source == ref)
    }  # fmt: skip
    found = graph.cycles(edges, types=TYPES)
    assert bool(found) == bool(round_trips)
    for walk in found:
        assert walk[0] == walk[-1]
        assert all(pair in pairs for pair in itertools.pairwise(walk))
        assert set(walk) <= round_trips


@given(EDGES, st.sampled_from(REFS))
def test_the_drawing_loses_nothing_overlaps_nothing_and_is_always_the_same(
    edges: list[Edge], root: str
):
    refs = {step.ref for step in graph.reach(edges, root, types=TYPES)}
    shown = sorted({e for e in edges if e.source in refs and e.target in refs})
    drawing = graph.draw(root, refs, edges)
    assert drawing == graph.draw(root, sorted(refs, reverse=True), list(reversed(edges)))
    assert {box.ref for box in drawing.boxes} == refs
    assert sorted({line.edge for line in drawing.lines}) == shown
    places = {(box.x, box.y) for box in drawing.boxes}
    assert len(places) == len(refs)
    for box in drawing.boxes:
        assert 0 <= box.x <= drawing.width - graph.BOX_WIDTH
        assert 0 <= box.y <= drawing.height - graph.BOX_HEIGHT
    for line in drawing.lines:
        assert re.fullmatch(r"M -?\d+ \d+ C( -?\d+){6}", line.path)
        assert 0 < line.x < drawing.width


def test_a_long_chain_needs_no_deep_stack():
    edges = [
        Edge(f"component:default/n{n}", "dependsOn", f"component:default/n{n + 1}")
        for n in range(5_000)
    ]
    assert graph.cycles(edges, types=TYPES) == []
    assert graph.reach(edges, edges[0].source, types=TYPES)[-1].depth == 5_000
