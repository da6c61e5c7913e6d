"""What differs between two versions of a descriptor, field by field.

A list is one field, compared by value: the difference names the items that came and went.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

MISSING: Final = object()


@dataclass(frozen=True, slots=True)
class Change:
    """One field; `before` or `after` is MISSING where there was, or is, none."""

    path: tuple[str, ...]
    before: Any
    after: Any

    @property
    def field(self) -> str:
        return ".".join(self.path)

    @property
    def kind(self) -> str:
        if self.before is MISSING:
            return "added"
        return "removed" if self.after is MISSING else "changed"

    @property
    def went(self) -> list[Any]:
        """What is no longer there: the old value, or the items of a list that are gone."""
        return _without(self.before, self.after)

    @property
    def came(self) -> list[Any]:
        return _without(self.after, self.before)


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Change, ...]:
    """Every field that differs, in the order of the new version, removed ones last."""
    return tuple(_changes((), old, new))


def apply(changes: Iterable[Change], old: Mapping[str, Any]) -> dict[str, Any]:
    """The old version with the changes made: `apply(difference(a, b), a) == b`."""
    new = dict(old)
    for change in changes:
        place = new
        for step in change.path[:-1]:
            place[step] = dict(place.get(step) or {})
            place = place[step]
        if change.after is MISSING:
            place.pop(change.path[-1], None)
        else:
            place[change.path[-1]] = change.after
    return new


def _changes(
    path: tuple[str, ...], old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[Change]:
    for key in [*new, *(key for key in old if key not in new)]:
        before, after = old.get(key, MISSING), new.get(key, MISSING)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _changes((*path, key), before, after)
        elif not _same(before, after):
            yield Change((*path, key), before, after)


def _same(one: Any, other: Any) -> bool:
    """As JSON: `1` and `true` differ, the order of keys does not matter."""
    if one is MISSING or other is MISSING:
        return one is other
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _without(value: Any, other: Any) -> list[Any]:
    if value is MISSING:
        return []
    if not isinstance(value, list) or not isinstance(other, list):
        return [value]
    rest = list(other)
    found = []
    for item in value:
        same = next((i for i, candidate in enumerate(rest) if _same(item, candidate)), None)
        if same is None:
            found.append(item)
        else:
            del rest[same]
    return found
