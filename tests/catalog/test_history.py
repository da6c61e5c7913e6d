"""Versions of entities: what is kept, when, by whom, and how they differ."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from catalog import services
from catalog.descriptor import read
from catalog.difference import Change, apply, difference
from catalog.models import Location, Version
from catalog.services import history
from catalog.services.entities import store_reading
from forge import Change as FileChange
from forge import Forge
from tests.conftest import component, entity

Ingest = Callable[[str], list[str]]
REF = "component:default/a"
PAGE = "/catalog/component/default/a/history/"

# -- the difference -----------------------------------------------------------------------------
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.text("abc", max_size=3)
KEYS = st.text("ab.", min_size=1, max_size=2)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)
ENTITIES = st.dictionaries(KEYS, VALUES, max_size=4)


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@given(ENTITIES, ENTITIES)
def test_applying_a_difference_to_the_old_gives_the_new(old: dict[str, Any], new: dict[str, Any]):
    assert canonical(apply(difference(old, new), old)) == canonical(new)


@given(ENTITIES, ENTITIES)
def test_there_is_a_difference_exactly_where_something_differs(
    old: dict[str, Any], new: dict[str, Any]
):
    assert bool(difference(old, new)) == (canonical(old) != canonical(new))


def test_a_difference_names_fields_and_items():
    old = {"metadata": {"name": "a", "tags": ["x", "y"]}, "spec": {"type": "service"}}
    new = {"metadata": {"name": "a", "tags": ["y", "z"], "title": "A"}, "spec": {}}
    found = {change.field: (change.kind, change.went, change.came)
             for change in difference(old, new)}  # fmt: skip
    assert found == {
        "metadata.tags": ("changed", ["x"], ["z"]),
        "metadata.title": ("added", [], ["A"]),
        "spec.type": ("removed", ["service"], []),
    }
    assert Change(("a",), 1, True).kind == "changed"


# -- what is kept -------------------------------------------------------------------------------
def events(ref: str = REF) -> list[tuple[int, str]]:
    return list(Version.objects.filter(ref=ref).order_by("number").values_list("number", "event"))


def test_every_change_is_a_version_and_unchanged_content_is_none(ingest: Ingest):
    ingest(component("a"))
    ingest(component("a"))
    ingest(component("a", owner="ledger"))
    ingest("# a line more\n" + component("a", owner="ledger"))  # it only stands elsewhere
    assert events() == [(1, "created"), (2, "changed")]
    newest = Version.objects.get(ref=REF, number=2)
    assert newest.descriptor["spec"]["owner"] == "ledger"


def test_going_coming_back_and_moving_are_events(ingest: Ingest, location: Location):
    ingest(component("a") + "---\n" + component("b"))
    ingest(component("b"))
    ingest(component("b") + "---\n" + component("a"))
    assert events() == [(1, "created"), (2, "orphaned"), (3, "restored")]
    assert Version.objects.get(ref=REF, number=2).descriptor is None
    ingest(component("b"))
    other = Location.objects.create(repository=location.repository, path="other.yaml")
    store_reading(location=other, reading=read(component("a")))
    assert events()[-1] == (5, "restored")
    assert events("component:default/b") == [(1, "created")]


def test_who_removes_an_entity_keeps_its_past(ingest: Ingest, person):
    ingest(component("a"))
    paul = person("platform")
    services.remove_entity(entity=entity(REF), by=paul)
    assert events() == [(1, "created"), (2, "removed")]
    assert Version.objects.get(ref=REF, number=2).author == paul.display_name
    ingest(component("a"))
    assert events()[-1] == (3, "created")


@pytest.mark.django_db
def test_a_version_names_the_commit_that_changed_its_file(project, forge: Forge):
    path = project(files={"catalog-info.yaml": component("a")})
    services.read_repository(path=path)
    made = forge.commit(
        path, branch="main", message="Give it to ledger\n\nBecause.", author=("Dana", "d@x.test"),
        changes=[FileChange("update", "catalog-info.yaml", component("a", "ledger").encode())],
    )  # fmt: skip
    later = [FileChange("create", "README.md", b"#\n")]
    forge.commit(path, branch="main", message="Later", author=("Sam", "s@x.test"), changes=later)
    services.read_repository(path=path)
    newest = Version.objects.get(ref=REF, number=2)
    assert (newest.commit, newest.author, newest.title) == (made.id, "Dana", "Give it to ledger")
    gone = [FileChange("delete", "catalog-info.yaml")]
    forge.commit(path, branch="main", message="Gone", author=("Vera", "v@x.test"), changes=gone)
    services.read_repository(path=path)
    newest = Version.objects.get(ref=REF, number=3)
    assert (newest.event, newest.author) == ("orphaned", "Vera")


def test_a_thousand_versions_are_one_statement(ingest: Ingest, django_assert_max_num_queries):
    ingest("---\n".join(component(f"c-{i}") for i in range(1000)))
    refs = list(Version.objects.values_list("ref", flat=True))
    with django_assert_max_num_queries(1):
        history.note(dict.fromkeys(refs, "changed"), {})
    assert Version.objects.filter(number=2).count() == 1000


# -- the page -----------------------------------------------------------------------------------
def test_the_page_shows_each_version_with_its_difference(ingest: Ingest, client: Client, person):
    ingest(component("a"))
    ingest(component("a", owner="ledger"))
    client.force_login(person())
    text = client.get(PAGE).content.decode()
    assert "spec.owner" in text
    assert "<del>" in text
    assert "ledger</ins>" in text
    assert "first read" in text.lower()
    assert PAGE in client.get("/catalog/component/default/a/").content.decode()


def test_a_stranger_sees_no_history_of_what_is_private(ingest: Ingest, client: Client, person):
    private = component("a").replace(
        "metadata:\n", "metadata:\n  annotations: {bespoke/visibility: private}\n"
    )
    ingest(private)
    client.force_login(person())
    assert client.get(PAGE).status_code == 404
    ingest(component("a", owner="ledger"))
    text = client.get(PAGE).content.decode()
    assert "ledger" not in text
    assert "bespoke/visibility" not in text
    client.force_login(person("developer", "group:default/ledger"))
    assert "bespoke/visibility" in client.get(PAGE).content.decode()


@pytest.mark.parametrize("count", [2, 40])
def test_the_page_is_paginated_and_its_queries_do_not_grow(
    ingest: Ingest, client: Client, person, django_assert_max_num_queries, count: int
):
    for i in range(count):
        ingest(component("a", owner=f"team-{i}"))
    client.force_login(person())
    with django_assert_max_num_queries(10):
        text = client.get(PAGE).content.decode()
    assert ("Next" in text) == (count > 25)
    assert f"team-{count - 1}" in text
