"""The day-2 golden path of the demo, from a component's page to the merge request, in the forge."""

from pathlib import Path

import pytest
import yaml

from accounts.models import Membership
from catalog.models import Entity
from forge import Forge
from portal import demo
from scaffolder import offering, reports
from scaffolder.blocks import golden_path
from scaffolder.models import Approval, Release, Run, store_tree
from scaffolder.services import begin_on, decide, execute_run, start_run
from scaffolder.weave.tree import File, digest
from tests.conftest import component

pytestmark = pytest.mark.django_db
DATABASES = "tidewater/platform/databases"
HOME = demo.FOLDER / "projects/tidewater/platform/golden-paths"
FOLDER = HOME / "templates/add-postgresql"
GROUPS = """apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: checkout}
spec: {type: team, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: security}
spec: {type: team, children: []}
"""


def tree(folder: Path) -> dict[str, File]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(HOME).as_posix(): File(file.read_bytes()) for file in files}


def test_every_golden_path_of_the_demo_can_be_started() -> None:
    found = reports.template_reports(tree(HOME))
    assert [(report.name, report.problems) for report in found if report.verdict != "ready"] == []
    assert {"python-service", "add-postgresql"} <= {report.name for report in found}


@pytest.fixture
def databases(forge: Forge) -> str:
    forge.ensure_group("tidewater")
    forge.ensure_group("tidewater/platform")
    demo.load_project(forge, DATABASES, demo.FOLDER / "projects" / DATABASES)
    return DATABASES


@pytest.fixture
def released(release, databases: str, ingest) -> Release:
    ingest(GROUPS + "---\n" + component("harbour", owner="checkout"))
    files = tree(FOLDER)
    made: Release = release()
    descriptor = yaml.safe_load((FOLDER / "template.yaml").read_text())
    path = "templates/add-postgresql/template.yaml"
    Release.objects.filter(pk=made.pk).update(
        descriptor=descriptor, tree=store_tree(files), digest=digest(files), path=path
    )
    made.refresh_from_db()
    return made


def test_card_data_waits_for_security_and_ends_in_one_merge_request(
    released: Release, forge: Forge, person
) -> None:
    user, sam = person(), person("viewer", "group:default/security")
    path = golden_path(released)
    entity = Entity.objects.with_place().get(ref="component:default/harbour")
    assert path.blueprint.offer
    assert offering.fits(path.blueprint.offer, entity)
    answers = begin_on(path=path, entity=entity, by=user).answers
    assert answers == {
        "component": "component:default/harbour", "name": "harbour-db", "owner": "checkout",
    }  # fmt: skip

    answers |= {"owner": "group:default/checkout", "dataClass": "cardholder"}
    for _ in range(2):
        run = start_run(release=released, answers=answers, by=user, about_ref=entity.ref)
        execute_run(pk=run.pk)
        run.refresh_from_db()
        assert run.status == Run.Status.WAITING, run.error
        assert run.merge_request is None
        decide(approval=Approval.objects.get(run=run), approve=True, reason="", by=sam)
        execute_run(pk=run.pk)
        run.refresh_from_db()
        assert run.status == Run.Status.COMPLETED, run.error
    assert Membership.objects.filter(group_ref="group:default/security").count() == 1

    branch = "database/harbour-db"
    before = (demo.FOLDER / "projects" / DATABASES / "kustomization.yaml").read_text()
    after = forge.read_file(DATABASES, "kustomization.yaml", branch).decode()
    # comments and order are kept
    assert after == before + "  - databases/harbour-db/cluster.yaml\n"
    resource = yaml.safe_load(
        forge.read_file(DATABASES, "databases/harbour-db/resource.yaml", branch)
    )
    assert resource["spec"]["dependencyOf"] == ["component:default/harbour"]
    assert forge.read_file(DATABASES, "databases/timetable-archive/cluster.yaml", branch)
    assert run.merge_request["iid"] == Run.objects.last().merge_request["iid"]


def test_other_data_asks_nobody(released: Release) -> None:
    path = golden_path(released)
    answers = {
        "component": "component:default/harbour", "name": "harbour-db",
        "owner": "group:default/checkout",
    }  # fmt: skip
    values, errors = path.check(answers)
    assert (errors, path.approvals(values)) == ({}, [])
