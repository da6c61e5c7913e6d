"""What the REST API asks of entities, as conditions and columns of a query.

Only `EntityQuerySet` uses these; they name its columns and run nothing themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Any, TypeGuard

from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Cast, Length, Lower, NullIf
from django.db.models.sql.compiler import SQLCompiler

from catalog import predicates
from catalog.stitching import MAX_VALUE, term

for _field in (models.CharField, models.TextField):
    _field.register_lookup(Lower)
    _field.register_lookup(Length)


@dataclass(frozen=True, slots=True)
class Order:
    """One field to sort by, named as in the API, and the column of the query that holds it."""

    field: str
    descending: bool = False
    column: str = "sort_0"


class _AnyValueLike(Func):
    """Whether one of the values of a key is LIKE a pattern."""

    output_field = models.BooleanField()

    def __init__(self, key: str, pattern: str) -> None:
        super().__init__(F("search_values"), Value(key), Value(pattern))

    def as_sql(self, compiler: SQLCompiler, connection: Any, **context: Any) -> Any:  # type: ignore[override]
        parts = [compiler.compile(part) for part in self.get_source_expressions()]
        (values, _), (key, _), (pattern, _) = parts
        sql = (  # the parts are compiled expressions, whose values are parameters
            f"EXISTS (SELECT 1 FROM jsonb_array_elements_text({values} -> {key}) AS item"  # noqa: S608
            f" WHERE item LIKE {pattern})"
        )
        return sql, [param for _, params in parts for param in params]


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def value_of(key: str) -> Func:
    """The first value of a key, in lower case; NULL where there is none."""
    return Func(
        F("search_values"), Value(key), Value("0"),
        function="jsonb_extract_path_text", output_field=models.TextField(),
    )  # fmt: skip


# What has a column (and an index) of its own; every other key is looked up in `search_values`.
SORTED_BY: dict[str, Any] = {
    "kind": F("kind"),
    "metadata.name": Lower("name"),
    "metadata.namespace": F("namespace"),
    "metadata.uid": Cast("uid", models.TextField()),
}
ALWAYS_THERE = frozenset(SORTED_BY)
SORTED_BY |= {
    "spec.type": NullIf(Lower("type"), Value("")),
    "spec.lifecycle": NullIf(Lower("lifecycle"), Value("")),
}
COUNTED_BY = {
    "kind": "kind_label",
    "metadata.namespace": "namespace",
    "spec.type": "type",
    "spec.lifecycle": "lifecycle",
    "spec.owner": "owner_label",
}
# Keys whose values all stand in `search_text`, and the condition on a column that says it exactly.
TEXTS = {
    "metadata.name": lambda text: Q(name__lower__contains=text),
    "metadata.title": lambda text: Q(title__lower__contains=text) & Q(title__length__lte=MAX_VALUE),
    "metadata.description": lambda text: (
        Q(description__lower__contains=text) & Q(description__length__lte=MAX_VALUE)
    ),
    "spec.profile.displayname": None,
    "spec.profile.email": None,
    "metadata.tags": None,
}


def _texts(keys: Sequence[str], text: str) -> Q:
    """One of the keys has a value with the text in it; the trigram index finds the candidates."""
    found = Q()
    for key in keys:
        column = TEXTS.get(key)
        found |= column(text) if column else Q(_AnyValueLike(key, f"%{_like(text)}%"))
    if all(key in TEXTS for key in keys):
        found &= Q(search_text__contains=text)
    return found


NOTHING, EVERYTHING = Q(pk__in=[]), Q(pk__isnull=False)


def condition_of(predicate: predicates.Predicate, private: frozenset[str]) -> Q:
    """A predicate as SQL. `private`: hidden entities that the person may see, by reference."""
    match predicate:
        case predicates.All(parts):
            return _all_of(parts, private)
        case predicates.AnyOf(parts):
            return reduce(or_, [condition_of(part, private) for part in parts] or [NOTHING])
        case predicates.Not(part):
            return ~condition_of(part, private)
        case predicates.Exists(key):
            return Q(terms__contains=[term(key)]) | _hidden(key, private)
        case predicates.Equals(key, values):
            return _equals(key, values) | _hidden(key, private.intersection(values))
        case predicates.HasPrefix(key, prefix):
            hidden = frozenset(ref for ref in private if ref.startswith(prefix))
            return Q(_AnyValueLike(key, _like(prefix) + "%")) | _hidden(key, hidden)
        case predicates.Contains(keys, text):
            return _texts(keys, text)


def _all_of(parts: Sequence[predicates.Predicate], private: frozenset[str]) -> Q:
    """Single values are looked up in the index together."""
    terms = [term(p.key, p.values[0]) for p in parts if _is_one_term(p)]
    together = [Q(terms__contains=terms)] if terms else []
    others = [condition_of(part, private) for part in parts if not _is_one_term(part)]
    return reduce(and_, together + others or [EVERYTHING])


def _equals(key: str, values: Sequence[str]) -> Q:
    if not values:
        return NOTHING
    if key == "kind":
        return Q(kind=values[0]) if len(values) == 1 else Q(kind__in=values)
    terms = [term(key, value) for value in values]
    return Q(terms__contains=terms) if len(terms) == 1 else Q(terms__overlap=terms)


def _is_one_term(predicate: predicates.Predicate) -> TypeGuard[predicates.Equals]:
    return (
        isinstance(predicate, predicates.Equals)
        and len(predicate.values) == 1
        and predicate.key != "kind"
        and not predicate.key.startswith("relations.")
    )


def _hidden(key: str, refs: frozenset[str]) -> Q:
    """Edges to these hidden entities; they are in nobody's `terms`."""
    if not refs or not key.startswith("relations."):
        return Q()
    kind = key.removeprefix("relations.")
    return Q(hidden_edges__overlap=[f"{kind}={ref}" for ref in sorted(refs)])


def after(order: Order, value: str | None, backwards: bool) -> Q:
    """The field's value comes after this one; NULL is the last of all, in either direction."""
    if value is None:
        return Q(**{f"{order.column}__isnull": False}) if backwards else Q(pk__in=[])
    operator = "lt" if order.descending is not backwards else "gt"
    found = Q(**{f"{order.column}__{operator}": value})
    if not backwards and order.field not in ALWAYS_THERE:
        found |= Q(**{f"{order.column}__isnull": True})
    return found


def same(order: Order, value: str | None) -> Q:
    if value is None:
        return Q(**{f"{order.column}__isnull": True})
    return Q(**{order.column: value})
