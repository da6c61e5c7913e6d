"""Actions on the forge: what they make, and that a worker that dies in one doubles nothing."""

from __future__ import annotations

import uuid

import pytest

from forge import Forge
from scaffolder import services
from scaffolder.models import Blob, Run, RunLog, RunStep
from tests.scaffolder.conftest import FETCH
from tests.scaffolder.test_runs import died_at, open_requests

pytestmark = pytest.mark.django_db


def step(action: str, /, **given: object) -> dict[str, object]:
    return {"id": "step", "name": "The step", "action": action, "input": given}


def url(path: str) -> str:
    owner, _, repo = path.rpartition("/")
    return f"forge.example?owner={owner}&repo={repo}"


def quoted(path: str) -> str:
    return path.replace("/", "%2F")


@pytest.fixture
def go(release, run):
    def do(*steps, files=None, user=None, **more):
        return run(release(list(steps), files, weave=False, **more), user)

    return do


@pytest.fixture
def again():
    """The run once more, as after a worker that was killed in the middle of `step`."""

    def do(run: Run, **notes: object) -> Run:
        died_at(run, "step")
        services.execute_run(pk=run.pk)
        run.refresh_from_db()
        assert (run.status, run.error) == (Run.Status.COMPLETED, "")
        return run

    return do


def ok(run: Run) -> dict[str, object]:
    assert (run.status, run.error) == (Run.Status.COMPLETED, "")
    return run.steps.get(step_id="step").output


# -- merge requests and pushes --------------------------------------------------------------------
def request(path: str, **more: object) -> dict[str, object]:
    given = {"repoUrl": url(path), "title": "Change", "branchName": "b"} | more
    return step("publish:gitlab:merge-request", **given)


def test_creates_updates_and_deletes_are_one_commit(go, project, forge: Forge):
    path = project("a", {"README.md": "old", "gone.txt": "x", "old/a": "1", "old/b": "2",
                         "kept": "k"})  # fmt: skip
    ok(go(FETCH, request(path, filesToDelete=["gone.txt", "old/**"])))
    assert set(forge.tree(path, "b")) == {"README.md", "kept", "catalog-info.yaml", "run.sh"}
    assert forge.read_file(path, "README.md", "b") == b"# svc\n"
    commits = list(forge._list(f"/projects/{quoted(path)}/repository/commits", "x", ref_name="b"))
    assert len(commits) == 2


def test_an_open_merge_request_is_brought_up_to_date_over_peoples_commits(
    go, project, forge: Forge
):
    from forge import Change

    path = project("a", {"README.md": "old"})
    ok(go(FETCH, request(path)))
    forge.commit(path, branch="b", message="By hand",
                 changes=[Change("create", "mine.txt", b"mine")])  # fmt: skip
    second = ok(
        go(FETCH, request(path, description="More") | {"id": "step"},
           files={"skeleton/README.md": "new"})
    )  # fmt: skip
    assert open_requests(forge, path) == 1
    assert forge.read_file(path, "mine.txt", "b") == b"mine"
    assert forge.read_file(path, "README.md", "b") == b"new"
    shown = forge._get(f"/projects/{quoted(path)}/merge_requests/1", "x")
    assert shown["description"] == "More"
    assert shown["web_url"] == second["mergeRequestUrl"]


@pytest.mark.parametrize(
    ("how", "words"),
    [("create", "README.md is there already"), ("update", "is not there to be updated")],
)
def test_commit_action_forbids_what_it_does_not_name(go, project, how, words):
    path = project("a", {"README.md": "old"})
    assert words in go(FETCH, request(path, commitAction=how)).error


def test_commit_action_delete_removes_the_workspaces_paths(go, project, forge: Forge):
    path = project("a", {"README.md": "old", "kept": "k"})
    ok(go(FETCH, request(path, commitAction="delete")))
    assert set(forge.tree(path, "b")) == {"kept"}


def test_a_merge_request_into_its_own_branch_is_refused(go, project):
    path = project("a", {"README.md": "old"})
    assert "both main" in go(FETCH, request(path, branchName="main")).error


def test_people_of_a_merge_request(go, project, forge: Forge):
    name = f"rev-{uuid.uuid4().hex[:6]}"
    forge.ensure_user(username=name, name="R", email=f"{name}@b.example", password="pass-1234-x")
    path = project("a", {"README.md": "old"})
    ok(go(FETCH, request(path, assignee=name, reviewers=[name], labels=["x", "y"])))
    shown = forge._get(f"/projects/{quoted(path)}/merge_requests/1", "x")
    assert [person["username"] for person in shown["assignees"]] == [name]
    assert [person["username"] for person in shown["reviewers"]] == [name]
    assert sorted(shown["labels"]) == ["x", "y"]
    assert "no user “nobody-x”" in go(FETCH, request(path, assignee="nobody-x")).error


def test_a_push_makes_the_branch_and_says_the_commit(go, again, project, forge: Forge):
    path = project("a", {"README.md": "old"})
    push = step("gitlab:repo:push", repoUrl=url(path), branchName="p", commitMessage="Push",
                targetPath="sub")  # fmt: skip
    done = go(FETCH, push)
    assert ok(done)["commitHash"] == forge.tip(path, "p").id
    assert forge.read_file(path, "sub/README.md", "p") == b"# svc\n"
    before = forge.tip(path, "p").id
    assert ok(again(done))["commitHash"] == before


# -- projects and groups --------------------------------------------------------------------------
def test_a_project_with_owner_and_branches(go, again, group: str, forge: Forge):
    name = f"own-{uuid.uuid4().hex[:6]}"
    forge.ensure_user(username=name, name="O", email=f"{name}@b.example", password="pass-1234-x")
    path = f"{group}/full"
    branches = [{"name": "dev", "create": True, "protect": True}]
    made = step(
        "publish:gitlab", repoUrl=url(path), ownerUsername=name, branches=branches,
        gitAuthorName="Ada", gitAuthorEmail="ada@b.example", topics=["t"],
    )  # fmt: skip
    done = again(go(FETCH, made))
    assert ok(done)["created"] is True
    members = forge._list(f"/projects/{quoted(path)}/members", "x")
    assert (name, 50) in [(m["username"], m["access_level"]) for m in members]
    shown = forge._get(f"/projects/{quoted(path)}/repository/branches/dev", "x")
    assert shown["protected"]
    assert shown["commit"]["author_name"] == "Ada"


def test_an_existing_project_is_left_alone(go, project, forge: Forge):
    path = project("there", {"README.md": "mine"})
    done = go(FETCH, step("publish:gitlab", repoUrl=url(path), skipExisting=True))
    assert ok(done)["created"] is False
    assert forge.read_file(path, "README.md", "main") == b"mine"
    assert done.made == []


def test_a_group_is_made_with_its_parents(go, again, group: str, forge: Forge):
    made = step("gitlab:group:ensureExists", repoUrl=f"forge.example?owner={group}",
                path=["one", {"name": "Two of them", "slug": "two"}])  # fmt: skip
    done = again(go(made))
    assert ok(done)["groupId"] == forge.group_id(f"{group}/one/two")


def test_access_to_a_group_is_given_and_taken(go, group: str, forge: Forge):
    user = forge.ensure_user(
        username=f"m-{uuid.uuid4().hex[:6]}", name="M", email=f"{uuid.uuid4().hex[:6]}@b.example",
        password="pass-1234-x",
    )  # fmt: skip
    for level in ("developer", 40):
        ok(go(step("gitlab:group:access", path=group, userIds=[user], accessLevel=level)))
    members = {m["id"]: m["access_level"] for m in forge._list(f"/groups/{group}/members", "x")}
    assert members[user] == 40
    ok(go(step("gitlab:group:access", path=group, userIds=[user], action="remove")))
    assert user not in {m["id"] for m in forge._list(f"/groups/{group}/members", "x")}
    assert "is none of" in go(step("gitlab:group:access", path=group, userIds=[user],
                                   accessLevel="king")).error  # fmt: skip


def test_a_user_is_looked_up(go, forge: Forge):
    name = f"u-{uuid.uuid4().hex[:6]}"
    forge.ensure_user(username=name, name="U", email=f"{name}@b.example", password="pass-1234-x")
    assert ok(go(step("gitlab:user:info", username=name)))["username"] == name
    assert "no user “nobody-y”" in go(step("gitlab:user:info", username="nobody-y")).error


# -- issues and pipelines -------------------------------------------------------------------------
def test_an_issue_is_opened_once_and_edited(go, again, project, forge: Forge):
    path = project("a", {"README.md": "x"})
    made = step("gitlab:issues:create", repoUrl=url(path), title="Do it", labels="a,b",
                description="Please.")  # fmt: skip
    done = again(go(made))
    issues = list(forge._list(f"/projects/{quoted(path)}/issues", "x"))
    assert [issue["title"] for issue in issues] == ["Do it"]
    assert sorted(issues[0]["labels"]) == ["a", "b"]
    iid = ok(done)["issueIid"]
    edited = ok(go(step("gitlab:issue:edit", repoUrl=url(path), issueIid=iid, stateEvent="close",
                        title="Done")))  # fmt: skip
    assert (edited["state"], edited["title"]) == ("closed", "Done")


def test_a_pipeline_is_started_once(go, again, project, forge: Forge):
    path = project("a", {".gitlab-ci.yml": "job: {script: [x]}"})
    again(go(step("gitlab:pipeline:trigger", repoUrl=url(path), branch="main",
                  variables={"A": 1})))  # fmt: skip
    found = list(forge._list(f"/projects/{quoted(path)}/pipelines", "x", source="api"))
    assert len([pipeline for pipeline in found if pipeline["source"] == "api"]) == 1


# -- tokens ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("action", "kind", "name"),
    [
        ("gitlab:projectAccessToken:create", "access_tokens", "access_token"),
        ("gitlab:projectDeployToken:create", "deploy_tokens", "deploy_token"),
    ],
)
def test_a_token_is_made_once_used_by_a_later_step_and_shown_nowhere(
    go, again, project, forge: Forge, action: str, kind: str, name: str
):
    from django.core.serializers import serialize

    path = project("a", {"README.md": "x"})
    made = step(action, repoUrl=url(path), name="t", scopes=["read_repository"])
    use = step("gitlab:issues:create", repoUrl=url(path),
               title=f"${{{{ steps.step.output.{name} }}}}") | {"id": "use"}  # fmt: skip
    done = again(go(made, use))
    live = [t for t in forge._list(f"/projects/{quoted(path)}/{kind}", "x")
            if t["name"] == "t" and not t.get("revoked")]  # fmt: skip
    assert len(live) == 1
    assert ok(done)[name] == "***"
    titles = [issue["title"] for issue in forge._list(f"/projects/{quoted(path)}/issues", "x")]
    assert len(titles) == 1, "the issue of the first attempt was found again"
    token = titles[0]
    assert len(token) > 15
    rows = [serialize("json", model.objects.all()) for model in (Run, RunStep, RunLog)]
    assert all(token not in text for text in rows)
    assert all(token.encode() not in bytes(blob.content) for blob in Blob.objects.all())


def test_a_variable_is_set_and_set_again(go, again, project, forge: Forge):
    path = project("a", {"README.md": "x"})
    for value in ("one", "two"):
        again(go(step("gitlab:projectVariable:create", repoUrl=url(path), key="K", value=value,
                      masked=True)))  # fmt: skip
    rows = list(forge._list(f"/projects/{quoted(path)}/variables", "x"))
    assert [(row["key"], row["value"], row["masked"]) for row in rows] == [("K", "two", True)]


# -- publish:github -------------------------------------------------------------------------------
def test_publishing_to_github_is_refused_until_it_is_switched_on(
    release, run, group: str, forge: Forge, settings
):
    where = f"github.com?owner={group}&repo=hub"
    steps = [
        FETCH,
        step("publish:github", repoUrl=where, repoVisibility="internal", deleteBranchOnMerge=True),
        step("publish:github:pull-request", repoUrl=where, title="More", branchName="pr",
             targetPath="x", draft=True) | {"id": "pr"},
    ]  # fmt: skip
    refused = release(steps, weave=False)
    assert "PUBLISH_GITHUB_TO_FORGE" in refused.problems[0]
    settings.PUBLISH_GITHUB_TO_FORGE = True
    done = run(release(steps, weave=False))
    assert ok(done)["repoContentsUrl"].endswith(f"/{group}/hub/-/blob/main")
    assert forge.read_file(f"{group}/hub", "README.md", "main") == b"# svc\n"
    assert forge.open_merge_request(f"{group}/hub", "pr").title == "Draft: More"
