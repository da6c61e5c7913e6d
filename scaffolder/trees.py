"""A tree as rows of a table: folders before files, each with its depth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scaffolder.weave.tree import EXECUTABLE, Tree


@dataclass(frozen=True, slots=True)
class Row:
    """A folder or a file; `layers` are the blocks that made it, in order."""

    path: str
    name: str
    depth: int
    is_folder: bool
    size: int = 0
    executable: bool = False
    layers: tuple[str, ...] = ()


def folder_rows(tree: Tree, layers: Mapping[str, Sequence[str]]) -> list[Row]:
    """Depth first, names in order, folders before files."""
    rows: list[Row] = []
    _add(rows, tree, layers, "", 0)
    return rows


def _add(
    rows: list[Row], tree: Tree, layers: Mapping[str, Sequence[str]], prefix: str, depth: int
) -> None:
    inside = [path.removeprefix(prefix) for path in tree if path.startswith(prefix)]
    for folder in sorted({path.partition("/")[0] for path in inside if "/" in path}):
        rows.append(Row(prefix + folder, folder, depth, is_folder=True))
        _add(rows, tree, layers, f"{prefix}{folder}/", depth + 1)
    for name in sorted(path for path in inside if "/" not in path):
        file = tree[prefix + name]
        rows.append(
            Row(
                prefix + name, name, depth, is_folder=False, size=len(file.content),
                executable=file.mode == EXECUTABLE, layers=tuple(layers.get(prefix + name, ())),
            )
        )  # fmt: skip
