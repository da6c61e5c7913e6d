"""Whatever is done by commits through the API and by pushes, in any order, the tree is the one that
plain git makes of it."""

import base64
import itertools
import os
import subprocess
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.localforge.conftest import clone_url

PATHS = ["a", "a.b", "a/b", "a/b/c", "a-b", "d/x", "d/y/z", "ü b", ".hidden", "run.sh"]
CONTENTS = [b"", b"one\n", b"two\r\nlines\r\n", bytes(range(256)), "grün".encode()]
Tree = dict[str, tuple[bytes, str]]
_numbers = itertools.count()

change = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(PATHS), st.sampled_from(CONTENTS)),
    st.tuples(st.just("delete"), st.sampled_from(PATHS), st.none()),
    st.tuples(st.just("move"), st.sampled_from(PATHS), st.sampled_from(PATHS)),
    st.tuples(st.just("chmod"), st.sampled_from(PATHS), st.booleans()),
)
step = st.tuples(st.sampled_from(["api", "push"]), st.lists(change, min_size=1, max_size=4))


class Author:
    """Somebody who keeps a tree in mind, and says each change as an action of the API."""

    def __init__(self) -> None:
        self.tree: Tree = {"README.md": (b"start\n", "file")}
        self.actions: list[dict[str, object]] = []

    def do(self, kind: str, path: str, value: object) -> None:
        if kind == "put":
            self._put(path, value)
        elif kind == "delete" and path in self.tree:
            self._remove(path)
        elif kind == "move" and path in self.tree and self._free(value, but=path):
            self.tree[value] = self.tree.pop(path)
            self.actions.append({"action": "move", "file_path": value, "previous_path": path})
        elif kind == "chmod" and path in self.tree:
            self.tree[path] = (self.tree[path][0], "program" if value else "file")
            self.actions.append(
                {"action": "chmod", "file_path": path, "execute_filemode": bool(value)}
            )

    def _free(self, path: str, but: str) -> bool:
        left = self.tree.keys() - {but}
        return path != but and not any(_clash(path, other) for other in left)

    def _remove(self, path: str) -> None:
        del self.tree[path]
        self.actions.append({"action": "delete", "file_path": path})

    def _put(self, path: str, content: bytes) -> None:
        for other in [o for o in self.tree if o != path and _clash(path, o)]:
            self._remove(other)
        known = self.tree.get(path)
        self.tree[path] = (content, known[1] if known else "file")
        self.actions.append(
            {
                "action": "update" if known else "create", "file_path": path, "encoding": "base64",
                "content": base64.b64encode(content).decode(),
            }
        )  # fmt: skip


def _clash(one: str, other: str) -> bool:
    return one == other or one.startswith(other + "/") or other.startswith(one + "/")


def git(folder: Path, *arguments: str) -> str:
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com",
        "GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "ann@example.com",
    }  # fmt: skip
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def write_tree(folder: Path, tree: Tree) -> None:
    """Makes a work tree hold exactly this, and stages it."""
    git(folder, "rm", "-rqf", "--ignore-unmatch", ".")
    for path, (content, kind) in tree.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(0o755 if kind == "program" else 0o644)
    git(folder, "add", "-A")


def push(clone: Path, tree: Tree) -> None:
    git(clone, "fetch", "-q", "origin", "main")
    git(clone, "reset", "-q", "--hard", "FETCH_HEAD")
    write_tree(clone, tree)
    git(clone, "commit", "-q", "--allow-empty", "-m", "pushed")
    git(clone, "push", "-q", "origin", "HEAD:main")


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@example(steps=[("api", [("put", "a", b"")]), ("api", [("move", "a", "a/b"), ("put", "a", b"")])])
@given(steps=st.lists(step, min_size=2, max_size=7))
def test_commits_and_pushes_give_the_tree_that_git_gives(server, gl, steps):
    project = gl.projects.create({"name": f"same-{os.getpid()}-{next(_numbers)}"})
    author = Author()
    with tempfile.TemporaryDirectory() as scratch:
        plain, clone = Path(scratch, "plain"), Path(scratch, "clone")
        plain.mkdir()
        git(plain, "init", "-q", "-b", "main")
        first = {"branch": "main", "commit_message": "start"}
        sent = [{"action": "create", "file_path": "README.md", "content": "start\n"}]
        project.commits.create({**first, "actions": sent})
        git(Path(scratch), "clone", "-q", clone_url(server, project), "clone")
        for door, changes in steps:
            author.actions = []
            for one in changes:
                author.do(*one)
            if door == "push":
                push(clone, author.tree)
            elif author.actions:
                project.commits.create(
                    {"branch": "main", "commit_message": "made", "actions": author.actions}
                )
            write_tree(plain, author.tree)
            git(clone, "fetch", "-q", "origin", "main")
            assert git(clone, "rev-parse", "FETCH_HEAD^{tree}") == git(plain, "write-tree")
    repository = next(server.data.glob(f"repositories/*/{project.id}.git"))
    assert git(repository, "fsck", "--strict", "--no-dangling") == ""
