"""Cursors of lists: where a page ended and what was asked, as base64 of JSON. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from catalog.api.filters import InvalidFilter, parse_filters, parse_query
from catalog.predicates import All, Contains, Predicate

MAX_ORDER_FIELDS = 8
MALFORMED = "Malformed cursor: ask for the first page again."


class InvalidCursor(ValueError):
    """The cursor cannot be read; str() says why."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a list was asked for: in either dialect, a full-text filter, and an order."""

    filters: tuple[str, ...] = ()
    query: dict[str, Any] | None = None
    order: tuple[tuple[str, bool], ...] = ()
    text: str = ""
    text_fields: tuple[str, ...] = ()

    def predicate(self) -> Predicate:
        parts: list[Predicate] = []
        if self.filters:
            parts.append(parse_filters(self.filters))
        if self.query is not None:
            parts.append(parse_query(self.query))
        if self.text:
            default = self.order[0][0] if self.order else "metadata.uid"
            keys = tuple(dict.fromkeys(self.text_fields)) or (default,)
            parts.append(Contains(keys, self.text.lower()))
        return parts[0] if len(parts) == 1 else All(tuple(parts))


@dataclass(frozen=True, slots=True)
class Cursor:
    """A question, and the place in its answers: sort values and reference of a row."""

    question: Question
    values: tuple[str | None, ...] = ()
    ref: str = ""
    backwards: bool = False
    total: int | None = None
    limit: int | None = None
    offset: int = field(default=0)

    def at(self, row: Sequence[str | None], *, backwards: bool = False) -> Cursor:
        """The same question, from this row (sort values, then reference) on."""
        values, ref = tuple(row[:-1]), str(row[-1])
        return replace(self, values=values, ref=ref, backwards=backwards, offset=0)

    def encode(self) -> str:
        asked = self.question
        data: dict[str, Any] = {
            "orderFields": [
                {"field": name, "order": "desc" if descending else "asc"}
                for name, descending in asked.order
            ],
            "orderFieldValues": [*self.values, self.ref],
            "isPrevious": self.backwards,
        }
        if asked.filters:
            data["filter"] = list(asked.filters)
        if asked.query is not None:
            data["query"] = asked.query  # Backstage's client then goes on with POST
        if asked.text:
            data["fullTextFilter"] = {"term": asked.text, "fields": list(asked.text_fields)}
        if self.total is not None:
            data["totalItems"] = self.total
        if self.limit is not None:
            data["limit"] = self.limit
        return pack(data)


def decode(text: str) -> Cursor:
    """Reads a cursor back. Raises InvalidCursor; it may have been made by anybody."""
    try:
        return _cursor(unpack(text))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InvalidCursor(MALFORMED) from None


def pack(data: dict[str, Any]) -> str:
    return base64.b64encode(json.dumps(data, separators=(",", ":")).encode()).decode()


def unpack(text: str) -> dict[str, Any]:
    """Raises InvalidCursor for what `pack` did not make."""
    try:
        padded = text.replace("-", "+").replace("_", "/").replace(" ", "+")
        data = json.loads(base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise InvalidCursor(MALFORMED) from None
    if not isinstance(data, dict):
        raise InvalidCursor(MALFORMED)
    return data


def _cursor(data: dict[str, Any]) -> Cursor:
    order = tuple(
        (_text(item["field"]).lower(), item["order"] == "desc") for item in data["orderFields"]
    )
    *values, ref = data["orderFieldValues"]
    if len(values) != len(order) or len(order) > MAX_ORDER_FIELDS:
        raise ValueError
    text = data.get("fullTextFilter") or {}
    question = Question(
        filters=tuple(_text(item) for item in data.get("filter", ())),
        query=data.get("query"),
        order=order,
        text=_text(text.get("term", "")),
        text_fields=tuple(_text(item).lower() for item in text.get("fields", ())),
    )
    total, limit = data.get("totalItems"), data.get("limit")
    return Cursor(
        question=question,
        values=tuple(value if value is None else _text(value) for value in values),
        ref=_text(ref),
        backwards=data["isPrevious"] is True,
        total=total if isinstance(total, int) else None,
        limit=limit if isinstance(limit, int) and limit > 0 else None,
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError
    return value


__all__ = ["Cursor", "InvalidCursor", "InvalidFilter", "Question", "decode"]
