"""Pages of groups and people: members, the tree, what is owned and what it lacks; queries."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Membership
from catalog.models import Entity
from catalog.services import rebuild_memberships
from tests.conftest import component

Ingest = Callable[[str], list[str]]
HEAD = "apiVersion: backstage.io/v1alpha1\nkind: {}\nmetadata: {{name: {}}}\n"
HIDDEN = "metadata:\n  annotations: {bespoke/visibility: private}\n"


def group(name: str, parent: str = "") -> str:
    above = f", parent: {parent}" if parent else ""
    return HEAD.format("Group", name) + f"spec: {{type: team, children: []{above}}}\n"


def person_of(name: str, *groups: str) -> str:
    spec = f"memberOf: [{', '.join(groups)}], profile: {{email: {name}@example.org}}"
    return HEAD.format("User", name) + f"spec: {{{spec}}}\n"


@pytest.fixture
def estate(ingest: Ingest) -> None:
    ingest("---\n".join([
        group("company"), group("harbour", "company"), group("pilots", "harbour"), group("shop", "company"),
        person_of("ann", "harbour"), person_of("ben", "pilots"), person_of("cid", "shop"),
        component("quay", owner="harbour"), component("tug", owner="pilots", dependsOn="['resource:lost']"),
        component("secret", owner="pilots").replace("metadata:\n", HIDDEN),
        component("till", owner="shop", dependsOn="['component:quay']"),
        component("mine", owner="user:ben").replace("  description: The mine of the tests.\n", ""),
    ]))  # fmt: skip
    rebuild_memberships()


@pytest.fixture
def dana(client: Client, person) -> Client:
    client.force_login(person())
    return client


def owned(client: Client, ref: str, **query: str) -> list[str]:
    answer = client.get(f"/catalog/{ref}/owned/", query)
    assert answer.status_code == 200
    return [row.name for row in answer.context["page"]]


@pytest.mark.usefixtures("estate")
def test_members_come_directly_and_through_groups_below_and_the_tree_shows_both_ways(dana: Client):
    answer = dana.get("/catalog/group/default/harbour/members/")
    rows = [(m.user_ref, m.direct) for m in answer.context["page"]]
    assert rows == [("user:default/ann", True), ("user:default/ben", False)]
    assert answer.context["through"] == {"user:default/ben": ["group:default/pilots"]}
    tree = [(b.ref.partition("/")[2], b.level, b.members, b.owned) for b in answer.context["tree"]]
    assert tree == [("company", 0, 3, 0), ("harbour", 1, 2, 1), ("pilots", 2, 1, 1)]
    assert dana.get("/catalog/component/default/quay/members/").status_code == 404


@pytest.mark.usefixtures("estate")
def test_what_is_owned_directly_with_groups_below_by_kind_and_by_gap(dana: Client):
    assert owned(dana, "group/default/harbour") == ["quay", "tug"]
    assert owned(dana, "group/default/harbour", scope="direct") == ["quay"]
    assert owned(dana, "group/default/harbour", gap="dangling") == ["tug"]
    assert owned(dana, "user/default/ben") == ["mine", "quay", "tug"]
    assert owned(dana, "user/default/ben", scope="direct", gap="undescribed") == ["mine"]
    Entity.objects.filter(name="tug").update(orphaned_at="2026-01-01T00:00Z")
    assert owned(dana, "group/default/company", gap="orphans", kind="component") == ["tug"]
    answer = dana.get("/catalog/group/default/harbour/owned/", headers={"HX-Request": "true"})
    assert b"<html" not in answer.content


@pytest.mark.usefixtures("estate")
def test_who_owns_a_private_thing_sees_it_among_what_the_group_owns(client: Client, person):
    client.force_login(person("developer", "group:default/pilots"))
    assert owned(client, "group/default/pilots") == ["secret", "tug"]


@pytest.mark.usefixtures("estate")
def test_impact_of_a_group_is_what_others_build_on_what_it_owns(dana: Client):
    page = dana.get("/catalog/group/default/harbour/impact/").content.decode()
    assert re.findall(r"/component/default/(\w+)/\" title[^>]*>till<", page) == ["till"]
    assert "shop" in page
    assert "secret" not in page


def test_impact_of_a_system_starts_at_its_parts(ingest: Ingest, dana: Client):
    ingest("---\n".join([
        HEAD.format("Domain", "sea") + "spec: {owner: x}\n",
        HEAD.format("System", "port") + "spec: {owner: x, domain: sea}\n",
        component("quay", system="port"), component("till", dependsOn="['component:quay']"),
    ]))  # fmt: skip
    for ref in ("system/default/port", "domain/default/sea"):
        found = dana.get(f"/catalog/{ref}/impact/").context["impact"]
        assert [step.ref for step in found.steps] == ["component:default/till"]
    page = dana.get("/catalog/domain/default/sea/")
    assert [part.name for part in _parts(page)] == ["port"]
    assert [part.name for part in _parts(dana.get("/catalog/system/default/port/"))] == ["quay"]


def _parts(answer) -> list[Entity]:
    return next(
        values["parts"] for found, values in answer.context["panels"] if found.id == "parts"
    )


@pytest.mark.usefixtures("estate")
def test_a_person_has_a_profile_and_their_own_page_leads_to_their_runs(client: Client, person):
    me = person()
    client.force_login(me)
    page = client.get("/catalog/user/default/ben/").content.decode()
    assert "mailto:ben@example.org" in page
    assert "My runs" not in page
    me.entity_ref = "user:default/ben"
    me.save()
    assert "My runs" in client.get("/catalog/user/default/ben/").content.decode()


@pytest.mark.parametrize("count", [2, 40])
def test_queries_do_not_grow(ingest: Ingest, dana: Client, django_assert_max_num_queries, count):
    teams = [group(f"t{n}", "company") for n in range(count)]
    people = [person_of(f"p{n}", f"t{n}") for n in range(count)]
    ingest("---\n".join([group("company"), *teams, *people,
                         *(component(f"c{n}", owner=f"t{n}") for n in range(count))]))  # fmt: skip
    rebuild_memberships()
    assert Membership.objects.filter(group_ref="group:default/company").count() == count
    for tab, most in (("", 20), ("members/", 14), ("owned/", 16), ("impact/", 14)):
        with django_assert_max_num_queries(most):
            assert dana.get(f"/catalog/group/default/company/{tab}").status_code == 200
