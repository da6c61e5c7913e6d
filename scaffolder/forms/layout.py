"""A page's questions as a tree: single questions, groups of them, and lists with a row each.

Every question is one field of the Django form; its name is the dotted path of its answer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from scaffolder.blueprint import Field
from scaffolder.fields import repository

MAX_ROWS = 100
ROWS = ".rows"
PICKED_ONE_BY_ONE = {"MultiEntityPicker": "EntityPicker"}
LEAVES = frozenset({"EntityTagsPicker"})


@dataclass
class Node:
    """`kind` is question, group, repository (a group whose answer is one text) or rows."""

    name: str
    field: Field
    kind: str = "question"
    children: list[Node] = dataclasses.field(default_factory=list)
    more: bool = False  # a row may be added
    fewer: bool = False  # a row may be taken away
    form: Any = None

    @property
    def bound(self) -> Any:
        """The question in its form, for the template."""
        return self.form[self.name]

    @property
    def count(self) -> Any:
        return self.form[self.counter]

    def belong_to(self, form: Any) -> None:
        self.form = form
        for child in self.children:
            child.belong_to(form)

    @property
    def counter(self) -> str:
        return self.name + ROWS

    def questions(self) -> Iterator[Node]:
        if self.kind == "question":
            yield self
        for child in self.children:
            yield from child.questions()

    def lists(self) -> Iterator[Node]:
        if self.kind == "rows":
            yield self
        for child in self.children:
            yield from child.lists()


def layout(
    fields: Iterable[Field], values: Any, counts: Mapping[str, int], prefix: str = ""
) -> list[Node]:
    """The tree for these fields. `counts` are the rows that the person has now, by name."""
    given = values if isinstance(values, Mapping) else {}
    return [_node(one, f"{prefix}{one.name}", given.get(one.name), counts) for one in fields]


def _node(one: Field, name: str, value: Any, counts: Mapping[str, int]) -> Node:
    if one.ui_field == "RepoUrlPicker":
        return _repository(one, name)
    if one.type == "object" and one.fields:
        return Node(name, one, "group", layout(one.fields, value, counts, f"{name}."))
    if one.type == "array" and not _is_one_question(one):
        return _rows(one, name, value, counts)
    return Node(name, one)


def _is_one_question(one: Field) -> bool:
    choices = one.enum or (one.items and one.items.enum)
    return one.ui_field in LEAVES or bool(choices)


def _repository(one: Field, name: str) -> Node:
    parts = [Node(f"{name}.{part.name}", part) for part in repository.parts_of(one)]
    return Node(name, one, "repository", parts)


def _rows(one: Field, name: str, value: Any, counts: Mapping[str, int]) -> Node:
    values = value if isinstance(value, list) else []
    least = _limit(one, "minItems", 0)
    most = min(_limit(one, "maxItems", MAX_ROWS), MAX_ROWS)
    count = min(counts.get(name, max(len(values), least)), MAX_ROWS)
    rows = []
    for place in range(count):
        item = values[place] if place < len(values) else None
        rows.append(_node(_item(one, place), f"{name}.{place}", item, counts))
    return Node(name, one, "rows", rows, more=count < most, fewer=count > least)


def _limit(one: Field, keyword: str, otherwise: int) -> int:
    value = one.schema.get(keyword)
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


def _item(one: Field, place: int) -> Field:
    """The question of one row."""
    item = one.items or Field("", "")
    named = item.schema.get("title") or item.schema.get("ui:title")
    title = f"{named or one.title}, {place + 1}"
    kind = PICKED_ONE_BY_ONE.get(one.ui_field, item.ui_field)
    options = one.options if one.ui_field in PICKED_ONE_BY_ONE else item.options
    return replace(item, name=str(place), title=title, ui_field=kind, options=options)


def questions(nodes: Iterable[Node]) -> Iterator[Node]:
    for node in nodes:
        yield from node.questions()


def lists(nodes: Iterable[Node]) -> Iterator[Node]:
    for node in nodes:
        yield from node.lists()


class Reader:
    """Answers by the names of their questions, put together into the JSON that the schema is of.

    Empty answers are left out. `names` tells which question an answer's path came from, because
    empty rows are left out too.
    """

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers
        self.names: dict[str, str] = {}

    def read(self, nodes: Iterable[Node], needed: Iterable[str] = ()) -> dict[str, Any]:
        return self._members(nodes, "", frozenset(needed))

    def _members(self, nodes: Iterable[Node], path: str, needed: frozenset[str]) -> dict[str, Any]:
        found = {}
        for node in nodes:
            value = self._value(node, f"{path}{node.field.name}")
            empty = value in (None, "") or (value in ([], {}) and node.field.name not in needed)
            if not empty or value is False or value == 0:
                found[node.field.name] = value
        return found

    def _value(self, node: Node, path: str) -> Any:
        self.names[path] = node.name
        if node.kind == "question":
            return self.answers.get(node.name)
        if node.kind == "rows":
            self.names[path] = node.counter
            return self._row_values(node, path)
        if node.kind == "repository":
            self.names[path] = node.children[-1].name
            parts = {part.field.name: self.answers.get(part.name) for part in node.children}
            return repository.joined(node.field, parts)
        needed = node.field.schema.get("required")
        return self._members(
            node.children, f"{path}.", frozenset(needed if isinstance(needed, list) else ())
        )

    def _row_values(self, node: Node, path: str) -> list[Any]:
        found: list[Any] = []
        for row in node.children:
            value = self._value(row, f"{path}.{len(found)}")
            if value not in (None, "", {}) or value is False or value == 0:
                found.append(value)
        return found


def initial(nodes: Iterable[Node], values: Any) -> dict[str, Any]:
    """The answers of a JSON value by the names of their questions."""
    given = values if isinstance(values, Mapping) else {}
    found: dict[str, Any] = {}
    for node in nodes:
        found |= _initial(node, given.get(node.field.name))
    return found


def _initial(node: Node, value: Any) -> dict[str, Any]:
    if node.kind == "question":
        return {} if value is None else {node.name: value}
    if node.kind == "repository":
        return initial(node.children, repository.split(value))
    if node.kind == "rows":
        values = dict(enumerate(value)) if isinstance(value, list) else {}
        return initial(node.children, {str(place): item for place, item in values.items()})
    return initial(node.children, value)
