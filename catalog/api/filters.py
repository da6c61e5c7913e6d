"""The two filter dialects of Backstage's API, read into predicates. Pure: text in, tree out.

GET: `,` is AND, a repeated parameter OR, the same key twice IN, `key` exists, `key=` is empty;
and what Backstage lacks: `!key` (does not exist) and `key!=value` (has no such value).
POST: `{"kind": "Component", "metadata.tags": {"$contains": "java"}, "$not": …}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from catalog.predicates import All, AnyOf, Equals, Exists, HasPrefix, Not, Predicate
from catalog.stitching import scalar

MAX_PARTS = 1_000
MAX_DEPTH = 20


class InvalidFilter(ValueError):
    """The filter cannot be understood; str() says why."""


# -- GET ----------------------------------------------------------------------------------------
def parse_filters(texts: Iterable[str]) -> Predicate:
    """All `filter` parameters of a request: one of them has to hold; without any, all entities."""
    parts = [part for part in map(_parse_filter, texts) if part is not None]
    if not parts:
        return All()
    return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))


def _parse_filter(text: str) -> Predicate | None:
    wanted: dict[str, list[str]] = {}
    unwanted: list[Predicate] = []
    statements = [part for part in (part.strip() for part in text.split(",")) if part]
    if len(statements) > MAX_PARTS:
        raise InvalidFilter(f"Invalid filter, it has more than {MAX_PARTS:,} parts")
    for statement in statements:
        key, equals, value = statement.partition("=")
        name = key.strip().removeprefix("!").removesuffix("!").strip().lower()
        if not name:
            raise InvalidFilter(
                f"Invalid filter, “{statement}” is not a valid statement "
                "(expected a=b, a=, a, a!=b or !a)"
            )
        if key.startswith("!"):
            unwanted.append(Not(_one(name, [value.strip()] if equals else [])))
        elif key.rstrip().endswith("!") and equals:
            unwanted.append(Not(_one(name, [value.strip()])))
        else:
            wanted.setdefault(key.strip().lower(), []).extend([value.strip()] if equals else [])
    parts = [_one(key, values) for key, values in wanted.items()] + unwanted
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _one(key: str, values: list[str]) -> Predicate:
    return Equals(key, tuple(value.lower() for value in values)) if values else Exists(key)


# -- POST ---------------------------------------------------------------------------------------
def parse_query(query: Any, depth: int = 0) -> Predicate:
    """Backstage's filter predicate. Raises InvalidFilter with the place of what is wrong."""
    if not isinstance(query, Mapping):
        raise InvalidFilter(
            "Query must be an object: top-level primitive values are not supported, "
            f'wrap them in a field expression, e.g. {{"kind": {scalar(query)!r}}}'
        )
    if depth > MAX_DEPTH or len(query) > MAX_PARTS:
        raise InvalidFilter("Invalid query: it is nested too deeply, or too long")
    operators = [key for key in query if str(key).startswith("$")]
    if not operators:
        return All(tuple(_field(str(key).lower(), value) for key, value in query.items()))
    if len(query) != 1:
        raise InvalidFilter(
            f"Operator {operators[0]} must be the only key in the predicate, "
            "wrap in $all to combine with other conditions"
        )
    operator, value = operators[0], query[operators[0]]
    if operator == "$not":
        return Not(parse_query(value, depth + 1))
    if operator not in ("$all", "$any"):
        raise InvalidFilter(f"Invalid query: unknown operator {operator}")
    if not isinstance(value, list) or len(value) > MAX_PARTS:
        raise InvalidFilter(f"Invalid query: {operator} must be a list of predicates")
    parts = tuple(parse_query(part, depth + 1) for part in value)
    return All(parts) if operator == "$all" else AnyOf(parts)


def _field(key: str, value: Any) -> Predicate:
    if isinstance(value, (str, int, float, bool)):
        return Equals(key, (_text(value),))
    if not isinstance(value, Mapping) or len(value) != 1:
        raise _unsupported(key, value)
    ((operator, operand),) = value.items()
    if operator == "$exists" and isinstance(operand, bool):
        return Exists(key) if operand else Not(Exists(key))
    if operator == "$in" and isinstance(operand, list) and len(operand) <= MAX_PARTS:
        return Equals(key, tuple(_primitive(key, item) for item in operand))
    if operator == "$hasPrefix" and isinstance(operand, str):
        return HasPrefix(key, operand.lower())
    if operator == "$contains":
        return _contains(key, operand)
    raise _unsupported(key, value)


def _contains(key: str, target: Any) -> Predicate:
    """`$contains` of a scalar in any list; of {type, targetRef} in `relations`."""
    if not isinstance(target, Mapping):
        return Equals(key, (_primitive(key, target),))
    if key != "relations":
        raise InvalidFilter(f"Object form of $contains is not supported for field “{key}”")
    given = {str(name).lower(): value for name, value in target.items()}
    kind, ref = given.pop("type", None), given.pop("targetref", None)
    if given:
        raise InvalidFilter(
            f"Unsupported key “{next(iter(given))}” in $contains for “relations”. "
            "Only “type” and “targetRef” are supported"
        )
    if not isinstance(kind, str) or not kind:
        raise InvalidFilter(
            "The $contains operator for “relations” requires a “type” string property"
        )
    if ref is None:
        return Exists(f"relations.{kind.lower()}")
    refs = ref.get("$in") if isinstance(ref, Mapping) and len(ref) == 1 else [ref]
    if not isinstance(refs, list) or not refs or not all(isinstance(item, str) for item in refs):
        raise InvalidFilter(
            "Unsupported value in $contains for “relations”: "
            'expected a string or {"$in": [strings]}'
        )
    return Equals(f"relations.{kind.lower()}", tuple(item.lower() for item in refs))


def _primitive(key: str, value: Any) -> str:
    if not isinstance(value, (str, int, float, bool)):
        raise _unsupported(key, value)
    return _text(value)


def _text(value: str | int | float | bool) -> str:
    return str(scalar(value)).lower()


def _unsupported(key: str, value: Any) -> InvalidFilter:
    return InvalidFilter(
        f"Invalid filter predicate value for field “{key}”: expected a primitive value, "
        f"$exists, $in, $hasPrefix, or $contains operator, but got {str(value)[:200]}"
    )
