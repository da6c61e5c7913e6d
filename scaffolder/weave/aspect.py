"""An Aspect document to frozen values, or to a list of problems. `appliesTo` stays text here: CEL
has a room of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from .documents import Lines
from .problems import Problem, Reader
from .tree import UnsafePath, check_path

API_VERSION = "bespoke/v1alpha1"
ORGANISATION = "organisation"
LIST_STRATEGIES = frozenset({"append", "union", "replace", "prepend"})


@dataclass(frozen=True, slots=True)
class Requirement:
    """Another aspect that must be there, in a range of versions; an empty range means any."""

    aspect: str
    versions: str = ""

    def accepts(self, version: str) -> bool:
        try:
            return not self.versions or SpecifierSet(self.versions).contains(version, True)
        except InvalidVersion:
            return False


@dataclass(frozen=True, slots=True)
class FilesAdvice:
    """Everything in a folder of the aspect, laid over."""

    folder: str


@dataclass(frozen=True, slots=True)
class MergeAdvice:
    """A structured merge of a fragment into a YAML, JSON or TOML file; `lists` says by dotted
    path what happens to lists."""

    path: str
    source: str
    lists: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RegionAdvice:
    """A marked region inside a text file; `after` or `before` is text in the line to stand by."""

    path: str
    source: str
    after: str = ""
    before: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class EntityAdvice:
    """A fragment merged into the catalogue entity."""

    fragment: Mapping[str, Any]


Advice = FilesAdvice | MergeAdvice | RegionAdvice | EntityAdvice


@dataclass(frozen=True, slots=True)
class Aspect:
    """A reusable building block. `version` is empty when only a Git tag knows it."""

    name: str
    title: str
    description: str
    version: str
    owner: str
    scope: str
    applies_to: str
    requires: tuple[Requirement, ...]
    order: int
    parameters: tuple[Mapping[str, Any], ...]
    advices: tuple[Advice, ...]
    checks: tuple[str, ...]


def parse_aspect(
    document: object, lines: Lines | None = None
) -> tuple[Aspect | None, list[Problem]]:
    """The aspect (None when it has no name) and everything that is wrong with it."""
    reader = Reader(lines or {})
    if not isinstance(document, Mapping):
        return None, [Problem("", "An aspect is an object of names and values.")]
    for key, expected in (("apiVersion", API_VERSION), ("kind", "Aspect")):
        if document.get(key) != expected:
            reader.complain(key, f"This must be {expected}.")
    metadata = reader.mapping(document, "metadata", "")
    spec = reader.mapping(document, "spec", "")
    name = reader.text(metadata, "name", "metadata")
    if not name:
        reader.complain("metadata.name", "The aspect has no name.")
        return None, reader.problems
    return _aspect(reader, name, metadata, spec), reader.problems


def _aspect(
    reader: Reader, name: str, metadata: Mapping[str, Any], spec: Mapping[str, Any]
) -> Aspect:
    return Aspect(
        name=name,
        title=reader.text(metadata, "title", "metadata", name),
        description=reader.text(metadata, "description", "metadata"),
        version=_version(reader, metadata),
        owner=reader.text(spec, "owner", "spec"),
        scope=_scope(reader, spec),
        applies_to=reader.text(spec, "appliesTo", "spec", "true"),
        requires=_requirements(reader, spec),
        order=_order(reader, spec),
        parameters=tuple(page for _, page in reader.items(spec, "parameters", "spec")),
        advices=_advices(reader, spec),
        checks=reader.texts(spec, "checks", "spec"),
    )


def _version(reader: Reader, metadata: Mapping[str, Any]) -> str:
    annotations = reader.mapping(metadata, "annotations", "metadata")
    version = reader.text(annotations, "bespoke/version", "metadata.annotations")
    try:
        return str(Version(version)) if version else ""
    except InvalidVersion:
        path = "metadata.annotations.bespoke/version"
        reader.complain(path, f"`{version}` is not a version.", "Write it like 1.2.0.")
        return ""


def _scope(reader: Reader, spec: Mapping[str, Any]) -> str:
    scope = reader.text(spec, "scope", "spec", ORGANISATION)
    if scope != ORGANISATION and not scope.lower().startswith("group:"):
        hint = "Write `organisation` or a group such as group:default/payments."
        reader.complain("spec.scope", f"`{scope}` is not a scope.", hint)
    return scope


def _order(reader: Reader, spec: Mapping[str, Any]) -> int:
    order = spec.get("order", 50)
    if isinstance(order, int) and not isinstance(order, bool):
        return order
    reader.complain("spec.order", "This must be a whole number.")
    return 50


def _requirements(reader: Reader, spec: Mapping[str, Any]) -> tuple[Requirement, ...]:
    found = []
    for path, item in reader.items(spec, "requires", "spec"):
        name, versions = reader.text(item, "aspect", path), reader.text(item, "version", path)
        if not name:
            reader.complain(f"{path}.aspect", "This names no aspect.")
            continue
        try:
            SpecifierSet(versions)
        except InvalidSpecifier:
            hint = "Write it like `>=2` or `>=1.4,<3`."
            reader.complain(f"{path}.version", f"`{versions}` is not a range of versions.", hint)
            versions = ""
        found.append(Requirement(name, versions))
    return tuple(found)


def _advices(reader: Reader, spec: Mapping[str, Any]) -> tuple[Advice, ...]:
    advices = []
    for path, item in reader.items(spec, "weave", "spec"):
        kinds = [kind for kind in _ADVICES if kind in item]
        if len(kinds) != 1:
            hint = f"Each item has exactly one of {', '.join(_ADVICES)}."
            reader.complain(path, "This is not an advice.", hint)
            continue
        if advice := _ADVICES[kinds[0]](reader, item, path):
            advices.append(advice)
    return tuple(advices)


def _files(reader: Reader, item: Mapping[str, Any], path: str) -> Advice | None:
    folder = _own_path(reader, item, "files", path)
    return FilesAdvice(folder) if folder is not None else None


def _merge(reader: Reader, item: Mapping[str, Any], path: str) -> Advice | None:
    source = _own_path(reader, item, "with", path)
    target = reader.text(item, "merge", path)
    lists = {}
    for key, strategy in reader.mapping(item, "lists", path).items():
        if strategy in LIST_STRATEGIES:
            lists[str(key)] = str(strategy)
        else:
            hint = f"There are {', '.join(sorted(LIST_STRATEGIES))}."
            reader.complain(f"{path}.lists.{key}", f"`{strategy}` is no way to merge lists.", hint)
    return MergeAdvice(target, source, lists) if source and target else None


def _region(reader: Reader, item: Mapping[str, Any], path: str) -> Advice | None:
    source, target = _own_path(reader, item, "from", path), reader.text(item, "region", path)
    if not source or not target:
        return None
    after, before = reader.text(item, "after", path), reader.text(item, "before", path)
    return RegionAdvice(target, source, after, before, reader.text(item, "name", path))


def _entity(reader: Reader, item: Mapping[str, Any], path: str) -> Advice | None:
    fragment = reader.mapping(item, "entity", path)
    return EntityAdvice(fragment) if fragment else None


def _own_path(reader: Reader, item: Mapping[str, Any], key: str, path: str) -> str | None:
    """A path inside the aspect's folder; `./files` and `files/` are `files`, `.` is everything."""
    value = reader.text(item, key, path)
    if not value:
        reader.complain(f"{path}.{key}", "This names no file or folder of the aspect.")
        return None
    plain = value.removeprefix("./").rstrip("/")
    if plain in ("", "."):
        return ""
    try:
        return check_path(plain)
    except UnsafePath as error:
        reader.complain(f"{path}.{key}", str(error))
        return None


_ADVICES: dict[str, Callable[[Reader, Mapping[str, Any], str], Advice | None]] = {
    "files": _files,
    "merge": _merge,
    "region": _region,
    "entity": _entity,
}
