"""Differences between two trees: the changed paths, their text for people, and a shape that is the
same for alike diffs, so that a person reviews twelve shapes and not eight hundred repositories."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from scaffolder.weave.render import is_binary
from scaffolder.weave.tree import SYMLINK, File, Tree

Changes = Mapping[str, tuple[File | None, File | None]]


@dataclass(frozen=True, slots=True)
class Line:
    """`kind` is added, removed, place (which lines these are) or same."""

    kind: str
    text: str


def changed(ours: Tree, merged: Tree) -> dict[str, tuple[File | None, File | None]]:
    """Path to the file before and after, for every path that is not the same."""
    paths = sorted(ours.keys() | merged.keys())
    return {p: (ours.get(p), merged.get(p)) for p in paths if ours.get(p) != merged.get(p)}


def lines(before: File | None, after: File | None, *, context: int = 3) -> list[Line]:
    """A unified diff, or one line that says what cannot be shown line by line."""
    if any(file and is_binary(file.content) for file in (before, after)):
        return [Line("place", "A binary file, not shown")]
    found: list[Line] = []
    if before and after and before.mode != after.mode:
        found.append(Line("place", f"mode {before.mode} → {after.mode}"))
    old, new = _text(before), _text(after)
    for text in list(difflib.unified_diff(old, new, lineterm="", n=context))[2:]:
        kind = {"+": "added", "-": "removed", "@": "place"}.get(text[:1], "same")
        found.append(Line(kind, text))
    return found


def _text(file: File | None) -> list[str]:
    if file is None:
        return []
    text = file.content.decode(errors="replace")
    return [f"→ {text}"] if file.mode == SYMLINK else text.splitlines()


def summary(changes: Changes) -> dict[str, int]:
    """How many files and lines."""
    kinds = [line.kind for sides in changes.values() for line in lines(*sides, context=0)]
    return {
        "files": len(changes),
        "plus": kinds.count("added"),
        "minus": kinds.count("removed"),
    }


def shape(changes: Changes, conflicts: Iterable[str], names: Mapping[str, str]) -> str:
    """SHA-256 over paths and changed lines, with each repository's own answers left out."""
    total = hashlib.sha256()
    hide = _hiding(names)
    for path, sides in sorted(changes.items()):
        total.update(hide(path).encode(errors="replace") + b"\0")
        for line in lines(*sides, context=0):
            if line.kind != "place":
                total.update(hide(line.text).encode(errors="replace") + b"\n")
        total.update(b"".join((file.mode if file else "-").encode() for file in sides))
    for conflict in sorted(map(hide, conflicts)):
        total.update(conflict.encode(errors="replace") + b"\0")
    return total.hexdigest()


def _hiding(names: Mapping[str, str]) -> Callable[[str], str]:
    """A function that puts the name of an answer in the place of its value."""
    values = {value: name for name, value in names.items() if len(value) > 2}
    if not values:
        return str
    pattern = re.compile("|".join(map(re.escape, sorted(values, key=len, reverse=True))))
    return lambda text: pattern.sub(lambda found: f"<{values[found[0]]}>", text)
