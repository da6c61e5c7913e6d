"""Stars: put on and taken off, with htmx and without, per person, in the list and at home."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import AuditEvent
from catalog.models import Star
from tests.conftest import component, entity

Ingest = Callable[[str], list[str]]


@pytest.fixture
def estate(ingest: Ingest) -> None:
    secret = component("secret").replace(
        "metadata:\n", "metadata:\n  annotations: {bespoke/visibility: private}\n"
    )
    ingest("---\n".join([component("a"), component("b"), secret]))


def put(client: Client, name: str, starred: str, **more: str):
    pk = entity(f"component:default/{name}").pk
    return client.post(f"/catalog/stars/{pk}/", {"starred": starred} | more)


def listed(client: Client) -> list[str]:
    return [row.name for row in client.get("/catalog/?starred=1").context["page"]]


@pytest.mark.usefixtures("estate")
def test_a_star_is_put_on_once_and_taken_off_and_is_its_owners_alone(client: Client, person):
    me, other = person(), person()
    client.force_login(me)
    assert put(client, "a", "1", next="/catalog/?q=a")["Location"] == "/catalog/?q=a"
    assert (
        put(client, "a", "1", next="https://evil.example/")["Location"]
        == "/catalog/component/default/a/"
    )
    assert Star.objects.get().user == me
    assert [(row.name, row.starred) for row in client.get("/catalog/").context["page"]] == [
        ("a", True),
        ("b", False),
    ]
    assert listed(client) == ["a"]
    assert [row.name for row in client.get("/").context["starred"]] == ["a"]
    assert client.get("/catalog/component/default/a/").context["starred"] is True
    client.force_login(other)
    assert listed(client) == []
    client.force_login(me)
    put(client, "a", "0")
    assert listed(client) == []
    assert list(AuditEvent.objects.order_by("pk").values_list("verb", flat=True)) == [
        "starred",
        "unstarred",
    ]


@pytest.mark.usefixtures("estate")
def test_htmx_gets_the_button_back_and_strangers_star_nothing_hidden(client: Client, person):
    client.force_login(person())
    pk = entity("component:default/b").pk
    answer = client.post(f"/catalog/stars/{pk}/", {"starred": "1"}, headers={"HX-Request": "true"})
    assert b'aria-pressed="true"' in answer.content
    assert b"<html" not in answer.content
    assert put(client, "secret", "1").status_code == 404
    assert client.get(f"/catalog/stars/{pk}/").status_code == 405
