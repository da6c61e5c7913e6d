"""The graph's pages and API: what is reached, what stays hidden, what is cut, how many queries."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from catalog import neighbourhoods
from catalog.views import relations
from tests.conftest import component, entity

Ingest = Callable[[str], list[str]]
GROUP = "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {{name: {}}}\nspec: {{type: team, children: [], {}}}\n"
HIDDEN = "metadata:\n  annotations: {bespoke/visibility: private}\n"


def needs(name: str, *others: str, **spec: str) -> str:
    return component(name, dependsOn=f"[{', '.join(f'component:{o}' for o in others)}]", **spec)


def hidden(text: str) -> str:
    return text.replace("metadata:\n", HIDDEN)


def files(*texts: str) -> str:
    return "---\n".join(texts)


@pytest.fixture
def dana(client: Client, person) -> Client:
    client.force_login(person())
    return client


def page_of(client: Client, ref: str, tab: str, query: str = "", **headers: str) -> str:
    answer = client.get(f"/catalog/{ref.replace(':', '/')}/{tab}/{query}", headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def nodes(page: str) -> set[str]:
    return set(re.findall(r"\(component:default/([\w-]+)\)</title>", page))


def test_the_graph_has_a_box_a_link_and_a_row_for_everything_near(ingest: Ingest, dana: Client):
    ingest(files(needs("a", "b"), needs("b", "c"), needs("c", "d"), needs("d")))
    page = page_of(dana, "component:default/a", "relations", "?depth=2")
    assert nodes(page) == {"a", "b", "c"}
    assert 'href="/catalog/component/default/b/relations/?depth=2"' in page
    assert page.count('<path class="graph-line') == 2
    assert len(re.findall(r'data-label="Relation">depends on<', page)) == 2


def test_depth_relations_and_kinds_are_chosen_in_the_address(ingest: Ingest, dana: Client):
    api = component("i").replace("kind: Component", "kind: API") + "  definition: x\n"
    ingest(files(needs("a", "b", providesApis="[i]"), needs("b", "c"), needs("c"), api))
    root = "component:default/a"
    assert nodes(page_of(dana, root, "relations", "?depth=1")) == {"a", "b"}
    assert "api:default/i" in page_of(dana, root, "relations", "?depth=1")
    only = page_of(dana, root, "relations", "?depth=3&kind=component")
    assert nodes(only) == {"a", "b", "c"}
    assert "api:default/i" not in only
    assert "Nothing to draw" in page_of(dana, root, "relations", "?relation=partOf")
    kept = page_of(dana, root, "relations", "?depth=1&relation=dependsOn")
    assert 'href="/catalog/component/default/b/relations/?depth=1&amp;relation=dependsOn"' in kept


def test_htmx_gets_the_graph_alone(ingest: Ingest, dana: Client):
    ingest(files(needs("a", "b"), needs("b")))
    part = page_of(dana, "component:default/a", "relations", **{"HX-Request": "true"})
    assert "<html" not in part
    assert nodes(part) == {"a", "b"}


def test_a_big_graph_is_cut_and_says_so(ingest: Ingest, dana: Client, monkeypatch):
    monkeypatch.setattr(relations, "MOST_DRAWN", 5)
    ingest(files(needs("a", *"bcdefghij"), *(needs(name) for name in "bcdefghij")))
    page = page_of(dana, "component:default/a", "relations")
    assert nodes(page) == set("abcde")
    assert "Only the nearest 5 entities" in page


@pytest.mark.parametrize("address", ["relations", "impact"])
def test_hidden_entities_are_neither_shown_nor_walked_through(
    ingest: Ingest, client: Client, person, address: str
):
    ingest(files(
        needs("far", "secret"), hidden(needs("secret", "a", owner="pilots")), needs("near", "a"), needs("a"),
    ))  # fmt: skip
    query = "?depth=4" if address == "relations" else ""
    client.force_login(person())
    stranger = page_of(client, "component:default/a", address, query)
    assert "default/near" in stranger
    assert "secret" not in stranger
    assert "default/far" not in stranger
    assert client.get(f"/catalog/component/default/secret/{address}/").status_code == 404
    client.force_login(person("developer", "group:default/pilots"))
    pilot = page_of(client, "component:default/a", address, query)
    assert "default/secret" in pilot
    assert "default/far" in pilot


def organisation() -> str:
    api = component("fares", owner="pilots").replace("kind: Component", "kind: API")
    return files(
        GROUP.format("company", ""), GROUP.format("harbour", "parent: company"),
        GROUP.format("pilots", "parent: harbour"), GROUP.format("shop", "parent: company"),
        needs("ledger", owner="pilots", providesApis="[fares]"), api + "  definition: x\n",
        component("desk", owner="shop", consumesApis="[fares]"), needs("kiosk", "desk", owner="shop"),
    )  # fmt: skip


def test_impact_goes_through_apis_and_up_the_group_tree(ingest: Ingest, dana: Client):
    ingest(organisation())
    page = page_of(dana, "component:default/ledger", "impact")
    rows = re.findall(r'/([\w-]+)/" title="[^"]*">\w+</a></span>.*?num">(\d)<', page, re.DOTALL)
    assert rows == [("fares", "1"), ("desk", "2"), ("kiosk", "3")]
    assert page.count("above it:") == 2
    assert "group/default/company/" in page
    assert "group/default/harbour/" in page


def test_impact_without_dependents_and_with_a_circle(ingest: Ingest, dana: Client):
    ingest(files(needs("a", "b"), needs("b", "a"), needs("lone")))
    assert "Some of these need each other" in page_of(dana, "component:default/a", "impact")
    assert "Nothing depends on it" in page_of(dana, "component:default/lone", "impact")


def test_the_api_tells_the_same(ingest: Ingest, dana: Client):
    ingest(organisation())
    base = "/api/catalog/graph/component/default/ledger"
    found = dana.get(f"{base}/dependents").json()
    assert [(item["entityRef"], item["depth"]) for item in found["items"]] == [
        ("api:default/fares", 1), ("component:default/desk", 2), ("component:default/kiosk", 3),
    ]  # fmt: skip
    assert found["items"][1]["over"] == {
        "sourceRef": "api:default/fares", "type": "apiConsumedBy", "targetRef": "component:default/desk",
    }  # fmt: skip
    assert found["owners"] == [
        {"entityRef": "group:default/pilots", "above": ["group:default/harbour", "group:default/company"], "owns": ["component:default/ledger", "api:default/fares"]},
        {"entityRef": "group:default/shop", "above": ["group:default/company"], "owns": ["component:default/desk", "component:default/kiosk"]},
    ]  # fmt: skip
    assert (found["cycles"], found["truncated"]) == ([], False)
    assert len(dana.get(f"{base}/dependents?depth=1").json()["items"]) == 1
    needed = dana.get("/api/catalog/graph/component/default/kiosk/dependencies").json()
    assert [item["entityRef"] for item in needed["items"]] == [
        "component:default/desk", "api:default/fares", "component:default/ledger",
    ]  # fmt: skip
    near = dana.get(f"{base}?relation=providesApi").json()
    assert [node["entityRef"] for node in near["nodes"]] == [
        "api:default/fares",
        "component:default/ledger",
    ]
    assert near["edges"] == [
        {"sourceRef": "component:default/ledger", "type": "providesApi", "targetRef": "api:default/fares"}
    ]  # fmt: skip


@pytest.mark.parametrize("query", ["?depth=0", "?depth=99", "?depth=x", "?relation=likes"])
def test_the_api_says_what_is_wrong(ingest: Ingest, dana: Client, query: str):
    ingest(needs("a"))
    answer = dana.get(f"/api/catalog/graph/component/default/a{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]
    assert dana.get("/api/catalog/graph/component/default/nobody").status_code == 404


def test_a_thing_in_circles_is_reached_once(ingest: Ingest, person):
    names = [f"n{number}" for number in range(30)]
    ingest(files(*(needs(name, *(other for other in names if other != name)) for name in names)))
    found = neighbourhoods.dependents(entity("component:default/n0"), person(), most=1_000)
    assert len(found.steps) == 29
    assert {step.depth for step in found.steps} == {1}
    assert not found.cut


@pytest.mark.parametrize("count", [2, 40])
def test_queries_do_not_grow(ingest: Ingest, dana: Client, django_assert_max_num_queries, count):
    chain = [
        needs(f"n{number}", f"n{number + 1}", owner=f"team-{number}") for number in range(count)
    ]
    ingest(files(*chain, needs(f"n{count}")))
    for tab, most in (("relations/?depth=4", 9), ("impact/", 12)):
        with django_assert_max_num_queries(most):
            assert dana.get(f"/catalog/component/default/n{count}/{tab}").status_code == 200
    with django_assert_max_num_queries(8):
        dana.get("/api/catalog/graph/component/default/n0/dependents")
