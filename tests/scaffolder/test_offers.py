"""Golden paths that are offered on the page of what exists already."""

import pytest
from django.test import Client

from catalog.models import Entity
from scaffolder.models import Draft, Run
from scaffolder.services import execute_run
from tests.conftest import component

pytestmark = pytest.mark.django_db
PAGE = {
    "title": "What",
    "required": ["component"],
    "properties": {
        "component": {"type": "string", "title": "Component"},
        "repoUrl": {"type": "string", "title": "Repository"},
        "size": {"type": "string", "title": "Size", "default": "small"},
    },
}
PREFILL = {
    "component": "${{ entity.metadata.name }}",
    "repoUrl": "${{ repository.repoUrl }}",
    "size": "${{ entity.spec.size }}",
}
STEP = {"id": "say", "name": "Say", "action": "debug:log", "input": {"message": "done"}}


@pytest.fixture
def offered(release, ingest):
    """Makes a golden path that is offered, and the component it may be offered on."""
    ingest(component("svc"))

    def make(**offer):
        return release(steps=[STEP], parameters=[PAGE], offeredOn=offer, weave=False)

    return make


def page(client: Client) -> str:
    return client.get("/catalog/component/default/svc/").content.decode()


@pytest.mark.parametrize(
    ("offer", "shown"),
    [
        ({}, True),
        ({"kinds": ["Component"], "types": ["service"], "condition": "true"}, True),
        ({"kinds": ["API"]}, False),
        ({"types": ["website"]}, False),
        ({"tags": ["python"]}, False),
        ({"condition": "entity.spec.lifecycle == 'production'"}, True),
        ({"condition": "entity.spec.lifecycle == 'experimental'"}, False),
        ({"condition": "entity.spec.missing == 'x'"}, False),
        ({"condition": "entity.spec.lifecycle"}, False),
    ],
)
def test_only_what_fits_is_offered(offered, client: Client, person, offer, shown):
    made = offered(**offer)
    client.force_login(person())
    address = f"/create/default/{made.name}/begin/"
    assert (address in page(client)) is shown
    begun = client.post(address, {"entity": "component:default/svc"})
    assert begun.status_code == (302 if shown else 403)
    assert Draft.objects.exists() is shown


def test_who_may_not_start_is_offered_nothing(offered, client: Client, person):
    offered()
    client.force_login(person("viewer"))
    assert "What you can do" not in page(client)


def test_a_path_that_is_hidden_from_a_person_is_not_offered(offered, client: Client, person):
    made = offered()
    Entity.objects.filter(ref=made.block_ref).update(private=True)
    client.force_login(person())
    assert "What you can do" not in page(client)


def test_from_the_entity_to_a_run_and_back(offered, client: Client, person):
    made = offered(prefill=PREFILL)
    user = person()
    client.force_login(user)
    address = f"/create/default/{made.name}/"
    opened = client.post(f"{address}begin/", {"entity": "component:default/svc"}, follow=True)
    form = opened.content.decode()
    assert 'value="svc"' in form
    assert "For <a" in form
    draft = Draft.objects.get()
    path = Entity.objects.get(ref="component:default/svc").location.repository.path
    owner, name = path.split("/")
    assert draft.answers["repoUrl"].endswith(f"?owner={owner}&repo={name}")
    assert "size" not in draft.answers  # the entity has none, so the form's default holds

    answers = {"component": "svc", "repoUrl": draft.answers["repoUrl"], "size": "large"}
    client.post(address, answers)
    client.post(f"{address}begin/", {"entity": "component:default/svc"})
    assert Draft.objects.get().answers["size"] == "large"  # goes on as it was left
    client.post(f"{address}review/")
    run = Run.objects.get()
    execute_run(pk=run.pk)
    run.refresh_from_db()
    assert (run.status, run.about_ref) == ("completed", "component:default/svc")
    link = 'href="/catalog/component/default/svc/"'
    assert link in client.get(f"/runs/{run.pk}/").content.decode()
    assert f"/runs/{run.pk}/" in page(client)
    assert f"/runs/{run.pk}/" in client.get("/runs/?entity=component:default/svc").content.decode()
    assert (
        f"/runs/{run.pk}/" not in client.get("/runs/?entity=component:default/x").content.decode()
    )
    client.post(f"/runs/{run.pk}/again/")
    assert Draft.objects.get().about_ref == "component:default/svc"


def test_a_run_about_something_hidden_is_hidden(offered, client: Client, person):
    offered()
    Run.objects.create(
        template_ref="template:default/x", release=offered(), user=person(), values={},
        about_ref="component:default/svc",
    )  # fmt: skip
    Entity.objects.filter(ref="component:default/svc").update(private=True)
    assert not Run.objects.visible_to(person()).exists()
    assert Run.objects.visible_to(person("platform")).exists()


def test_a_wrong_offer_is_a_problem_of_the_path(offered):
    made = offered(condition="entity.", prefill={"nope": "x"}, kind="Component")
    text = " ".join(made.problems)
    assert "spec.offeredOn.condition cannot be read" in text
    assert "spec.offeredOn.prefill.nope is no question" in text
    assert "spec.offeredOn.kind" in text
    assert not made.startable


def test_a_prefill_that_fails_says_so_on_the_entity(offered, client: Client, person):
    made = offered(prefill={"component": "${{ nothing() }}"})
    client.force_login(person())
    begun = client.post(
        f"/create/default/{made.name}/begin/", {"entity": "component:default/svc"}, follow=True
    )
    assert "cannot be prefilled" in begun.content.decode()
    assert not Draft.objects.exists()
