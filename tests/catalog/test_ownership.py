"""The ownership report: what it finds, for whom, and as CSV."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Membership
from catalog.models import Entity, Repository
from tests.conftest import component

PAGE = "/catalog/ownership/"
GROUP = "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: %s}\nspec: {type: team, children: []}\n"
TEMPLATE = "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata: {name: free}\nspec: {type: x, steps: []}\n"
Ingest = Callable[[str], list[str]]


@pytest.fixture
def estate(ingest: Ingest) -> None:
    ingest("---\n".join([
        GROUP % "staffed", GROUP % "empty", TEMPLATE,
        component("good", owner="staffed"),
        component("lost", owner="nobody"),
        component("idle", owner="empty"),
        component("secret", owner="gone").replace(
            "spec:", "  annotations: {bespoke/visibility: private}\nspec:"),
    ]))  # fmt: skip
    Membership.objects.create(
        user_ref="user:default/x", group_ref="group:default/staffed", direct=True
    )


def listed(client: Client, gap: str, **query: str) -> set[str]:
    return {row.ref for row in client.get(PAGE, {"gap": gap} | query).context["page"]}


@pytest.mark.usefixtures("estate")
def test_each_gap_lists_what_is_in_it(client: Client, person):
    client.force_login(person())
    assert listed(client, "unowned") == {"template:default/free"}
    assert listed(client, "dangling") == {"component:default/lost"}
    assert listed(client, "empty") == {"component:default/idle"}
    assert listed(client, "stale") == set()
    counts = {name: count for name, _, count in client.get(PAGE).context["gaps"]}
    assert counts == {"unowned": 1, "dangling": 1, "empty": 1, "stale": 0}


@pytest.mark.usefixtures("estate")
def test_stale_is_what_neither_changed_nor_was_worked_on(client: Client, person):
    client.force_login(person())
    old = timezone.now() - timedelta(days=200)
    Entity.objects.filter(name="good").update(updated_at=old)
    Repository.objects.update(last_activity_at=timezone.now())
    assert listed(client, "stale") == set()
    Repository.objects.update(last_activity_at=old)
    assert listed(client, "stale") == {"component:default/good"}
    assert listed(client, "stale", months="12") == set()


@pytest.mark.usefixtures("estate")
def test_what_is_private_is_for_those_who_may_see_it(client: Client, person):
    client.force_login(person("platform"))
    assert "component:default/secret" in listed(client, "dangling")
    assert b"secret" in b"".join(client.get(PAGE, {"gap": "dangling", "format": "csv"}))
    client.force_login(person())
    text = b"".join(client.get(PAGE, {"gap": "dangling", "format": "csv"})).decode()
    assert "component:default/lost" in text
    assert "secret" not in text


@pytest.mark.usefixtures("estate")
def test_a_spreadsheet_computes_nothing(ingest: Ingest, client: Client, person):
    ingest(component("evil", owner="nobody").replace("spec:", "  title: =1+1\nspec:"))
    client.force_login(person())
    text = b"".join(client.get(PAGE, {"gap": "dangling", "format": "csv"})).decode()
    assert ",'=1+1," in text


def test_nothing_missing_is_said_in_words(client: Client, person):
    client.force_login(person())
    assert "names an owner" in client.get(PAGE).content.decode()
    assert PAGE in client.get("/catalog/").content.decode()


@pytest.mark.parametrize("count", [3, 60])
def test_queries_do_not_grow_and_the_list_has_pages(
    ingest: Ingest, client: Client, person, django_assert_max_num_queries, count: int
):
    ingest("---\n".join(component(f"c-{i}", owner="nobody") for i in range(count)))
    client.force_login(person())
    with django_assert_max_num_queries(12):
        text = client.get(PAGE, {"gap": "dangling"}).content.decode()
    assert ("Next" in text) == (count > 25)
