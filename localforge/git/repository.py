"""Bare repositories on disk, by project id, and the reading of refs, commits, trees and blobs."""

import contextlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pygit2
from pygit2.enums import SortMode

from localforge.git.command import run
from localforge.git.errors import GitError, Moved
from localforge.git.objects import Sink
from localforge.git.trees import FOLDER, TreeEditor, parse_tree

_CONFIG = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"
_HEX = re.compile(r"^[0-9a-f]{7,40}$")
_NULL = "0" * 40
_STARTED = time.time()

for _level in (
    pygit2.enums.ConfigLevel.SYSTEM,
    pygit2.enums.ConfigLevel.GLOBAL,
    pygit2.enums.ConfigLevel.XDG,
):
    pygit2.settings.search_path[_level] = ""
pygit2.option(pygit2.enums.Option.SET_OWNER_VALIDATION, False)


@dataclass(frozen=True)
class TreeItem:
    """One line of a folder listing."""

    oid: str
    name: str
    path: str
    mode: int

    @property
    def kind(self) -> str:
        """What Git calls it: tree, blob or commit (a submodule)."""
        return {FOLDER: "tree", 0o160000: "commit"}.get(self.mode, "blob")


class Repositories:
    """The folder of all repositories."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    def path(self, project_id: int) -> Path:
        """Where a project's repository is; a thousand to a folder."""
        return self.root / f"{project_id // 1000:03d}" / f"{project_id}.git"

    def create(self, project_id: int, branch: str) -> "Repo":
        """A fresh bare repository, as small as one can be: no sample hooks, no description."""
        path = self.path(project_id)
        if path.exists():  # left by a creation that was never acknowledged
            shutil.rmtree(path)
        (path / "objects" / "pack").mkdir(parents=True)
        (path / "refs" / "heads").mkdir(parents=True)
        (path / "HEAD").write_text(f"ref: refs/heads/{branch}\n")
        (path / "config").write_text(_CONFIG)
        return Repo(path)

    def open(self, project_id: int) -> "Repo":
        """A project's repository."""
        return Repo(self.path(project_id))

    def delete(self, project_id: int) -> None:
        """Removes a repository; out of sight at once, then file by file."""
        path = self.path(project_id)
        if path.exists():
            doomed = path.with_suffix(".deleted")
            os.replace(path, doomed)
            shutil.rmtree(doomed)

    def ids(self) -> Iterator[int]:
        """The ids of all repositories on disk."""
        for path in self.root.glob("*/*.git"):
            yield int(path.stem)

    def sweep(self, known: set[int]) -> None:
        """Removes what a killed process left: half deleted or never acknowledged repositories."""
        for path in self.root.glob("*/*.deleted"):
            shutil.rmtree(path)
        for project_id in set(self.ids()) - known:
            self.delete(project_id)


class Repo:
    """One repository."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def git(self) -> pygit2.Repository:
        """The repository as libgit2 sees it, opened on first use."""
        return pygit2.Repository(str(self.path), pygit2.enums.RepositoryOpenFlag.BARE)

    def sink(self) -> Sink:
        """A place for new objects."""
        return Sink(self.path)

    def editor(self, commit_sha: str | None) -> TreeEditor:
        """The tree of a commit, to be changed."""
        tree = str(self.commit(commit_sha).tree_id) if commit_sha else None
        return TreeEditor(self.git, tree)

    def ref(self, name: str) -> str | None:
        """What a full ref name points to."""
        try:
            target = self.git.lookup_reference(name).target
        except (KeyError, pygit2.InvalidSpecError):
            return None
        return str(target)

    def branch(self, name: str) -> str | None:
        """The tip of a branch, or None."""
        return self.ref(f"refs/heads/{name}")

    def refs(self, prefix: str) -> dict[str, str]:
        """Short names and targets of the refs under a prefix, sorted by name."""
        found = {}
        for ref in self.git.references.iterator():
            if ref.name.startswith(prefix) and isinstance(ref.target, pygit2.Oid):
                found[ref.name[len(prefix) :]] = str(ref.target)
        return dict(sorted(found.items()))

    def branches(self) -> dict[str, str]:
        """All branches and their tips."""
        return self.refs("refs/heads/")

    def resolve(self, name: str) -> str | None:
        """The commit that a branch, tag, full ref or (short) id names."""
        candidates = [f"refs/heads/{name}", f"refs/tags/{name}"]
        if name.startswith("refs/"):
            candidates.insert(0, name)
        if name == "HEAD":
            candidates.insert(0, str(self.git.lookup_reference("HEAD").target))
        for candidate in candidates:
            target = self.ref(candidate)
            if target:
                return self._peel(target)
        if _HEX.match(name):
            found = self.git.get(name) if len(name) == 40 else self._by_prefix(name)
            return self._peel(str(found.id)) if found else None
        return None

    def _by_prefix(self, name: str) -> pygit2.Object | None:
        try:
            return self.git.revparse_single(name)
        except (KeyError, ValueError):
            return None

    def _peel(self, oid: str) -> str | None:
        try:
            return str(self.git[oid].peel(pygit2.Commit).id)
        except (pygit2.InvalidSpecError, pygit2.GitError, KeyError):
            return None

    def commit(self, sha: str) -> pygit2.Commit:
        """A commit by its full id."""
        found = self.git.get(sha)
        if not isinstance(found, pygit2.Commit):
            raise GitError(f"{sha} is not a commit")
        return found

    def move_ref(self, name: str, old: str | None, new: str | None) -> None:
        """Creates, moves or deletes a ref, only if it still is what it was."""
        self._clear_stale_lock(name)
        try:
            if new is None:
                self._delete_ref(name, old)
            else:
                self._write_ref(name, old, new)
        except (pygit2.GitError, OSError) as error:
            if old is None and self._clashes(name):
                raise GitError(f"{name} clashes with another ref: Git cannot hold both") from error
            raise Moved(name) from error

    def _write_ref(self, name: str, old: str | None, new: str) -> None:
        """Git's own protocol for a loose ref, a lock file that becomes the ref; libgit2 does the
        same but looks through all refs first."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(path.name + ".lock")
        handle = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        try:
            with os.fdopen(handle, "w") as file:
                packed = old is None and (self.path / "packed-refs").exists()
                if self.ref(name) != old or (packed and self._clashes(name)):
                    raise FileExistsError(name)
                file.write(new + "\n")
            os.replace(lock, path)
        except BaseException:
            lock.unlink()
            raise

    def _delete_ref(self, name: str, old: str | None) -> None:
        with self.git.transaction() as transaction:
            transaction.lock_ref(name)
            if self.ref(name) != old:
                raise Moved(name)
            transaction.remove(name)

    def _clashes(self, name: str) -> bool:
        return any(
            other.startswith(name + "/") or name.startswith(other + "/") for other in self.refs("")
        )

    def _clear_stale_lock(self, name: str) -> None:
        lock = self.path / f"{name}.lock"
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if lock.stat().st_mtime < _STARTED:
                lock.unlink()

    def fetch(self, source: Path, sha: str) -> None:
        """Brings a commit over from another repository of this forge."""
        run(self.path, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", str(source), sha)

    def set_head(self, branch: str) -> None:
        """Makes a branch the one that a clone checks out."""
        self._clear_stale_lock("HEAD")
        self.git.set_head(f"refs/heads/{branch}")

    def entry(self, sha: str, path: str) -> TreeItem | None:
        """What is at a path in a commit; the empty path is the root folder."""
        tree = self.commit(sha).tree
        path = path.strip("/")
        if not path:
            return TreeItem(str(tree.id), "", "", FOLDER)
        try:
            found = tree[path]
        except (KeyError, ValueError):
            return None
        return TreeItem(str(found.id), path.rsplit("/", 1)[-1], path, int(found.filemode))

    def listing(self, tree_oid: str, path: str, *, recursive: bool = False) -> Iterator[TreeItem]:
        """The items of a folder, folders first as GitLab shows them."""
        prefix = f"{path}/" if path else ""
        items = [
            TreeItem(oid, _text(name), prefix + _text(name), mode)
            for name, mode, oid in parse_tree(self.git.read(tree_oid)[1])
        ]
        for item in sorted(items, key=lambda i: (i.kind != "tree", i.kind == "commit")):
            yield item
            if recursive and item.kind == "tree":
                yield from self.listing(item.oid, item.path, recursive=True)

    def blob(self, oid: str) -> bytes:
        """The content of a blob."""
        found = self.git.get(oid)
        if not isinstance(found, pygit2.Blob):
            raise GitError(f"{oid} is not a blob")
        return found.data

    def file(self, sha: str, path: str) -> bytes | None:
        """The content of a file in a commit, or None."""
        item = self.entry(sha, path)
        return self.blob(item.oid) if item and item.kind == "blob" else None

    def walk(self, sha: str, hide: list[str] | None = None) -> Iterator[pygit2.Commit]:
        """Commits from a tip backwards, newest first."""
        walker = self.git.walk(sha, SortMode.TOPOLOGICAL | SortMode.TIME)
        for other in hide or []:
            walker.hide(other)
        yield from walker

    def merge_base(self, one: str, two: str) -> str | None:
        """The best common ancestor, or None."""
        found = self.git.merge_base(one, two)
        return str(found) if found else None

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether `new` contains `old`."""
        return old == new or bool(self.git.descendant_of(new, old))

    def between(self, base: str | None, head: str) -> list[pygit2.Commit]:
        """The commits that head has and base has not, newest first."""
        return list(self.walk(head, [base] if base else None))


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")


def is_null(sha: str) -> bool:
    """Whether this is the id that stands for no commit."""
    return sha == _NULL
