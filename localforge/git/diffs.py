"""Differences between two commits, in GitLab's shape: one record a file, its hunks as text."""

import re
from dataclasses import dataclass

import pygit2
from pygit2.enums import DeltaStatus, DiffFind

from localforge.git.repository import Repo

_MAXIMUM_FILE_DIFF = 200 * 1024
_HUNKS = re.compile(rb"^@@ ", re.MULTILINE)


@dataclass(frozen=True)
class FileDiff:
    """One file's change."""

    old_path: str
    new_path: str
    old_mode: int
    new_mode: int
    status: DeltaStatus
    binary: bool
    diff: str
    too_large: bool

    @property
    def added(self) -> bool:
        """Whether the file is new."""
        return self.status == DeltaStatus.ADDED

    @property
    def deleted(self) -> bool:
        """Whether the file is gone."""
        return self.status == DeltaStatus.DELETED

    @property
    def renamed(self) -> bool:
        """Whether the file came from another path."""
        return self.status == DeltaStatus.RENAMED


def raw_diff(repo: Repo, old: str | None, new: str) -> pygit2.Diff:
    """The difference from one commit (or nothing) to another, renames found."""
    diff = _plain_diff(repo, old, new)
    diff.find_similar(flags=DiffFind.FIND_RENAMES, rename_limit=400)
    return diff


def _plain_diff(repo: Repo, old: str | None, new: str) -> pygit2.Diff:
    new_tree = repo.commit(new).tree
    if old is None:
        return new_tree.diff_to_tree(swap=True)
    return repo.commit(old).tree.diff_to_tree(new_tree)


def file_diffs(repo: Repo, old: str | None, new: str) -> list[FileDiff]:
    """The changed files between two commits."""
    return [_file_diff(patch) for patch in raw_diff(repo, old, new) if patch is not None]


def _file_diff(patch: pygit2.Patch) -> FileDiff:
    delta = patch.delta
    data = b"" if delta.is_binary else patch.data
    too_large = len(data) > _MAXIMUM_FILE_DIFF
    return FileDiff(
        old_path=delta.old_file.path or delta.new_file.path,
        new_path=delta.new_file.path or delta.old_file.path,
        old_mode=int(delta.old_file.mode),
        new_mode=int(delta.new_file.mode),
        status=delta.status,
        binary=bool(delta.is_binary),
        diff="" if too_large else _hunks(data),
        too_large=too_large,
    )


def _hunks(data: bytes) -> str:
    start = _HUNKS.search(data)
    return data[start.start() :].decode("utf-8", "replace") if start else ""


def changed_paths(repo: Repo, commit: pygit2.Commit) -> dict[str, list[str]]:
    """Paths that a commit added, modified and removed against its first parent."""
    parent = commit.parents[0].tree if commit.parents else None
    diff = (
        parent.diff_to_tree(commit.tree)
        if parent is not None
        else commit.tree.diff_to_tree(swap=True)
    )
    result: dict[str, list[str]] = {"added": [], "modified": [], "removed": []}
    names = {DeltaStatus.ADDED: "added", DeltaStatus.DELETED: "removed"}
    for delta in diff.deltas:
        result[names.get(delta.status, "modified")].append(delta.new_file.path)
    return result


def stats(repo: Repo, commit: pygit2.Commit) -> dict[str, int]:
    """Lines added and removed by a commit."""
    parent = str(commit.parent_ids[0]) if commit.parent_ids else None
    found = _plain_diff(repo, parent, str(commit.id)).stats
    return {
        "additions": found.insertions,
        "deletions": found.deletions,
        "total": found.insertions + found.deletions,
    }
