"""The form of a golden path's page, made from its JSON schema for one person."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.models import User
from scaffolder.blocks import GoldenPath, checked
from scaffolder.blueprint import Field, Page, fields_of
from scaffolder.fields import field_types


class PageForm(forms.Form):
    """One page. `answers` are all answers so far: conditions on this page may ask for them."""

    def __init__(
        self, path: GoldenPath, page: Page, user: User, answers: dict[str, Any], data: Any = None
    ) -> None:
        super().__init__(data, initial=answers)
        self.page = page
        # What is typed just now decides which conditional questions this page has.
        self.schema = path.schema(page, answers if data is None else answers | _typed(page, data))
        for field in fields_of(self.schema):
            self.fields[field.name] = _form_field(field, user)

    def clean(self) -> dict[str, Any]:
        """What the person gave, checked against the JSON schema; messages go to their fields."""
        given = {
            name: value
            for name, value in self.cleaned_data.items()
            if value not in (None, "", []) or name in self.schema.get("required", [])
        }
        given = {name: value for name, value in given.items() if value not in (None, "")}
        for name, messages in checked(self.schema, given).items():
            field = name.split(".")[0]
            target = field if field in self.fields else None
            if target is None or target not in self.errors:
                self.add_error(target, messages)
        return given


def _typed(page: Page, data: Any) -> dict[str, Any]:
    """The page's unconditional answers as they were sent, in their JSON types."""
    typed: dict[str, Any] = {}
    for field in page.fields:
        if field.type == "boolean":
            typed[field.name] = field.name in data
        elif field.name in data:
            texts = {str(value): value for value in field.enum}
            typed[field.name] = texts.get(data[field.name], data[field.name])
    return typed


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
