"""Edits fields of one document in a descriptor file; every line that need not change stays.

The text is spliced where the YAML parser says that a value stands, instead of being written anew:
comments, order, quotes, indentation and line ends of everything else are kept byte for byte. The
result is read again, and refused unless exactly the wanted fields differ.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from catalog.descriptor import read

Path = tuple[str, ...]
# Where a new key goes: after the last of those that stand before it here.
ORDER = (
    "apiVersion", "kind", "metadata", "spec",
    "name", "namespace", "title", "description", "labels", "annotations", "tags", "links",
    "type", "lifecycle", "owner", "system", "domain", "subcomponentOf", "providesApis",
    "consumesApis", "dependsOn",
)  # fmt: skip
ELSEWHERE = "Change it in the forge instead."


class CannotEdit(ValueError):
    """The file is written in a way that cannot be edited safely; str() says why."""


def entities_of(text: str) -> dict[str, dict[str, Any]]:
    """The valid entities of a file by reference, placeholders as they stand."""
    return {str(parsed.ref): parsed.entity for parsed in read(text).entities}


def edit(text: str, ref: str, changes: Mapping[Path, Any]) -> str:
    """The file with the fields of one entity set; None takes a field out. Raises CannotEdit."""
    before = entities_of(text)
    if ref not in before:
        raise CannotEdit(f"The file no longer describes {ref}.")
    wanted = before[ref]
    done = text
    for path, value in changes.items():
        done = _Document(done, ref).put(path, value)
        wanted = changed(wanted, path, value)
    after = entities_of(done)
    if _plain(after) != _plain(before | {ref: wanted}):
        raise CannotEdit(f"The file is written in a way that this form cannot edit. {ELSEWHERE}")
    return done


def changed(entity: Mapping[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """The entity with one field set or, for None, taken out; an emptied mapping goes too."""
    key, rest = path[0], path[1:]
    inner = changed(entity.get(key) or {}, rest, value) if rest else value
    if inner is None or (rest and not inner):
        return {name: item for name, item in entity.items() if name != key}
    return {**entity, key: inner}


def diff(old: str, new: str, path: str) -> list[tuple[str, str]]:
    """Lines of a unified diff as (added, removed, same or place; text)."""
    kinds = {"+": "added", "-": "removed", "@": "place"}
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), path, path, lineterm="")
    return [(kinds.get(line[:1], "same"), line) for line in list(lines)[2:]]


def document(entity: Mapping[str, Any]) -> str:
    """A new descriptor file."""
    lines = [f"{key}: {_scalar(entity[key])}" for key in ("apiVersion", "kind")]
    for key in ("metadata", "spec"):
        lines += _pair(key, entity[key], 0)
    return "\n".join(lines) + "\n"


def _plain(entities: Mapping[str, Any]) -> str:
    return json.dumps(entities, sort_keys=True)


class _Document:
    """The node tree of one document in a text, with offsets into it."""

    def __init__(self, text: str, ref: str) -> None:
        self.text = text
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self.root = self._find(ref)

    def _find(self, ref: str) -> yaml.MappingNode:
        try:
            for node in yaml.compose_all(self.text, Loader=yaml.SafeLoader):
                if isinstance(node, yaml.MappingNode) and _ref(node) == ref:
                    return node
        except yaml.YAMLError:
            pass
        raise CannotEdit(f"The file cannot be read around {ref}. {ELSEWHERE}")

    def put(self, path: Path, value: Any) -> str:
        """The text with the value at the path, or without the path when it is None."""
        parent = self.root
        for depth, step in enumerate(path[:-1]):
            found = _get(parent, step)
            if not isinstance(found, yaml.MappingNode) or not found.value:
                for name in reversed(path[depth + 1 :]):
                    value = None if value is None else {name: value}
                return self.text if value is None else self._put(parent, step, value)
            parent = found
        if value is None and path[1:] and [k.value for k, _ in parent.value] == [path[-1]]:
            return self.put(path[:-1], None)
        return self._put(parent, path[-1], value)

    def _put(self, parent: yaml.MappingNode, key: str, value: Any) -> str:
        node = _get(parent, key)
        if value is None:
            return self.text if node is None else self._remove(parent, key)
        if node is None:
            return self._add(parent, key, value)
        if isinstance(node, yaml.SequenceNode) and isinstance(value, list) and node.value:
            return self._items(parent, node, value)
        if isinstance(node, yaml.ScalarNode) and isinstance(value, str):
            return self._replace_scalar(parent, node, value)
        return _Document(self._remove(parent, key), _ref(self.root))._again(parent, key, value)

    def _again(self, parent: yaml.MappingNode, key: str, value: Any) -> str:
        """Adds a key to the mapping that began where `parent` did."""
        for node in _mappings(self.root):
            if node.start_mark.index == parent.start_mark.index:
                return self._add(node, key, value)
        raise CannotEdit(f"“{key}” cannot be written anew. {ELSEWHERE}")

    # -- places ---------------------------------------------------------------------------------
    def _end(self, node: yaml.Node) -> int:
        """Where the node's content ends; the parser's mark may be lines further down."""
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return self._end(last[1] if isinstance(last, tuple) else last)
        start, end = node.start_mark.index, node.end_mark.index
        return start + len(self.text[start:end].rstrip())

    def _line_start(self, at: int) -> int:
        return self.text.rfind("\n", 0, at) + 1

    def _line_end(self, at: int) -> int:
        """After the line's end."""
        end = self.text.find("\n", at)
        return len(self.text) if end < 0 else end + 1

    def _spliced(self, start: int, end: int, text: str) -> str:
        return self.text[:start] + text + self.text[end:]

    def _lines(self, lines: list[str]) -> str:
        return "".join(line + self.newline for line in lines)

    # -- changes --------------------------------------------------------------------------------
    def _replace_scalar(self, parent: yaml.MappingNode, node: yaml.ScalarNode, value: str) -> str:
        start, end = node.start_mark.index, self._end(node)
        rest = self.text[end : self._line_end(end)].strip()
        indent = parent.start_mark.column + 2
        space = "" if self.text[start - 1 : start].isspace() else " "
        if "\n" in value and not parent.flow_style and not rest and _fits_a_block(value):
            lines = _block(value, indent)
            return self._spliced(start, end, space + self.newline.join(lines))
        style = node.style if node.style in ("'", '"') else ""
        return self._spliced(start, end, space + _scalar(value, style))

    def _remove(self, parent: yaml.MappingNode, key: str) -> str:
        index = [k.value for k, _ in parent.value].index(key)
        name, node = parent.value[index]
        end = max(self._end(node), name.end_mark.index)
        if parent.flow_style:
            return self._remove_between(
                [(k.start_mark.index, self._end(v)) for k, v in parent.value], index
            )
        start = self._line_start(name.start_mark.index)
        if self.text[start : name.start_mark.index].strip():
            raise CannotEdit(f"“{key}” shares its line with something else. {ELSEWHERE}")
        return self._spliced(start, self._line_end(end), "")

    def _remove_between(self, spans: list[tuple[int, int]], index: int) -> str:
        """Takes one of several parts with its comma out of a flow collection."""
        if index + 1 < len(spans):
            return self._spliced(spans[index][0], spans[index + 1][0], "")
        start = spans[index - 1][1] if index else spans[index][0]
        return self._spliced(start, spans[index][1], "")

    def _add(self, parent: yaml.MappingNode, key: str, value: Any) -> str:
        if not parent.value:
            raise CannotEdit(f"There is no place for “{key}”. {ELSEWHERE}")
        before = self._neighbour(parent, key)
        if parent.flow_style:
            at = self._end(before)
            return self._spliced(at, at, f", {_flow_key(key)}: {_flow(value)}")
        at = self._line_end(self._end(before))
        indent = parent.start_mark.column
        missing = "" if self.text[:at].endswith("\n") else self.newline
        return self._spliced(at, at, missing + self._lines(_pair(key, value, indent)))

    def _neighbour(self, parent: yaml.MappingNode, key: str) -> yaml.Node:
        """The value after which a new key is best placed."""
        rank = ORDER.index(key) if key in ORDER else len(ORDER)
        found: yaml.Node = parent.value[-1][1]
        known = [
            node for name, node in parent.value
            if name.value in ORDER and ORDER.index(name.value) < rank
        ]  # fmt: skip
        return known[-1] if known and key in ORDER else found

    # -- lists ----------------------------------------------------------------------------------
    def _items(self, parent: yaml.MappingNode, node: yaml.SequenceNode, wanted: list[Any]) -> str:
        """Keeps the items that stay as they are written."""
        old = [_value(item) for item in node.value]
        if node.flow_style:
            texts = [self.text[i.start_mark.index : self._end(i)] for i in node.value]
            parts = [texts[old.index(item)] if item in old else _flow(item) for item in wanted]
            first, last = node.value[0].start_mark.index, self._end(node.value[-1])
            separator = self._separator(node)
            return self._spliced(first, last, separator.join(parts))
        return self._block_items(node, old, wanted)

    def _separator(self, node: yaml.SequenceNode) -> str:
        if len(node.value) < 2:
            return ", "
        found = self.text[self._end(node.value[0]) : node.value[1].start_mark.index]
        if "#" in found:
            raise CannotEdit(f"A list has comments between its items on one line. {ELSEWHERE}")
        return found

    def _block_items(self, node: yaml.SequenceNode, old: list[Any], wanted: list[Any]) -> str:
        column = node.start_mark.column
        starts = [self._line_start(item.start_mark.index) for item in node.value]
        ends = [self._line_end(self._end(item)) for item in node.value]
        gaps = [
            self.text[end:start] for end, start in zip(ends, [*starts[1:], ends[-1]], strict=True)
        ]
        done: list[str] = []
        pending = ""
        keys = [[json.dumps(v, sort_keys=True) for v in values] for values in (old, wanted)]
        matcher = difflib.SequenceMatcher(None, keys[0], keys[1], autojunk=False)
        for _, first, last, start, end in matcher.get_opcodes():
            kept = keys[0][first:last] == keys[1][start:end]
            if not kept:
                done += [self._lines(_item(value, column)) for value in wanted[start:end]]
            for index in range(first, last):
                done.append(pending)
                line = self.text[starts[index] : ends[index]]
                if kept:
                    done.append(line if line.endswith("\n") else line + self.newline)
                pending = gaps[index]
        done.append(pending)
        return self._spliced(starts[0], ends[-1], "".join(done))


# -- nodes --------------------------------------------------------------------------------------
def _get(node: yaml.MappingNode, key: str) -> yaml.Node | None:
    return next((value for name, value in node.value if name.value == key), None)


def _mappings(node: yaml.Node) -> Iterator[yaml.MappingNode]:
    if isinstance(node, yaml.MappingNode):
        yield node
        for _, value in node.value:
            yield from _mappings(value)


def _ref(node: yaml.MappingNode) -> str:
    metadata, kind = _get(node, "metadata"), _get(node, "kind")
    if not isinstance(metadata, yaml.MappingNode) or kind is None:
        return ""
    namespace, name = _get(metadata, "namespace"), _get(metadata, "name")
    space = namespace.value if namespace is not None else "default"
    return f"{kind.value}:{space}/{name.value if name else ''}".lower()


def _value(node: yaml.Node) -> Any:
    loader = yaml.BaseLoader("")
    try:
        return loader.construct_document(node)
    finally:
        loader.dispose()


# -- writing ------------------------------------------------------------------------------------
def _pair(key: str, value: Any, indent: int) -> list[str]:
    """The lines of `key: value` in block style."""
    begin = f"{' ' * indent}{_flow_key(key)}:"
    if isinstance(value, dict) and value:
        return [begin, *(line for k, v in value.items() for line in _pair(k, v, indent + 2))]
    if isinstance(value, list) and value:
        return [begin, *(line for item in value for line in _item(item, indent + 2))]
    if isinstance(value, str) and "\n" in value and _fits_a_block(value):
        first, *rest = _block(value, indent + 2)
        return [f"{begin} {first}", *rest]
    return [f"{begin} {_flow(value)}"]


def _item(value: Any, column: int) -> list[str]:
    if not isinstance(value, dict):
        return [f"{' ' * column}- {_flow(value)}"]
    lines = [line for key, item in value.items() for line in _pair(key, item, column + 2)]
    return [f"{' ' * column}- {lines[0].lstrip()}", *lines[1:]]


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow_key(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _flow_key(key: str) -> str:
    return _scalar(key)


def _fits_a_block(value: str) -> bool:
    lines = value.split("\n")
    plain = all(line.isprintable() and line == line.rstrip() for line in lines)
    return plain and bool(lines[0]) and not lines[0].startswith(" ") and not value.endswith("\n\n")


def _block(value: str, indent: int) -> list[str]:
    """A literal block: its header, then its lines."""
    clip = value.endswith("\n")
    lines = value.rstrip("\n").split("\n")
    return ["|" if clip else "|-", *(" " * indent + line if line else "" for line in lines)]


SPECIAL = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
NO_STRING = re.compile(r"[-+.]?[0-9].*|[~<=]|null|true|false|yes|no|on|off|y|n", re.IGNORECASE)


def _scalar(value: Any, style: str = "") -> str:
    """One line of YAML that every parser reads as this value."""
    if not isinstance(value, str):
        return json.dumps(value)
    if style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    if not style and _is_plain(value):
        return value
    return '"' + "".join(map(_escaped, value)) + '"'


def _escaped(char: str) -> str:
    if char in SPECIAL:
        return SPECIAL[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\u{code:04x}" if code < 65_536 else f"\\U{code:08x}"


def _is_plain(value: str) -> bool:
    """Whether the text needs no quotes, inside brackets or outside, and is no number or word."""
    if not value or NO_STRING.fullmatch(value) or not value.isprintable():
        return False
    if value != value.strip() or value.startswith(("---", "...")):
        return False
    try:
        texts = [yaml.compose(value, Loader=yaml.SafeLoader)]
        inside = yaml.compose(f"[k: {value}]", Loader=yaml.SafeLoader)
        texts += [text for _, text in _only(_only(inside)[0])]
    except (yaml.YAMLError, IndexError):
        return False
    return len(texts) == 2 and all(
        isinstance(text, yaml.ScalarNode) and text.value == value and text.tag.endswith(":str")
        for text in texts
    )  # fmt: skip


def _only(node: yaml.Node | None) -> list[Any]:
    """What a collection holds, if it is one thing."""
    held = node.value if isinstance(node, yaml.CollectionNode) else []
    return held if len(held) == 1 else []
