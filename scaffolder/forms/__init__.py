"""The form of a golden path's page, made from its JSON schema for one person."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.urls import reverse

from accounts.models import User
from scaffolder.blocks import GoldenPath, checked
from scaffolder.blueprint import Field, Page, fields_of, with_defaults
from scaffolder.blueprint.conditions import asked_names
from scaffolder.fields import field_types
from scaffolder.fields.suggestions import SuggestionInput
from scaffolder.forms.layout import (
    Node,
    Reader,
    initial,
    layout,
    lists,
    questions,
)
from scaffolder.forms.rows import row_counts
from scaffolder.services.names import taken_names

_ROUNDS = 5


class PageForm(forms.Form):
    """One page. `answers` are all answers so far: conditions on this page may ask for them.

    With `left`, only the questions that the person has been at and left are complained about.
    """

    template_name = "scaffolder/questions.html"

    def __init__(
        self,
        path: GoldenPath,
        page: Page,
        user: User,
        answers: Mapping[str, Any],
        data: QueryDict | None = None,
        left: frozenset[str] | None = None,
    ) -> None:
        super().__init__(data)
        self.data: QueryDict = data.copy() if data is not None else QueryDict()
        self.path, self.page, self.user, self.left = path, page, user, left
        names = asked_names(page.schema)
        self.others = {name: value for name, value in answers.items() if name not in names}
        self.before = with_defaults(page.schema, answers)
        self._made: dict[str, tuple[Field, forms.Field]] = {}
        self.nodes: list[Node] = []
        self.schema: dict[str, Any] = {}
        if data is None:
            self._show(self.before)
        else:
            self.typed = self._settle()

    # -- what is asked ----------------------------------------------------------------------------
    def _show(self, values: Mapping[str, Any]) -> None:
        """The questions for these answers, with the answers in them."""
        self._ask(values, {})
        self.initial = initial(self.nodes, values)
        self.typed = {name: values[name] for name in self._names() if name in values}

    def _settle(self) -> dict[str, Any]:
        """What is typed just now decides which questions there are, and those what is typed."""
        typed: dict[str, Any] = {}
        for _ in range(_ROUNDS):
            self._ask(self.others | typed, row_counts(self.data))
            self.initial = initial(self.nodes, self.before)
            now = self._read()
            if now == typed:
                break
            typed = now
        return typed

    def _ask(self, values: Mapping[str, Any], counts: Mapping[str, int]) -> None:
        self.schema = self.path.schema(self.page, dict(values))
        self.nodes = layout(fields_of(self.schema), values, counts)
        self.fields = {node.name: self._field(node) for node in questions(self.nodes)}
        for node in lists(self.nodes):
            count = len(node.children)
            self.fields[node.counter] = forms.IntegerField(
                required=False, label=node.field.title, initial=count, widget=forms.HiddenInput()
            )
        for node in self.nodes:
            node.belong_to(self)

    def _field(self, node: Node) -> forms.Field:
        known = self._made.get(node.name)
        if known is None or known[0] != node.field:
            made = _form_field(node.field, self.user)
            if self.left is not None:  # a part of the page is drawn anew: the focus stays
                made.widget.attrs.pop("autofocus", None)
            if isinstance(made.widget, SuggestionInput):
                made.widget.attrs["hx-get"] = f"{self._address()}?field={node.name}"
            self._made[node.name] = known = node.field, made
            self._fill(node, made)
        return known[1]

    def _address(self) -> str:
        kind_and_rest = self.path.release.block_ref.partition(":")[2]
        namespace, _, name = kind_and_rest.partition("/")
        number = self.path.pages.index(self.page) + 1
        return reverse("scaffolder:choices", args=[namespace, name, number])

    def _fill(self, node: Node, made: forms.Field) -> None:
        """A question that has just come up begins with its default."""
        asked = self.data.get("_asked", "").split() if self.is_bound else None
        if asked is None or "_asked" not in self.data or node.name in asked:
            return
        if node.field.has_default and node.name not in self.data:
            value = made.prepare_value(node.field.default)
            several = value if isinstance(value, list) else [value]
            if value is not False:
                self.data.setlist(node.name, ["on" if v is True else str(v) for v in several])

    def _read(self) -> dict[str, Any]:
        """The answers as they are, right or wrong, in their JSON types where that can be told."""
        found = {}
        for name, field in self.fields.items():
            raw = (
                self.get_initial_for_field(field, name)
                if field.disabled
                else field.widget.value_from_datadict(self.data, self.files, name)
            )
            try:
                found[name] = field.clean(raw)
            except ValidationError:
                found[name] = raw
        return Reader(found).read(self.nodes)

    def _names(self) -> list[str]:
        return [node.field.name for node in self.nodes]

    @property
    def asked(self) -> str:
        """For the form's own memory: the names of the questions that are on the screen."""
        return " ".join(self.fields)

    @property
    def brought_more(self) -> bool:
        """Whether the answers ask for questions that the person has not seen yet."""
        seen = set(self.data.get("_asked", self.asked).split())
        return any(node.name not in seen for node in questions(self.nodes))

    @property
    def shape(self) -> str:
        """Changes when the questions or the complaints do: the page is drawn anew only then."""
        return hashlib.sha256(f"{self.asked} {self.errors.as_json()}".encode()).hexdigest()[:12]

    @property
    def touched(self) -> str:
        return " ".join(sorted(self.left or self.errors))

    # -- what is wrong ----------------------------------------------------------------------------
    def clean(self) -> dict[str, Any]:
        """What the person gave, checked against the JSON schema; messages go to their fields."""
        reader = Reader(self.cleaned_data)
        needed = self.schema.get("required")
        given = reader.read(self.nodes, needed if isinstance(needed, list) else ())
        for path, messages in checked(self.schema, given).items():
            self._complain(self._target(path, reader.names), messages)
        for name, message in taken_names(self.path, self.others | given, self._at()).items():
            self._complain(self._target(name, reader.names), [message])
        return given

    def _at(self) -> set[str]:
        """The questions of this page that are to be complained about."""
        names = set(self._names())
        return names if self.left is None else names & {one.partition(".")[0] for one in self.left}

    def _target(self, path: str, names: Mapping[str, str]) -> str | None:
        """The question that a dotted path is about: its own, or the nearest around it."""
        while path:
            name = names.get(path, path)
            if name in self.fields:
                return name
            inside = [one for one in self.fields if one.startswith(f"{name}.")]
            if inside:
                return inside[0]
            path = path.rpartition(".")[0]
        return None

    def _complain(self, name: str | None, messages: list[str]) -> None:
        if name is None or name not in self.errors:
            self.add_error(name, messages)

    def full_clean(self) -> None:
        super().full_clean()
        if self.left is not None:
            kept = {name: found for name, found in self.errors.items() if name in self.left}
            self._errors = forms.utils.ErrorDict(kept)


def _form_field(field: Field, user: User) -> forms.Field:
    make = field_types().get(field.ui_field) or field_types()[""]
    made = make(field, user)
    made.label = field.title
    made.required = False  # the schema decides, so that every message is the schema's
    made.widget.is_required = field.required
    made.help_text = " ".join(filter(None, [field.description, field.help, str(made.help_text)]))
    if field.has_default:
        made.initial = field.default
    attributes = {
        "placeholder": field.placeholder,
        "autofocus": field.autofocus,
        "readonly": field.readonly,
        "maxlength": field.max_length,
        "aria-required": "true" if field.required else None,
    }
    made.widget.attrs |= {name: value for name, value in attributes.items() if value}
    made.disabled = field.disabled
    return made
