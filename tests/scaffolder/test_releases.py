"""Releases of blocks out of real repositories: new contents, steps back, and blocks that are gone."""

import pytest
from django.test import Client

from accounts.models import AuditEvent
from catalog import services as catalog
from catalog.models import Entity
from forge import Change, Forge
from scaffolder import services
from scaffolder.models import Release, Run
from scaffolder.services.preview import preview

pytestmark = pytest.mark.django_db

TEMPLATE = """apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: {{name: path, annotations: {{bespoke/version: {version}}}}}
spec:
  owner: group:default/platform
  type: service
  parameters:
    - properties:
        zebra: {{type: string}}
        a: {{type: string}}
  steps:
    - {{id: say, name: Say, action: "debug:log", input: {{message: {message}}}}}
"""


@pytest.fixture
def repository(project, forge: Forge):
    path = project(files={"catalog-info.yaml": TEMPLATE.format(version="1.0.0", message="one")})

    def change(version: str, message: str) -> None:
        content = TEMPLATE.format(version=version, message=message).encode()
        edit = Change("update", "catalog-info.yaml", content)
        forge.commit(path, branch="main", message=message, changes=[edit])
        read(path)

    read(path)
    change.path = path  # type: ignore[attr-defined]
    return change


def read(path: str) -> None:
    catalog.read_repository(path=path)
    services.release_blocks(repository=path)


def newest() -> Release:
    found = Release.objects.newest("template:default/path")
    assert found is not None
    return found


def message() -> str:
    return newest().descriptor["spec"]["steps"][0]["input"]["message"]


def test_a_change_makes_a_release_and_no_change_makes_none(repository):
    assert newest().version == "1.0.0"
    repository("1.1.0", "two")
    assert (newest().version, message()) == ("1.1.0", "two")
    assert services.release_blocks(repository=repository.path) == []
    assert services.outdated_repositories() == []
    assert AuditEvent.objects.filter(verb="released").count() == 2


def test_a_step_back_is_followed(repository):
    repository("1.1.0", "bad")
    repository("1.0.0", "one")
    assert message() == "one"
    assert Release.objects.count() == 2
    assert services.outdated_repositories() == []


def test_the_order_of_the_questions_is_kept(repository):
    (page,) = newest().descriptor["spec"]["parameters"]
    assert list(page["properties"]) == ["zebra", "a"]


def test_a_golden_path_that_is_gone_cannot_be_started(repository, client: Client, person, forge):
    forge.commit(repository.path, branch="main", message="x",
                 changes=[Change("delete", "catalog-info.yaml")])  # fmt: skip
    read(repository.path)
    assert Entity.objects.get(ref="template:default/path").orphaned_at
    client.force_login(person())
    assert client.get("/create/default/path/").status_code == 404
    body = {"templateRef": "template:default/path", "values": {}}
    assert client.post("/api/scaffolder/v2/tasks", body, "application/json").status_code == 404


def test_an_aspect_that_is_gone_is_woven_no_more(release, person):
    from scaffolder.blocks import golden_path

    made = release()
    release(kind="Aspect", name="gone", files={"f/extra.txt": "x"}, weave=[{"files": "./f"}])
    answers = {"name": "a", "owner": "group:default/x"}
    shown = preview(golden_path(made), answers, set(), person())
    assert "extra.txt" in shown.files, shown.error
    Entity.objects.filter(kind="aspect").update(orphaned_at="2026-01-01T00:00Z")
    assert "extra.txt" not in preview(golden_path(made), answers, set(), person()).files


def test_an_expression_that_never_ends_is_stopped_in_the_preview(release, person):
    from scaffolder.blocks import golden_path

    evil = "${{ '" + "a" * 40 + "!' | replace(r/(a+)+$/, 'x') }}"
    made = release([{"id": "s", "name": "S", "action": "debug:log", "input": {"message": evil}}])
    shown = preview(golden_path(made), {"name": "a", "owner": "x"}, set(), person())
    assert "would fail" in shown.error


def test_runs_of_a_private_golden_path_are_for_those_who_see_it(release, run, client, person):
    done = run(release(), name="topsecret")
    Entity.objects.filter(ref=done.template_ref).update(private=True)
    stranger = person("viewer")
    assert not Run.objects.visible_to(stranger).exists()
    assert Run.objects.visible_to(done.user).exists()
    client.force_login(stranger)
    assert client.get(f"/runs/{done.pk}/").status_code == 404
    assert "topsecret" not in client.get("/runs/").content.decode()


def test_includes_are_filled_in_from_the_same_repository_and_belong_to_the_block(location):
    import yaml

    from scaffolder.services.releases import _as_written, _include_paths
    from scaffolder.weave.tree import File

    location.path = "paths/one/template.yaml"
    host = f"https://forge.example/{location.repository.path}/-/blob/main"
    spec = {
        "type": "service",
        "owner": "x",
        "parameters": [{"$yaml": "../shared/page.yaml"}],
        "steps": [{"$yaml": f"{host}/paths/shared/step.yaml"}, {"$yaml": "../../../etc/passwd"},
                  {"$yaml": "https://forge.example/other/repo/-/blob/main/step.yaml"}],
    }  # fmt: skip
    descriptor = {
        "apiVersion": "scaffolder.backstage.io/v1beta3", "kind": "Template",
        "metadata": {"name": "one"}, "spec": spec,
    }  # fmt: skip
    entity = Entity(ref="template:default/one", descriptor=descriptor, location=location)
    tree = {
        location.path: File(yaml.safe_dump(descriptor).encode()),
        "paths/shared/page.yaml": File(b"title: Shared\nproperties: {a: {type: string}}\n"),
        "paths/shared/step.yaml": File(b"id: s\naction: debug:log\n"),
    }
    filled, problems = _as_written(entity, tree)
    assert filled["spec"]["parameters"][0]["title"] == "Shared"
    assert filled["spec"]["steps"][0]["action"] == "debug:log"
    assert len(problems) == 2
    assert all("cannot be included" in problem for problem in problems)
    found = set(_include_paths(location, descriptor))
    assert {"paths/shared/page.yaml", "paths/shared/step.yaml"} <= found
