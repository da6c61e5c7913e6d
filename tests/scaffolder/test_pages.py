"""The form, the review and the run's page, as a browser without JavaScript sees them."""

import pytest
from django.test import Client

from scaffolder.actions import actions
from scaffolder.blocks import golden_path
from scaffolder.models import Draft, Run
from scaffolder.services.preview import preview
from tests.conftest import component
from tests.scaffolder.conftest import FETCH, PAGE

pytestmark = pytest.mark.django_db
SECOND = {
    "title": "Choices",
    "properties": {"tier": {"type": "string", "enum": ["one", "two"], "default": "two"}},
}
FIRST = {**PAGE, "properties": {k: v for k, v in PAGE["properties"].items() if k != "tier"}}
GROUP = "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: checkout, title: Checkout}\nspec: {type: team, children: []}\n"


@pytest.fixture
def form(release, ingest, client: Client, person) -> str:
    """The address of a two-page form, for a developer who is signed in."""
    ingest(GROUP)
    made = release(parameters=[FIRST, SECOND])
    client.force_login(person())
    return f"/create/default/{made.block_ref.rpartition('/')[2]}/"


GOOD = {"name": "svc", "owner": "group:default/checkout"}


def test_the_way_through_the_form_to_a_run(form: str, client: Client):
    assert "Checkout" in client.get(form).content.decode()
    assert client.post(form, GOOD)["Location"] == f"{form}2/"
    assert client.post(f"{form}2/", {"tier": "one"})["Location"] == f"{form}review/"
    review = client.get(f"{form}review/").content.decode()
    for words in ("catalog-info.yaml", "README.md", "run.sh", "@1.0.0", "svc"):
        assert words in review, words
    response = client.post(f"{form}review/")
    run = Run.objects.get()
    assert response["Location"] == f"/runs/{run.pk}/"
    assert run.values == {"name": "svc", "owner": "group:default/checkout", "tier": "one"}
    assert not Draft.objects.exists()
    assert client.get(f"/runs/{run.pk}/").status_code == 200
    assert "svc" in client.get("/runs/").content.decode()


def test_a_wrong_value_is_422_with_the_message_at_the_field_and_kept(form: str, client: Client):
    response = client.post(form, {"name": "Not Good", "owner": "group:default/checkout"})
    page = response.content.decode()
    assert response.status_code == 422
    assert 'value="Not Good"' in page
    assert "^[a-z][a-z0-9-]*$" in page
    assert 'aria-invalid="true"' in page
    assert not Draft.objects.exists()


def test_an_owner_that_is_not_in_the_list_is_refused(form: str, client: Client):
    assert client.post(form, GOOD | {"owner": "group:default/nobody"}).status_code == 422


def test_a_missing_answer_is_asked_for(form: str, client: Client):
    response = client.post(form, {"name": "", "owner": ""})
    assert response.status_code == 422


def test_answers_survive_a_lost_login(form: str, client: Client, person):
    client.post(form, GOOD)
    user = Draft.objects.get().user
    client.logout()
    client.force_login(user)
    assert 'value="svc"' in client.get(form).content.decode()
    client.post(f"{form}discard/")
    assert 'value="svc"' not in client.get(form).content.decode()


def test_a_link_may_prefill(form: str, client: Client):
    assert 'value="from-link"' in client.get(f"{form}?name=from-link").content.decode()


def test_the_review_sends_back_to_the_page_with_the_gap(form: str, client: Client):
    assert client.get(f"{form}review/")["Location"] == f"{form}1/"


def test_a_file_can_be_read_before_it_is_made(form: str, client: Client):
    client.post(form, GOOD)
    page = client.get(f"{form}review/?file=README.md").content.decode()
    assert "# svc" in page


def test_the_review_says_what_would_fail(release, client: Client, person):
    made = release(files={"skeleton/a.txt": "${{ nothing() }}"}, parameters=[])
    client.force_login(person())
    address = f"/create/default/{made.block_ref.rpartition('/')[2]}/review/"
    page = client.get(address).content.decode()
    assert "would fail" in page
    assert "a.txt" in page


def test_who_only_looks_sees_golden_paths_and_runs_but_no_form(form: str, client: Client, person):
    client.force_login(person("viewer"))
    assert client.get("/create/").status_code == 200
    assert client.get("/runs/").status_code == 200
    assert client.get(form).status_code == 403


def test_an_earlier_run_can_be_begun_again(release, run, client: Client):
    done = run(release(parameters=[FIRST, SECOND]), name="old-one")
    client.force_login(done.user)
    response = client.post(f"/runs/{done.pk}/again/")
    assert 'value="old-one"' in client.get(response["Location"]).content.decode()


def test_a_run_page_stops_asking_when_the_run_is_over(release, run, client: Client):
    done = run(release())
    client.force_login(done.user)
    page = client.get(f"/runs/{done.pk}/").content.decode()
    assert "every 1s" not in page
    Run.objects.update(status="queued")
    assert "every 1s" in client.get(f"/runs/{done.pk}/").content.decode()


def test_the_api_starts_a_run_and_tells_what_is_wrong(release, client: Client, person):
    made = release()
    client.force_login(person())
    body = {"templateRef": made.block_ref, "values": {"name": "NO", "owner": "x"}}
    response = client.post("/api/scaffolder/v2/tasks", body, "application/json")
    assert response.status_code == 400
    assert "name" in response.json()["error"]["details"]["values"]
    body["values"]["name"] = "yes"
    task = client.post("/api/scaffolder/v2/tasks", body, "application/json").json()["id"]
    answer = client.get(f"/api/scaffolder/v2/tasks/{task}").json()
    assert answer["status"] == "open"
    assert [s["action"] for s in answer["spec"]["steps"]] == ["fetch:template", "bespoke:weave"]
    schema = client.get(
        f"/api/scaffolder/v2/templates/default/template/{made.block_ref.rpartition('/')[2]}/parameter-schema"
    )
    assert schema.json()["steps"][0]["schema"]["required"] == ["name", "owner"]
    assert "publish:gitlab" in [a["id"] for a in client.get("/api/scaffolder/v2/actions").json()]


@pytest.mark.parametrize("count", [1, 30])
def test_queries_do_not_grow(release, run, client: Client, django_assert_max_num_queries, count):
    made = release()
    runs = [run(made, name=f"s{i}") for i in range(count)]
    client.force_login(runs[0].user)
    for path, limit in (("/runs/", 8), (f"/runs/{runs[0].pk}/", 10), ("/create/", 8)):
        with django_assert_max_num_queries(limit):
            assert client.get(path).status_code == 200, path


def test_a_component_shows_its_lineage(release, run, ingest, client: Client, group: str):
    from scaffolder.models import Lineage
    from tests.scaffolder.conftest import publishing

    done = run(release(publishing(group)))
    ingest(component("svc"))
    Lineage.objects.update(entity_ref="component:default/svc")
    client.force_login(done.user)
    page = client.get("/catalog/component/default/svc/").content.decode()
    assert done.template_ref.rpartition("/")[2] in page
    assert "1.0.0" in page
    assert "chosen" in page


def test_a_pattern_that_never_ends_is_stopped(release, client: Client, person):
    slow = {"properties": {"name": {"type": "string", "pattern": "^(a+)+$"}}}
    made = release(parameters=[slow])
    client.force_login(person())
    address = f"/create/default/{made.block_ref.rpartition('/')[2]}/"
    response = client.post(address, {"name": "a" * 40 + "!"})
    assert response.status_code == 422
    assert "could not be checked" in response.content.decode()


def test_a_question_that_is_asked_no_more_is_forgotten(release, client: Client, person):
    page = {
        "properties": {"db": {"type": "boolean"}},
        "dependencies": {"db": {"oneOf": [
            {"properties": {"db": {"const": True}, "dbname": {"type": "string"}},
             "required": ["dbname"]},
            {"properties": {"db": {"const": False}}},
        ]}},
    }  # fmt: skip
    made = release(parameters=[page])
    client.force_login(person())
    address = f"/create/default/{made.block_ref.rpartition('/')[2]}/"
    assert client.post(address, {"db": "on"}).status_code == 422  # dbname is asked for now
    assert client.post(address, {"db": "on", "dbname": "x"})["Location"].endswith("/review/")
    assert client.post(address, {})["Location"].endswith("/review/")
    assert Draft.objects.get().answers == {"db": False}
    assert client.get(f"{address}review/").status_code == 200


def test_every_action_has_a_page_and_is_found(
    client: Client, person, django_assert_max_num_queries
):
    client.force_login(person("viewer"))
    with django_assert_max_num_queries(6):
        everything = client.get("/actions/").content.decode()
    for action in actions().values():
        assert f"/actions/{action.id}/" in everything
        page = client.get(f"/actions/{action.id}/")
        assert page.status_code == 200, action.id
        assert f"action: {action.id}" in page.content.decode()
    some = client.get("/actions/", {"q": "merge-request"}).content.decode()
    assert "publish:gitlab:merge-request" in some
    assert "fs:delete" not in some
    assert client.get("/actions/acme:none/").status_code == 404


def test_a_preview_without_the_forge_says_so(release, client: Client, person, project, fault):
    there = project(files={"x/a.txt": "a"})
    url = f"https://forge.example/{there}/-/tree/main/x"
    made = release([FETCH | {"input": {"url": url}}])
    fault("status", f"/projects/{there.replace('/', '%2F')}", status=503)
    shown = preview(golden_path(made), {"name": "a", "owner": "x"}, set(), person())
    assert "cannot be shown now" in shown.error
    assert shown.away
