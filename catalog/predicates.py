"""Conditions on entities, as a small tree: what every filter dialect is read into.

Keys and values are in lower case. A condition knows nothing of SQL: the catalogue's QuerySet
turns it into a query, the tests into a function over dictionaries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exists:
    """The key is there, whatever its value."""

    key: str


@dataclass(frozen=True, slots=True)
class Equals:
    """The key has one of the values."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HasPrefix:
    """One of the key's values begins so."""

    key: str
    prefix: str


@dataclass(frozen=True, slots=True)
class Contains:
    """One of the values of one of the keys contains the text (full-text filter)."""

    keys: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Not:
    part: Predicate


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; with no part, everything does."""

    parts: tuple[Predicate, ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds; with no part, nothing does."""

    parts: tuple[Predicate, ...] = ()


Predicate = Exists | Equals | HasPrefix | Contains | Not | All | AnyOf


def mentions_relations(predicate: Predicate) -> bool:
    """Whether the answer can depend on relations, some of which not everybody may see."""
    match predicate:
        case All(parts) | AnyOf(parts):
            return any(mentions_relations(part) for part in parts)
        case Not(part):
            return mentions_relations(part)
        case Contains(keys, _):
            return any(key.startswith("relations.") for key in keys)
        case Exists(key) | Equals(key, _) | HasPrefix(key, _):
            return key.startswith("relations.")


def holds(predicate: Predicate, values: Mapping[str, Sequence[str]]) -> bool:
    """Whether it is true of something small that is in memory, by key; all in lower case."""
    match predicate:
        case All(parts):
            return all(holds(part, values) for part in parts)
        case AnyOf(parts):
            return any(holds(part, values) for part in parts)
        case Not(part):
            return not holds(part, values)
        case Exists(key):
            return key in values
        case Equals(key, wanted):
            return any(value in wanted for value in values.get(key, ()))
        case HasPrefix(key, prefix):
            return any(value.startswith(prefix) for value in values.get(key, ()))
        case Contains(keys, text):
            return any(text in value for key in keys for value in values.get(key, ()))
