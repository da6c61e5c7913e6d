"""Search for programs: what is found and in which order, pages, filters, who sees what."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.conftest import component

API = "/api/search/query"
Ingest = Callable[[str], list[str]]


@pytest.fixture
def api(client: Client, person) -> Client:
    client.force_login(person())
    return client


def names(api: Client, **asked: Any) -> list[str]:
    return [result["document"]["name"] for result in api.get(API, asked).json()["results"]]


def titled(name: str, title: str, about: str = "Nothing") -> str:
    text = component(name).replace(f"The {name} of the tests.", about)
    return text.replace("metadata:\n", f"metadata:\n  title: {title}\n")


def test_the_name_comes_first_and_mentions_last(ingest: Ingest, api: Client):
    ingest("---\n".join([
        titled("aaa", "Other", "Talks to the ledger"), titled("bbb", "Our ledger"),
        titled("ccc", "Ledger of all"), titled("old-ledger", "Other"),
        titled("ledger-reports", "Other"), titled("ledger", "Other"), titled("zzz", "Other"),
    ]))  # fmt: skip
    assert names(api, term="Ledger") == [
        "ledger", "ledger-reports", "ccc", "old-ledger", "bbb", "aaa",
    ]  # fmt: skip
    assert names(api, term="ledger rep") == ["ledger-reports"]
    assert names(api, term="reports ledger") == ["ledger-reports"]
    assert names(api, term="legder-reports") == ["ledger-reports"]
    assert names(api, term="qqqqqq") == []


def test_a_result_has_backstages_shape(ingest: Ingest, api: Client):
    ingest(component("cart", owner="team"))
    body = api.get(API, {"term": "car", "types[0]": "software-catalog"}).json()
    (result,) = body["results"]
    assert body["numberOfResults"] == 1
    assert result["type"] == "software-catalog"
    wanted = {
        "title": "cart", "text": "The cart of the tests.", "kind": "Component",
        "location": "/catalog/component/default/cart/", "componentType": "service",
        "lifecycle": "production", "owner": "team", "namespace": "default",
    }  # fmt: skip
    assert wanted.items() <= result["document"].items()
    assert api.get(result["document"]["location"]).status_code == 200


def test_pages_filters_and_types(ingest: Ingest, api: Client):
    resource = component("cart-db").replace("kind: Component", "kind: Resource")
    ingest("---\n".join([*(component(f"cart-{n}") for n in range(5)), resource]))
    first = api.get(API, {"term": "cart", "pageLimit": 4}).json()
    assert (len(first["results"]), first["numberOfResults"]) == (4, 6)
    assert "previousPageCursor" not in first
    rest = {"term": "cart", "pageLimit": 4, "pageCursor": first["nextPageCursor"]}
    second = api.get(API, rest).json()
    assert len(second["results"]) == 2
    assert "nextPageCursor" not in second
    back = api.get(API, rest | {"pageCursor": second["previousPageCursor"]}).json()
    assert back["results"] == first["results"]
    assert names(api, term="cart", **{"filters[kind]": "Resource"}) == ["cart-db"]
    assert names(api, term="cart", types="techdocs") == []
    assert len(names(api)) == 6
    for bad in ({"filters[colour]": "x"}, {"pageCursor": "x"}, {"pageLimit": 0}):
        assert api.get(API, bad).json()["error"]["name"] == "InputError", bad


def test_hidden_entities_are_found_by_their_owners_alone(ingest: Ingest, client: Client, person):
    ingest(component("harbour-gauge", owner="team").replace(
        "metadata:\n", "metadata:\n  annotations: {bespoke/visibility: private}\n"))  # fmt: skip
    for groups, found in (((), []), (("group:default/team",), ["harbour-gauge"])):
        client.force_login(person("developer", *groups))
        assert names(client, term="gauge") == names(client, term="harbuor") == found


@pytest.mark.parametrize("count", [2, 30])
def test_a_search_costs_the_same_number_of_queries(
    ingest: Ingest, api: Client, django_assert_max_num_queries, count: int
):
    ingest("---\n".join(component(f"cart-{n}") for n in range(count)))
    with django_assert_max_num_queries(8):
        assert names(api, term="cart")
