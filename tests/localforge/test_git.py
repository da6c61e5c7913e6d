"""Git over HTTP: the same rules and the same effects as the API."""

import pytest

from tests.localforge.conftest import clone_url, commit, merge_request, settled


def write(folder, name, text):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


@pytest.fixture
def clone(server, project, git, tmp_path):
    git("clone", "-q", clone_url(server, project), "work")
    return tmp_path / "work"


def test_a_push_is_seen_by_the_api_and_by_merge_requests(project, git, clone):
    opened = merge_request(project)
    git("fetch", "-q", cwd=clone)
    git("checkout", "-q", "feature", cwd=clone)
    write(clone, "more", "x")
    git("add", "-A", cwd=clone)
    git("commit", "-qm", "more", cwd=clone)
    git("push", "-q", cwd=clone)
    found = settled(project, opened.iid)
    assert found.sha == git("rev-parse", "HEAD", cwd=clone).strip()
    assert len(found.versions.list() if hasattr(found, "versions") else found.diffs.list()) == 2


def test_the_first_push_names_the_default_branch(server, gl, name, git, tmp_path):
    project = gl.projects.create({"name": name})
    git("init", "-q", "-b", "trunk", "work")
    work = tmp_path / "work"
    write(work, "a", "a")
    git("add", "-A", cwd=work)
    git("commit", "-qm", "a", cwd=work)
    git("push", "-q", clone_url(server, project), "trunk", cwd=work)
    found = gl.projects.get(project.id)
    assert (found.default_branch, found.empty_repo) == ("trunk", False)


def test_shallow_and_partial_clones(server, project, git, tmp_path):
    commit(project, "main", {"big": "x" * 1000})
    url = clone_url(server, project)
    git("clone", "-q", "--depth", "1", url, "shallow")
    assert git("rev-list", "--count", "HEAD", cwd=tmp_path / "shallow").strip() == "1"
    git("clone", "-q", "--filter=blob:none", "--no-checkout", url, "partial")
    assert git("ls-tree", "--name-only", "HEAD", cwd=tmp_path / "partial").split() == [
        "README.md",
        "big",
    ]


def test_a_large_push_comes_chunked_and_packed(project, git, clone):
    for number in range(60):
        write(clone, f"d{number}/f", f"{number}" * 40_000)
    git("checkout", "-q", "-b", "big", cwd=clone)
    git("add", "-A", cwd=clone)
    git("commit", "-qm", "big", cwd=clone)
    git("-c", "http.postBuffer=65536", "-c", "core.compression=0", "push", "-q", "origin", "big",
        cwd=clone)  # fmt: skip
    assert project.branches.get("big").commit["title"] == "big"


@pytest.mark.parametrize(
    ("refspec", "reason"),
    [
        (":main", "default branch"),
        ("+HEAD~0:refs/merge-requests/1/head", "only branches and tags"),
    ],
)
def test_what_may_not_be_pushed_is_refused_with_a_reason(git, clone, refspec, reason):
    assert reason in git("push", "origin", refspec, cwd=clone, check=False)


def test_force_pushes_to_a_protected_branch_are_refused(project, git, clone):
    git("commit", "-q", "--amend", "-m", "other", cwd=clone)
    assert "rejected" in git("push", "-f", "origin", "main", cwd=clone, check=False)
    git("push", "-q", "origin", "main:topic", cwd=clone)
    git("commit", "-q", "--amend", "-m", "third", cwd=clone)
    git("push", "-q", "-f", "origin", "main:topic", cwd=clone)


def test_rights_hold_over_git_too(server, project, person, git, clone):
    user, client = person
    theirs = clone_url(server, project, client.private_token)
    assert "not found" in git("ls-remote", theirs, check=False).lower()
    member = project.members.create({"user_id": user.id, "access_level": 20})
    assert "refs/heads/main" in git("ls-remote", theirs)
    git("checkout", "-q", "-b", "t", cwd=clone)
    assert "403" in git("push", theirs, "t", cwd=clone, check=False)
    member.access_level = 30
    member.save()
    git("push", "-q", theirs, "t", cwd=clone)
    write(clone, "x", "x")
    git("add", "-A", cwd=clone)
    git("commit", "-qm", "x", cwd=clone)
    refused = git("push", theirs, "t:main", cwd=clone, check=False)
    assert "not allowed to push code to protected branches" in refused
    stranger = server.url + f"/{project.path_with_namespace}.git"
    assert "could not read Username" in git("ls-remote", stranger, check=False)


def test_hooks_and_configuration_in_a_repository_do_not_run(server, project, git, clone, tmp_path):
    repository = next(server.data.glob(f"repositories/*/{project.id}.git"))
    (repository / "hooks").mkdir()
    trap, sprung = repository / "hooks" / "pre-receive", tmp_path / "sprung"
    trap.write_text(f"#!/bin/sh\ntouch {sprung}\n")
    trap.chmod(0o755)
    git("push", "-q", "origin", "main:refs/heads/other", cwd=clone)
    assert not sprung.exists()


def test_many_packs_are_rolled_up(gl, project, server):
    for number in range(40):
        commit(project, "main", {f"{number}/{n}": "x" for n in range(3)})
    packs = next(server.data.glob(f"repositories/*/{project.id}.git/objects/pack"))
    for _ in range(200):
        if len(list(packs.glob("*.pack"))) < 20:
            break
        gl.projects.get(project.id)
    assert len(list(packs.glob("*.pack"))) < 20
    assert len(project.commits.list(get_all=True)) == 41
