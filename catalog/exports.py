"""Entities as files for spreadsheets and scripts, a row at a time."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Any

from catalog.models import EntityQuerySet

COLUMNS = {
    "ref": "ref",
    "kind": "kind_label",
    "namespace": "namespace",
    "name": "name",
    "title": "title",
    "description": "description",
    "type": "type",
    "lifecycle": "lifecycle",
    "owner": "owner_ref",
    "tags": "tags",
    "repository": "location__repository__path",
    "file": "location__path",
    "updated": "updated_at",
}
FORMULA = ("=", "+", "-", "@", "\t", "\r")
CHUNK = 1_000


def _rows(entities: EntityQuerySet) -> Iterator[dict[str, Any]]:
    found = entities.values_list(*COLUMNS.values()).iterator(chunk_size=CHUNK)
    for values in found:
        row = dict(zip(COLUMNS, values, strict=False))
        yield row | {"updated": row["updated"].isoformat()}


class _Line:
    """What csv writes to: it hands the line back."""

    def write(self, text: str) -> str:
        return text


def _cell(value: Any) -> str:
    """A spreadsheet must not take somebody's description for a formula."""
    if value is None:
        return ""
    text = " ".join(value) if isinstance(value, list) else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def csv_lines(titles: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """A table as CSV, a line at a time, harmless in a spreadsheet."""
    writer = csv.writer(_Line())
    yield str(writer.writerow(titles))
    for row in rows:
        yield str(writer.writerow([_cell(value) for value in row]))


def as_csv(entities: EntityQuerySet) -> Iterator[str]:
    return csv_lines(COLUMNS, (row.values() for row in _rows(entities)))


def as_json(entities: EntityQuerySet) -> Iterator[str]:
    yield from _array(json.dumps(row, ensure_ascii=False) for row in _rows(entities))


def _array(items: Iterable[str]) -> Iterator[str]:
    between = "[\n"
    for item in items:
        yield between + item
        between = ",\n"
    yield "[]\n" if between == "[\n" else "\n]\n"
