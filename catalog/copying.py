"""COPY: sends many rows several times as fast as INSERT does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models

from catalog.stitching import dumps

COPIED_FROM = 200  # from so many rows on, COPY is worth its temporary table


def fields_of(model: type[models.Model], names: Sequence[str]) -> list[Any]:
    known = {field.name: field for field in model._meta.concrete_fields}
    return [known[name] for name in names]


def copy_rows(
    table: str, fields: Sequence[models.Field[Any, Any]], rows: Iterable[Sequence[Any]]
) -> None:
    """Sends rows with COPY, several times as fast as INSERT. Names are ours, never people's."""
    columns = ", ".join(f'"{f.column}"' for f in fields)
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def values_of(row: models.Model, fields: Sequence[models.Field[Any, Any]]) -> list[Any]:
    """As COPY takes them: JSON and lists as the texts that PostgreSQL reads."""
    return [_copied(field, field.pre_save(row, True)) for field in fields]


def _copied(field: models.Field[Any, Any], value: Any) -> Any:
    if isinstance(field, models.JSONField):
        return None if value is None else dumps(value)
    if isinstance(field, ArrayField):
        as_text = str if isinstance(field.base_field, models.IntegerField) else _quoted
        return f"{{{','.join(map(as_text, value))}}}"
    return value


def _quoted(item: str) -> str:
    """An element of a list as PostgreSQL reads it."""
    text = item.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
