"""Reads descriptor files of one commit: follows `Location` entities, globs and placeholders.

No database here: a repository and a commit in, readings by path out.
"""

from __future__ import annotations

import fnmatch
import hashlib
import posixpath
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from catalog import descriptor, kinds, refs, relations, rules, validators
from catalog.descriptor import Parsed, PlaceholderError, Problem, Reading, read
from catalog.forges import NotOurForge, file_url, parse_file_url
from forge import Forge, ForgeNotFound

DEFAULT_PATH = "catalog-info.yaml"
MAX_LOCATIONS = 10_000
PRIVILEGED_KINDS = frozenset({"group", "user", "template", "aspect", "scorecard"})


@dataclass
class Commit:
    """One commit of a project, read through the forge's API, each file at most once."""

    forge: Forge
    project: str
    sha: str
    _texts: dict[str, str | None] = field(default_factory=dict)
    _paths: list[str] | None = None

    def text(self, path: str) -> str | None:
        """The file's text, None when there is no such file."""
        if path not in self._texts:
            try:
                content = self.forge.read_file(self.project, path, self.sha)
                self._texts[path] = content.decode("utf-8", errors="replace")
            except ForgeNotFound:
                self._texts[path] = None
        return self._texts[path]

    def paths(self) -> list[str]:
        if self._paths is None:
            self._paths = sorted(self.forge.tree(self.project, self.sha))
        return self._paths


@dataclass(frozen=True, slots=True)
class File:
    """A descriptor file that was read; without a reading it does not exist, or is as it was."""

    path: str
    parent: str | None
    reading: Reading | None = None
    unchanged: bool = False
    text_digest: str = ""  # see `digest_of`


NOTHING_KNOWN: Mapping[str, str] = MappingProxyType({})
# What the same text is read as depends on these; their own text stands for their version.
RULES = hashlib.sha256()
for _module in (descriptor, kinds, refs, relations, rules, validators):
    RULES.update(Path(str(_module.__file__)).read_bytes())


def read_files(
    commit: Commit,
    roots: Iterable[str],
    *,
    trusted: bool,
    known: Mapping[str, str] = NOTHING_KNOWN,
    allow: Sequence[rules.Rule] = (),
    branch: str = "HEAD",
) -> list[File]:
    """Reads the roots and every file that `Location` entities in them name, parents first.

    `known`: `text_digest` by path of what was read before; the same text is not read again.
    `allow`: which kinds may stand where; `branch` is in the addresses that it is about.

    A repository that is not trusted defines no people, groups, blocks or scorecards: those would
    give roles, or files in everybody's new repository, to whoever can push there.
    """
    queue: deque[tuple[str, str | None]] = deque((path, None) for path in roots)
    seen: set[str] = set()
    files: list[File] = []
    while queue:
        path, parent = queue.popleft()
        if path in seen:
            continue
        seen.add(path)
        text = commit.text(path)
        if text is None:
            files.append(File(path, parent))
            continue
        address = file_url(commit.project, branch, path)
        digest = digest_of(text, trusted=trusted, allow=[*allow, address] if allow else ())
        if known.get(path) == digest:
            files.append(File(path, parent, unchanged=True))
            continue
        includes: list[str] = []
        reading = read(text, resolve=_resolver(commit, path, includes))
        if not trusted:
            reading = _without_privileged(reading, commit.project)
        reading = _without_forbidden(reading, allow, address)
        targets, problems = _targets(commit, path, reading)
        fresh = [target for target in dict.fromkeys(targets) if target not in seen]
        room = max(0, MAX_LOCATIONS - len(files) - len(queue) - 1)
        if len(fresh) > room:
            problems += (_too_many(len(fresh) - room),)
        queue.extend((target, path) for target in fresh[:room])
        reading = Reading(reading.entities, reading.problems + problems)
        alone = not (includes or reading.problems or _names_files(reading))
        files.append(File(path, parent, reading, text_digest=digest if alone else ""))
    return files


def digest_of(text: str, *, trusted: bool, allow: Sequence[object] = ()) -> str:
    """Equal for texts that say the same to the same rules."""
    digest = RULES.copy()
    about = repr(allow) if allow else ""
    digest.update(b"%d%s\0%s" % (trusted, about.encode(), text.encode()))
    return digest.hexdigest()


def _names_files(reading: Reading) -> bool:
    return any(parsed.ref.kind == "location" for parsed in reading.entities)


def _too_many(count: int) -> Problem:
    message = f"{count} of the files that this names are not read: a repository may have "
    hint = "Put several entities in one file, with --- between them."
    return Problem(f"{message}{MAX_LOCATIONS:,} descriptor files at most", 1, 1, hint)


def _without_privileged(reading: Reading, project: str) -> Reading:
    refused = [parsed for parsed in reading.entities if parsed.ref.kind in PRIVILEGED_KINDS]
    hint = f"A platform engineer can add {project} to TRUSTED_REPOSITORIES."
    return _without(reading, refused, hint)


def _without_forbidden(reading: Reading, allow: Sequence[rules.Rule], address: str) -> Reading:
    refused = [p for p in reading.entities if not rules.allowed(allow, p.entity, address)]
    return _without(reading, refused, "No rule of CATALOG_RULES allows this kind in this file.")


def _without(reading: Reading, refused: Sequence[Parsed], hint: str) -> Reading:
    problems = tuple(
        Problem(f"{p.ref} is not of an allowed kind for that location", p.line, 1, hint, str(p.ref))
        for p in refused
    )
    allowed = tuple(parsed for parsed in reading.entities if parsed not in refused)
    return Reading(allowed, reading.problems + problems)


def is_trusted(project: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(project, pattern) for pattern in patterns)


def _relative(commit: Commit, path: str, target: str) -> str:
    """The path in the repository that a target means. Raises PlaceholderError, NotOurForge."""
    if "://" in target:
        project, _ref, file = parse_file_url(target)
        if project != commit.project:
            raise PlaceholderError(
                f"“{target}” is in another repository: only the same may be named"
            )
        return file
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    if joined.startswith(("../", "/")):
        raise PlaceholderError(f"“{target}” leads out of the repository")
    return joined


def _resolver(commit: Commit, path: str, includes: list[str]) -> Callable[[str, str], str]:
    """Reads what placeholders name; notes each in `includes`."""

    def resolve(placeholder: str, target: str) -> str:
        includes.append(target)
        try:
            text = commit.text(_relative(commit, path, target))
        except ValueError as error:
            raise PlaceholderError(f"Placeholder {placeholder}: {error}") from None
        if text is None:
            raise PlaceholderError(
                f"Placeholder {placeholder} could not read location “{target}”: no such file"
            )
        return text

    return resolve


def _targets(commit: Commit, path: str, reading: Reading) -> tuple[list[str], tuple[Problem, ...]]:
    """The files that the `Location` entities of a reading name; globs are matched."""
    found: list[str] = []
    problems: list[Problem] = []
    for parsed in reading.entities:
        if parsed.ref.kind != "location":
            continue
        spec = parsed.entity.get("spec") or {}
        names = [*spec.get("targets", []), *([spec["target"]] if "target" in spec else [])]
        for name in names:
            try:
                matched = _match(commit, _relative(commit, path, name))
            except (NotOurForge, ValueError) as error:
                problems.append(Problem(str(error), parsed.line, entity_ref=str(parsed.ref)))
                continue
            if not matched and spec.get("presence") != "optional":
                problems.append(
                    Problem(f"no matching files found for “{name}”", parsed.line,
                            hint="Make the file, take the target out, or set presence: optional.",
                            entity_ref=str(parsed.ref))
                )  # fmt: skip
            found.extend(matched)
    return found, tuple(problems)


def _match(commit: Commit, pattern: str) -> list[str]:
    if not any(char in pattern for char in "*?["):
        return [pattern] if commit.text(pattern) is not None else []
    parts = pattern.split("/")
    return sorted(path for path in commit.paths() if _glob(path.split("/"), parts))


def _glob(path: list[str], pattern: list[str]) -> bool:
    """`*` stays within a folder, `**` crosses any number of them."""
    if not pattern:
        return not path
    if pattern[0] == "**":
        return any(_glob(path[skip:], pattern[1:]) for skip in range(len(path) + 1))
    return bool(path) and fnmatch.fnmatchcase(path[0], pattern[0]) and _glob(path[1:], pattern[1:])
