"""The page of everything that is wrong: its lists, what narrows them, their pages."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from catalog.models import Entity, Location, Problem, Repository
from tests.catalog.test_entities import Ingest
from tests.conftest import component

pytestmark = pytest.mark.django_db
BROKEN = component("b", owner="ledger").replace("type: service", "type: [1]")


def shown(client: Client, query: str) -> str:
    answer = client.get(f"/catalog/problems/?{query}")
    assert answer.status_code == 200
    text = answer.content.decode()
    return text[text.index('<nav class="tabs"') :]


def counts(client: Client, query: str = "") -> list[int]:
    """Of errors, claims, dangling references, orphans and repositories."""
    tabs = shown(client, query).partition("</nav>")[0]
    return [int(number) for number in re.findall(r'class="count num">(\d+)<', tabs)]


def other_file(text: str, path: str = "group/other") -> Location:
    from catalog.descriptor import read
    from catalog.services.entities import store_reading

    repository = Repository.objects.create(path=path, default_branch="main")
    location = repository.locations.create(path="catalog-info.yaml")
    store_reading(location=location, reading=read(text))
    return location


def test_each_kind_has_a_list_that_text_repository_and_owner_narrow(
    ingest: Ingest, client: Client, person: Any
):
    ingest(component("a", dependsOn="[component:x]") + "---\n" + BROKEN)
    other_file(component("a", owner="ledger"))
    Repository.objects.create(path="group/dark", error="The forge did not answer")
    client.force_login(person())
    assert counts(client) == [1, 1, 2, 0, 1]  # a's owner dangles, and x
    assert counts(client, "q=spec.type") == [1, 0, 0, 0, 0]
    assert counts(client, "repository=group/other") == [0, 1, 0, 0, 0]
    assert counts(client, "repository=dark") == [0, 0, 0, 0, 1]
    assert counts(client, "owner=nobody-has-this") == [0] * 5
    assert "did not answer" in shown(client, "kind=repositories")
    assert "component:default/x" in shown(client, "kind=dangling&q=default/x")
    assert "catalog-info.yaml:1" in shown(client, "kind=dangling")


def test_two_files_that_claim_one_name_are_shown_to_both_owners(
    ingest: Ingest, client: Client, person: Any
):
    ingest(component("a", owner="checkout"))
    other_file(component("a", owner="ledger"))
    for group, sees in (("checkout", 1), ("ledger", 1), ("strangers", 0)):
        client.force_login(person("developer", f"group:default/{group}"))
        assert counts(client, "mine=1")[1] == sees, group
        assert counts(client, f"mine=1&owner={group}")[1] == sees
        assert counts(client, "mine=1&owner=somebody") == [0] * 5


def test_orphans_say_when_they_go_and_every_list_has_pages(
    ingest: Ingest, client: Client, person: Any
):
    ingest("---\n".join(component(f"c-{number:02}") for number in range(60)))
    ingest(component("stays"))
    Entity.objects.filter(name="c-01").update(kept=True)
    client.force_login(person())
    assert counts(client) == [0, 0, 61, 60, 0]
    first, last = shown(client, "kind=orphans"), shown(client, "kind=orphans&page=3")
    assert first.count("goes after") == 24
    assert last.count("goes after") == 10
    assert "51–60 of 60" in last
    assert "51–61 of 61" in shown(client, "kind=dangling&page=3")
    assert not Problem.objects.exists()


def test_what_is_private_is_in_no_list(ingest: Ingest, client: Client, person: Any):
    hidden = "name: a\n  annotations: {bespoke/visibility: private}"
    ingest(component("a").replace("name: a", hidden) + "---\n" + component("b"))
    ingest(component("b"))
    client.force_login(person("viewer", "group:default/strangers"))
    assert counts(client) == [0, 0, 1, 0, 0]
    client.force_login(person("platform"))
    assert counts(client) == [0, 0, 2, 1, 0]
