"""Rows of a list as the browser sends them: `hosts.rows` says how many, `hosts.1.port` is one."""

from __future__ import annotations

from django.http import QueryDict

from scaffolder.forms.layout import MAX_ROWS, ROWS


def row_counts(data: QueryDict) -> dict[str, int]:
    given = {name.removesuffix(ROWS): str(data[name]) for name in data if name.endswith(ROWS)}
    return {name: min(int(text), MAX_ROWS) for name, text in given.items() if text.isdecimal()}


def with_row(data: QueryDict, name: str) -> QueryDict:
    """The same with one more, empty row."""
    changed = data.copy()
    changed[f"{name}{ROWS}"] = str(row_counts(data).get(name, 0) + 1)
    return changed


def without_row(data: QueryDict, row: str) -> QueryDict:
    """The same without the row `hosts.1`; those below it move up."""
    name, _, place = row.rpartition(".")
    changed = QueryDict(mutable=True)
    for key, values in data.lists():
        moved = _moved(key, f"{name}.", int(place)) if place.isdecimal() else key
        if moved is not None:
            changed.setlist(moved, values)
    left = max(row_counts(data).get(name, 1) - 1, 0)
    changed[f"{name}{ROWS}"] = str(left)
    return changed


def _moved(key: str, prefix: str, gone: int) -> str | None:
    """What the key is called when the row has gone; None for the row's own."""
    place, dot, rest = key.removeprefix(prefix).partition(".")
    if not key.startswith(prefix) or not place.isdecimal():
        return key
    number = int(place)
    if number == gone:
        return None
    return f"{prefix}{number - (number > gone)}{dot}{rest}"
