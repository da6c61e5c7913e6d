"""`$yaml`, `$json` and `$text` placeholders: parts of a template that stand in files beside it
(catalog-backend, PlaceholderProcessor). Where those files may lie is for the caller to say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scaffolder.weave.documents import Lines, load_documents
from scaffolder.weave.problems import Problem, Reader

_PLACEHOLDERS = frozenset({"$yaml", "$json", "$text"})


def with_includes(
    entity: Mapping[str, Any], lines: Lines, read: Callable[[str], str | None]
) -> tuple[dict[str, Any], list[Problem]]:
    """The entity with its placeholders filled in; those that could not be are named and stay."""
    reader = Reader(lines)
    return _filled(entity, "", read, reader), reader.problems


def _filled(value: Any, path: str, read: Callable[[str], str | None], reader: Reader) -> Any:
    if isinstance(value, list):
        items = enumerate(value)
        return [_filled(item, f"{path}.{place}", read, reader) for place, item in items]
    if not isinstance(value, Mapping):
        return value
    if len(value) == 1 and (kind := next(iter(value))) in _PLACEHOLDERS:
        return _included(kind, value, path, read, reader)
    pairs = value.items()
    return {key: _filled(item, f"{path}.{key}".lstrip("."), read, reader) for key, item in pairs}


def _included(
    kind: str,
    placeholder: Mapping[str, Any],
    path: str,
    read: Callable[[str], str | None],
    reader: Reader,
) -> Any:
    target = placeholder[kind]
    text = read(target) if isinstance(target, str) else None
    if text is None:
        hint = "Only files of the same repository can be included."
        reader.complain(path, f"`{target}` cannot be included.", hint)
        return dict(placeholder)
    if kind == "$text":
        return text
    loaded = load_documents(text)
    if loaded.error or len(loaded.documents) != 1:
        reason = loaded.error or "It must hold exactly one document."
        reader.complain(path, f"`{target}` cannot be included. {reason}")
        return dict(placeholder)
    return loaded.documents[0][0]
