"""Who may do what over Git: deploy tokens, refused refs beside taken ones, rules of groups."""

import pytest

from tests.localforge.conftest import TOKEN, clone_url, make_person
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
