"""One page of a list, forwards or backwards, and how many there are in all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.core.exceptions import ValidationError
from django.db.models import Subquery

from catalog.api.cursors import Cursor, InvalidCursor, InvalidFilter, Question
from catalog.api.shapes import InputError, Row, Viewer, texts
from catalog.conditions import Order
from catalog.counting import kept
from catalog.models import EntityQuerySet, Revision
from catalog.predicates import Predicate, mentions_relations

MAX_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class Page:
    items: list[str]
    total: int
    next: Cursor | None
    previous: Cursor | None


def find(viewer: Viewer, predicate: Predicate) -> EntityQuerySet:
    private = viewer.private_refs if mentions_relations(predicate) else frozenset[str]()
    return viewer.entities.matching(predicate, private)


def predicate_of(question: Question) -> Predicate:
    try:
        return question.predicate()
    except (InvalidFilter, InvalidCursor) as error:
        raise InputError(str(error)) from None


def page(
    viewer: Viewer, cursor: Cursor, *, limit: int, fields: Sequence[str] = (), count: bool = True
) -> Page:
    """The rows after (or before) the cursor's place; one query, one more for a new count."""
    limit = min(limit, MAX_PAGE)
    predicate = predicate_of(cursor.question)
    rows, more = _rows(viewer, predicate, cursor, limit)
    total = cursor.total
    if total is None and count:
        total = _total(viewer, predicate, cursor, rows, limit)
    cursor = replace(cursor, total=total if total is not None else 0)
    follows = bool(rows) and (more or cursor.backwards)
    precedes = bool(rows) and (more if cursor.backwards else bool(cursor.ref))
    return Page(
        items=texts(rows, viewer, fields),
        total=cursor.total or 0,
        next=cursor.at(rows[-1][3:]) if follows else None,
        previous=cursor.at(rows[0][3:], backwards=True) if precedes else None,
    )


def _rows(
    viewer: Viewer, predicate: Predicate, cursor: Cursor, limit: int
) -> tuple[list[Row], bool]:
    """(answer, hidden edges, revision, sort values…, ref) of a page, and whether more follows."""
    if limit == 0:
        return [], False
    order = [
        Order(name, descending, f"sort_{number}")
        for number, (name, descending) in enumerate(cursor.question.order)
    ]
    found = find(viewer, predicate).with_sort_values(order)
    if cursor.ref:
        found = found.beyond(order, cursor.values, cursor.ref, backwards=cursor.backwards)
    found = found.in_order(order, backwards=cursor.backwards)
    revision = Subquery(Revision.objects.order_by("-pk").values("pk")[:1])
    columns = [o.column for o in order]
    answers = found.annotate(revision=revision).answers("revision", *columns, "ref")
    try:
        rows = list(answers[cursor.offset : cursor.offset + limit + 1])
    except ValidationError:
        raise InputError("Malformed cursor: ask for the first page again.") from None
    more = len(rows) > limit
    rows = rows[:limit]
    return (rows[::-1] if cursor.backwards else rows), more


def _total(
    viewer: Viewer, predicate: Predicate, cursor: Cursor, rows: list[Row], limit: int
) -> int:
    if not cursor.ref and not cursor.offset and len(rows) < limit:
        return len(rows)
    revision = (rows[0][2] if rows else None) or Revision.objects.current()
    key = (revision, viewer.sees_like(revision), predicate)
    if mentions_relations(predicate):
        key = (*key, viewer.private_refs)  # type: ignore[assignment]
    return kept.get(key, find(viewer, predicate).count)
