"""Questions of every kind, as a browser with and without JavaScript sends their answers."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from accounts.models import User
from catalog.forges import connect
from scaffolder.forms.rows import without_row
from scaffolder.models import Draft
from tests.conftest import component

pytestmark = pytest.mark.django_db
GROUPS = """apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: checkout, title: Checkout, tags: [money]}
spec: {type: team, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: harbour}
spec: {type: department, children: []}
"""


class Opened:
    """A form that somebody has opened, page by page."""

    def __init__(self, client: Client, ref: str, user: User) -> None:
        self.client, self.ref, self.user = client, ref, user
        self.url = f"/create/default/{ref.rpartition('/')[2]}/"
        client.force_login(user)

    def get(self, page: str = "") -> str:
        return self.client.get(f"{self.url}{page}").content.decode()

    def post(self, data: dict[str, Any], page: str = "") -> Any:
        return self.client.post(f"{self.url}{page}", data)

    def live(self, data: dict[str, Any], page: str = "") -> Any:
        return self.client.post(f"{self.url}{page}", data, headers={"HX-Request": "true"})

    @property
    def answers(self) -> dict[str, Any]:
        return Draft.objects.of(self.user, self.ref).answers


@pytest.fixture
def opened(release, client: Client, person) -> Callable[..., Opened]:
    def make(*pages: dict[str, Any], user: User | None = None, **more: Any) -> Opened:
        made = release(parameters=list(pages), **more)
        assert made.problems == []
        return Opened(client, made.block_ref, user or person())

    return make


def properties(**fields: Any) -> dict[str, Any]:
    return {"title": "Page", "properties": fields}


DATABASE = {
    "properties": {"database": {"type": "string", "enum": ["none", "postgresql"], "default": "none"}},
    "dependencies": {"database": {"oneOf": [
        {"properties": {"database": {"const": "none"}}},
        {"properties": {"database": {"const": "postgresql"},
                        "size": {"type": "integer", "minimum": 10, "default": 20}}},
    ]}},
}  # fmt: skip


# -- conditions -----------------------------------------------------------------------------------
def test_a_question_appears_as_one_types_with_its_default(opened):
    form = opened(DATABASE)
    assert 'name="size"' not in form.get()
    response = form.live({"database": "postgresql", "_asked": "database", "_left": "database"})
    page = response.content.decode()
    assert response.status_code == 200
    assert 'name="size" value="20"' in page
    assert "<html" not in page
    assert form.answers == {"database": "postgresql", "size": 20}


def test_nothing_is_drawn_anew_while_nothing_changes(opened):
    form = opened(DATABASE)
    shape = form.get().partition('name="_shape" value="')[2].partition('"')[0]
    sent = {"database": "none", "_asked": "database", "_left": "database", "_shape": shape}
    assert form.live(sent).status_code == 204


def test_without_javascript_the_page_comes_again_with_the_new_questions(opened):
    form = opened(DATABASE)
    response = form.post({"database": "postgresql", "_asked": "database"})
    assert response.status_code == 200
    assert "There is more to ask" in response.content.decode()
    sent = {"database": "postgresql", "size": "30", "_asked": "database size"}
    assert form.post(sent)["Location"].endswith("/review/")
    assert form.answers == {"database": "postgresql", "size": 30}


def test_a_default_brings_questions_to_life(opened):
    page = {**DATABASE, "properties": {"database": {
        "type": "string", "enum": ["none", "postgresql"], "default": "postgresql"}}}  # fmt: skip
    assert 'name="size" value="20"' in opened(page).get()


def test_a_condition_sees_the_answers_of_other_pages(opened):
    second = {
        "if": {"properties": {"kind": {"const": "api"}}, "required": ["kind"]},
        "then": {"properties": {"openapi": {"type": "string"}}},
        "else": {"properties": {"plain": {"type": "string"}}},
    }
    form = opened(properties(kind={"type": "string", "enum": ["api", "job"]}), second)
    form.post({"kind": "job"})
    assert 'name="plain"' in form.get("2/")
    form.post({"kind": "api"})
    assert 'name="openapi"' in form.get("2/")


# -- complaints -----------------------------------------------------------------------------------
def test_only_what_was_left_is_complained_about(opened):
    form = opened(
        {"required": ["name", "team"],
         "properties": {"name": {"type": "string", "pattern": "^[a-z]+$"},
                        "team": {"type": "string"}}}
    )  # fmt: skip
    response = form.live({"name": "BAD", "team": "", "_asked": "name team", "_left": "name"})
    page = response.content.decode()
    assert response.status_code == 422
    assert page.count("field-error") == 1
    assert 'id="id_name_error"' in page
    assert form.live({"name": "BAD", "team": "", "_typed": "yes"}).status_code == 200


def test_a_repository_that_exists_is_told_before_anything_is_sent(opened, group: str):
    path = f"{group}/taken-{uuid.uuid4().hex[:6]}"
    connect().create_project(path)
    url = f"forge.example?owner={group}&repo=${{{{ parameters.name }}}}"
    publish = {"id": "p", "name": "P", "action": "publish:gitlab", "input": {"repoUrl": url}}
    form = opened(properties(name={"type": "string"}), steps=[publish])
    name = path.rpartition("/")[2]
    for response in (form.post({"name": name}), form.live({"name": name, "_left": "name"})):
        assert response.status_code == 422
        assert "choose another name" in response.content.decode()
    assert form.post({"name": f"{name}-2"})["Location"].endswith("/review/")


# -- lists and groups -----------------------------------------------------------------------------
HOSTS = properties(
    hosts={"type": "array", "minItems": 1, "items": {
        "type": "object", "required": ["name"],
        "properties": {"name": {"type": "string"}, "port": {"type": "integer"}}}}
)  # fmt: skip


def test_rows_are_added_and_taken_away_without_javascript(opened):
    form = opened(HOSTS)
    assert 'name="hosts.0.port"' in form.get()  # one at least
    sent = {"hosts.rows": "1", "hosts.0.name": "a", "hosts.0.port": "80", "_add": "hosts"}
    page = form.post(sent).content.decode()
    assert 'name="hosts.1.name"' in page
    assert 'value="80"' in page
    sent = {"hosts.rows": "2", "hosts.0.name": "a", "hosts.1.name": "b", "_remove": "hosts.0"}
    page = form.post(sent).content.decode()
    assert 'name="hosts.0.name" value="b"' in page
    assert 'name="hosts.1.name"' not in page


def test_a_list_of_objects_is_checked_row_by_row_and_kept(opened):
    form = opened(HOSTS)
    sent = {"hosts.rows": "2", "hosts.0.name": "a", "hosts.1.port": "81"}
    response = form.post(sent)
    assert response.status_code == 422
    assert 'id="id_hosts.1.name_error"' in response.content.decode()
    sent["hosts.1.name"] = "b"
    assert form.post(sent).status_code == 302
    assert form.answers == {"hosts": [{"name": "a"}, {"name": "b", "port": 81}]}
    assert 'name="hosts.1.port" value="81"' in form.get()


def test_an_empty_row_is_left_out_and_a_complaint_still_finds_its_row(opened):
    form = opened(
        properties(words={"type": "array", "items": {"type": "string", "pattern": "^[a-z]+$"}})
    )
    sent = {"words.rows": "3", "words.0": "a", "words.1": "", "words.2": "B"}
    assert 'id="id_words.2_error"' in form.post(sent).content.decode()
    form.post(sent | {"words.2": "c"})
    assert form.answers == {"words": ["a", "c"]}


def test_the_last_row_below_a_removed_one_moves_up():
    data = QueryDict("a.rows=3&a.0=x&a.1=y&a.2=z&ab.1=k")
    assert without_row(data, "a.1").dict() == {"a.0": "x", "a.1": "z", "ab.1": "k", "a.rows": "2"}


def test_a_group_is_one_answer(opened):
    form = opened(
        properties(db={"type": "object", "title": "Database", "required": ["size"], "properties": {
            "size": {"type": "integer"}, "backup": {"type": "boolean", "default": True}}})
    )  # fmt: skip
    assert "<legend" in form.get()
    response = form.post({"db.size": "x", "db.backup": "on"})
    assert 'id="id_db.size_error"' in response.content.decode()
    form.post({"db.size": "5"})
    assert form.answers == {"db": {"size": 5, "backup": False}}


# -- widgets --------------------------------------------------------------------------------------
def test_widgets(opened):
    form = opened(
        properties(
            area={"type": "string", "ui:widget": "textarea", "ui:options": {"rows": 7}},
            secret_id={"type": "string", "ui:widget": "hidden", "default": "h"},
            colours={"type": "array", "uniqueItems": True, "ui:widget": "checkboxes",
                     "items": {"type": "string", "enum": ["red", "blue"],
                               "enumNames": ["Red", "Blue"]}},
            share={"type": "integer", "minimum": 0, "maximum": 9, "ui:widget": "range"},
            sure={"type": "boolean", "ui:widget": "radio"},
            size={"type": "integer", "enum": [1, 2], "ui:enumDisabled": [2]},
            mail={"type": "string", "format": "email", "ui:placeholder": "a@b.c"},
        )
    )  # fmt: skip
    page = form.get()
    for part in ('rows="7"', 'type="hidden" name="secret_id" value="h"', 'type="range"', "Blue",
                 'type="checkbox" name="colours"', 'value="true"', 'type="email"', 'max="9"',
                 'value="2" disabled', 'placeholder="a@b.c"'):  # fmt: skip
        assert part in page, part
    sent = {
        "secret_id": "h",
        "colours": ["red", "blue"],
        "share": "3",
        "sure": "false",
        "size": "1",
    }
    assert form.post(sent).status_code == 302
    assert form.answers == {"secret_id": "h", "colours": ["red", "blue"], "share": 3,
                            "sure": False, "size": 1}  # fmt: skip
    assert form.post(sent | {"size": "2"}).status_code == 422


# -- pickers --------------------------------------------------------------------------------------
def test_a_repository_is_asked_for_in_two_questions(opened):
    options = {"allowedHosts": ["elsewhere.example", "forge.example"], "allowedOwners": ["a/b"]}
    form = opened(
        {"required": ["repo"], "properties": {
            "repo": {"type": "string", "ui:field": "RepoUrlPicker", "ui:options": options}}}
    )  # fmt: skip
    assert '<option value="a/b"' in form.get()
    response = form.post({"repo.owner": "a/b", "repo.repo": "not good"})
    assert response.status_code == 422
    form.post({"repo.owner": "a/b", "repo.repo": "svc"})
    assert form.answers == {"repo": "forge.example?owner=a%2Fb&repo=svc"}
    assert 'name="repo.repo" value="svc"' in form.get()
    assert form.post({"repo.owner": "c/d", "repo.repo": "svc"}).status_code == 422


def picker(name: str, **options: Any) -> dict[str, Any]:
    kind = "array" if name in ("MultiEntityPicker", "EntityTagsPicker") else "string"
    return properties(one={"type": kind, "ui:field": name, "ui:options": options})


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"catalogFilter": {"kind": "Group", "spec.type": "department"}}, {"harbour"}),
        ({"catalogFilter": [{"kind": "Component"}, {"spec.type": ["department"]}]},
         {"harbour", "svc"}),
        ({"catalogFilter": {"kind": ["Group"], "metadata.tags": {"exists": True}}}, {"checkout"}),
        ({"catalogFilter": {"kind": "Group", "metadata.tags": "money"}}, {"checkout"}),
        ({"allowedKinds": ["Component"]}, {"svc"}),
    ],
)  # fmt: skip
def test_pickers_offer_what_their_filter_lets_through(opened, ingest, options, found):
    ingest(f"{GROUPS}---\n{component('svc')}")
    page = opened(picker("EntityPicker", **options)).get()
    for name in ("harbour", "checkout", "svc"):
        assert (f"default/{name}" in page) == (name in found), name


def test_what_the_catalogue_does_not_know_needs_leave(opened, ingest):
    ingest(GROUPS)
    strict = opened(picker("EntityPicker", allowedKinds=["Group"]))
    assert strict.post({"one": "group:default/other"}).status_code == 422
    assert strict.post({"one": "checkout"}).status_code == 302
    assert strict.answers == {"one": "group:default/checkout"}
    free = opened(picker("EntityPicker", defaultKind="Group", allowArbitraryValues=True))
    assert "<datalist" in free.get()
    free.post({"one": "other"})
    assert free.answers == {"one": "group:default/other"}


def test_suggestions_are_searched_in_the_catalogue(opened, ingest):
    ingest(GROUPS)
    form = opened(picker("EntityPicker", allowArbitraryValues=True))
    found = form.client.get(f"{form.url}1/choices/?field=one&one=check").content.decode()
    assert '<option value="group:default/checkout">Checkout (checkout)</option>' in found
    assert "harbour" not in found
    assert form.client.get(f"{form.url}1/choices/?field=none").status_code == 404


def test_nothing_hidden_is_offered(opened, ingest, person):
    ingest(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: hush\n"
        "  annotations: {bespoke/visibility: private}\n"
        "spec: {type: service, lifecycle: x, owner: group:default/hidden}\n"
    )
    form = opened(picker("EntityPicker"), user=person("developer"))
    assert "default/hush" not in form.get()
    assert form.post({"one": "component:default/hush"}).status_code == 422


def test_several_entities_are_picked_one_by_one(opened, ingest):
    ingest(GROUPS)
    form = opened(picker("MultiEntityPicker", catalogFilter={"kind": "Group"}))
    form.post(
        {"one.rows": "2", "one.0": "group:default/checkout", "one.1": "group:default/harbour"}
    )
    assert form.answers == {"one": ["group:default/checkout", "group:default/harbour"]}


def test_tags_and_branches(opened, ingest):
    ingest(GROUPS)
    form = opened(picker("EntityTagsPicker"))
    assert "In use: money" in form.get()
    form.post({"one": "java, web  java"})
    assert form.answers == {"one": ["java", "web"]}
    form = opened(picker("RepoBranchPicker"))
    assert form.post({"one": "feature/../x"}).status_code == 422
    assert form.post({"one": "feature/x"}).status_code == 302


def test_my_groups(opened, ingest, person):
    ingest(GROUPS)
    user = person("developer", "group:default/checkout")
    page = opened(picker("MyGroupsPicker"), user=user).get()
    assert "default/checkout" in page
    assert "default/harbour" not in page


# -- keeping --------------------------------------------------------------------------------------
def test_backstages_links_prefill_and_survive_the_next_page(opened):
    form = opened(properties(a={"type": "string"}, b={"type": "boolean"}), properties(c={}))
    data = json.dumps({"a": "x", "b": True, "c": "later"})
    address = f"?formData={data}"
    page = form.get(address)
    assert 'value="x"' in page
    assert "checked" in page
    form.post({"a": "y"}, address)
    assert form.answers == {"a": "y", "b": False, "c": "later"}
    assert form.client.get(f"{form.url}?formData=nonsense").status_code == 200


def test_back_keeps_what_is_typed_even_if_wrong(opened):
    form = opened(
        properties(a={"type": "string"}), properties(b={"type": "string", "pattern": "^x$"})
    )
    form.post({"a": "1"})
    assert form.post({"b": "wrong", "_back": "1"}, "2/")["Location"] == f"{form.url}1/"
    assert 'value="wrong"' in form.get("2/")
    assert form.get("review/") == ""  # sent back to the page with the mistake


def test_drafts_are_listed_and_can_be_deleted(opened, person):
    form = opened(properties(name={"type": "string"}))
    form.live({"name": "half-do", "_typed": "yes"})
    assert "half-do" in form.client.get("/create/").content.decode()
    form.client.force_login(person())
    assert "half-do" not in form.client.get("/create/").content.decode()
    form.client.force_login(form.user)
    form.post({}, "discard/")
    assert not Draft.objects.exists()


def test_the_review_shows_labels_and_masks_what_the_template_masks(opened):
    mask = {"review": {"mask": "<hidden>"}}
    form = opened(
        properties(
            code={"type": "string", "ui:backstage": mask},
            tier={"type": "string", "enum": ["a"], "enumNames": ["First tier"]},
            quiet={"type": "string", "ui:backstage": {"review": {"show": False}}},
        ),
        steps=[{"id": "log", "action": "debug:log", "input": {"message": "x"}}],
    )
    form.post({"code": "hunter2", "tier": "a", "quiet": "not-shown"})
    page = form.get("review/")
    assert "First tier" in page
    assert "&lt;hidden&gt;" in page
    assert "hunter2" not in page
    assert "not-shown" not in page
