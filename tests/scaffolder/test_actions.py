"""Actions on files, the catalogue and waiting, each as a step of a real run."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from scaffolder import services
from scaffolder.actions import actions
from scaffolder.models import Run, load_tree
from tests.conftest import component
from tests.scaffolder.conftest import FETCH

pytestmark = pytest.mark.django_db
FILES = {
    "skeleton/a.txt": "a ${{ values.x }}",
    "skeleton/sub/b.txt": "b {{ cookiecutter.x }}",
    "skeleton/sub/c.md": "c",
}
PLAIN = {"id": "plain", "name": "Copy", "action": "fetch:plain", "input": {"url": "./skeleton"}}


def step(action: str, **given: object) -> dict[str, object]:
    return {"id": "step", "name": "The step", "action": action, "input": given}


def tree(run: Run) -> dict[str, str]:
    assert run.error == ""
    return {path: file.content.decode() for path, file in load_tree(run.workspace).items()}


@pytest.fixture
def go(release, run):
    def do(*steps, files=FILES, **more):
        return run(release(list(steps), files, weave=False), **more)

    return do


def output(run: Run) -> dict[str, object]:
    assert run.error == ""
    return run.steps.get(step_id="step").output


# -- files --------------------------------------------------------------------------------------
def test_one_file_is_fetched_as_it_is_or_rendered(go):
    one = step("fetch:plain:file", url="./skeleton/a.txt", targetPath="x/plain.txt")
    two = step("fetch:template:file", url="skeleton/a.txt", targetPath="y.txt", values={"x": 1})
    three = step("fetch:template:file", url="skeleton/sub/b.txt", targetPath="z", values={"x": 2},
                 cookiecutterCompat=True)  # fmt: skip
    done = go(one, two | {"id": "two"}, three | {"id": "three"})
    assert tree(done) == {"x/plain.txt": "a ${{ values.x }}", "y.txt": "a 1", "z": "b 2"}


def test_an_existing_file_stays_unless_replace_is_true(go):
    again = step("fetch:template:file", url="skeleton/a.txt", targetPath="a.txt", values={"x": 1})
    assert tree(go(PLAIN, again))["a.txt"] == "a ${{ values.x }}"
    again["input"]["replace"] = True
    assert tree(go(PLAIN, again))["a.txt"] == "a 1"


def test_files_of_the_workspace_are_rendered(go):
    whole = step("workspace:template", sourcePath="./", targetPath="out", values={"x": 1})
    one = step("workspace:template:file", sourcePath="a.txt", targetPath="one", values={"x": 2})
    done = tree(go(PLAIN, whole, one | {"id": "one"}))
    assert done["out/a.txt"] == "a 1"
    assert done["one"] == "a 2"


def test_a_folder_of_another_repository_is_fetched_unless_it_is_private(go, project, forge):
    path = project("shared", {"lib/x.txt": "x ${{ values.x }}", "other": "o"})
    url = f"https://forge.example/{path}/-/tree/main/lib"
    assert tree(go(step("fetch:template", url=url, values={"x": 1}))) == {"x.txt": "x 1"}
    commit = forge.tip(path, "main").id
    pinned = f"https://forge.example/{path}/-/blob/{commit}/other"
    assert tree(go(step("fetch:plain:file", url=pinned, targetPath="o"))) == {"o": "o"}
    missing = url.replace("/main/", "/nothing/")
    assert "has no branch nothing" in go(step("fetch:plain", url=missing)).error
    forge._put(f"/projects/{path.replace('/', '%2F')}", "x", {"visibility": "private"})
    assert f"{path} is private" in go(step("fetch:plain", url=url)).error


def test_files_are_deleted_by_path_and_pattern(go):
    assert tree(go(PLAIN, step("fs:delete", files=["./sub/*.txt", "a.txt"]))) == {"sub/c.md": "c"}
    assert set(tree(go(PLAIN, step("fs:delete", files=["sub"])))) == {"a.txt"}


def test_files_and_folders_are_renamed(go):
    pairs = [{"from": "sub", "to": "new/place"}, {"from": "./a.txt", "to": "b.txt"}]
    assert set(tree(go(PLAIN, step("fs:rename", files=pairs)))) == {
        "new/place/b.txt", "new/place/c.md", "b.txt",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ({"from": "none", "to": "x"}, "there is no “none”"),
        ({"from": "a.txt", "to": "sub/c.md"}, "“sub/c.md” is there already"),
        ({"from": "a.txt", "to": "../x"}, "to “../x”"),
        ({"from": "a.txt", "to": ".git/config"}, "to “.git/config”"),
    ],
)
def test_what_cannot_be_renamed_is_said(go, pair, words):
    done = go(PLAIN, step("fs:rename", files=[pair]))
    assert words in done.error


def test_rename_overwrites_when_told_to(go):
    pair = {"from": "a.txt", "to": "sub/c.md", "overwrite": True}
    assert tree(go(PLAIN, step("fs:rename", files=[pair])))["sub/c.md"].startswith("a ")


def test_a_folder_is_listed(go):
    flat = output(go(PLAIN, step("fs:readdir", paths=["."])))
    assert [file["fullPath"] for file in flat["files"]] == ["a.txt"]
    assert flat["folders"] == [{"name": "sub", "path": "", "fullPath": "sub"}]
    deep = output(go(PLAIN, step("fs:readdir", paths=["."], recursive=True)))
    assert [file["fullPath"] for file in deep["files"]] == ["a.txt", "sub/b.txt", "sub/c.md"]


# -- the catalogue ------------------------------------------------------------------------------
def test_entities_are_read_from_the_catalogue(go, ingest):
    ingest(component("shop"))
    one = output(go(step("catalog:fetch", entityRef="shop")))
    assert one["entity"]["metadata"]["name"] == "shop"
    refs = ["component:default/shop", "component:default/none"]
    assert "no component:default/none" in go(step("catalog:fetch", entityRefs=refs)).error
    both = output(go(step("catalog:fetch", entityRefs=refs, optional=True)))
    assert [entity and entity["metadata"]["name"] for entity in both["entities"]] == ["shop", None]


def test_an_entity_that_one_may_not_see_is_not_fetched(go, ingest):
    private = component("hidden").replace(
        "  name: hidden\n", "  name: hidden\n  annotations: {bespoke/visibility: private}\n"
    )
    ingest(private)
    done = go(step("catalog:fetch", entityRef="component:default/hidden"))
    assert "the catalogue has no component:default/hidden, or you may not see it" in done.error


def test_an_entity_is_written(go):
    done = go(step("catalog:write", entity={"kind": "Component", "metadata": {"name": "ü"}}))
    assert tree(done) == {"catalog-info.yaml": "kind: Component\nmetadata:\n  name: ü\n"}


# -- log and wait -------------------------------------------------------------------------------
def test_the_log_shows_values_and_files(go):
    message = {"a": [1, True, None]}
    done = go(PLAIN, step("debug:log", message=message, listWorkspace="with-contents"))
    lines = list(done.log.values_list("text", flat=True))
    assert json.dumps(message) in lines
    assert "sub/c.md:\nc" in lines


def test_a_wait_puts_the_run_back_into_the_queue(go, monkeypatch):
    queued = []
    monkeypatch.setattr(
        "scaffolder.tasks.execute_run.apply_async", lambda args, countdown: queued.append(countdown)
    )
    done = go(step("debug:wait", minutes=1, seconds=2), FETCH)
    assert done.status == Run.Status.QUEUED
    assert 61 < queued[0] <= 62
    assert done.resume_at > timezone.now()
    services.execute_run(pk=done.pk)
    done.refresh_from_db()
    assert done.status == Run.Status.QUEUED, "not before it is due"
    waiting = done.steps.get(step_id="step")
    waiting.notes["until"] = 0
    waiting.save()
    Run.objects.update(resume_at=None)
    services.execute_run(pk=done.pk)
    done.refresh_from_db()
    assert done.status == Run.Status.COMPLETED


def test_a_wait_of_more_than_ten_minutes_is_refused(go):
    assert "longest wait is 600" in go(step("debug:wait", minutes=11)).error


# -- all of them ----------------------------------------------------------------------------------
def test_every_action_documents_itself():
    from jsonschema import Draft7Validator

    for action in actions().values():
        Draft7Validator.check_schema(action.input_schema)
        Draft7Validator.check_schema(action.output_schema)
        assert action.title


BUILT_IN = """
fetch:plain fetch:plain:file fetch:template fetch:template:file workspace:template
workspace:template:file catalog:register catalog:write catalog:fetch fs:delete fs:rename fs:readdir
debug:log debug:wait publish:gitlab publish:gitlab:merge-request gitlab:repo:push
gitlab:group:ensureExists gitlab:group:access gitlab:issues:create gitlab:issue:edit
gitlab:pipeline:trigger gitlab:projectAccessToken:create gitlab:projectDeployToken:create
gitlab:projectVariable:create gitlab:user:info http:request http:backstage:request publish:github
publish:github:pull-request bespoke:weave
"""


def test_the_built_in_actions_are_there():
    assert set(BUILT_IN.split()) <= set(actions())


def test_notification_send_tells_people_groups_and_everybody(go, person):
    one, two, other = person(), person(), person("viewer")
    sent = step(
        "notification:send", recipients="entity", entityRefs=[one.entity_ref, "group:engineering"],
        title="Ready", info="see the run", severity="high",
    )  # fmt: skip
    done = go(sent, user=two)
    assert done.error == ""
    (told,) = one.notifications.filter(topic="golden path")
    assert (told.title, str(done.pk) in told.link) == ("High: Ready: see the run", True)
    assert two.notifications.filter(topic="golden path").count() == 1
    assert not other.notifications.exists()
    assert go(step("notification:send", recipients="broadcast", title="All")).error == ""
    assert other.notifications.get().title == "All"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"link": "https://evil.example/"}, "leads out of"),
        ({"link": "//evil.example/"}, "leads out of"),
        ({"entityRefs": ["user:default/nobody-at-all"]}, "nobody who may sign in"),
        ({"entityRefs": []}, "entityRefs is needed"),
        ({"entityRefs": ["component:svc"]}, "neither a user nor a group"),
    ],
)
def test_notification_send_refuses(go, person, more, words):
    given = {"recipients": "entity", "entityRefs": [person().entity_ref], "title": "x"} | more
    assert words in go(step("notification:send", **given)).error
