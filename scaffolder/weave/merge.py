"""Structured merges into YAML, JSON and TOML. The fragment goes in by keys; what it does not touch
keeps its order, its comments and its very bytes: only the lines that change are written anew."""

from __future__ import annotations

import io
import json
import posixpath
import re
from collections.abc import Callable, Mapping, MutableMapping
from itertools import pairwise
from typing import Any

import tomlkit
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError
from tomlkit.exceptions import TOMLKitError

from .patch import carry_over, without_gaps

DELETE = "$delete"
_DEEPEST = 60


class MergeError(ValueError):
    """The merge is not possible; the text is a sentence."""


def merge_text(path: str, text: str, fragment: str, lists: Mapping[str, str] | None = None) -> str:
    """The text with the fragment merged in: objects deeply, lists by their strategy (`union` when
    none is given), `{$delete: true}` takes a key out. Raises MergeError."""
    newline = "\r\n" if "\r\n" in text else "\n"
    plain = text.replace("\r\n", "\n")
    strategies = {tuple(key.split(".")): value for key, value in (lists or {}).items()}
    kind = posixpath.basename(path).rpartition(".")[2].lower()
    if kind not in _FORMATS:
        raise MergeError(f"{path} is neither YAML nor JSON nor TOML, so nothing can be merged.")
    try:
        merged = _FORMATS[kind](plain, fragment.replace("\r\n", "\n"), strategies)
    except (YAMLError, TOMLKitError, ValueError, TypeError, RecursionError) as error:
        if isinstance(error, MergeError):
            raise
        reason = " ".join(str(error).split())
        raise MergeError(f"{path} cannot be merged into: {reason[:300]}") from None
    return merged.replace("\n", newline) if newline == "\r\n" else merged


Strategies = Mapping[tuple[str, ...], str]


def merge_data(target: MutableMapping[str, Any], fragment: Mapping[str, Any],
               strategies: Strategies, path: tuple[str, ...] = ()) -> None:  # fmt: skip
    """Merge in place."""
    if len(path) > _DEEPEST:
        raise MergeError("The fragment is nested too deeply.")
    for key, value in fragment.items():
        here = (*path, str(key))
        if isinstance(value, Mapping) and value.get(DELETE) is True:
            if key in target:
                del target[key]
        elif isinstance(value, Mapping) and isinstance(target.get(key), MutableMapping):
            merge_data(target[key], value, strategies, here)
        elif isinstance(value, list) and isinstance(target.get(key), list):
            _merge_list(target, key, value, _strategy(strategies, here))
        elif key not in target or plain(target[key]) != plain(value):
            target[key] = _without_deletes(value)


def _without_deletes(value: Any) -> Any:
    if isinstance(value, MutableMapping):
        for key in [key for key, item in value.items() if _is_delete(item)]:
            del value[key]
        for item in value.values():
            _without_deletes(item)
    return value


def _is_delete(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get(DELETE) is True


def _strategy(strategies: Strategies, path: tuple[str, ...]) -> str:
    for pattern, strategy in strategies.items():
        pairs = zip(pattern, path, strict=False)
        if len(pattern) == len(path) and all(part in ("*", name) for part, name in pairs):
            return strategy
    return "union"


def _merge_list(target: MutableMapping[str, Any], key: str, items: list[Any], how: str) -> None:
    mine = target[key]
    old, new = [plain(item) for item in mine], [plain(item) for item in items]
    if how == "replace":
        if old != new:
            target[key] = items
    elif how == "union":
        for item, value in zip(items, new, strict=True):
            if value not in old:
                old.append(value)
                mine.append(item)
    elif not _contains_run(old, new):
        for place, item in enumerate(items):
            mine.insert(place if how == "prepend" else len(mine), item)


def _contains_run(values: list[Any], run: list[Any]) -> bool:
    """Whether the run is there already: what makes appending twice the same as once."""
    size = len(run)
    return any(values[at : at + size] == run for at in range(len(values) - size + 1))


def plain(value: Any) -> Any:
    """Plain data of what ruamel and tomlkit give, to compare by."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.unwrap() if hasattr(value, "unwrap") else value


def _patched(text: str, before: str, after: str, same: Callable[[str], bool]) -> str:
    """The change from `before` to `after` (both as the library prints them) in the original text,
    as long as that gives the same data; else the library's own print."""
    patched = carry_over(text, before, after)
    return patched if same(patched) else after


_KEY = r"(?m)^{indent}[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?\n(?:[ \t]*(?:#[^\n]*)?\n)*"
_LIST_IN_OBJECT = re.compile(_KEY.format(indent="( *)") + r"( *)- ")
_OBJECT_IN_OBJECT = re.compile(_KEY.format(indent="") + r"( +)[^\s#-]")


def _yaml(text: str) -> YAML:
    """A reader and writer that indents as the text does."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1 << 20
    yaml.allow_duplicate_keys = False
    dash = re.search(
        r"(?m)^( *)[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?\n(?:[ \t]*(?:#[^\n]*)?\n)*( *)- ", text
    )
    offset = max(0, len(dash.group(2)) - len(dash.group(1))) if dash else 2
    nested = re.search(r"(?m)^[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?\n( +)[^\s#-]", text)
    yaml.indent(mapping=len(nested.group(1)) if nested else 2, sequence=offset + 2, offset=offset)
    return yaml


def _dumped(yaml: YAML, data: Any) -> str:
    stream = io.StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()


_DOCUMENT = re.compile(r"(?m)^---(?=[ \t]|$)[^\n]*\n?")


def split_documents(text: str) -> list[str]:
    """The documents of a YAML text with their separators: joined they are the text again."""
    starts = [found.start() for found in _DOCUMENT.finditer(text)]
    edges = [0, *(start for start in starts if start), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]


def merge_yaml(text: str, fragment: str, strategies: Strategies) -> str:
    """Into the first document that holds data. Raises MergeError or YAMLError."""
    documents = split_documents(text)
    loaded = [YAML(typ="safe", pure=True).load(document) for document in documents]
    place = next((at for at, data in enumerate(loaded) if data is not None), 0)
    documents[place] = merge_document(documents[place], fragment, strategies)
    return "".join(documents)


def merge_document(text: str, fragment: str, strategies: Strategies) -> str:
    """Into one YAML document. Raises MergeError or YAMLError."""
    yaml = _yaml(text)
    data, addition = yaml.load(text), yaml.load(fragment)
    if addition is None:
        return text
    empty = data is None
    data = CommentedMap() if empty else data
    if not isinstance(data, MutableMapping) or not isinstance(addition, Mapping):
        raise MergeError("Only files that hold names and values can be merged.")
    old = plain(data)
    before = _dumped(yaml, data)
    merge_data(data, addition, strategies)
    new = plain(data)
    if new == old:
        return text
    after = _dumped(yaml, data)
    if empty:
        return text + ("" if not text or text.endswith("\n") else "\n") + after
    head = re.match(r"---[^\n]*\n", text)
    if head and not after.startswith("---"):
        before, after = head.group() + before, head.group() + after
    after = without_gaps(before, after)
    return _patched(text, before, after, lambda patched: _same_yaml(patched, new))


def _same_yaml(text: str, data: Any) -> bool:
    try:
        return bool(plain(YAML(typ="rt").load(text)) == data)
    except YAMLError:
        return False


def _merge_json(text: str, fragment: str, strategies: Strategies) -> str:
    data, addition = json.loads(text or "{}"), json.loads(fragment)
    if not isinstance(data, dict) or not isinstance(addition, dict):
        raise MergeError("Only files that hold names and values can be merged.")
    found = re.search(r"\n([ \t]+)\S", text)
    indent = found.group(1) if found else ("  " if "\n" in text or not text else None)
    old = json.loads(text or "{}")
    merge_data(data, addition, strategies)
    if data == old:
        return text
    end = "\n" if text.endswith("\n") or not text else ""
    before, after = (json.dumps(x, ensure_ascii=False, indent=indent) + end for x in (old, data))
    return _patched(text, before, after, lambda patched: _same_json(patched, data))


def _same_json(text: str, data: Any) -> bool:
    try:
        return bool(json.loads(text) == data)
    except ValueError:
        return False


def _merge_toml(text: str, fragment: str, strategies: Strategies) -> str:
    data, addition = tomlkit.parse(text), tomlkit.parse(fragment)
    old = data.unwrap()
    merge_data(data, addition, strategies)
    return text if data.unwrap() == old else tomlkit.dumps(data)


_FORMATS: dict[str, Callable[[str, str, Strategies], str]] = {
    "yaml": merge_yaml,
    "yml": merge_yaml,
    "json": _merge_json,
    "toml": _merge_toml,
}
