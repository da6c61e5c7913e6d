"""YAML text to plain data with the line of every value. YAML 1.2's core schema, as JavaScript
reads it: `yes`, `on` and 2024-01-01 are texts, there are no merge keys and no Python objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

Lines = Mapping[str, int]
_MOST_NODES = 200_000
_MOST_DEPTH = 100


class _Core(yaml.CSafeLoader):
    """Resolves scalars by the core schema."""

    yaml_implicit_resolvers: dict[str, Any] = {}


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    _Core.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first)
    )


@dataclass(frozen=True, slots=True)
class Loaded:
    """The documents of a file, each with its lines; or the error that stopped the reading."""

    documents: tuple[tuple[Any, Lines], ...] = ()
    error: str = ""
    error_line: int | None = None


def load_documents(text: str) -> Loaded:
    """Never raises on what a user can write; empty documents are left out."""
    try:
        loader = _Core(text)
        documents = []
        while loader.check_node():
            lines: dict[str, int] = {}
            node = loader.get_node()
            assert node is not None, "check_node() said so"
            value = _Builder(lines).build(node, "", 0)
            if value is not None:
                documents.append((value, lines))
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "it cannot be read"
        return Loaded(
            error=f"This is not valid YAML: {problem}.", error_line=mark and mark.line + 1
        )
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return Loaded(error=f"This is not valid YAML: {str(error).splitlines()[0]}.")
    return Loaded(tuple(documents))


class _Builder:
    """Nodes to data; a budget of nodes stops aliases that multiply."""

    def __init__(self, lines: dict[str, int]) -> None:
        self.lines, self.nodes = lines, 0

    def build(self, node: yaml.Node, path: str, depth: int) -> Any:
        self.nodes += 1
        if self.nodes > _MOST_NODES or depth > _MOST_DEPTH:
            raise ValueError("it is too large or too deep")
        self.lines[path] = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            items = enumerate(node.value)
            return [self.build(item, _below(path, place), depth + 1) for place, item in items]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: str, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise ValueError(f"line {key_node.start_mark.line + 1}: a key is a text")
            key = str(key_node.value)
            if key in result:
                raise ValueError(f"line {key_node.start_mark.line + 1}: `{key}` appears twice")
            result[key] = self.build(value_node, _below(path, key), depth + 1)
            self.lines[_below(path, key)] = key_node.start_mark.line + 1
        return result


def _below(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)


def _scalar(node: yaml.Node) -> Any:
    kind, value = node.tag.rpartition(":")[2], str(node.value)
    if kind == "bool":
        return value.lower() == "true"
    if kind == "null":
        return None
    if kind == "int":
        return _integer(value)
    return float(value) if kind == "float" else value


def _integer(value: str) -> int:
    if len(value) > 300:
        raise ValueError("a number has more than 300 digits")
    base = {"0o": 8, "0x": 16}.get(value[:2], 10)
    return int(value[2:], base) if base != 10 else int(value)
