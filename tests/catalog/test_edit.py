"""An edit in a form: who may, what the file says then, and the merge request it becomes."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client

from accounts.models import AuditEvent, User
from catalog import services
from catalog.models import Proposal
from catalog.services.proposals import Outdated
from forge import Change, Forge
from tests.conftest import component, entity

REF = "component:default/a"
PAGE = "/catalog/component/default/a/"
EDIT = PAGE + "edit/"
TEXT = component("a", system="shop").replace("spec:", "  tags: [x]  # one\nspec:") + "# the end\n"
Person = Callable[..., User]


@pytest.fixture
def path(db: None, project: Callable[..., str]) -> str:
    path = project(files={"catalog-info.yaml": TEXT})
    services.read_repository(path=path)
    return path


def answers(client: Client, **given: str) -> dict[str, str]:
    """What the form would send, with some fields filled in anew."""
    context = client.get(EDIT).context
    shown = {name: field.initial or "" for name, field in context["form"].fields.items()}
    return shown | {"digest": context["draft"].digest, "step": "send"} | given


def on_branch(forge: Forge, path: str, branch: str) -> str:
    return forge.read_file(path, "catalog-info.yaml", branch).decode()


def test_an_edit_becomes_a_merge_request(path: str, client: Client, person: Person, forge: Forge):
    dana = person("developer", "group:default/checkout")
    client.force_login(dana)
    assert EDIT in client.get(PAGE).content.decode()
    given = answers(client, title="The A", tags="x\nz")
    review = client.post(EDIT, given | {"step": "review"}).content.decode()
    assert "title: The A</ins>" in review
    assert "tags: [x, z]  # one</ins>" in review
    assert not Proposal.objects.exists()
    response = client.post(EDIT, given, follow=True)
    proposal = Proposal.objects.get()
    assert response.redirect_chain == [(PAGE, 302)]
    assert f"Merge request !{proposal.iid}" in response.content.decode()
    assert on_branch(forge, path, proposal.branch) == TEXT.replace(
        "  name: a\n", "  name: a\n  title: The A\n"
    ).replace("tags: [x]", "tags: [x, z]")
    assert on_branch(forge, path, "main") == TEXT
    request = forge.merge_request(path, proposal.iid)
    assert (request.state, request.target_branch) == ("opened", "main")
    event = AuditEvent.objects.get(verb="proposed a change")
    assert (event.actor, event.object_id) == (dana.username, REF)

    forge.merge(path, proposal.iid)
    services.check_proposals()
    services.read_repository(path=path)
    assert "waits to be merged" not in client.get(PAGE).content.decode()
    assert entity(REF).title == "The A"


def test_the_same_edit_twice_is_one_merge_request(path: str, person: Person, forge: Forge):
    by = person("platform")
    changes = {("metadata", "title"): "New"}
    digest = services.read_draft(entity=entity(REF), by=by).digest
    first = services.propose_edit(entity=entity(REF), changes=changes, digest=digest, by=by)
    Proposal.objects.all().delete()  # as if the portal had stopped before it wrote this down
    tip = forge.tip(path, first.branch).id
    again = services.propose_edit(entity=entity(REF), changes=changes, digest=digest, by=by)
    assert (again.iid, again.branch) == (first.iid, first.branch)
    assert forge.tip(path, first.branch).id == tip


def test_another_edit_is_added_to_the_open_merge_request(path: str, person: Person, forge: Forge):
    by = person("platform")
    iids = set()
    for field, value in (("title", "New"), ("description", "Also new")):
        digest = services.read_draft(entity=entity(REF), by=by).digest
        made = services.propose_edit(
            entity=entity(REF), changes={("metadata", field): value}, digest=digest, by=by
        )
        iids.add(made.iid)
    assert len(iids) == 1
    text = on_branch(forge, path, made.branch)
    assert "title: New" in text
    assert "description: Also new" in text


def test_nothing_of_others_is_overwritten(path: str, client: Client, person: Person, forge: Forge):
    client.force_login(person("platform"))
    given = answers(client, title="Mine")
    theirs = TEXT.replace("The a of the tests.", "Theirs.")
    update = [Change("update", "catalog-info.yaml", theirs.encode())]
    forge.commit(path, branch="main", message="Meanwhile", changes=update)
    response = client.post(EDIT, given)
    assert response.status_code == 422
    assert "changed meanwhile" in response.content.decode()
    assert 'value="Mine"' in response.content.decode()
    assert not Proposal.objects.exists()
    with pytest.raises(Outdated):
        services.propose_edit(
            entity=entity(REF), changes={("metadata", "title"): "Mine"},
            digest=given["digest"], by=person("platform"),
        )  # fmt: skip
    stale = Change("update", "catalog-info.yaml", b"x", last_commit="0" * 40)
    with pytest.raises(Exception, match="has changed since"):
        forge.commit(path, branch="main", message="Late", changes=[stale])


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("owner", "", "“spec.owner” is missing"),
        ("tags", "Not A Tag", "is not valid"),
        ("links", "javascript:alert(1) Bad", "a URL (and not one that runs a script)"),
        ("annotations", "no-colon", "must be a key, a colon"),
        ("annotations", "b@d: x", "an optional DNS prefix"),
        ("dependsOn", "just-a-name", "missing or empty kind"),
        ("type", "x" * 300, "at most 255"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    path: str, client: Client, person: Person, field: str, value: str, message: str
):
    client.force_login(person("platform"))
    response = client.post(EDIT, answers(client, **{field: value}))
    assert response.status_code == 422
    assert message in " ".join(response.context["form"].errors[field])
    assert not Proposal.objects.exists()


def test_an_edit_that_changes_nothing_says_so(path: str, client: Client, person: Person):
    client.force_login(person("platform"))
    response = client.post(EDIT, answers(client))
    assert response.status_code == 422
    assert "Nothing differs" in response.content.decode()


def test_links_and_annotations_keep_what_the_form_does_not_show(
    project: Callable[..., str], client: Client, person: Person, forge: Forge
):
    text = component("a").replace(
        "spec:",
        "  annotations:\n    x/y: |\n      two\n      lines\n    a/b: c\n"
        "  links:\n  - {url: 'https://x.test', icon: docs}\nspec:",
    )
    services.read_repository(path=(path := project(files={"catalog-info.yaml": text})))
    client.force_login(person("platform"))
    client.post(EDIT, answers(client, links="https://x.test The X", annotations="a/b: d"))
    made = on_branch(forge, path, Proposal.objects.get().branch)
    assert "      two\n      lines\n    a/b: d\n" in made
    assert "icon: docs" in made
    assert "title: The X" in made


def test_only_owners_and_platform_engineers_edit(path: str, client: Client, person: Person):
    other = person("developer", "group:default/ledger")
    client.force_login(other)
    assert EDIT not in client.get(PAGE).content.decode()
    assert client.get(EDIT).status_code == 403
    given: dict[str, Any] = {"entity": entity(REF), "by": other}
    with pytest.raises(PermissionDenied):
        services.read_draft(**given)
    with pytest.raises(PermissionDenied):
        services.propose_edit(changes={}, digest="", **given)


def test_a_stranger_does_not_learn_that_a_private_entity_exists(
    project: Callable[..., str], client: Client, person: Person
):
    text = component("a").replace("spec:", "  annotations: {bespoke/visibility: private}\nspec:")
    services.read_repository(path=project(files={"catalog-info.yaml": text}))
    client.force_login(person())
    assert client.get(EDIT).status_code == 404


def test_a_forge_that_is_down_is_said_in_words(path: str, client: Client, person: Person, settings):
    client.force_login(person("platform"))
    settings.GITLAB_URL = "http://127.0.0.1:1"
    response = client.get(EDIT)
    assert response.status_code == 422
    assert "did not answer" in response.content.decode()


def test_a_webhook_ends_what_is_pending(path: str, person: Person):
    by = person("platform")
    digest = services.read_draft(entity=entity(REF), by=by).digest
    made = services.propose_edit(
        entity=entity(REF), changes={("metadata", "title"): "T"}, digest=digest, by=by
    )
    from catalog.services.proposals import note_merge_request

    note_merge_request(payload={
        "project": {"path_with_namespace": path},
        "object_attributes": {"iid": made.iid, "state": "merged"},
    })  # fmt: skip
    assert Proposal.objects.get().state == "merged"


def test_queries_of_the_form_do_not_grow(
    path: str, client: Client, person: Person, ingest, django_assert_max_num_queries
):
    group = "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: g%d}\nspec: {type: team, children: []}\n"
    ingest("---\n".join(group % i for i in range(60)))
    client.force_login(person("platform"))
    with django_assert_max_num_queries(12):
        assert client.get(EDIT).status_code == 200
