"""Evaluation over real facts: verdicts, evidence, comparison, and a forge that is down."""

from collections.abc import Callable

import pytest
from django.test import Client

from catalog import services as catalog
from catalog.models import Entity
from forge import Change, Forge
from scorecards.models import Fact, Standing, Verdict, entities_to_evaluate
from scorecards.services import evaluate_entity
from tests.conftest import component

pytestmark = pytest.mark.django_db

SCORECARD = """apiVersion: bespoke/v1alpha1
kind: Scorecard
metadata: {name: ready, title: Ready}
spec:
  owner: platform
  levels: [{name: bronze, title: Bronze}, {name: gold, title: Gold}]
  checks:
    - {id: described, level: bronze, check: entity-has, with: {path: metadata.description}}
    - {id: owned, level: bronze, check: owner-exists}
    - {id: runbook, level: gold, check: file-exists, with: {path: docs/runbook.md},
       remedy: Add docs/runbook.md.}
    - {id: sbom, level: gold, check: file-matches, with: {path: .gitlab-ci.yml, pattern: "(?m)^sbom:"}}
    - {id: strange, level: gold, check: no-such-check}
    - {id: linked, level: gold, check: annotation-set, with: {name: a/b}}
    - {id: related, level: gold, check: relation-exists, with: {type: dependsOn}}
"""
GROUPS = """apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: checkout}
spec: {type: team, children: [], members: [dana]}
"""


@pytest.fixture
def service(project) -> Entity:
    path = project(files={
        "catalog-info.yaml": "---\n".join([component("svc"), GROUPS, SCORECARD]),
        ".gitlab-ci.yml": "sbom:\n  script: x\n",
    })  # fmt: skip
    catalog.read_repository(path=path)
    return Entity.objects.with_place().get(ref="component:default/svc")


def verdicts() -> dict[str, str]:
    return dict(Verdict.objects.values_list("check_id", "verdict"))


def test_checks_become_verdicts_a_level_and_a_next_step(service: Entity):
    assert evaluate_entity(pk=service.pk)
    assert verdicts() == {
        "described": "pass", "owned": "pass", "runbook": "fail", "sbom": "pass",
        "strange": "unknown", "linked": "fail", "related": "fail",
    }  # fmt: skip
    row = Standing.objects.get()
    assert (row.level, row.next_level, row.passed, row.total) == ("bronze", "gold", 3, 7)
    assert row.next_step == "runbook"
    assert "docs/runbook.md" in Verdict.objects.get(check_id="runbook").message


def test_evaluating_again_changes_nothing(service: Entity):
    evaluate_entity(pk=service.pk)
    changed = list(Verdict.objects.values_list("changed_at"))
    assert not evaluate_entity(pk=service.pk)
    assert list(Verdict.objects.values_list("changed_at")) == changed


def test_a_commit_that_mends_a_check_turns_it_green(service: Entity, forge: Forge):
    evaluate_entity(pk=service.pk)
    path = service.location.repository.path
    change = Change("create", "docs/runbook.md", b"Turn it off and on.")
    forge.commit(path, branch="main", message="Runbook", changes=[change])
    assert not entities_to_evaluate().exists()
    catalog.read_repository(path=path)
    assert list(entities_to_evaluate()) == [service]
    evaluate_entity(pk=service.pk)
    assert verdicts()["runbook"] == "pass"


def test_what_the_forge_does_not_tell_is_unknown_and_asked_again(service: Entity, settings):
    url, settings.GITLAB_URL = settings.GITLAB_URL, "http://127.0.0.1:1"
    evaluate_entity(pk=service.pk)
    assert verdicts()["runbook"] == "unknown"
    assert verdicts()["sbom"] == "unknown"
    assert "did not answer" in Fact.objects.get(collector="repository").error
    assert list(entities_to_evaluate()) == [service]
    settings.GITLAB_URL = url
    evaluate_entity(pk=service.pk)
    assert verdicts()["runbook"] == "fail"


def test_a_scorecard_that_is_gone_or_not_about_it_leaves_nothing(service: Entity):
    evaluate_entity(pk=service.pk)
    card = Entity.objects.get(kind="scorecard")
    card.descriptor["spec"]["filter"] = "entity.spec.type == 'library'"
    card.save()
    evaluate_entity(pk=service.pk)
    assert not Standing.objects.exists()
    assert not Verdict.objects.exists()


def test_a_broken_scorecard_takes_no_other_down(
    service: Entity, ingest: Callable[[str], list[str]]
):
    ingest(SCORECARD.replace("name: ready", "name: broken").replace("level: bronze", "level: no"))
    evaluate_entity(pk=service.pk)
    assert set(Standing.objects.values_list("scorecard_ref", flat=True)) == {
        "scorecard:default/ready"
    }


def test_pages_panel_and_api_show_it(service: Entity, client: Client, person):
    evaluate_entity(pk=service.pk)
    client.force_login(person())
    page = client.get("/catalog/component/default/svc/").content.decode()
    assert "Add docs/runbook.md." in page
    assert client.get("/scorecards/").status_code == 200
    assert "svc" in client.get("/scorecards/default/ready/").content.decode()
    (answer,) = client.get("/api/scorecards/entities/component/default/svc").json()
    assert answer["level"] == "bronze"
    assert {check["id"]: check["verdict"] for check in answer["checks"]} == verdicts()


def test_an_open_panel_is_swapped_only_when_something_changed(
    service: Entity, client: Client, person
):
    evaluate_entity(pk=service.pk)
    client.force_login(person())
    address = f"/catalog/panels/{service.pk}/scorecards/"
    version = Standing.objects.get().inputs[:12]
    assert client.get(address).status_code == 200
    assert client.get(f"{address}?version={version}").status_code == 204
    Standing.objects.update(inputs="x" * 64)
    assert client.get(f"{address}?version={version}").status_code == 200


@pytest.mark.parametrize("count", [1, 30])
def test_queries_do_not_grow(
    service: Entity, ingest, client: Client, person, django_assert_max_num_queries, count: int
):
    ingest("---\n".join(component(f"c{i}") for i in range(count)))
    for entity in Entity.objects.filter(kind="component"):
        evaluate_entity(pk=entity.pk)
    client.force_login(person())
    for path, limit in (("/scorecards/", 10), ("/scorecards/default/ready/", 14)):
        with django_assert_max_num_queries(limit):
            assert client.get(path).status_code == 200, path


def test_one_bad_check_stops_nothing(service: Entity, ingest: Callable[[str], list[str]]):
    bad = SCORECARD.replace("name: ready", "name: bad").replace("(?m)^sbom:", "(")
    ingest(bad)
    evaluate_entity(pk=service.pk)
    found = Verdict.objects.get(scorecard_ref="scorecard:default/bad", check_id="sbom")
    assert found.verdict == "unknown"
    assert (
        Verdict.objects.get(scorecard_ref="scorecard:default/ready", check_id="sbom").verdict
        == "pass"
    )


def test_a_private_scorecard_is_for_its_owners(service: Entity, client: Client, person):
    evaluate_entity(pk=service.pk)
    Entity.objects.filter(kind="scorecard").update(private=True)
    client.force_login(person("viewer"))
    assert "docs/runbook.md" not in client.get("/catalog/component/default/svc/").content.decode()
    assert client.get("/api/scorecards/entities/component/default/svc").json() == []


def test_a_scorecard_may_be_about_systems(ingest: Callable[[str], list[str]]):
    system = "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: {name: shop}\nspec: {owner: x}\n"
    card = SCORECARD.replace("spec:\n", "spec:\n  filter: \"entity.kind == 'System'\"\n", 1)
    ingest(system + "---\n" + card)
    (found,) = entities_to_evaluate()
    evaluate_entity(pk=found.pk)
    assert Standing.objects.get().entity == found
