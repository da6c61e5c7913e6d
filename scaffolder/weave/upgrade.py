"""The lossless upgrade: one three-way merge of trees. `base` is what was rendered then, `theirs`
the composition of the new releases, `ours` the repository now. No result ever holds a conflict
marker: where both sides changed the same lines the team's version stays and the path is reported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from .memory import merge_texts
from .render import is_binary
from .tree import SYMLINK, File, Tree, folded, parents

_ALIKE = 0.5


class Kind(StrEnum):
    """Why a path is in the report. All but RENAMED want a person's attention."""

    CONFLICT = "conflict"  # both changed it; the team's version stays
    DELETED = "deleted"  # the team deleted it, the template changed it; it stays deleted
    DROPPED = "dropped"  # the template dropped it, the team changed it; it stays
    BLOCKED = "blocked"  # the template's new file has no room beside the team's
    RENAMED = "renamed"  # moved by one side, and the other's changes moved along


@dataclass(frozen=True, slots=True)
class Finding:
    """One reported path with its three sides; `path` is where it is in the result, or would be."""

    path: str
    kind: Kind
    base: File | None
    ours: File | None
    theirs: File | None
    old_path: str = ""

    def __str__(self) -> str:
        return _SENTENCES[self.kind].format(path=self.path, old=self.old_path)


_SENTENCES = {
    Kind.CONFLICT: "{path} was changed here and in the template: this version was kept.",
    Kind.DELETED: "{path} was deleted here and changed in the template: it stays deleted.",
    Kind.DROPPED: "{path} was changed here and dropped from the template: it was kept.",
    Kind.BLOCKED: "{path} is new in the template, but a file of this repository is in its way.",
    Kind.RENAMED: "{old} is now {path}; the changes of both sides are in it.",
}


@dataclass(frozen=True, slots=True)
class Upgrade:
    """The merged tree and everything that a person should know about it."""

    tree: Mapping[str, File]
    findings: tuple[Finding, ...]

    @property
    def clean(self) -> bool:
        return all(finding.kind is Kind.RENAMED for finding in self.findings)


def upgrade(
    base: Tree, ours: Tree, theirs: Tree, *, renames: Mapping[str, str] | None = None
) -> Upgrade:
    """Merge. `renames` are those that the releases declare, old path to new; others are found by
    likeness."""
    merge = _Merge(base, ours, theirs, renames or {})
    return merge.result()


class _Merge:
    def __init__(self, base: Tree, ours: Tree, theirs: Tree, renames: Mapping[str, str]) -> None:
        self.base, self.ours, self.theirs = base, ours, theirs
        self.tree: dict[str, File] = {}
        self.findings: list[Finding] = []
        self.moved_by_template = self._template_moves(renames)
        self.moved_by_team = self._team_moves()

    def _template_moves(self, declared: Mapping[str, str]) -> dict[str, str]:
        """Files that the team edited and that the template has elsewhere now."""
        gone = [
            path
            for path, file in self.ours.items()
            if path in self.base and path not in self.theirs and self.base[path] != file
        ]
        free = [path for path in self.theirs if path not in self.base and path not in self.ours]
        given = {old: new for old, new in declared.items() if old in gone and new in free}
        rest = [path for path in gone if path not in given]
        targets = [path for path in free if path not in given.values()]
        return given | _moves(self.base, rest, self.theirs, targets)

    def _team_moves(self) -> dict[str, str]:
        """Files that the template changed and that the team has elsewhere now."""
        gone = [
            path
            for path, file in self.theirs.items()
            if path in self.base and path not in self.ours and self.base[path] != file
        ]
        free = [path for path in self.ours if path not in self.base and path not in self.theirs]
        return _moves(self.base, gone, self.ours, free)

    def result(self) -> Upgrade:
        template_new = {new: old for old, new in self.moved_by_template.items()}
        team_new = {new: old for old, new in self.moved_by_team.items()}
        for path in _ordered(self.base, self.ours, self.theirs):
            if path in self.moved_by_template or path in self.moved_by_team:
                continue
            if path in template_new:
                self._moved(template_new[path], template_new[path], path, path)
            elif path in team_new:
                self._moved(team_new[path], path, team_new[path], path)
            else:
                self._merge(path, self.base.get(path), self.ours.get(path), self.theirs.get(path))
        self._make_room()
        return Upgrade(self.tree, tuple(sorted(self.findings, key=lambda item: item.path)))

    def _moved(self, old: str, ours_path: str, theirs_path: str, path: str) -> None:
        sides = self.base[old], self.ours[ours_path], self.theirs[theirs_path]
        self.findings.append(Finding(path, Kind.RENAMED, *sides, old_path=old))
        self._merge(path, *sides)

    def _merge(self, path: str, base: File | None, ours: File | None, theirs: File | None) -> None:
        merged, kind = merge_files(base, ours, theirs)
        if merged is not None:
            self.tree[path] = merged
        if kind:
            self.findings.append(Finding(path, kind, base, ours, theirs))

    def _make_room(self) -> None:
        """The team's files win over new ones of the template that cannot stand beside them."""
        new = [path for path in self.tree if path not in self.ours]
        kept = [path for path in self.tree if path in self.ours]
        taken = {folded(path): path for path in kept}
        folders = {folded(folder): folder for path in kept for folder in parents(path)}
        for path in new:
            above = [folded(folder) for folder in parents(path)]
            if folded(path) in taken or folded(path) in folders or any(f in taken for f in above):
                file = self.tree.pop(path)
                old = self.base.get(path)
                self.findings.append(Finding(path, Kind.BLOCKED, old, None, file))


def _ordered(*trees: Tree) -> Iterable[str]:
    return dict.fromkeys(path for tree in trees for path in tree)


def merge_files(
    base: File | None, ours: File | None, theirs: File | None
) -> tuple[File | None, Kind | None]:
    """The merge of one path and, if it is not clean, why."""
    if ours == theirs or base == theirs:
        return ours, None
    if base == ours:
        return theirs, None
    if ours is None:
        return None, Kind.DELETED
    if theirs is None:
        return ours, Kind.DROPPED
    content = _content(base, ours, theirs)
    mode = _mode(base, ours, theirs)
    if content is None or mode is None:
        return ours, Kind.CONFLICT
    return File(content, mode), None


def _mode(base: File | None, ours: File, theirs: File) -> str | None:
    if ours.mode == theirs.mode or (base and base.mode == theirs.mode):
        return ours.mode
    return theirs.mode if base and base.mode == ours.mode else None


def _content(base: File | None, ours: File, theirs: File) -> bytes | None:
    if ours.content == theirs.content:
        return ours.content
    if base is None:
        return None
    if base.content in (ours.content, theirs.content):
        return theirs.content if base.content == ours.content else ours.content
    files = (base, ours, theirs)
    if any(file.mode == SYMLINK or is_binary(file.content) for file in files):
        return None
    old, new = base.content, theirs.content
    if _only(ours.content, b"\r\n") and not _only(old, b"\r\n") and b"\r" not in old + new:
        old, new = old.replace(b"\n", b"\r\n"), new.replace(b"\n", b"\r\n")
    return merge_texts(old, ours.content, new)


def _only(content: bytes, newline: bytes) -> bool:
    return content.count(newline) == content.count(b"\n") > 0


def _moves(base: Tree, gone: list[str], other: Tree, free: list[str]) -> dict[str, str]:
    """Each vanished path with the new path that is most like it, each new path used once."""
    pairs = sorted(
        ((_likeness(base[old], other[new]), old, new) for old in gone for new in free),
        key=lambda pair: (-pair[0], pair[1], pair[2]),
    )
    moves: dict[str, str] = {}
    for likeness, old, new in pairs:
        if likeness >= _ALIKE and old not in moves and new not in moves.values():
            moves[old] = new
    return moves


def _likeness(one: File, other: File) -> float:
    """The share of lines in common; files of different kinds and empty ones are not alike."""
    if (one.mode == SYMLINK) != (other.mode == SYMLINK) or not one.content.strip():
        return 0.0
    if one.content == other.content:
        return 1.0
    left, right = Counter(one.content.splitlines()), Counter(other.content.splitlines())
    total = left.total() + right.total()
    return 2 * (left & right).total() / total if total else 0.0
