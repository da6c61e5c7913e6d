"""Lists of the REST API: pages in both directions while rows change, order, fields, counts."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from catalog.models import Entity
from catalog.stitching import in_order_of
from tests.conftest import component

API = "/api/catalog/entities"
Ingest = Callable[[str], list[str]]


@pytest.fixture
def api(client: Client, person) -> Client:
    client.force_login(person())
    return client


def catalogue(names: str, **spec: object) -> str:
    return "---\n".join(component(name, **spec) for name in names)


def names(body: Any) -> list[str]:
    return [e["metadata"]["name"] for e in (body["items"] if isinstance(body, dict) else body)]


def walk(api: Client, first: str, key: str = "nextCursor") -> Iterator[dict[str, Any]]:
    body = api.get(first).json()
    while True:
        yield body
        cursor = body["pageInfo"].get(key)
        if cursor is None:
            return
        body = api.get(f"{API}/by-query", {"cursor": cursor, "limit": 3}).json()


def test_pages_lead_forwards_and_back(ingest: Ingest, api: Client):
    ingest(catalogue("abcdefgh"))
    url = f"{API}/by-query?limit=3&orderField=metadata.name,desc&filter=kind=component"
    pages = list(walk(api, url))
    assert [names(page) for page in pages] == [["h", "g", "f"], ["e", "d", "c"], ["b", "a"]]
    assert {page["totalItems"] for page in pages} == {8}
    assert "prevCursor" not in pages[0]["pageInfo"]
    back = api.get(f"{API}/by-query", {"cursor": pages[2]["pageInfo"]["prevCursor"], "limit": 3})
    assert names(back.json()) == ["e", "d", "c"]
    back = api.get(
        f"{API}/by-query", {"cursor": back.json()["pageInfo"]["prevCursor"], "limit": 3}
    ).json()
    assert names(back) == ["h", "g", "f"]
    assert "prevCursor" not in back["pageInfo"]
    assert back["pageInfo"]["nextCursor"]


def test_a_walk_neither_repeats_nor_loses_while_rows_change(ingest: Ingest, api: Client):
    ingest(catalogue("bdfhjl"))
    seen: list[str] = []
    for page in walk(api, f"{API}/by-query?limit=2&orderField=metadata.name"):
        seen += names(page)
        if len(seen) == 2:  # before, at and behind the place where the walk is
            Entity.objects.filter(name="d").delete()
            Entity.objects.filter(name="j").delete()
            ingest(catalogue("abcdefhjkl"))
    assert seen == ["b", "d", "e", "f", "h", "j", "k", "l"]


def test_an_entity_without_the_field_comes_last_in_either_direction(ingest: Ingest, api: Client):
    group = "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: g}\nspec: {type: t, children: []}\n"
    ingest(catalogue("ab") + "---\n" + catalogue("c", lifecycle="x").replace(
        "  lifecycle: x", "").replace("production", "deprecated") + "---\n" + group)  # fmt: skip
    for order, expected in (("asc", ["c", "a", "b", "g"]), ("desc", ["a", "b", "c", "g"])):
        pages = list(walk(api, f"{API}/by-query?limit=3&orderField=spec.lifecycle,{order}"))
        assert sum((names(page) for page in pages), []) == expected
        back = api.get(f"{API}/by-query", {"cursor": pages[-1]["pageInfo"]["prevCursor"]}).json()
        assert names(back) == expected[:3]
        assert names(api.get(f"{API}?order={order}:spec.lifecycle").json()) == expected


def test_several_fields_order_the_list(ingest: Ingest, api: Client):
    ingest(catalogue("ac") + "---\n" + catalogue("bd", owner="ledger"))
    url = f"{API}/by-query?limit=3&orderField=spec.owner,desc&orderField=metadata.name,desc"
    assert sum((names(page) for page in walk(api, url)), []) == ["d", "b", "c", "a"]
    order = "order=asc:spec.owner&order=desc:metadata.name"
    assert names(api.get(f"{API}?{order}").json()) == ["c", "a", "d", "b"]


def test_a_plain_list_is_paged_by_its_link(ingest: Ingest, api: Client):
    ingest(catalogue("abcde"))
    answer = api.get(f"{API}?limit=2&filter=kind=component&fields=metadata.name")
    seen = [answer.json()]
    while "link" in answer:
        assert answer["link"].startswith("</entities?")
        answer = api.get("/api/catalog" + answer["link"].split(">")[0].removeprefix("<"))
        seen.append(answer.json())
    assert [names(page) for page in seen] == [["a", "b"], ["c", "d"], ["e"]]
    assert seen[0][0] == {"metadata": {"name": "a"}}
    assert names(api.get(f"{API}?limit=2&offset=3").json()) == ["d", "e"]
    assert api.get(f"{API}?limit=0").status_code == 400


def test_a_long_list_without_a_limit_is_a_stream(ingest: Ingest, api: Client, monkeypatch):
    monkeypatch.setattr("catalog.api.queries.STREAMED", 2)
    ingest(catalogue("abcde"))
    import json

    answer = api.get(API)
    assert answer.streaming
    assert names(json.loads(answer.getvalue())) == list("abcde")


def test_limit_zero_only_counts_and_the_count_can_be_left_out(ingest: Ingest, api: Client):
    ingest(catalogue("abc"))
    assert api.get(f"{API}/by-query?limit=0").json() == {
        "items": [], "totalItems": 3, "pageInfo": {},
    }  # fmt: skip
    body = api.get(f"{API}/by-query?limit=1&totalItems=exclude").json()
    assert (names(body), body["totalItems"]) == (["a"], 0)


def test_counts_follow_a_change_at_once(ingest: Ingest, api: Client):
    ingest(catalogue("ab"))
    assert api.get(f"{API}/by-query?limit=1").json()["totalItems"] == 2
    facets = f"{API.replace('entities', 'entity-facets')}?facet=spec.owner"
    assert api.get(facets).json()["facets"]["spec.owner"] == [{"value": "checkout", "count": 2}]
    ingest(catalogue("ab") + "---\n" + catalogue("c", owner="ledger"))
    assert api.get(f"{API}/by-query?limit=1").json()["totalItems"] == 3
    assert api.get(facets).json()["facets"]["spec.owner"] == [
        {"value": "checkout", "count": 2}, {"value": "ledger", "count": 1},
    ]  # fmt: skip


def test_facets_count_columns_tags_and_anything_else(ingest: Ingest, api: Client):
    one = component("a").replace("  name: a", "  name: a\n  tags: [java]\n  labels: {Tier: Gold}")
    ingest(one + "---\n" + component("b"))
    query = (
        "facet=kind&facet=metadata.tags&facet=metadata.labels.tier&facet=relations.ownedBy&facet=x"
    )
    assert api.get(f"/api/catalog/entity-facets?{query}").json()["facets"] == {
        "kind": [{"value": "Component", "count": 2}],
        "metadata.tags": [{"value": "java", "count": 1}],
        "metadata.labels.tier": [{"value": "Gold", "count": 1}],
        "relations.ownedBy": [{"value": "group:default/checkout", "count": 2}],
        "x": [],
    }
    body = {"facets": ["kind"], "query": {"metadata.tags": {"$contains": "java"}}}
    found = api.post("/api/catalog/entity-facets", body, "application/json").json()
    assert found["facets"]["kind"] == [{"value": "Component", "count": 1}]
    assert api.get("/api/catalog/entity-facets").status_code == 400


def test_by_refs_keeps_the_order_and_says_null(ingest: Ingest, api: Client):
    ingest(catalogue("ab"))
    body = {"entityRefs": ["component:default/b", "x:y/z", "Component:default/A"],
            "fields": ["metadata.name"]}  # fmt: skip
    found = api.post(f"{API}/by-refs", body, "application/json").json()
    assert found == {"items": [{"metadata": {"name": "b"}}, None, {"metadata": {"name": "a"}}]}
    body["query"] = {"metadata.name": "a"}  # type: ignore[assignment]
    found = api.post(f"{API}/by-refs", body, "application/json").json()
    assert found["items"][:2] == [None, None]


def test_an_answer_has_what_clients_expect(ingest: Ingest, api: Client):
    ingest(component("a", system="shop"))
    found = api.get(f"{API}/by-name/Component/default/A").json()
    assert list(found) == ["apiVersion", "kind", "metadata", "spec", "relations"]
    assert found["relations"] == [
        {"type": "ownedBy", "targetRef": "group:default/checkout"},
        {"type": "partOf", "targetRef": "system:default/shop"},
    ]
    assert found["metadata"]["namespace"] == "default"
    assert len(found["metadata"]["etag"]) == 40
    assert found["metadata"]["annotations"]["backstage.io/managed-by-location"].startswith("url:")
    assert api.get(f"{API}/by-uid/{found['metadata']['uid']}").json() == found


def test_an_answer_follows_its_neighbours(ingest: Ingest, api: Client):
    db = component("db").replace("Component", "Resource").replace("  lifecycle: production\n", "")
    url = f"{API}/by-name/resource/default/db"
    ingest(db)
    etag = api.get(url).json()["metadata"]["etag"]
    ingest(db + "---\n" + component("a", dependsOn="[resource:db]"))
    found = api.get(url).json()
    assert {"type": "dependencyOf", "targetRef": "component:default/a"} in found["relations"]
    assert found["metadata"]["etag"] != etag
    by = "filter=relations.dependencyof=component:default/a"
    assert names(api.get(f"{API}?{by}").json()) == ["db"]
    ingest(db + "---\n" + component("a"))
    assert api.get(url).json()["metadata"]["etag"] == etag
    assert api.get(f"{API}?{by}").json() == []


def test_an_orphan_says_so(ingest: Ingest, api: Client):
    ingest(catalogue("ab"))
    ingest(catalogue("a"))
    found = api.get(f"{API}?filter=metadata.annotations.backstage.io/orphan=true").json()
    assert names(found) == ["b"]


def test_the_order_of_a_file_survives_being_stored():
    assert list(in_order_of({"a": 1, "b": {"d": 1, "c": 2}}, {"b": {"c": 0, "d": 0}})) == ["b", "a"]


@pytest.mark.parametrize("count", [3, 30])
def test_a_read_costs_the_same_number_of_queries_whatever_the_size(
    ingest: Ingest, api: Client, django_assert_max_num_queries, count: int
):
    ingest("---\n".join(component(f"c{i}", dependsOn="[component:c0]") for i in range(count)))
    for url, most in (
        ("entities", 6), ("entities/by-query?limit=2", 8), ("entity-facets?facet=kind", 8),
        ("entities/by-name/component/default/c0", 6),
        ("entities/by-name/component/default/c0/ancestry", 6), ("locations", 5),
    ):  # fmt: skip
        with django_assert_max_num_queries(most):
            assert api.get(f"/api/catalog/{url}").status_code == 200
