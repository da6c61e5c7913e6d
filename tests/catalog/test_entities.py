"""Entities in the database: comparison before writing, nothing vanishes, who may see what."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Membership
from catalog.models import Entity, Location, Problem, Relation
from catalog.services import rebuild_memberships
from tests.conftest import component, entity

Ingest = Callable[[str], list[str]]
GROUP = "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {{name: {}}}\nspec: {{type: team, children: [], {}}}\n"
USER = "apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: {{name: {}}}\nspec: {{memberOf: [{}]}}\n"


def test_unchanged_content_writes_nothing(ingest: Ingest, django_assert_max_num_queries):
    assert ingest(component("a")) == ["component:default/a"]
    before = entity("component:default/a").updated_at
    with django_assert_max_num_queries(2):
        assert ingest(component("a")) == []
    assert entity("component:default/a").updated_at == before


def test_a_change_is_written_and_keeps_the_uid(ingest: Ingest):
    ingest(component("a"))
    uid = entity("component:default/a").uid
    assert ingest(component("a", owner="ledger")) == ["component:default/a"]
    row = entity("component:default/a")
    assert (row.uid, row.owner_ref) == (uid, "group:default/ledger")
    assert set(Relation.objects.values_list("target_ref", flat=True)) == {
        "group:default/ledger", "component:default/a",
    }  # fmt: skip


def test_a_broken_descriptor_keeps_the_last_good_entity(ingest: Ingest):
    ingest(component("a"))
    ingest(component("a").replace("type: service", "type: [1]"))
    row = entity("component:default/a")
    assert row.orphaned_at is None
    assert row.type == "service"
    assert Problem.objects.get().entity_ref == "component:default/a"


def test_an_entity_that_the_file_dropped_is_an_orphan_until_it_is_back(ingest: Ingest):
    ingest(component("a") + "---\n" + component("b"))
    assert ingest(component("a")) == ["component:default/b"]
    assert entity("component:default/b").orphaned_at
    ingest(component("a") + "---\n" + component("b"))
    assert entity("component:default/b").orphaned_at is None


def test_the_first_file_keeps_a_name_and_the_second_is_told(ingest: Ingest, location: Location):
    from catalog.descriptor import read
    from catalog.services.entities import store_reading

    ingest(component("a"))
    other = Location.objects.create(repository=location.repository, path="other.yaml")
    assert store_reading(location=other, reading=read(component("a", owner="ledger"))) == []
    assert entity("component:default/a").owner_ref == "group:default/checkout"
    assert f"already defined by {location}" in Problem.objects.get(location=other).message


def test_one_name_twice_in_one_file_is_a_problem(ingest: Ingest):
    ingest(component("a") + "---\n" + component("a", owner="x"))
    assert entity("component:default/a").owner_ref == "group:default/checkout"
    assert "an earlier document" in Problem.objects.get().message


def test_memberships_follow_the_group_tree(ingest: Ingest):
    ingest("---\n".join([
        GROUP.format("company", "parent: ''").replace(", parent: ''", ""),
        GROUP.format("payments", "parent: company"),
        GROUP.format("checkout", "parent: payments"),
        USER.format("dana", "checkout"),
    ]))  # fmt: skip
    rebuild_memberships()
    rows = set(Membership.objects.values_list("group_ref", "direct"))
    assert rows == {
        ("group:default/checkout", True),
        ("group:default/payments", False),
        ("group:default/company", False),
    }


def test_a_circle_of_groups_ends(ingest: Ingest):
    ingest("---\n".join([
        GROUP.format("a", "parent: b"), GROUP.format("b", "parent: a"), USER.format("u", "a"),
    ]))  # fmt: skip
    assert rebuild_memberships() == 2


PRIVATE = component("secret").replace(
    "  name: secret", "  name: secret\n  annotations: {bespoke/visibility: private}"
)


def test_a_private_entity_is_for_its_owners(ingest: Ingest, client: Client, person):
    ingest(PRIVATE + "---\n" + component("open", dependsOn="[component:secret]"))
    owner, stranger = person("developer", "group:default/checkout"), person("developer")
    platform = person("platform")
    for user, status in ((owner, 200), (platform, 200), (stranger, 404)):
        client.force_login(user)
        assert client.get("/catalog/component/default/secret/").status_code == status
        api = client.get("/api/catalog/entities/by-name/component/default/secret")
        assert api.status_code == status
        names = [e["metadata"]["name"] for e in client.get("/api/catalog/entities").json()]
        assert ("secret" in names) is (status == 200)
        page = client.get("/catalog/component/default/open/").content.decode()
        assert ("component:default/secret" in page) is (status == 200), user


def test_search_finds_words_prefixes_and_typos(ingest: Ingest):
    ingest(component("booking-api") + "---\n" + component("ledger"))
    found = Entity.objects.all()
    assert [e.name for e in found.search("book")] == ["booking-api"]
    assert [e.name for e in found.search("bokking")] == ["booking-api"]
    assert [e.name for e in found.search("the tests")] == ["booking-api", "ledger"]
    assert not found.search("zebra")


def test_the_list_filters_and_htmx_gets_the_results_alone(ingest: Ingest, client: Client, person):
    ingest(component("a") + "---\n" + component("b", owner="ledger"))
    client.force_login(person())
    page = client.get("/catalog/?owner=group:default/ledger").content.decode()
    assert "/catalog/component/default/b/" in page
    assert "/catalog/component/default/a/" not in page
    part = client.get("/catalog/?q=a", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "/catalog/component/default/a/" in part


def test_the_api_filters_as_backstage_does(ingest: Ingest, client: Client, person):
    ingest(component("a") + "---\n" + component("b", owner="ledger", lifecycle2="x"))
    client.force_login(person())

    def names(query: str) -> list[str]:
        answer = client.get(f"/api/catalog/entities?{query}").json()
        return [entity["metadata"]["name"] for entity in answer]

    assert names("filter=kind=component,spec.owner=ledger") == ["b"]
    assert names("filter=metadata.name=a&filter=metadata.name=b") == ["a", "b"]
    assert names("filter=metadata.name=a,metadata.name=b") == ["a", "b"]
    assert names("filter=spec.lifecycle2") == ["b"]
    assert names("filter=relations.ownedby=group:default/ledger") == ["b"]
    assert names("limit=1&offset=1") == ["b"]
    assert client.get("/api/catalog/entities?limit=x").status_code == 400


def test_an_entity_that_was_never_good_is_visible_as_such(ingest: Ingest, client: Client, person):
    ingest(component("a").replace("type: service", "type: [1]"))
    client.force_login(person())
    page = client.get("/catalog/component/default/a/").content.decode()
    assert "spec.type" in page
    problems = client.get("/catalog/problems/").content.decode()
    assert "spec.type" in problems


def test_dangling_references_are_listed(ingest: Ingest, client: Client, person):
    ingest(component("a", owner="nobody"))
    client.force_login(person())
    assert "nobody" in client.get("/catalog/problems/").content.decode()
    assert client.get("/catalog/group/default/nobody/").status_code == 404


@pytest.mark.parametrize("count", [5, 60])
def test_queries_do_not_grow_with_the_catalogue(
    ingest: Ingest, client: Client, person, django_assert_max_num_queries, count: int
):
    ingest("---\n".join(component(f"c-{i}") for i in range(count)))
    client.force_login(person())
    for path, limit in (
        ("/", 12),
        ("/catalog/", 14),
        ("/catalog/component/default/c-1/", 20),
        ("/catalog/problems/", 12),
        ("/api/catalog/entities", 6),
    ):
        with django_assert_max_num_queries(limit):
            assert client.get(path).status_code == 200, path
