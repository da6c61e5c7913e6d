"""Reading repositories from the real (embedded) forge, by task, by webhook and by schedule."""

import json
import time

import pytest
from django.test import Client

from catalog import services
from catalog.models import Entity, Problem, Repository, Source, WebhookDelivery
from catalog.services.sources import connect_hooks
from forge import Change, Forge, ForgeUnavailable
from forge.webhooks import signature
from tests.conftest import component, entity
from tests.parts import SECRET

pytestmark = pytest.mark.django_db

LOCATION = """apiVersion: backstage.io/v1alpha1
kind: Location
metadata: {name: all}
spec: {targets: ["./services/*/entity.yaml", "./missing.yaml"]}
"""


def test_locations_globs_and_placeholders_are_followed(project):
    path = project(files={
        "catalog-info.yaml": LOCATION,
        "services/a/entity.yaml": component("a"),
        "services/b/entity.yaml": component("b"),
        "services/b/deeper/entity.yaml": component("c"),
    })  # fmt: skip
    services.read_repository(path=path)
    assert set(Entity.objects.values_list("ref", flat=True)) == {
        "location:default/all", "component:default/a", "component:default/b",
    }  # fmt: skip
    assert "no matching files found for “./missing.yaml”" in Problem.objects.get().message
    assert entity("component:default/a").location.parent.path == "catalog-info.yaml"


def test_a_commit_that_was_read_is_not_read_again(project, django_assert_max_num_queries):
    path = project(files={"catalog-info.yaml": component("a")})
    assert services.read_repository(path=path) == ["component:default/a"]
    with django_assert_max_num_queries(8):
        assert services.read_repository(path=path) == []


def test_a_push_that_changes_only_an_included_file_is_seen(project, forge: Forge):
    titled = component("a").replace("name: a", "name: a\n  title: {$text: title.txt}")
    path = project(files={
        "catalog-info.yaml": LOCATION, "services/a/entity.yaml": titled,
        "services/a/title.txt": "One", "services/b/entity.yaml": component("b"),
    })  # fmt: skip
    services.read_repository(path=path)
    changes = [Change("update", "services/a/title.txt", b"Two")]
    forge.commit(path, branch="main", message="Title", changes=changes)
    assert services.read_repository(path=path) == ["component:default/a"]
    assert entity("component:default/a").title == "Two"
    assert entity("component:default/b").orphaned_at is None


def test_a_push_changes_and_a_removed_file_orphans(project, forge: Forge):
    path = project(files={"catalog-info.yaml": component("a")})
    services.read_repository(path=path)
    change = Change("update", "catalog-info.yaml", component("a", owner="ledger").encode())
    forge.commit(path, branch="main", message="Owner", changes=[change])
    services.read_repository(path=path)
    assert entity("component:default/a").owner_ref == "group:default/ledger"
    forge.commit(
        path, branch="main", message="Gone", changes=[Change("delete", "catalog-info.yaml")]
    )
    services.read_repository(path=path)
    assert entity("component:default/a").orphaned_at


def test_an_empty_project_is_read_without_a_complaint(project):
    path = project()
    assert services.read_repository(path=path) == []
    assert Repository.objects.get(path=path).error == ""


def test_a_project_that_is_gone_keeps_its_entities(project, forge: Forge):
    path = project(files={"catalog-info.yaml": component("a")})
    services.read_repository(path=path)
    forge.delete_project(path)
    services.read_repository(path=path)
    assert Repository.objects.get(path=path).missing_since
    assert entity("component:default/a").orphaned_at is None


def test_a_dead_forge_changes_nothing_but_the_error(project, settings):
    path = project(files={"catalog-info.yaml": component("a")})
    services.read_repository(path=path)
    settings.GITLAB_URL = "http://127.0.0.1:1"
    with pytest.raises(ForgeUnavailable):
        services.read_repository(path=path)
    assert "did not answer" in Repository.objects.get(path=path).error
    assert entity("component:default/a").orphaned_at is None
    source = Source.objects.create(group="x")
    assert services.read_source(source=source) == []
    source.refresh_from_db()
    assert "did not answer" in source.error


def test_a_source_reads_every_project_below_its_group(project, group: str):
    for name in "ab":
        project(name=f"p-{name}", files={"catalog-info.yaml": component(f"{group}-{name}")})
    source = services.add_source(group=group, by=None)
    assert len(services.read_source(source=source, wait=True)) == 2
    assert Entity.objects.filter(name__startswith=group).count() == 2
    Repository.objects.update(last_activity_at=None)
    before = list(Entity.objects.values_list("updated_at"))
    services.read_source(source=source, wait=True)
    assert list(Entity.objects.values_list("updated_at")) == before


def test_only_platform_engineers_add_sources(person):
    from django.core.exceptions import PermissionDenied

    with pytest.raises(PermissionDenied):
        services.add_source(group="x", by=person("developer"))
    assert services.add_source(group="x", by=person("platform")).group == "x"


# -- webhooks -----------------------------------------------------------------------------------
def deliver(
    client: Client, payload: object, *, secret: str = SECRET, age: int = 0, key: str = "d1"
):
    body = json.dumps(payload).encode()
    stamp = str(int(time.time()) - age)
    headers = {
        "webhook-id": key,
        "webhook-timestamp": stamp,
        "webhook-signature": signature(secret, delivery_id=key, timestamp=stamp, body=body),
        "X-Gitlab-Event": "Push Hook",
    }
    return client.post("/webhooks/gitlab/", body, "application/json", headers=headers)


def test_a_signed_delivery_is_kept_once(client: Client):
    assert deliver(client, {"object_kind": "push"}).status_code == 204
    assert deliver(client, {"object_kind": "push"}).status_code == 204
    assert WebhookDelivery.objects.count() == 1


@pytest.mark.parametrize(
    "wrong", [{"secret": "whsec_d3Jvbmc="}, {"age": 400}, {"age": -400}], ids=str
)
def test_a_delivery_that_is_forged_or_too_old_is_refused(client: Client, wrong: dict):
    assert deliver(client, {"object_kind": "push"}, **wrong).status_code == 401
    assert not WebhookDelivery.objects.exists()


def test_the_old_token_header_alone_is_refused(client: Client):
    headers = {"X-Gitlab-Token": SECRET}
    response = client.post("/webhooks/gitlab/", b"{}", "application/json", headers=headers)
    assert response.status_code == 401


def test_handling_a_delivery_twice_does_no_harm(client: Client, project, group: str):
    path = project(files={"catalog-info.yaml": component("a")})
    Repository.objects.create(path=path)
    deliver(client, {"object_kind": "push", "project": {"path_with_namespace": path}})
    delivery = WebhookDelivery.objects.get()
    services.handle_delivery(pk=delivery.pk)
    services.handle_delivery(pk=delivery.pk)
    delivery.refresh_from_db()
    assert delivery.handled_at
    assert entity("component:default/a")


def test_one_hook_a_group_however_often_it_is_connected(group: str, forge: Forge):
    Source.objects.create(group=group)
    assert connect_hooks() == []
    assert connect_hooks() == []
    assert len(list(forge._list(f"/groups/{group}/hooks", "list hooks"))) == 1
