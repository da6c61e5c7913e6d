"""Writes what one descriptor file says: entities, relations and problems, by comparison."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.utils import timezone

from catalog.descriptor import Parsed, Problem, Reading
from catalog.models import Entity, Location, Relation
from catalog.models import Problem as ProblemRow
from catalog.relations import owner_ref, relations_of

PRIVATE = "bespoke/visibility"


def digest_of(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def store_reading(*, location: Location, reading: Reading) -> list[str]:
    """Brings the location's rows up to what was read; returns the refs that changed.

    An entity that a file no longer holds becomes an orphan, but only when the file has no
    problem: a broken document must not make the entity that it described disappear.
    """
    digest = digest_of([[p.entity for p in reading.entities], [str(p) for p in reading.problems]])
    Location.objects.filter(pk=location.pk).update(
        digest=digest, read_at=timezone.now(), missing_since=None
    )
    if location.digest == digest and location.missing_since is None:
        return []
    entities, problems = _without_conflicts(location, reading)
    changed = _upsert(location, entities)
    if not reading.problems:
        changed += _orphan(location, keep={str(parsed.ref) for parsed in entities})
    _replace_problems(location, problems)
    return changed


def mark_missing(*, location: Location) -> list[str]:
    """The file is gone: its entities become orphans. They are not deleted."""
    if location.missing_since is None:
        Location.objects.filter(pk=location.pk).update(missing_since=timezone.now(), digest="")
        _replace_problems(location, [])
    return _orphan(location, keep=set())


def _orphan(location: Location, *, keep: set[str]) -> list[str]:
    gone = Entity.objects.filter(location=location, orphaned_at=None).exclude(ref__in=keep)
    refs = list(gone.values_list("ref", flat=True))
    gone.update(orphaned_at=timezone.now())
    return refs


def _without_conflicts(location: Location, reading: Reading) -> tuple[list[Parsed], list[Problem]]:
    """Leaves out names that another file, or an earlier document of this one, holds."""
    refs = [str(parsed.ref) for parsed in reading.entities]
    rows = Entity.objects.filter(ref__in=refs, orphaned_at=None).exclude(location=location)
    taken = {entity.ref: str(entity.location) for entity in rows.with_place()}
    entities: list[Parsed] = []
    problems = list(reading.problems)
    for parsed in reading.entities:
        ref = str(parsed.ref)
        if holder := taken.get(ref):
            hint = "Rename one of the two: the first that was read keeps the name."
            message = f"“{ref}” is already defined by {holder}"
            problems.append(Problem(message, parsed.line, 1, hint, ref))
            continue
        taken[ref] = "an earlier document of this file"
        entities.append(parsed)
        _, findings = relations_of(parsed.entity)
        problems += [
            Problem(message, parsed.line, 1, f"See spec.{field}.", ref)
            for field, message in findings
        ]
    return entities, problems


def _upsert(location: Location, entities: list[Parsed]) -> list[str]:
    """Writes entities whose content (or place) differs; returns their refs."""
    rows = [_row(location, parsed) for parsed in entities]
    known = {
        entity.ref: entity for entity in Entity.objects.filter(ref__in=[row.ref for row in rows])
    }
    changed = [row for row in rows if _differs(row, known.get(row.ref))]
    fields = [
        f.name for f in Entity._meta.concrete_fields
        if f.name not in ("id", "uid", "ref", "created_at")
    ]  # fmt: skip
    Entity.objects.bulk_create(
        changed, update_conflicts=True, unique_fields=["ref"], update_fields=fields
    )
    refs = [row.ref for row in changed]
    saved = list(Entity.objects.filter(ref__in=refs))
    Relation.objects.filter(declared_by__in=saved).delete()
    Relation.objects.bulk_create(
        Relation(declared_by=entity, source_ref=edge.source, type=edge.type, target_ref=edge.target)
        for entity in saved
        for edge in relations_of(entity.descriptor)[0]
    )
    return refs


def _differs(row: Entity, known: Entity | None) -> bool:
    return known is None or known.orphaned_at is not None or (
        (known.digest, known.location_id, known.line) != (row.digest, row.location_id, row.line)
    )  # fmt: skip


def _row(location: Location, parsed: Parsed) -> Entity:
    ref, entity = parsed.ref, parsed.entity
    metadata, spec = entity["metadata"], entity.get("spec") or {}
    annotations = metadata.get("annotations") or {}
    owner = owner_ref(entity)
    tags = metadata.get("tags") or []
    title, description = metadata.get("title", ""), metadata.get("description", "")
    words = [metadata["name"], title, description, owner.partition("/")[2], *tags]
    return Entity(
        ref=str(ref), kind=ref.kind, namespace=ref.namespace, name=metadata["name"],
        descriptor=entity, title=title, description=description,
        type=spec.get("type", ""), lifecycle=spec.get("lifecycle", ""), owner_ref=owner,
        tags=tags, private=annotations.get(PRIVATE) == "private",
        location=location, line=parsed.line, text=parsed.text, digest=digest_of(entity),
        search_text=" ".join(words).lower(), updated_at=timezone.now(),
    )  # fmt: skip


def _replace_problems(location: Location, problems: list[Problem]) -> None:
    ProblemRow.objects.filter(location=location).delete()
    ProblemRow.objects.bulk_create(
        ProblemRow(
            location=location, entity_ref=problem.entity_ref, line=problem.line,
            column=problem.column, message=problem.message, hint=problem.hint,
        )
        for problem in problems
    )  # fmt: skip
