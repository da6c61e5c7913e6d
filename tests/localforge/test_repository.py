"""Commits, files, trees, archives; paths that try to leave; the property that plain git agrees."""

import base64
import subprocess
from pathlib import Path

import gitlab
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.localforge.conftest import clone_url, commit


def test_one_commit_with_every_action(project):
    commit(project, "main", {"a": "a\n", "b": "b\n", "d/c": "c\n"})
    binary = bytes(range(256))
    project.commits.create(
        {
            "branch": "main",
            "commit_message": "many",
            "actions": [
                {"action": "update", "file_path": "a", "content": "A\n"},
                {"action": "delete", "file_path": "b"},
                {"action": "move", "file_path": "e/c", "previous_path": "d/c"},
                {"action": "create", "file_path": "bin", "encoding": "base64",
                 "content": base64.b64encode(binary).decode()},
                {"action": "chmod", "file_path": "a", "execute_filemode": True},
            ],
        }
    )  # fmt: skip
    tree = {i["path"]: i["mode"] for i in project.repository_tree(recursive=True, get_all=True)}
    assert tree["a"] == "100755"
    assert "b" not in tree
    assert "d" not in tree
    assert tree["e/c"] == "100644"
    assert project.files.get("bin", ref="main").decode() == binary


def test_all_or_nothing(project):
    before = project.branches.get("main").commit["id"]
    with pytest.raises(gitlab.GitlabCreateError) as error:
        project.commits.create(
            {
                "branch": "main",
                "commit_message": "x",
                "actions": [
                    {"action": "create", "file_path": "new", "content": "x"},
                    {"action": "update", "file_path": "missing", "content": "x"},
                ],
            }
        )
    assert error.value.response_code == 400
    assert "A file with this name doesn't exist" in str(error.value)
    assert project.branches.get("main").commit["id"] == before


def test_an_outdated_last_commit_id_is_refused(project):
    old = commit(project, "main", {"f": "1"}).id
    project.files.update("f", {"branch": "main", "content": "2", "commit_message": "m"})
    with pytest.raises(gitlab.GitlabUpdateError) as error:
        project.files.update(
            "f", {"branch": "main", "content": "3", "commit_message": "m", "last_commit_id": old}
        )
    assert "has changed since you started editing it" in str(error.value)


def test_start_branch_makes_a_branch_once(project):
    commit(project, "topic", {"t": "t"}, start_branch="main")
    with pytest.raises(gitlab.GitlabCreateError) as error:
        commit(project, "topic", {"u": "u"}, start_branch="main")
    assert error.value.response_code == 400


def test_another_branch_of_an_empty_project_brings_a_default_branch(gl, name):
    project = gl.projects.create({"name": name})
    commit(project, "topic", {"t": "t"}, start_branch="main")
    assert {b.name for b in project.branches.list()} == {"main", "topic"}


BAD = ["../x", "a/../b", "/etc/passwd/", ".git/config", ".GIT/x", "a//b", "a/./b", ".git ", "a\\b",
       "a/.git/hooks/x", "git~1/x", "a\nb", "x" * 300]  # fmt: skip


@pytest.mark.parametrize("path", BAD)
def test_no_path_leaves_the_tree(project, path):
    with pytest.raises(gitlab.GitlabCreateError) as error:
        commit(project, "main", {path: "x"})
    assert error.value.response_code == 400
    with pytest.raises(gitlab.GitlabCreateError):
        project.commits.create(
            {"branch": "main", "commit_message": "m", "actions": [
                {"action": "move", "file_path": path, "previous_path": "README.md"}]}
        )  # fmt: skip


@pytest.mark.parametrize("branch", ["../../x", "refs/heads/x", "-x", "a..b", "x.lock", "HEAD", " "])
def test_no_branch_leaves_the_refs(project, branch):
    with pytest.raises(gitlab.GitlabCreateError) as error:
        commit(project, branch, {"x": "x"}, start_branch="main")
    assert error.value.response_code == 400


@pytest.mark.parametrize(
    "path",
    ["/-/static/../../app.py", "/-/static/..%2F..%2Fapp.py", "/uploads/..%2F..%2Fsecret/x",
     "/api/v4/projects/..%2F..%2Fetc", "/..%2F..%2F..%2Fetc/passwd/info/refs"],
)  # fmt: skip
def test_no_address_leaves_the_folder(server, path):
    curl = ["curl", "-s", "-o", "-", "-w", "%{http_code}", "--path-as-is", server.url + path]
    answer = subprocess.run(curl, capture_output=True, text=True, check=True).stdout
    assert "root:" not in answer
    assert answer[-3:] in ("302", "401", "403", "404")


def test_archives_are_the_same_every_time(project):
    commit(project, "main", {"d/a": "a"})
    for ending in ("tar.gz", "zip", "tar.bz2"):
        one = project.repository_archive(format=ending)
        assert one == project.repository_archive(format=ending)


def test_compare_diff_pick_and_revert(project):
    commit(project, "main", {"f": "one\ntwo\n"})
    data = {"branch": "topic", "commit_message": "change", "start_branch": "main",
            "actions": [{"action": "update", "file_path": "f", "content": "one\n2\n"}]}  # fmt: skip
    changed = project.commits.create(data)
    found = project.repository_compare("main", "topic")
    assert "-two\n+2" in found["diffs"][0]["diff"]
    picked = changed.cherry_pick(branch="main")
    assert project.files.get("f", ref="main").decode() == b"one\n2\n"
    project.commits.get(picked["id"]).revert(branch="main")
    assert project.files.get("f", ref="main").decode() == b"one\ntwo\n"
    with pytest.raises(gitlab.GitlabRevertError):
        project.commits.get(picked["id"]).revert(branch="main")


def test_tree_by_keyset(project):
    commit(project, "main", {f"f{n:02}": "x" for n in range(25)})
    every = project.repository_tree(pagination="keyset", per_page=10, get_all=True)
    assert len(every) == 26


PATHS = st.sampled_from(["a", "b", "d/a", "d/b", "d/e/c", "a/x", "Ünïcode", "sp ace"])
CONTENT = st.binary(max_size=30)
ACTION = st.fixed_dictionaries(
    {"action": st.sampled_from(["create", "update", "delete", "move", "chmod"]),
     "path": PATHS, "other": PATHS, "content": CONTENT, "executable": st.booleans()}
)  # fmt: skip


def _sent(one: dict) -> dict:
    action = {"action": one["action"], "file_path": one["path"]}
    if one["action"] in ("create", "update"):
        action["content"] = base64.b64encode(one["content"]).decode()
        action["encoding"] = "base64"
    if one["action"] == "move":
        action["previous_path"] = one["other"]
    if one["action"] == "chmod":
        action["execute_filemode"] = one["executable"]
    return action


class PlainGit:
    """A work tree in which the same things are done by hand."""

    def __init__(self, folder: Path, git) -> None:
        self.folder, self.git = folder, git
        folder.mkdir()
        git("init", "-q", "-b", "main", cwd=folder)

    def possible(self, one: dict) -> bool:
        target, other = self.folder / one["path"], self.folder / one["other"]
        blocked = any(p.is_file() for p in target.parents if p != self.folder)
        if one["action"] == "create":
            return not target.exists() and not blocked
        if one["action"] == "move":
            inside = other in target.parents
            return (
                other.is_file() and not target.exists() and (inside or not blocked) and not inside
            )
        return target.is_file()

    def do(self, one: dict) -> None:
        target, other = self.folder / one["path"], self.folder / one["other"]
        if one["action"] in ("create", "update"):
            mode = target.stat().st_mode if target.exists() else None
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(one["content"])
            if mode:
                target.chmod(mode)
        elif one["action"] == "delete":
            target.unlink()
            self._tidy(target)
        elif one["action"] == "move":
            target.parent.mkdir(parents=True, exist_ok=True)
            other.rename(target)
            self._tidy(other)
        else:
            target.chmod(0o755 if one["executable"] else 0o644)

    def _tidy(self, path: Path) -> None:
        parent = path.parent
        while parent != self.folder and not any(parent.iterdir()):
            parent.rmdir()
            parent = parent.parent

    def tree(self) -> str:
        self.git("add", "-A", cwd=self.folder)
        return self.git("write-tree", cwd=self.folder).strip()


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(commits=st.lists(st.lists(ACTION, min_size=1, max_size=5), min_size=1, max_size=5))
def test_any_commits_give_the_tree_that_plain_git_gives(server, gl, git, tmp_path_factory, commits):
    folder = tmp_path_factory.mktemp("plain")
    plain = PlainGit(folder / "work", git)
    project = gl.projects.create({"name": f"prop-{folder.name}-{id(commits)}"})
    for actions in commits:
        done = []
        for one in actions:
            if plain.possible(one):
                plain.do(one)
                done.append(_sent(one))
        if done:
            data = {"branch": "main", "commit_message": "m", "actions": done}
            project.commits.create(data)
    if not project.branches.list():
        return
    git("clone", "-q", "--bare", clone_url(server, project), str(folder / "bare"))
    got = git("rev-parse", "main^{tree}", cwd=folder / "bare").strip()
    assert got == plain.tree()
    git("fsck", "--strict", cwd=folder / "bare")
