"""The list as a file, only what is mine, and which locations led to an entity."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from django.test import Client

from catalog.models import Location
from tests.conftest import component, entity

Ingest = Callable[[str], list[str]]


def streamed(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.streaming
    assert "attachment" in answer["Content-Disposition"]
    return b"".join(answer.streaming_content).decode()


def hidden(text: str) -> str:
    return text.replace("metadata:\n", "metadata:\n  annotations: {bespoke/visibility: private}\n")


@pytest.fixture
def dana(client: Client, person) -> Client:
    client.force_login(person("developer", "group:default/pilots"))
    return client


def test_csv_and_json_hold_the_filtered_list_in_its_order(ingest: Ingest, dana: Client):
    ingest("---\n".join([
        component("b", owner="pilots"), component("a", owner="pilots"), component("c", owner="shop"),
        hidden(component("secret", owner="shop")),
    ]))  # fmt: skip
    rows = list(
        csv.DictReader(
            io.StringIO(streamed(dana, "/catalog/export/csv/?owner=group:default/pilots&sort=name"))
        )
    )
    assert [(row["ref"], row["owner"]) for row in rows] == [
        ("component:default/a", "group:default/pilots"), ("component:default/b", "group:default/pilots"),
    ]  # fmt: skip
    import json

    everything = json.loads(streamed(dana, "/catalog/export/json/"))
    assert {row["name"] for row in everything} == {"a", "b", "c"}
    assert everything[0]["tags"] == []
    assert json.loads(streamed(dana, "/catalog/export/json/?q=nothing-like-it")) == []
    assert dana.get("/catalog/export/xml/").status_code == 404


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(1)"])
def test_no_cell_is_a_formula(ingest: Ingest, dana: Client, start: str):
    ingest(component("a").replace("The a of the tests.", f"'{start}'"))
    (row,) = csv.DictReader(io.StringIO(streamed(dana, "/catalog/export/csv/")))
    assert row["description"] == f"'{start}"


def test_only_what_is_mine(ingest: Ingest, dana: Client):
    ingest(component("boat", owner="pilots") + "---\n" + component("till", owner="shop"))
    page = dana.get("/catalog/?mine=1").content.decode()
    assert "default/boat/" in page
    assert "default/till/" not in page
    assert 'name="mine" value="1"' in page
    assert "/catalog/export/csv/?mine=1" in page
    assert "till" not in streamed(dana, "/catalog/export/csv/?mine=1")


@pytest.mark.parametrize("count", [3, 60])
def test_an_export_is_one_query(
    ingest: Ingest, dana: Client, django_assert_max_num_queries, count: int
):
    ingest("---\n".join(component(f"c-{n}") for n in range(count)))
    with django_assert_max_num_queries(5):
        assert len(streamed(dana, "/catalog/export/csv/").splitlines()) == count + 1


def test_the_page_says_which_locations_led_to_an_entity(
    ingest: Ingest, location: Location, dana: Client
):
    from catalog.descriptor import read
    from catalog.services.entities import store_reading

    ingest(
        "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: fleet}\nspec: {targets: [./boat.yaml]}\n"
    )
    child = Location.objects.create(
        repository=location.repository, path="boat.yaml", parent=location
    )
    store_reading(location=child, reading=read(component("boat")))
    assert entity("component:default/boat").location == child
    page = dana.get("/catalog/component/default/boat/").content.decode()
    assert "Named by" in page
    assert "/catalog/location/default/fleet/" in page
    assert "Named by" not in dana.get("/catalog/location/default/fleet/").content.decode()
