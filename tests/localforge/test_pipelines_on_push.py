"""A push starts a pipeline record, if the administrator wants that and there is a CI file."""

import gitlab
import pytest

from tests.localforge.conftest import commit, merge_request, settled

CI = {".gitlab-ci.yml": "stages: [test]\nunit:\n  stage: test\n  script: [make]\n"}


@pytest.fixture
def switched_on(start):
    client = start().client()
    client.http_put("/application/settings", post_data={"localforge_pipelines_on_push": True})
    return client


@pytest.fixture
def fresh(switched_on):
    return switched_on.projects.create({"name": "ci", "initialize_with_readme": True})


def test_nothing_starts_unless_wanted(project):
    commit(project, "main", CI)
    assert project.pipelines.list() == []


def test_a_commit_and_a_push_start_one_each(fresh, git, tmp_path):
    assert fresh.pipelines.list() == []
    commit(fresh, "main", CI)
    (first,) = fresh.pipelines.list()
    assert (first.status, first.source, first.ref) == ("pending", "push", "main")
    assert [job.name for job in first.jobs.list()] == ["unit"]
    token, url = fresh.manager.gitlab.private_token, fresh.http_url_to_repo
    git("clone", "-q", url.replace("http://", f"http://oauth2:{token}@"), "work")
    git("commit", "-q", "--allow-empty", "-m", "second", cwd=tmp_path / "work")
    git("tag", "v1", cwd=tmp_path / "work")
    git("push", "-q", "origin", "main", "v1", cwd=tmp_path / "work")
    assert {(p.ref, p.status) for p in fresh.pipelines.list()} == {
        ("main", "pending"),
        ("v1", "pending"),
    }
    commit(fresh, "main", {"x": "x"}, message="no [skip ci]")
    assert len(fresh.pipelines.list()) == 3


def test_a_merge_waits_for_the_pipeline_and_a_client_may_move_it(switched_on, fresh):
    commit(fresh, "main", CI)
    opened = merge_request(fresh)
    settled(fresh, opened.iid)
    opened.merge(auto_merge=True)
    assert fresh.mergerequests.get(opened.iid).state == "opened"
    pipeline = fresh.pipelines.list(ref="feature")[0]
    path = f"/localforge/projects/{fresh.id}/pipelines/{pipeline.id}"
    switched_on.http_put(path, post_data={"status": "success"})
    assert fresh.mergerequests.get(opened.iid).state == "merged"


@pytest.mark.parametrize("text", ["a: [b", "[" * 3000, "a: !!int x", "- a"])
def test_a_ci_file_that_cannot_be_read_starts_nothing(fresh, text):
    commit(fresh, "main", {".gitlab-ci.yml": text})
    assert fresh.pipelines.list() == []


def test_dates_and_tags_of_gitlabs_own_are_no_hindrance(fresh):
    text = "variables: {SINCE: 2001-99-99}\n.base: &base {stage: build}\n"
    text += "unit:\n  <<: *base\n  script: [!reference [.base, script]]\n"
    commit(fresh, "main", {".gitlab-ci.yml": text})
    (made,) = fresh.pipelines.list()
    assert [(job.name, job.stage) for job in made.jobs.list()] == [("unit", "build")]


def test_a_merge_request_may_ask_for_a_pipeline(project, person):
    commit(project, "main", CI)
    opened = merge_request(project)
    made = opened.pipelines.create({})
    assert (made.ref, made.source) == ("feature", "merge_request_event")
    assert [one.id for one in opened.pipelines.list()] == [made.id]
    user, reporter = person
    project.members.create({"user_id": user.id, "access_level": 20})
    with pytest.raises(gitlab.GitlabCreateError) as error:
        reporter.projects.get(project.id).mergerequests.get(opened.iid).pipelines.create({})
    assert error.value.response_code == 403
    assert [u.id for u in project.users.list(search=user.username)] == [user.id]


def test_a_trigger_token_starts_a_pipeline(project):
    commit(project, "main", CI)
    token = project.triggers.create({"description": "nightly"})
    made = project.trigger_pipeline("main", token.token, variables={"A": "1"})
    found = project.pipelines.get(made.id)
    assert (found.status, found.source, found.jobs.list()[0].name) == ("pending", "trigger", "unit")
    (variable,) = found.variables.list()
    assert (variable.key, variable.value) == ("A", "1")
    assert found.bridges.list() == []
    token.delete()
    with pytest.raises(gitlab.GitlabCreateError):
        project.trigger_pipeline("main", token.token)
