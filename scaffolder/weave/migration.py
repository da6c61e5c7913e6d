"""What a release says of its past: files and answers that have another name since a version.
Written in the block's `spec.migrations`, which Backstage ignores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from packaging.version import InvalidVersion, Version

from .problems import Problem, Reader
from .tree import UnsafePath, check_path


@dataclass(frozen=True, slots=True)
class Migration:
    """Old name to new name, of files (as they are in the repository) and of answers."""

    files: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)

    def then(self, later: Migration) -> Migration:
        """Both, one after the other: a to b and b to c are a to c."""
        return Migration(
            _chained(self.files, later.files), _chained(self.answers, later.answers)
        )  # fmt: skip

    def renamed(self, answers: Mapping[str, Any]) -> dict[str, Any]:
        """The answers by their new names. One that is there already under the new name stays."""
        moved = {self.answers[n]: value for n, value in answers.items() if n in self.answers}
        return moved | {n: value for n, value in answers.items() if n not in self.answers}


def _chained(first: Mapping[str, str], later: Mapping[str, str]) -> dict[str, str]:
    result = {old: later.get(new, new) for old, new in first.items()}
    return {old: new for old, new in later.items() if old not in first.values()} | result


def migration(spec: Mapping[str, Any], old: str, new: str) -> Migration:
    """Everything that was renamed after the old version, up to the new one. Nothing where a version
    cannot be compared, or on the way back."""
    try:
        start, end = Version(old), Version(new)
    except InvalidVersion:
        return Migration()
    steps = sorted(_steps(spec, Reader({})), key=lambda step: step[0])
    result = Migration()
    for version, step in steps:
        if start < version <= end:
            result = result.then(step)
    return result


def migration_problems(spec: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with `spec.migrations`."""
    reader = Reader({})
    list(_steps(spec, reader))
    return reader.problems


def _steps(spec: Mapping[str, Any], reader: Reader) -> Iterator[tuple[Version, Migration]]:
    for path, item in reader.items(spec, "migrations", "spec"):
        text = reader.text(item, "version", path)
        try:
            version = Version(text)
        except InvalidVersion:
            hint = "Write it like 2.0.0."
            reader.complain(f"{path}.version", f"`{text}` is not a version.", hint)
            continue
        files = _names(reader, item, "files", path)
        for name in [*files, *files.values()]:
            try:
                check_path(name)
            except UnsafePath as error:
                reader.complain(f"{path}.files", str(error))
        yield version, Migration(files, _names(reader, item, "answers", path))


def _names(reader: Reader, item: Mapping[str, Any], key: str, path: str) -> dict[str, str]:
    found = {}
    for old, new in reader.mapping(item, key, path).items():
        if isinstance(new, str) and new:
            found[str(old)] = new
        else:
            reader.complain(f"{path}.{key}.{old}", "This must be the new name.")
    return found
