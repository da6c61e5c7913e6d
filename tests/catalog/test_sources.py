"""Kinds of sources: the organisation in the forge, projects that move, and the page of sources."""

import pytest
from django.test import Client

from accounts.models import AuditEvent, Membership
from catalog import services
from catalog.models import Entity, Problem, Repository, Source
from catalog.sources.organisation import reading_of
from forge import Forge, Group, Member
from tests.conftest import component, entity

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana(forge: Forge, group: str) -> int:
    """A person in two groups of the forge."""
    forge.ensure_group(f"{group}/pay")
    forge.ensure_group(f"{group}/pay/ledger")
    user = forge.ensure_user(
        username=f"dana-{group}", name="Dana", email=f"{group}@example.org", password="pass-12345-x"
    )
    for path in (group, f"{group}/pay/ledger"):
        forge.ensure_member(path, user, 30)
    return user


@pytest.fixture
def source(group: str, dana: int) -> Source:
    source = services.add_source(group=group, kind="organisation", by=None)
    services.read_source(source=source)
    return source


def groups_of(user: str) -> list[str]:
    found = Membership.objects.filter(user_ref=f"user:default/{user}")
    return sorted(found.values_list("group_ref", flat=True))


def test_groups_and_members_become_entities(source: Source, group: str, forge: Forge):
    ledger = entity("group:default/pay-ledger")
    assert ledger.spec == {
        "type": "team", "profile": {"displayName": "ledger"}, "children": [], "parent": "pay",
    }  # fmt: skip
    assert ledger.annotations["127.0.0.1/team-path"] == f"{group}/pay/ledger"
    assert entity("group:default/pay").spec["parent"] == group
    person = entity(f"user:default/dana-{group}")
    assert person.spec["profile"]["displayName"] == "Dana"
    assert person.spec["memberOf"] == ["pay-ledger", group]
    assert groups_of(f"dana-{group}") == sorted(
        f"group:default/{name}" for name in (group, "pay", "pay-ledger")
    )
    assert f"{forge.url}/groups/{group}/-/group_members" in person.answer
    services.read_source(source=source)
    assert entity(person.ref).updated_at == person.updated_at


@pytest.mark.parametrize(
    ("kind", "where", "more"),
    [
        ("status", "ledger/members", {"status": 429}),
        ("status", "members", {"status": 403}),
        ("status", "descendant_groups", {"status": 502}),
        ("status", "$", {"status": 404}),
    ],
)
def test_half_an_answer_takes_nobody_away(
    source: Source, group: str, fault, kind: str, where: str, more: dict
):
    before = groups_of(f"dana-{group}")
    fault(kind, f"/groups/{group}.*{where}", **more)
    services.read_source(source=source)
    source.refresh_from_db()
    assert str(more["status"]) in source.error
    assert not Entity.objects.exclude(orphaned_at=None).exists()
    assert groups_of(f"dana-{group}") == before


def test_who_left_is_in_no_group_any_more(source: Source, group: str, forge: Forge, dana: int):
    forge._api.http_delete(f"/groups/{group}%2Fpay%2Fledger/members/{dana}")
    services.read_source(source=source)
    assert groups_of(f"dana-{group}") == [f"group:default/{group}"]
    forge._api.http_delete(f"/groups/{group}/members/{dana}")
    services.read_source(source=source)
    assert groups_of(f"dana-{group}") == []
    assert entity(f"user:default/dana-{group}").orphaned_at


def test_a_descriptor_goes_before_what_the_forge_knows(source: Source, ingest):
    uid = entity("group:default/pay").uid
    text = (
        "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: pay, title: Ours}\n"
        "spec: {type: team, children: []}\n"
    )
    ingest(text)
    assert (entity("group:default/pay").title, entity("group:default/pay").uid) == ("Ours", uid)
    services.read_source(source=source)
    assert entity("group:default/pay").title == "Ours"
    assert "is already defined by" in Problem.objects.get(entity_ref="group:default/pay").message
    ingest(component("other"))
    services.read_repository(path=f"groups/{source.group}")
    row = entity("group:default/pay")
    assert (row.title, row.orphaned_at, row.uid) == ("", None, uid)


def test_bots_and_blocked_people_are_left_out_and_odd_names_are_a_problem():
    def member(name: str, state: str = "active") -> Member:
        return Member(1, name, name, state, "", f"https://git.example/{name}", "")

    group = Group("acme", "Acme", "", "private", "")
    people = [
        member("ann"),
        member("project_7_bot_ab12"),
        member("bo", "blocked"),
        member("x" * 64),
    ]
    reading = reading_of("acme", [group], {"acme": people})
    assert [str(p.ref) for p in reading.entities] == ["group:default/acme", "user:default/ann"]
    assert {p.entity_ref for p in reading.problems} == {"user:default/" + "x" * 64}


# -- projects that move -------------------------------------------------------------------------
def rename(forge: Forge, path: str, name: str) -> str:
    forge._put(f"/projects/{path.replace('/', '%2F')}", "rename it", {"path": name})
    return f"{path.rpartition('/')[0]}/{name}"


@pytest.mark.parametrize("by_listing", [True, False])
def test_a_renamed_project_keeps_its_entities(project, forge: Forge, group: str, by_listing: bool):
    path = project(files={"catalog-info.yaml": component("a")})
    source = services.add_source(group=group, by=None)
    services.read_source(source=source, wait=True)
    before = entity("component:default/a")
    moved = rename(forge, path, "elsewhere")
    if by_listing:
        services.read_source(source=source, wait=True)
    else:
        services.read_repository(path=path)
    row = entity("component:default/a")
    assert (row.uid, row.orphaned_at) == (before.uid, None)
    assert Repository.objects.get().path == moved
    assert f"/{moved}/-/blob/" in row.answer
    assert AuditEvent.objects.get(verb="renamed").data["before"] == path
    services.read_repository(path=moved)
    assert Repository.objects.get().missing_since is None


# -- the page -----------------------------------------------------------------------------------
def test_the_page_adds_pauses_and_removes(
    person, client: Client, group: str, django_assert_max_num_queries
):
    client.force_login(person("platform"))
    assert client.post("/catalog/sources/", {"kind": "group", "group": "a b"}).status_code == 422
    for kind in ("group", "organisation"):
        client.post("/catalog/sources/", {"kind": kind, "group": f"/{group}/"})
    again = client.post("/catalog/sources/", {"kind": "group", "group": group})
    assert "This is a source already" in again.content.decode()
    with django_assert_max_num_queries(12):
        page = client.get("/catalog/sources/").content.decode()
    assert "Groups and people of a group" in page
    source = Source.objects.get(kind="group")
    client.post(f"/catalog/sources/{source.pk}/change/?to=paused")
    assert list(Source.objects.active().values_list("kind", flat=True)) == ["organisation"]
    client.post(f"/catalog/sources/{source.pk}/change/?to=resumed")
    client.post(f"/catalog/sources/{source.pk}/change/?to=removed")
    verbs = AuditEvent.objects.filter(object_type="source", data__kind="group")
    assert sorted(verbs.values_list("verb", flat=True)) == ["added", "paused", "removed", "resumed"]


def test_others_only_look(person, client: Client, group: str):
    source = services.add_source(group=group, by=None)
    client.force_login(person("developer"))
    page = client.get("/catalog/sources/").content.decode()
    assert group in page
    assert "Read now" not in page
    assert client.post("/catalog/sources/", {"kind": "group", "group": "x"}).status_code == 403
    assert client.post(f"/catalog/sources/{source.pk}/change/?to=removed").status_code == 403
    assert Source.objects.count() == 1
