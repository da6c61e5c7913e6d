"""Descriptor files: YAML text to entities and problems, never an exception on people's data.

The scalar rules are YAML 1.2's core schema, which Backstage's parser uses: `yes` and `2024-01-01`
are strings, merge keys are off, and a key that stands twice is an error.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

from catalog import bundling, refs, relations, validators

MAX_BYTES = 5_000_000
MAX_NODES = 200_000
VISIBILITY = "bespoke/visibility"
BUNDLED = ("$openapi", "$asyncapi")
PLACEHOLDERS = ("$text", "$json", "$yaml", *BUNDLED)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a file, and where; line and column count from 1, 0 where unknown."""

    message: str
    line: int = 0
    column: int = 0
    hint: str = ""
    entity_ref: str = ""
    private: bool = False


@dataclass(frozen=True)
class Parsed:
    """One valid entity, the line on which its document starts, and the document's text."""

    entity: dict[str, Any]
    line: int
    text: str

    @cached_property
    def ref(self) -> refs.EntityRef:
        return refs.of_entity(self.entity)

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(self.entity, sort_keys=True).encode()).hexdigest()

    @cached_property
    def declared(self) -> tuple[list[relations.Relation], list[tuple[str, str]]]:
        """See `relations_of`."""
        return relations.relations_of(self.entity)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one file says."""

    entities: tuple[Parsed, ...]
    problems: tuple[Problem, ...]


class PlaceholderError(ValueError):
    """A `$text`, `$json` or `$yaml` that cannot be read; str() says which and why, `path` where."""

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.path = path


class _Loader(yaml.CSafeLoader):
    """YAML 1.2 core scalars; duplicate keys are errors with their place."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}

    def plain(self, node: yaml.Node) -> Any:
        """The node as plain data; what the quick way does not know is left to PyYAML."""
        if node.tag == "tag:yaml.org,2002:str":
            return node.value
        if node.tag == "tag:yaml.org,2002:map" and isinstance(node, yaml.MappingNode):
            return self._plain_mapping(node)
        if node.tag == "tag:yaml.org,2002:seq" and isinstance(node, yaml.SequenceNode):
            return [self.plain(item) for item in node.value]
        return self.construct_object(node, deep=True)

    def _plain_mapping(self, node: yaml.MappingNode) -> dict[Any, Any]:
        """Merge keys are off, and a key may stand once."""
        found: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self.plain(key_node)
            if isinstance(key, (dict, list)):
                raise yaml.MarkedYAMLError(
                    None, None, "a key must be plain text", key_node.start_mark
                )
            if key in found:
                raise yaml.MarkedYAMLError(
                    None, None, f"the key “{key}” stands twice", key_node.start_mark
                )
            found[key] = self.plain(value_node)
        return found


_CORE = (
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", "~nN\0"),
    ("tag:yaml.org,2002:int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
)
for _tag, _pattern, _first in _CORE:
    _regexp = re.compile(f"^(?:{_pattern})$")
    for _char in _first.replace("\0", ""):
        _Loader.yaml_implicit_resolvers.setdefault(_char, []).append((_tag, _regexp))
    if "\0" in _first:
        _Loader.yaml_implicit_resolvers.setdefault("", []).append((_tag, _regexp))


def _construct_int(loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> int:
    text = str(node.value)
    if len(text) > 300:
        raise ValueError("a number of more than 300 digits")
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    return int(text[2:] if base != 10 else text, base)


_Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)


def read(text: str, *, resolve: Callable[[str, str], str] | None = None) -> Reading:
    """Reads a descriptor file of any number of documents; empty documents are skipped.

    `resolve(placeholder, target)` returns the text that a `$text`-like placeholder names, and may
    raise PlaceholderError; without it, placeholders stay as they are.
    """
    if len(text) > MAX_BYTES:
        return Reading((), (Problem(f"The file is larger than {MAX_BYTES:,} bytes"),))
    entities: list[Parsed] = []
    problems: list[Problem] = []
    lines = text.splitlines(keepends=True)
    may_be_large = "*" in text or len(text) > MAX_NODES
    try:
        for node in yaml.compose_all(text, Loader=_Loader):
            if node is not None and may_be_large and _size(node, {}) > MAX_NODES:
                problems.append(Problem("The document is too large once its aliases are followed",
                                        node.start_mark.line + 1))  # fmt: skip
            elif node is not None:
                _read_document(lines, node, resolve, entities, problems)
    except yaml.YAMLError as error:
        problems.append(_syntax_problem(error))
    except RecursionError:
        problems.append(Problem("The YAML is nested too deeply"))
    return Reading(tuple(entities), tuple(problems))


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values the node stands for, aliases followed; one that holds itself is endless."""
    if id(node) not in known:
        known[id(node)] = MAX_NODES + 1  # until it is known: what refers to itself has no end
        inside: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            inside = [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            inside = node.value
        known[id(node)] = 1 + sum(_size(part, known) for part in inside)
    return known[id(node)]


def _read_document(
    source: list[str],
    node: yaml.Node,
    resolve: Callable[[str, str], str] | None,
    entities: list[Parsed],
    problems: list[Problem],
) -> None:
    line = node.start_mark.line + 1
    loader = _Loader("")
    try:
        entity = loader.plain(node)
    except (ValueError, TypeError) as error:  # such as !!int of a text
        problems.append(Problem(f"The document cannot be read: {error}", line))
        return
    finally:
        loader.dispose()
    if entity is None:
        return
    if odd := _not_json(entity):
        problems.append(Problem(f"A value is no plain data: {odd}", line))
        return
    if not isinstance(entity, dict):
        problems.append(Problem("A document must be a mapping with apiVersion and kind", line, 1))
        return
    label, findings = _label(entity), []
    try:
        if resolve:
            entity = resolve_placeholders(entity, resolve)
        findings = list(
            validators.entity_findings(entity if resolve else _without_placeholders(entity))
        )
    except PlaceholderError as error:
        findings = [(error.path, str(error))]
    private = _is_private(entity)
    problems.extend(_problem(node, path, message, label, private) for path, message in findings)
    if not findings:
        lines = source[node.start_mark.line : node.end_mark.line + 1]
        entities.append(Parsed(entity, line, _without_end("".join(lines))))


def _not_json(value: Any) -> str:
    """The first thing inside that JSON (or a database) cannot hold, in words; else empty."""
    if isinstance(value, dict):
        odd = next((f"the key {key!r} is no text" for key in value if not isinstance(key, str)), "")
        return odd or next(filter(None, map(_not_json, [*value, *value.values()])), "")
    if isinstance(value, list):
        return next(filter(None, map(_not_json, value)), "")
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} is no number that JSON has"
    if isinstance(value, str) and "\0" in value:
        return "a text holds a NUL character"
    return "" if isinstance(value, (str, int, float, type(None))) else f"{type(value).__name__}"


def _without_end(text: str) -> str:
    """A document's text without the line that begins the next one."""
    return text.removesuffix("---\n").removesuffix("---")


def _without_placeholders(value: Any) -> Any:
    """The entity as validators see it: a placeholder stands for some text."""
    if isinstance(value, dict):
        if _placeholder(value):
            return "placeholder"
        return {key: _without_placeholders(item) for key, item in value.items()}
    return value


def _placeholder(value: Mapping[Any, Any]) -> tuple[str, Any] | None:
    if len(value) != 1:
        return None
    key, target = next(iter(value.items()))
    return (key, target) if key in PLACEHOLDERS else None


def resolve_placeholders(
    value: Any, resolve: Callable[[str, str], str], path: tuple[str | int, ...] = ()
) -> Any:
    """Replaces every `{$text: file}` and the like, at any depth, by what the file says."""
    if isinstance(value, list):
        return [resolve_placeholders(v, resolve, (*path, i)) for i, v in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if not (found := _placeholder(value)):
        return {k: resolve_placeholders(v, resolve, (*path, k)) for k, v in value.items()}
    name, target = found
    try:
        return _included(name, target, resolve)
    except (ValueError, RecursionError) as error:
        raise PlaceholderError(str(error) or "nested too deeply", (*path, name)) from None


def _included(name: str, target: Any, resolve: Callable[[str, str], str]) -> Any:
    """What a placeholder stands for. Raises ValueError."""
    if not isinstance(target, str):
        raise ValueError(
            f"Placeholder {name} expects an absolute URL or a relative path, not {target!r}"
        )
    if name == "$text":
        return resolve(name, target)
    if name in BUNDLED:
        whole = bundling.bundle(target, lambda file: _data(name, file, resolve(name, file)))
        return json.dumps(whole, ensure_ascii=False, indent=2)
    return _data(name, target, resolve(name, target))


def _data(name: str, target: str, text: str) -> Any:
    """A file as data: one YAML document, or JSON."""
    try:
        value = json.loads(text) if name == "$json" else _one_document(text)
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(f"Placeholder {name}: “{target}” cannot be parsed: {error}") from None
    if odd := _not_json(value):
        raise ValueError(f"Placeholder {name}: “{target}” holds no plain data: {odd}")
    return value


def _one_document(text: str) -> Any:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is not None and _size(node, {}) > MAX_NODES:
            raise ValueError("too large once its aliases are followed")
        return loader.plain(node) if node is not None else None
    finally:
        loader.dispose()


def _label(entity: dict[str, Any]) -> str:
    metadata = entity.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not name or not entity.get("kind"):
        return ""
    namespace = metadata.get("namespace") or "default" if isinstance(metadata, dict) else "default"
    return f"{entity['kind']}:{namespace}/{name}".lower()[:255]


def _is_private(entity: dict[str, Any]) -> bool:
    """Whether a document, broken as it may be, asks to be private."""
    metadata = entity.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    return isinstance(annotations, dict) and annotations.get(VISIBILITY) == "private"


def _problem(
    node: yaml.Node, path: tuple[str | int, ...], message: str, label: str, private: bool
) -> Problem:
    mark = _locate(node, path).start_mark
    return Problem(message, mark.line + 1, mark.column + 1, entity_ref=label, private=private)


def _locate(node: yaml.Node, path: tuple[str | int, ...]) -> yaml.Node:
    """The deepest node on the path: where a person has to look."""
    for step in path:
        child = next(_children(node, step), None)
        if child is None:
            return node
        node = child
    return node


def _children(node: yaml.Node, step: str | int) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        yield from (value for key, value in node.value if key.value == str(step))
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        yield from node.value[step : step + 1]


def _syntax_problem(error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or str(error).splitlines()[0]
    hint = "Often this is wrong indentation, or a colon in a text that has no quotes."
    if mark is None:
        return Problem(f"The YAML cannot be parsed: {what}", hint=hint)
    return Problem(f"The YAML cannot be parsed: {what}", mark.line + 1, mark.column + 1, hint)
