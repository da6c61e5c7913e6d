"""Who sees what through the REST API, and who may change what; locations, refresh, validation."""

import os
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client

from accounts import services as accounts
from accounts.models import User
from catalog import services
from catalog.models import Entity, Location, Repository
from forge import Forge
from tests.conftest import component

API = "/api/catalog"
Ingest = Callable[[str], list[str]]
HIDDEN = component("hidden", owner="ledger", dependsOn="[component:open]").replace(
    "  name: hidden",
    "  name: hidden\n  tags: [secret]\n  annotations: {bespoke/visibility: private}",
)
REF = "component:default/hidden"


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def stranger(person) -> Client:
    return client_of(person())


@pytest.fixture
def owner(person) -> Client:
    return client_of(person("developer", "group:default/ledger"))


def asks(client: Client) -> dict[str, Any]:
    """Every way to learn of the hidden entity, and whether it told."""

    def post(path: str, body: dict[str, Any]) -> str:
        return client.post(f"{API}/{path}", body, "application/json").content.decode()

    def get(path: str) -> str:
        answer = client.get(f"{API}/{path}")
        return answer.getvalue().decode() if answer.streaming else answer.content.decode()

    by_query = client.get(f"{API}/entities/by-query?filter=kind=component&limit=0").json()
    return {
        "list": "hidden" in get("entities"),
        "page": "hidden" in get("entities/by-query"),
        "count": by_query["totalItems"] == 2,
        "refs": '"kind"' in post("entities/by-refs", {"entityRefs": [REF]}),
        "facets": "secret" in get("entity-facets?facet=metadata.tags"),
        "ancestry": "rootEntityRef" in get("entities/by-name/component/default/hidden/ancestry"),
        "neighbour": REF in get("entities/by-name/component/default/open"),
        "neighbour, filtered": "open" in get(f"entities?filter=relations.dependencyof={REF}"),
        "neighbour, exists": "open" in get("entities?filter=relations.dependencyof"),
        "location": '"target"' in get("locations/by-entity/component/default/hidden"),
        "refresh": client.post(
            f"{API}/refresh", {"entityRef": REF}, "application/json"
        ).status_code == 200,
    }  # fmt: skip


def test_a_hidden_entity_is_told_to_nobody_but_its_owners(
    ingest: Ingest, stranger: Client, owner: Client, person
):
    ingest(component("open") + "---\n" + HIDDEN)
    for _ in range(2):  # what is kept of one person's answers is not shown to another
        assert not any(asks(stranger).values()), asks(stranger)
        assert all(asks(owner).values()), asks(owner)
        assert all(asks(client_of(person("platform"))).values())


def test_becoming_private_hides_the_edges_too(ingest: Ingest, stranger: Client):
    ingest(component("open") + "---\n" + HIDDEN.replace("private}", "public}"))
    url = f"{API}/entities/by-name/component/default/open"
    assert REF in stranger.get(url).content.decode()
    ingest(component("open") + "---\n" + HIDDEN)
    assert REF not in stranger.get(url).content.decode()
    ingest(component("open") + "---\n" + HIDDEN.replace("private}", "public}"))
    assert REF in stranger.get(url).content.decode()


def test_a_private_locations_file_is_hidden(ingest: Ingest, stranger: Client, owner: Client):
    ingest(HIDDEN)
    assert stranger.get(f"{API}/locations").json() == []
    (found,) = owner.get(f"{API}/locations").json()
    assert stranger.get(f"{API}/locations/{found['data']['id']}").status_code == 404
    assert owner.get(f"{API}/locations/{found['data']['id']}").json() == found["data"]


def test_only_owners_and_the_platform_remove_an_entity(ingest: Ingest, stranger: Client, person):
    ingest(component("open") + "---\n" + component("other", dependsOn="[component:open]"))
    uid = Entity.objects.get(name="other").uid
    assert stranger.delete(f"{API}/entities/by-uid/{uid}").status_code == 403
    assert client_of(person("platform")).delete(f"{API}/entities/by-uid/{uid}").status_code == 204
    assert not Entity.objects.filter(name="other").exists()
    found = stranger.get(f"{API}/entities/by-name/component/default/open").json()
    assert [edge["type"] for edge in found["relations"]] == ["ownedBy"]


def test_a_reading_token_asks_by_post_but_changes_nothing(ingest: Ingest, client: Client, person):
    ingest(component("a"))
    user = person()
    _, secret = accounts.create_token(user=user, name="t", scopes=["read"], days=1, by=user)
    headers = {"Authorization": f"Bearer {secret}"}

    def post(path: str, body: dict[str, Any]) -> int:
        answer = client.post(f"{API}/{path}", body, "application/json", headers=headers)
        return answer.status_code

    assert post("entities/by-refs", {"entityRefs": ["component:default/a"]}) == 200
    assert post("entities/by-query", {"query": {"kind": "component"}}) == 200
    assert post("entity-facets", {"facets": ["kind"]}) == 200
    assert post("refresh", {"entityRef": "component:default/a"}) == 403
    assert post("locations", {"type": "url", "target": "x"}) == 403


def test_a_token_that_is_revoked_or_unknown_ends_at_once(ingest: Ingest, client: Client, person):
    user = person()
    token, secret = accounts.create_token(user=user, name="t", scopes=["read"], days=1, by=user)
    headers = {"Authorization": f"Bearer {secret}"}
    assert client.get(f"{API}/entities/by-query", headers=headers).status_code == 200
    accounts.revoke_token(token=token, by=user)
    assert client.get(f"{API}/entities/by-query", headers=headers).status_code == 401
    headers = {"Authorization": "Bearer bspk_nonsense"}
    assert client.get(f"{API}/entities/by-query", headers=headers).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_a_token_outlives_a_lost_connection(client: Client, person):
    user = person()
    _, secret = accounts.create_token(user=user, name="t", scopes=["read"], days=1, by=user)
    headers = {"Authorization": f"Bearer {secret}"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    assert client.get(f"{API}/entities/by-query", headers=headers).status_code == 200


@pytest.mark.parametrize("count", [3, 30])
def test_a_program_asks_with_few_statements(
    ingest: Ingest, client: Client, person, django_assert_num_queries, count: int
):
    ingest("---\n".join(component(f"c{i}") for i in range(count)))
    user = person()
    _, secret = accounts.create_token(user=user, name="t", scopes=["read"], days=1, by=user)
    headers = {"Authorization": f"Bearer {secret}"}
    url = f"{API}/entities/by-query?limit=2&orderField=metadata.name"
    first = client.get(url, headers=headers)
    with django_assert_num_queries(1):  # who asks, and whether anything changed
        again = client.get(url, headers=headers)
    assert first.content == again.content
    with django_assert_num_queries(2):
        assert client.get(url + ",desc", headers=headers).json()["totalItems"] == count
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement ~ 'apitoken'")
        assert cursor.fetchone() == (1,)


def test_many_entities_are_stored_as_few_are(ingest: Ingest, stranger: Client):
    """From some number on they come by COPY; what is stored must not depend on it."""
    ingest("---\n".join(component(f"c{i}", dependsOn="[component:c0]") for i in range(250)))
    few = stranger.get(f"{API}/entities/by-name/component/default/c7").json()
    assert {"type": "dependsOn", "targetRef": "component:default/c0"} in few["relations"]
    body = stranger.get(f"{API}/entities/by-query?filter=relations.dependson&limit=0").json()
    assert body["totalItems"] == 250


# -- locations ----------------------------------------------------------------------------------
def url_of(forge: Forge, path: str, file: str = "catalog-info.yaml") -> str:
    from django.conf import settings

    return f"{settings.GITLAB_URL}/{path}/-/blob/main/{file}"


def test_a_location_is_tried_registered_found_and_taken_out(project, forge: Forge, person):
    path = project(files={"docs/entity.yaml": component("tried")})
    target = {"type": "url", "target": url_of(forge, path, "docs/entity.yaml")}
    user = person()
    api = client_of(user)
    dry = api.post(f"{API}/locations?dryRun=true", target, "application/json")
    assert (dry.status_code, dry.json()["exists"]) == (201, False)
    assert dry.json()["entities"][0]["metadata"]["name"] == "tried"
    assert not Repository.objects.exists()
    made = api.post(f"{API}/locations", target, "application/json")
    assert made.status_code == 201
    assert made.json()["location"]["target"] == target["target"]
    assert api.post(f"{API}/locations", target, "application/json").status_code == 409
    refreshed = api.post(f"{API}/locations?onConflict=refresh", target, "application/json")
    assert refreshed.status_code == 201
    services.read_repository(path=path)
    found = api.get(f"{API}/locations/by-entity/component/default/tried").json()
    assert found["target"] == target["target"]
    location = f"{API}/locations/{found['id']}"
    assert client_of(person()).delete(location).status_code == 403
    assert api.delete(location).status_code == 204
    assert api.get(location).status_code == 404
    assert Entity.objects.get(name="tried").orphaned_at
    Repository.objects.update(commit="")
    services.read_repository(path=path)
    assert Entity.objects.get(name="tried").orphaned_at
    assert api.post(f"{API}/locations", target, "application/json").status_code == 201
    services.read_repository(path=path)
    assert Entity.objects.get(name="tried").orphaned_at is None
    assert Location.objects.count() == 1


def test_what_cannot_be_read_is_refused_with_its_reason(project, forge: Forge, stranger: Client):
    path = project(files={"catalog-info.yaml": component("harbour gauges")})

    def answer(target: str, kind: str = "url") -> str:
        body = {"type": kind, "target": target}
        found = stranger.post(f"{API}/locations?dryRun=true", body, "application/json")
        assert found.status_code == 400, found.content
        return str(found.json()["error"]["message"])

    assert "metadata.name" in answer(url_of(forge, path))
    assert "no such file" in answer(url_of(forge, path, "missing.yaml"))
    assert "not on the configured forge" in answer("https://elsewhere.example/a/b/-/blob/main/x")
    assert "allowed type" in answer("x", kind="file")


def test_a_repository_is_analyzed(project, forge: Forge, stranger: Client):
    from django.conf import settings

    described = project(files={"catalog-info.yaml": component("here")})
    bare = project(name="plain", files={"README.md": "x"})

    def analyze(path: str) -> dict[str, Any]:
        body = {"location": {"type": "url", "target": f"{settings.GITLAB_URL}/{path}"}}
        answer = stranger.post(f"{API}/analyze-location", body, "application/json")
        assert answer.status_code == 200
        return dict(answer.json())

    (found,) = analyze(described)["existingEntityFiles"]
    assert (found["isRegistered"], found["entity"]["metadata"]["name"]) == (False, "here")
    (made,) = analyze(bare)["generateEntities"]
    assert made["entity"]["metadata"]["name"] == "plain"


def test_a_descriptor_is_validated(stranger: Client):
    entity = {"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": {"name": "a b"},
              "spec": {"type": "service", "lifecycle": "x", "owner": "me"}}  # fmt: skip

    def validate(location: str) -> Any:
        body = {"entity": entity, "location": location}
        return stranger.post(f"{API}/validate-entity", body, "application/json")

    answer = validate("url:https://forge.example/a")
    assert answer.status_code == 400
    assert "metadata.name" in answer.json()["errors"][0]["message"]
    entity["metadata"] = {"name": "a"}
    assert validate("url:https://forge.example/a").status_code == 200
    assert validate("file:x").status_code == 400


def test_ancestry_leads_to_the_location(project, stranger: Client):
    path = project(files={
        "catalog-info.yaml": "apiVersion: backstage.io/v1alpha1\nkind: Location\n"
        "metadata: {name: all}\nspec: {targets: [./a.yaml]}\n",
        "a.yaml": component("a"),
    })  # fmt: skip
    services.read_repository(path=path)
    found = stranger.get(f"{API}/entities/by-name/component/default/a/ancestry").json()
    assert found["rootEntityRef"] == "component:default/a"
    assert [(i["entity"]["metadata"]["name"], i["parentEntityRefs"]) for i in found["items"]] == [
        ("a", ["location:default/all"]), ("all", []),
    ]  # fmt: skip
    annotations = found["items"][0]["entity"]["metadata"]["annotations"]
    assert annotations["backstage.io/managed-by-origin-location"].endswith("/catalog-info.yaml")
    assert annotations["backstage.io/managed-by-location"].endswith("/-/blob/main/a.yaml")
