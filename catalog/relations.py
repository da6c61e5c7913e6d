"""Which relations an entity's fields make; each field makes a pair, one in each direction.

Source: Backstage's BuiltinKindsEntityProcessor. A relation exists even if its target does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from catalog import refs


class Relation(NamedTuple):
    source: str
    type: str
    target: str


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    default_kind: str | None
    forward: str
    backward: str


_OWNER = _Field("owner", "group", "ownedBy", "ownerOf")
_SYSTEM = _Field("system", "system", "partOf", "hasPart")
_PROVIDES = _Field("providesApis", "api", "providesApi", "apiProvidedBy")
_CONSUMES = _Field("consumesApis", "api", "consumesApi", "apiConsumedBy")
_DEPENDS = _Field("dependsOn", None, "dependsOn", "dependencyOf")
_DEPENDENCY = _Field("dependencyOf", None, "dependencyOf", "dependsOn")
FIELDS: dict[str, tuple[_Field, ...]] = {
    "component": (
        _OWNER, _SYSTEM, _PROVIDES, _CONSUMES, _DEPENDS, _DEPENDENCY,
        _Field("subcomponentOf", "component", "partOf", "hasPart"),
    ),
    "api": (_OWNER, _SYSTEM),
    "resource": (_OWNER, _SYSTEM, _DEPENDS, _DEPENDENCY),
    "system": (_OWNER, _Field("domain", "domain", "partOf", "hasPart")),
    "domain": (_OWNER, _Field("subdomainOf", "domain", "partOf", "hasPart")),
    "group": (
        _Field("parent", "group", "childOf", "parentOf"),
        _Field("children", "group", "parentOf", "childOf"),
        _Field("members", "user", "hasMember", "memberOf"),
    ),
    "user": (_Field("memberOf", "group", "memberOf", "hasMember"),),
    "airesource": (
        _OWNER, _SYSTEM, _Field("dependsOn", "airesource", "dependsOn", "dependencyOf"),
        _Field("skills", "airesource", "hasPart", "partOf"),
        _Field("plugins", "airesource", "hasPart", "partOf"),
    ),
    "template": (_OWNER, _SYSTEM),
    "aspect": (_OWNER,),
    "scorecard": (_OWNER,),
}  # fmt: skip
INVERSE = {
    pair[0]: pair[1]
    for fields in FIELDS.values()
    for field in fields
    for pair in ((field.forward, field.backward), (field.backward, field.forward))
}


def relations_of(entity: dict[str, Any]) -> tuple[list[Relation], list[tuple[str, str]]]:
    """Relations in both directions, sorted, and (field, message) for references that are none.

    References without a namespace mean the entity's own namespace, not “default”.
    """
    source = refs.of_entity(entity)
    found: set[Relation] = set()
    findings: list[tuple[str, str]] = []
    for field, text in _references(source.kind, entity.get("spec") or {}):
        try:
            target = refs.parse(
                text, default_kind=field.default_kind, default_namespace=source.namespace
            )
        except refs.InvalidRef as error:
            findings.append((field.name, str(error)))
            continue
        here, there = str(source), str(target)
        found.add(Relation(here, field.forward, there))
        found.add(Relation(there, field.backward, here))
    return sorted(found), findings


def _references(kind: str, spec: dict[str, Any]) -> Iterator[tuple[_Field, str]]:
    for field in FIELDS.get(kind, ()):
        value = spec.get(field.name)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str) and item:
                yield field, item


def owner_ref(entity: dict[str, Any]) -> str:
    """The full reference of the owner, or an empty string."""
    source, owner = refs.of_entity(entity), (entity.get("spec") or {}).get("owner")
    if _OWNER not in FIELDS.get(source.kind, ()) or not isinstance(owner, str) or not owner:
        return ""
    try:
        return str(refs.parse(owner, default_kind="group", default_namespace=source.namespace))
    except refs.InvalidRef:
        return ""
