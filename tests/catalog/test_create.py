"""A descriptor for a repository that has none: what is offered, who may, and what is sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from catalog import services
from catalog.models import Proposal
from forge import Forge
from tests.conftest import component, entity

Person = Callable[..., User]
PAGE = "/catalog/create/"
ANSWERS = {
    "name": "ferry",
    "type": "service",
    "lifecycle": "production",
    "owner": "group:default/checkout",
    "tags": "go",
}
GROUP = "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: checkout}\nspec: {type: team, children: []}\n"


@pytest.fixture
def bare(ingest: Callable[[str], list[str]], project: Callable[..., str]) -> str:
    ingest(GROUP)
    path = project("ferry", files={"README.md": "hello"})
    services.read_repository(path=path)
    return path


def test_answers_become_a_file_in_a_merge_request_and_an_entity(
    bare: str, client: Client, person: Person, forge: Forge
):
    forge.set_topics(bare, ["Go", "C++ stuff"])
    client.force_login(person("developer", "group:default/checkout"))
    page = f"{PAGE}?project={bare}"
    form = client.get(page).context["form"]
    assert form.fields["name"].initial == "ferry"
    assert set(form.fields["tags"].initial.split()) == {"go", "c++-stuff"}
    review = client.post(page, ANSWERS | {"step": "review"})
    assert not Proposal.objects.exists()
    assert client.post(page, ANSWERS | {"step": "send"}).status_code == 302
    proposal = Proposal.objects.get()
    assert client.post(page, ANSWERS | {"step": "send"}).status_code == 302
    assert Proposal.objects.get() == proposal
    file = forge.read_file(bare, "catalog-info.yaml", proposal.branch).decode()
    assert file == review.context["yaml"]
    assert f"!{proposal.iid}" in client.get(page).content.decode()
    forge.merge(bare, proposal.iid)
    services.read_repository(path=bare)
    assert entity("component:default/ferry").owner_ref == "group:default/checkout"
    again = client.get(page)
    assert again.status_code == 422
    assert "already" in again.context["error"]


def test_who_may_and_what_is_wrong(bare: str, client: Client, person: Person, ingest, forge: Forge):
    page = f"{PAGE}?project={bare}"
    client.force_login(person("viewer"))
    assert client.get(PAGE).status_code == 403
    client.force_login(person())
    assert "page" not in client.get(PAGE).context
    stranger = client.post(page, ANSWERS | {"step": "send"})
    assert stranger.status_code == 422
    assert set(stranger.context["form"].errors) == {"owner"}
    client.force_login(person("platform"))
    assert bare in client.get(PAGE).content.decode()
    ingest(GROUP + "---\n" + component("ferry"))
    wrong = client.post(page, ANSWERS | {"step": "send", "lifecycle": ""})
    assert set(wrong.context["form"].errors) == {"lifecycle"}
    assert set(client.post(page, ANSWERS | {"step": "send"}).context["form"].errors) == {"name"}
    bad = client.post(page, ANSWERS | {"step": "send", "name": "not a name"})
    assert set(bad.context["form"].errors) == {"name"}
    assert not Proposal.objects.exists()


def test_a_private_project_is_for_platform_engineers(
    bare: str, client: Client, person: Person, forge: Forge
):
    path = bare.rpartition("/")[0] + "/hidden"
    forge.create_project(path, visibility="private", default_branch="main")
    client.force_login(person())
    for hidden in (path, path + "-not-there"):
        answer = client.get(f"{PAGE}?project={hidden}")
        assert answer.context["error"] == f"The forge has no project {hidden}."
    client.force_login(person("platform"))
    assert "is empty" in client.get(f"{PAGE}?project={path}").context["error"]
