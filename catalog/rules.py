"""Which kinds of entities a descriptor file may define: Backstage's `catalog.rules`.

An entity is allowed when one rule allows its kind (and `spec.type`) at the file's address.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

Entity = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """`allow`: kinds with a type, empty for any; `places`: patterns of addresses, none for all."""

    allow: tuple[tuple[str, str], ...]
    places: tuple[str, ...] = ()

    def allows(self, entity: Entity, address: str) -> bool:
        kind, type_ = (
            entity["kind"].lower(),
            str((entity.get("spec") or {}).get("type", "")).lower(),
        )
        of_kind = any(k == kind and t in ("", type_) for k, t in self.allow)
        return of_kind and (not self.places or any(matches(p, address) for p in self.places))


@lru_cache(maxsize=4)
def parse(text: str) -> tuple[Rule, ...]:
    """The setting's JSON as rules. Raises ValueError with a sentence that names the rule."""
    try:
        found = json.loads(text) if text.strip() else []
    except json.JSONDecodeError as error:
        raise ValueError(f"CATALOG_RULES is not JSON: {error}") from None
    if not isinstance(found, list):
        raise ValueError("CATALOG_RULES must be a list of rules")
    return tuple(_rule(item, number) for number, item in enumerate(found, 1))


def _rule(item: Any, number: int) -> Rule:
    where = f"Rule {number} of CATALOG_RULES"
    if not isinstance(item, dict) or not isinstance(item.get("allow"), list) or not item["allow"]:
        raise ValueError(f"{where} needs `allow`, a list of kinds")
    if unknown := set(item) - {"allow", "locations"}:
        raise ValueError(f"{where} has unknown keys: {', '.join(sorted(unknown))}")
    places = item.get("locations", [])
    if not isinstance(places, list) or ("locations" in item and not places):
        raise ValueError(f"{where}: `locations` is a list of places; leave it out for all")
    return Rule(
        tuple(_kind(kind, where) for kind in item["allow"]),
        tuple(_place(place, where) for place in places),
    )


def _kind(item: Any, where: str) -> tuple[str, str]:
    if isinstance(item, str) and item:
        return item.lower(), ""
    named = isinstance(item, dict) and item.get("kind") and set(item) <= {"kind", "spec.type"}
    if named and all(isinstance(value, str) for value in item.values()):
        return item["kind"].lower(), item.get("spec.type", "").lower()
    raise ValueError(f"{where}: a kind is a name, or {{kind, spec.type}}")


def _place(item: Any, where: str) -> str:
    if isinstance(item, dict) and item.get("type", "url") == "url":
        if set(item) - {"type"} == {"exact"} and isinstance(item["exact"], str):
            return "".join(f"[{c}]" if c in "*?[" else c for c in item["exact"])
        if set(item) - {"type"} == {"pattern"} and isinstance(item["pattern"], str):
            return str(item["pattern"])
    raise ValueError(f"{where}: a location is {{type: url}} with either `exact` or `pattern`")


def allowed(rules: Sequence[Rule], entity: Entity, address: str) -> bool:
    """Without any rule, everything is."""
    return not rules or any(rule.allows(entity, address) for rule in rules)


def matches(pattern: str, address: str) -> bool:
    """`*` stays between two slashes, `**` crosses any number; capitals are not told apart."""
    return _match(address.lower().split("/"), pattern.lower().split("/"))


def _match(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_match(parts[skip:], pattern[1:]) for skip in range(len(parts) + 1))
    return (
        bool(parts) and fnmatch.fnmatchcase(parts[0], pattern[0]) and _match(parts[1:], pattern[1:])
    )
