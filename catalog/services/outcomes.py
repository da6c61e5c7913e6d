"""What registering a file would do to the catalogue, entity by entity; nothing is written."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import User
from catalog.descriptor import Parsed
from catalog.models import Entity
from catalog.relations import relations_of
from catalog.services.locations import Preview


@dataclass(frozen=True, slots=True)
class Outcome:
    """`state`: new, changed, unchanged, taken (another file has the name) or twice."""

    ref: str
    label: str
    path: str
    line: int
    state: str
    holder: str = ""
    dangling: tuple[str, ...] = ()


def outcomes(found: Preview, *, project: str, by: User) -> list[Outcome]:
    parsed = [(path, item) for path, reading in found.readings for item in reading.entities]
    refs = [str(item.ref) for _, item in parsed]
    known = {row.ref: row for row in Entity.objects.with_place().filter(ref__in=refs)}
    shown = Entity.objects.visible_to(by).filter(ref__in=refs).values_list("ref", flat=True)
    named = {ref for _, item in parsed for ref in _targets(item)}
    existing = {*refs, *Entity.objects.filter(ref__in=named).values_list("ref", flat=True)}
    seen: set[str] = set()
    made = []
    for path, item in parsed:
        ref = str(item.ref)
        state = "twice" if ref in seen else _state(known.get(ref), item, project, path)
        seen.add(ref)
        holder = str(known[ref].location) if state == "taken" and ref in set(shown) else ""
        dangling = tuple(sorted(_targets(item) - existing))
        made.append(Outcome(ref, _label(item), path, item.line, state, holder, dangling))
    return made


def _state(row: Entity | None, item: Parsed, project: str, path: str) -> str:
    if row is None:
        return "new"
    here = (row.location.repository.path, row.location.path) == (project, path)
    if not here and row.orphaned_at is None:
        return "taken"
    same = here and row.orphaned_at is None and row.digest == item.digest
    return "unchanged" if same else "changed"


def _targets(item: Parsed) -> set[str]:
    ref = str(item.ref)
    return {edge.target for edge in relations_of(item.entity)[0] if edge.source == ref}


def _label(item: Parsed) -> str:
    metadata = item.entity["metadata"]
    return str(metadata.get("title") or metadata["name"])
