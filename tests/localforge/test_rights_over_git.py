"""Who may do what: deploy tokens, refused refs beside taken ones, rules of groups, guests, crowds."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import gitlab
import pytest
import requests

from tests.localforge.conftest import TOKEN, clone_url, commit, make_person, merge_request
from tests.localforge.test_git import clone, write

__all__ = ["clone"]


def with_login(server, project, login: str) -> str:
    return clone_url(server, project).replace(f"oauth2:{TOKEN}", login)


@pytest.fixture
def deploy_token(project):
    sent = {"name": "reader", "username": "reader", "scopes": ["read_repository"]}
    return project.deploytokens.create(sent)


def test_a_deploy_token_reads_its_project_only(server, gl, name, project, deploy_token, git, clone):
    login = f"reader:{deploy_token.token}"
    assert "refs/heads/main" in git("ls-remote", with_login(server, project, login))
    push = git("push", with_login(server, project, login), "main:x", cwd=clone, check=False)
    assert "403" in push
    other = gl.projects.create({"name": f"{name}-other", "initialize_with_readme": True})
    assert "not found" in git("ls-remote", with_login(server, other, login), check=False)
    wrong = with_login(server, project, f"writer:{deploy_token.token}")
    assert "Authentication failed" in git("ls-remote", wrong, check=False)
    deploy_token.delete()
    assert "Authentication failed" in git(
        "ls-remote", with_login(server, project, login), check=False
    )


def test_a_deploy_token_of_a_group_reads_all_below_it(server, gl, name, git):
    group = gl.groups.create({"name": name, "path": name})
    below = gl.groups.create({"name": "below", "path": "below", "parent_id": group.id})
    sent = {"name": "x", "namespace_id": below.id, "initialize_with_readme": True}
    project = gl.projects.create(sent)
    token = group.deploytokens.create({"name": "t", "scopes": ["read_repository"]})
    login = f"{token.username}:{token.token}"
    assert "refs/heads/main" in git("ls-remote", with_login(server, project, login))
    expired = group.deploytokens.create(
        {"name": "t", "scopes": ["read_repository"], "expires_at": "2020-01-01"}
    )
    login = f"{expired.username}:{expired.token}"
    refused = git("ls-remote", with_login(server, project, login), check=False)
    assert "Authentication failed" in refused


@pytest.fixture
def developer(server, gl, project, name):
    user, client = make_person(server, gl, f"d-{name}")
    project.members.create({"user_id": user.id, "access_level": 30})
    return clone_url(server, project, client.private_token)


def test_one_refused_ref_does_not_stop_the_others(project, git, clone, developer):
    main = project.branches.get("main").commit["id"]
    write(clone, "x", "x")
    git("add", "-A", cwd=clone)
    git("commit", "-qm", "x", cwd=clone)
    told = git("push", developer, "main", "main:topic", cwd=clone, check=False)
    assert "refs/heads/main: You are not allowed to push code to protected branches" in told
    assert project.branches.get("main").commit["id"] == main
    assert project.branches.get("topic").commit["title"] == "x"
    told = git("push", "--atomic", developer, "main", "main:second", cwd=clone, check=False)
    assert "not allowed" in told
    assert {b.name for b in project.branches.list()} == {"main", "topic"}


def test_a_group_protects_the_branches_of_its_projects(server, gl, name, git, tmp_path):
    group = gl.groups.create({"name": name, "path": name})
    gl.http_post(f"/groups/{group.id}/protected_branches", post_data={"name": "release/*"})
    project = gl.projects.create(
        {"name": "x", "namespace_id": group.id, "initialize_with_readme": True}
    )
    user, client = make_person(server, gl, f"d-{name}")
    project.members.create({"user_id": user.id, "access_level": 30})
    theirs = clone_url(server, project, client.private_token)
    git("clone", "-q", theirs, "theirs")
    told = git("push", "origin", "main:release/1", cwd=tmp_path / "theirs", check=False)
    assert "not allowed" in told
    listed = {rule.name: rule.inherited for rule in project.protectedbranches.list()}
    assert listed == {"main": False, "release/*": True}
    git("push", "-q", clone_url(server, project), "main:release/1", cwd=tmp_path / "theirs")
    project.protectedbranches.create({"name": "release/1", "push_access_level": 30})
    git("commit", "-q", "--allow-empty", "-m", "y", cwd=tmp_path / "theirs")
    told = git("push", "origin", "main:release/1", cwd=tmp_path / "theirs", check=False)
    assert "not allowed" in told


def test_guests_of_a_private_project_see_issues_and_no_code(server, gl, project, person, git):
    user, guest = person
    member = project.members.create({"user_id": user.id, "access_level": 10})
    merge_request(project)
    seen = guest.projects.get(project.id)
    seen.issues.create({"title": "may I?"})
    login = f"x:{guest.private_token}"
    base = f"/projects/{project.id}"
    hidden = (
        "/repository/tree", "/repository/files/README.md?ref=main", "/repository/archive.tar.gz",
        "/repository/commits", "/merge_requests", "/merge_requests/1", "/pipelines",
        "/search?scope=blobs&search=a",
    )  # fmt: skip
    for path in hidden:
        with pytest.raises(gitlab.GitlabHttpError) as error:
            guest.http_get(base + path)
        assert error.value.response_code == 403, path
    with pytest.raises(gitlab.GitlabHttpError):
        guest.http_post(f"{base}/fork")

    def listed() -> list[int]:
        found = guest.mergerequests.list(scope="all", get_all=True)
        return [one.iid for one in found if one.project_id == project.id]

    assert listed() == []
    found = guest.search("merge_requests", "a", get_all=True)
    assert project.id not in [one["project_id"] for one in found]
    assert "403" in git("ls-remote", with_login(server, project, login), check=False)
    member.access_level = 20
    member.save()
    for path in hidden:
        guest.http_request("get", base + path)
    assert len(listed()) == 1
    assert "refs/heads/main" in git("ls-remote", with_login(server, project, login))


def test_many_who_want_the_same_get_it_once(server, gl, project, name):
    commit(project, "many", {"many": "x"}, start_branch="main")
    wishes = {
        "/projects": {"name": f"{name}-same"},
        f"/projects/{project.id}/repository/branches": {"branch": "same", "ref": "main"},
        f"/projects/{project.id}/merge_requests": {
            "source_branch": "many", "target_branch": "main", "title": "same",
        },
        f"/projects/{project.id}/labels": {"name": "same", "color": "#000000"},
    }  # fmt: skip

    def ask(wish: tuple[str, dict[str, str]]) -> int:
        url = f"{server.url}/api/v4{wish[0]}"
        return requests.post(url, json=wish[1], headers={"PRIVATE-TOKEN": TOKEN}).status_code

    with ThreadPoolExecutor(16) as pool:
        for wish in wishes.items():
            codes = Counter(pool.map(ask, [wish] * 16))
            assert codes.pop(201) == 1, wish
            assert set(codes) <= {400, 409}, wish
