"""Writes what descriptor files say: entities, relations and problems, by comparison.

An entity's answer (the JSON of the REST API) and its index are made here, whenever the entity or
an edge that touches it changes; reading only joins texts.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from catalog import forges, tasks
from catalog.descriptor import Parsed, Problem, Reading
from catalog.models import (
    STITCHING,
    TAKEN,
    Entity,
    Location,
    Relation,
    Repository,
    Revision,
    lock_until_commit,
)
from catalog.models import Problem as ProblemRow
from catalog.queueing import on_commit
from catalog.relations import Relation as Edge
from catalog.relations import owner_ref
from catalog.services import history
from catalog.stitching import MAX_VALUE, Place, in_order_of, stitch
from catalog.validators import MAX_SPEC_TEXT

PRIVATE = "bespoke/visibility"
BATCH = 1_000
READ = ["digest", "text_digest", "missing_since", "read_at"]
Edges = dict[str, set[tuple[str, str]]]


def digest_of(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


# -- files --------------------------------------------------------------------------------------
def store_reading(*, location: Location, reading: Reading) -> list[str]:
    """Brings one file's rows up to what was read; returns the refs that changed."""
    return store_readings(readings=[(location, reading)])


def store_readings(
    *, readings: Sequence[tuple[Location, Reading]], commit_of: history.CommitOf = history.unknown
) -> list[str]:
    """Brings the files' rows up to what was read; returns the refs that changed.

    An entity that a file no longer holds becomes an orphan, but only when the file has no
    problem: a broken document must not make the entity that it described disappear.
    """
    changed: list[tuple[Location, Reading]] = []
    for location, reading in readings:
        digest = digest_of(
            [
                [[p.line, p.text, p.digest] for p in reading.entities],
                list(map(str, reading.problems)),
            ]
        )
        if location.digest != digest or location.missing_since is not None:
            location.digest, location.missing_since = digest, None
            changed.append((location, reading))
    differing = {location.pk for location, _ in changed}
    unchanged = [location for location, _ in readings if location.pk not in differing]
    for location in unchanged:
        location.read_at = timezone.now()
    Location.objects.bulk_update(unchanged, ["text_digest", "read_at"], BATCH)
    commits = {location.pk: commit_of(location) for location, _ in changed}
    return _store(changed, commits) if changed else []


@transaction.atomic
def _store(readings: Sequence[tuple[Location, Reading]], commits: history.Commits) -> list[str]:
    lock_until_commit(STITCHING)
    locations = [location for location, _ in readings]
    for location in locations:
        location.read_at = timezone.now()
    Location.objects.bulk_update(locations, READ, BATCH)
    entities, problems = _without_conflicts(readings)
    changed = _upsert(entities, commits)
    whole = [
        location for location, reading in readings
        if not reading.problems or forges.is_organisation(location.repository.path)
    ]  # fmt: skip
    broken = {problem.entity_ref for _, reading in readings for problem in reading.problems}
    keep = broken | {str(parsed.ref) for _, parsed in entities}
    changed += _orphan(whole, commits, keep=keep)
    ProblemRow.objects.filter(location__in=locations).delete()
    ProblemRow.objects.bulk_create(problems, BATCH)
    return changed


@transaction.atomic
def mark_missing(*, location: Location, commit_of: history.CommitOf = history.unknown) -> list[str]:
    """The file is gone: its entities become orphans. They are not deleted."""
    if location.missing_since is None:
        Location.objects.filter(pk=location.pk).update(missing_since=timezone.now(), digest="")
        ProblemRow.objects.filter(location=location).delete()
    if not location.entities.filter(orphaned_at=None).exists():
        return []
    lock_until_commit(STITCHING)
    return _orphan([location], {location.pk: commit_of(location)}, keep=set())


def _orphan(
    locations: Sequence[Location], commits: history.Commits, *, keep: Collection[str]
) -> list[str]:
    gone = Entity.objects.filter(location__in=locations, orphaned_at=None).exclude(ref__in=keep)
    refs = list(gone.values_list("ref", flat=True))
    if refs:
        Entity.objects.filter(ref__in=refs).update(orphaned_at=timezone.now())
        history.note(dict.fromkeys(refs, "orphaned"), commits)
        _stitch_again(refs)
        _offer(refs)
    return refs


def _offer(refs: Sequence[str]) -> None:
    """Names that are free now: the files that wanted them too are read again."""
    losers = ProblemRow.objects.filter(entity_ref__in=refs, message__contains=TAKEN)
    for repository in Repository.objects.filter(locations__problems__in=losers).distinct():
        Location.objects.filter(repository=repository, problems__in=losers).update(digest="")
        Repository.objects.filter(pk=repository.pk).update(commit="")
        on_commit(tasks.read_repository, repository.path)


def _without_conflicts(
    readings: Sequence[tuple[Location, Reading]],
) -> tuple[list[tuple[Location, Parsed]], list[ProblemRow]]:
    """Leaves out names that another file, or an earlier document, holds."""
    whole = {location.pk for location, reading in readings if not reading.problems}
    refs = [str(parsed.ref) for _, reading in readings for parsed in reading.entities]
    held = Entity.objects.filter(ref__in=refs, orphaned_at=None)
    taken: dict[str, tuple[int, str]] = {}
    for pk, ref, repository, path in held.values_list(
        "location_id", "ref", "location__repository__path", "location__path"
    ):
        if forges.is_organisation(repository) and readings[0][0].repository.path != repository:
            Location.objects.filter(pk=pk).update(digest="")  # it has to say that it lost a name
            continue
        taken[ref] = (pk, f"{repository}/{path}")
    stays = {
        (location.pk, str(parsed.ref)) for location, reading in readings
        for parsed in reading.entities
    }  # fmt: skip
    entities: list[tuple[Location, Parsed]] = []
    problems: list[ProblemRow] = []
    seen: dict[str, Location] = {}
    for location, reading in readings:
        problems += [_problem(location, problem) for problem in reading.problems]
        for parsed in reading.entities:
            ref = str(parsed.ref)
            holder = ""
            if ref in seen:
                same = seen[ref].pk == location.pk
                holder = "an earlier document of this file" if same else str(seen[ref])
            elif ref in taken and taken[ref][0] != location.pk:
                pk, name = taken[ref]
                holder = name if pk not in whole or (pk, ref) in stays else ""
            if holder:
                hint = "Rename one of the two: the first that was read keeps the name."
                if forges.is_organisation(location.repository.path):
                    hint = "What a descriptor defines goes before what the forge knows."
                message = f"“{ref}” {TAKEN} {holder}"
                problem = Problem(message, parsed.line, 1, hint, ref)
                problems.append(_problem(location, problem, owner_ref(parsed.entity)))
                continue
            seen[ref] = location
            entities.append((location, parsed))
            problems += [
                _problem(location, Problem(message, parsed.line, 1, f"See spec.{name}.", ref))
                for name, message in parsed.declared[1]
            ]
    return entities, problems


def _problem(location: Location, problem: Problem, owner: str = "") -> ProblemRow:
    return ProblemRow(
        location=location, owner_ref=owner, entity_ref=problem.entity_ref, line=problem.line,
        column=problem.column, message=problem.message, private=problem.private, hint=problem.hint,
    )  # fmt: skip


# -- entities -----------------------------------------------------------------------------------
def _upsert(entities: Sequence[tuple[Location, Parsed]], commits: history.Commits) -> list[str]:
    """Writes entities that differ, and their neighbours; returns the refs of the former."""
    rows = [_row(location, parsed) for location, parsed in entities]
    known = {
        entity.ref: entity
        for entity in Entity.objects.filter(ref__in=[row.ref for row in rows]).only(
            "ref", "uid", "digest", "location_id", "line", "orphaned_at", "private"
        )
    }
    changed = [row for row in rows if _differs(row, known.get(row.ref))]
    if not changed:
        return []
    for row in changed:
        if before := known.get(row.ref):
            row.pk, row.uid = before.pk, before.uid
    declared = {str(parsed.ref): parsed.declared[0] for _, parsed in entities}
    edges = _Edges.of(changed, declared)
    neighbours = edges.changed_sources()
    flipped = [r.ref for r in changed if r.private != (r.ref in known and known[r.ref].private)]
    neighbours |= edges.neighbours_of(flipped)
    around = edges.of_sources({row.ref for row in changed})
    _stitch(changed, around, _private_refs(around, changed))
    for row in changed:
        row.pk = None
    fields = [
        f.name for f in Entity._meta.concrete_fields
        if f.name not in ("id", "uid", "ref", "created_at")
    ]  # fmt: skip
    Entity.objects.add([row for row in changed if row.ref not in known])
    Entity.objects.upsert([row for row in changed if row.ref in known], update=fields)
    history.note(history.events(changed, known), commits)
    edges.write({row.ref: row for row in changed})
    refs = [row.ref for row in changed]
    _stitch_again(neighbours.difference(refs))
    Revision.objects.advance()
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
    tags = list(dict.fromkeys(metadata.get("tags") or []))
    title, description = metadata.get("title", ""), metadata.get("description", "")
    profile = spec.get("profile")
    profile = profile if isinstance(profile, dict) else {}
    words = [metadata["name"], title, description, owner.partition("/")[2], *tags]
    words += [str(profile[key]) for key in ("displayName", "email") if profile.get(key)]
    owner_label = _text(spec, "owner")
    return Entity(
        ref=str(ref), kind=ref.kind, namespace=ref.namespace, name=metadata["name"],
        descriptor=entity, title=title, description=description,
        type=_text(spec, "type"), lifecycle=_text(spec, "lifecycle"), owner_ref=owner,
        kind_label=entity["kind"], owner_label=owner_label if len(owner_label) <= MAX_VALUE else "",
        tags=tags, private=annotations.get(PRIVATE) == "private",
        location=location, line=parsed.line, text=parsed.text, digest=parsed.digest,
        search_text=" ".join(words).lower(), updated_at=timezone.now(),
    )  # fmt: skip


def _text(spec: dict[str, Any], name: str) -> str:
    """A field for a column; kinds whose schema does not know it may hold anything there."""
    value = spec.get(name)
    return value if isinstance(value, str) and len(value) <= MAX_SPEC_TEXT else ""


# -- relations ----------------------------------------------------------------------------------
@dataclass
class _Edges:
    """What some entities declared so far, and what they declare now."""

    before: dict[str, set[Edge]] = field(default_factory=lambda: defaultdict(set))
    now: dict[str, set[Edge]] = field(default_factory=dict)

    @classmethod
    def of(cls, entities: Sequence[Entity], declared: Mapping[str, Iterable[Edge]]) -> _Edges:
        edges = cls(now={entity.ref: set(declared[entity.ref]) for entity in entities})
        known = Relation.objects.filter(declared_by__in=[e.pk for e in entities if e.pk])
        for ref, *edge in known.values_list("declared_by__ref", "source_ref", "type", "target_ref"):
            edges.before[ref].add(Edge(*edge))
        return edges

    def changed(self) -> set[str]:
        return {ref for ref in self.now if self.now[ref] != self.before[ref]}

    def changed_sources(self) -> set[str]:
        """Whose relations become others."""
        return {edge[0] for ref in self.changed() for edge in self.now[ref] ^ self.before[ref]}

    def neighbours_of(self, refs: Collection[str]) -> set[str]:
        if not refs:
            return set()
        others = Relation.objects.filter(target_ref__in=refs).values_list("source_ref", flat=True)
        return {e[0] for edges in self.now.values() for e in edges if e[2] in refs} | set(others)

    def of_sources(self, refs: Collection[str]) -> Edges:
        """All edges of these entities as they will be, those that others declare too."""
        found: Edges = defaultdict(set)
        for edges in self.now.values():
            for source, kind, target in edges:
                if source in refs:
                    found[source].add((kind, target))
        rows = Relation.objects.filter(source_ref__in=refs).values_list(
            "declared_by__ref", "source_ref", "type", "target_ref"
        )
        for ref, source, kind, target in rows:
            if ref not in self.now:
                found[source].add((kind, target))
        return found

    def write(self, entities: dict[str, Entity]) -> None:
        changed = self.changed()
        old = [entities[ref].pk for ref in changed if self.before[ref]]
        Relation.objects.filter(declared_by__in=old).delete()
        Relation.objects.add(
            [
                (entities[ref].pk, source, kind, target)
                for ref in changed
                for source, kind, target in sorted(self.now[ref])
            ]
        )


def _private_refs(edges: Edges, entities: Iterable[Entity] = ()) -> set[str]:
    """Which of the edges' targets are private; `entities` are about to be written."""
    targets = {target for around in edges.values() for _, target in around}
    rows = Entity.objects.filter(private=True, ref__in=targets) if targets else []
    private = {row.ref for row in rows}
    for entity in entities:
        (private.add if entity.private else private.discard)(entity.ref)
    return private


# -- answers ------------------------------------------------------------------------------------
def stitch_everything() -> int:
    """Makes every answer anew: after a migration, or when the forge has another address."""
    with transaction.atomic():
        lock_until_commit(STITCHING)
        refs = list(Entity.objects.values_list("ref", flat=True))
        _stitch_again(refs)
    return len(refs)


@transaction.atomic
def stitch_location_entities(*, locations: Collection[Location]) -> None:
    """Makes the answers anew of all that these files hold: their addresses are others now."""
    lock_until_commit(STITCHING)
    _stitch_again(Entity.objects.filter(location__in=locations).values_list("ref", flat=True))


def stitch_neighbours(*, refs: Collection[str]) -> None:
    """Makes the answers anew of entities around one that went. Call it under the lock."""
    _stitch_again(refs)


def stitch_if_moved() -> int:
    """Makes every answer anew if the first one is missing or names another forge."""
    answer = Entity.objects.order_by("pk").values_list("answer", flat=True).first()
    if answer is None or f'"backstage.io/view-url":"{settings.GITLAB_URL}/' in answer:
        return 0
    return stitch_everything()


def _stitch_again(refs: Collection[str]) -> None:
    """Makes the answers of stored entities anew; advances the revision."""
    todo = sorted(refs)
    for start in range(0, len(todo), BATCH):
        part = todo[start : start + BATCH]
        rows = list(Entity.objects.filter(ref__in=part).with_place())
        edges: Edges = defaultdict(set)
        found = Relation.objects.filter(source_ref__in=part)
        for source, kind, target in found.values_list("source_ref", "type", "target_ref"):
            edges[source].add((kind, target))
        for row in rows:
            if row.answer:
                row.descriptor = in_order_of(row.descriptor, json.loads(row.answer))
        _stitch(rows, edges, _private_refs(edges))
        Entity.objects.upsert(rows, update=STITCHED)
    if todo:
        Revision.objects.advance()


STITCHED = ["answer", "terms", "search_values", "hidden_edges", "kind_label", "owner_label"]


def _stitch(rows: Sequence[Entity], edges: Edges, private: Collection[str]) -> None:
    """Sets the answers and the indexes of rows. Edges with private entities are kept apart."""
    places = _places({row.location for row in rows})
    for row in rows:
        around = edges.get(row.ref, set())
        hidden = {edge for edge in around if edge[1] in private}
        done = stitch(
            row.descriptor, uid=str(row.uid), namespace=row.namespace,
            place=places[row.location_id], orphan=row.orphaned_at is not None,
            edges=around - hidden,
        )  # fmt: skip
        row.answer, row.terms, row.search_values = done.answer, done.terms, done.values
        row.hidden_edges = sorted(f"{kind.lower()}={ref}" for kind, ref in hidden)
        row.kind_label = str(row.descriptor["kind"])
        owner = str((row.descriptor.get("spec") or {}).get("owner") or "")
        row.owner_label = owner if len(owner) <= MAX_VALUE else ""


def _places(locations: Collection[Location]) -> dict[int, Place]:
    """Addresses of the files, and of the files that led to them."""
    known = {location.pk: location for location in locations}
    parents = _unknown_parents(locations, known)
    while parents:
        found = Location.objects.filter(pk__in=parents).select_related("repository")
        known |= {location.pk: location for location in found}
        parents = _unknown_parents(found, known)
    return {location.pk: _place(location, known) for location in locations}


def _unknown_parents(locations: Iterable[Location], known: Collection[int]) -> set[int]:
    ids = {location.parent_id for location in locations if location.parent_id is not None}
    return ids.difference(known)


def _place(location: Location, known: dict[int, Location]) -> Place:
    root = location
    while root.parent_id in known and root.parent_id is not None:
        root = known[root.parent_id]
    project, ref = location.repository.path, location.repository.default_branch or "HEAD"
    url = forges.file_url(project, ref, location.path)
    folder = location.path.rpartition("/")[0]
    return Place(
        url=url,
        origin=forges.file_url(root.repository.path, ref, root.path),
        edit_url=url.replace("/-/blob/", "/-/edit/", 1),
        folder_url=forges.tree_url(project, ref, f"{folder}/" if folder else ""),
    )
