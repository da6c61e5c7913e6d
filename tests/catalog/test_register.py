"""Registering a file by hand: what would come, agreeing, taking it out and putting it back."""

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client

from accounts.models import AuditEvent
from catalog import services
from catalog.models import Entity, Location, Repository
from forge import Forge
from tests.conftest import component, entity

pytestmark = pytest.mark.django_db
BROKEN = (
    "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: broken}\nspec: {}\n"
)


@pytest.fixture
def dana(person, client: Client) -> Client:
    client.force_login(person("developer"))
    return client


def test_a_dry_run_shows_each_entity_and_problem_and_writes_nothing(
    project, ingest, forge: Forge, dana: Client
):
    ingest(component("taken"))
    text = component("a", dependsOn="[resource:nowhere]") + "---\n" + component("taken") + BROKEN
    path = project(files={"catalog-info.yaml": text})
    target = f"{forge.url}/{path}/-/blob/main/catalog-info.yaml"
    page = dana.post("/catalog/register/", {"target": target})
    states = {o.ref: (o.state, o.dangling) for o in page.context["outcomes"]}
    assert states["component:default/a"] == (
        "new", ("group:default/checkout", "resource:default/nowhere"),
    )  # fmt: skip
    assert states["component:default/taken"][0] == "taken"
    assert str(entity("component:default/taken").location) in page.content.decode()
    (_, problem), *_ = page.context["problems"]
    assert problem.line > 20
    assert not Repository.objects.filter(path=path).exists()


def test_what_is_agreed_to_is_registered_read_taken_out_and_put_back(
    project, dana: Client, django_assert_max_num_queries
):
    path = project(files={"catalog-info.yaml": component("a")})
    answer = dana.post("/catalog/register/", {"target": path, "step": "register"})
    row = Location.objects.get(repository__path=path)
    assert answer["Location"] == f"/catalog/locations/{row.pk}/"
    assert "A worker reads the file" in dana.get(answer["Location"]).content.decode()
    services.read_repository(path=path)
    with django_assert_max_num_queries(15):
        page = dana.get(answer["Location"], headers={"HX-Request": "true"}).content.decode()
    assert "component/default/a" in page
    assert "every 1s" not in page
    again = dana.post("/catalog/register/", {"target": path})
    assert [o.state for o in again.context["outcomes"]] == ["unchanged"]
    assert again.context["known"] == row
    dana.post(f"{answer['Location']}remove/")
    assert entity("component:default/a").orphaned_at
    assert "Put it back" in dana.get(answer["Location"]).content.decode()
    dana.post(f"{answer['Location']}restore/")
    services.read_repository(path=path)
    assert entity("component:default/a").orphaned_at is None
    assert list(
        AuditEvent.objects.filter(object_type="location").values_list("verb", flat=True)[:3]
    )


@pytest.mark.parametrize(
    "target", ["", "https://elsewhere.example/a/b", "no/such-project", "a/-/blob/main/*.yaml"]
)
def test_an_address_that_means_nothing_is_said_at_its_field(dana: Client, target: str):
    answer = dana.post("/catalog/register/", {"target": target})
    assert answer.status_code == 422
    assert answer.context["form"].errors["target"]


def test_who_only_looks_does_not_register(person, client: Client, project):
    viewer = person("viewer")
    client.force_login(viewer)
    assert client.get("/catalog/register/").status_code == 403
    assert "Register a file" not in client.get("/catalog/").content.decode()
    path = project(files={"catalog-info.yaml": component("a")})
    with pytest.raises(PermissionDenied):
        services.register(project=path, by=viewer)
    assert not Entity.objects.exists()


def test_a_name_that_two_files_claim_is_shown_on_the_entity(project, ingest, dana: Client):
    ingest(component("a"))
    path = project(files={"catalog-info.yaml": component("a")})
    services.read_repository(path=path)
    page = dana.get("/catalog/component/default/a/").content.decode()
    assert "is already defined by" in page
    assert f"{path}/catalog-info.yaml" in page
