"""Questions without a `ui:field`: text, numbers, yes or no, choices; by JSON type and widget."""

from __future__ import annotations

import json
from typing import Any

from django import forms

from accounts.models import User
from scaffolder.blueprint import Field
from scaffolder.fields import field_type

TEXT_WIDGETS: dict[str, type[forms.Widget]] = {
    "textarea": forms.Textarea,
    "password": forms.PasswordInput,
    "hidden": forms.HiddenInput,
    "email": forms.EmailInput,
    "uri": forms.URLInput,
    "url": forms.URLInput,
    "date": forms.DateInput,
}
YES_OR_NO = Field("", "", enum=(True, False), enum_names=("Yes", "No"))


@field_type("", "EntityNamePicker")
def plain(field: Field, user: User) -> forms.Field:
    """The JSON schema is what checks the value: Django only gives it its type here."""
    if field.type == "array":
        return _several(field)
    if field.enum and field.widget != "hidden":
        return _choice(field, field)
    if field.type == "boolean":
        return _yes_or_no(field)
    if field.type in ("integer", "number"):
        return _number(field)
    return _text(field)


def _text(field: Field) -> forms.Field:
    kind = TEXT_WIDGETS.get(field.widget or field.format, forms.TextInput)
    attributes: dict[str, Any] = {}
    if field.widget == "textarea":
        attributes = {"rows": field.options.get("rows", 3)}
    if field.format == "date" and not field.widget:
        attributes = {"type": "date"}
    if field.ui_field == "EntityNamePicker":
        attributes = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
    return forms.CharField(widget=kind(attrs=attributes))


def _number(field: Field) -> forms.Field:
    limits: dict[str, Any] = {"min": field.minimum, "max": field.maximum}
    attributes: dict[str, Any] = {
        name: _short(value) for name, value in limits.items() if value is not None
    }
    step = field.schema.get("multipleOf")
    widget: type[forms.Widget] = forms.NumberInput
    if field.widget == "range":
        widget, attributes = forms.NumberInput, attributes | {"type": "range"}
    if field.widget == "hidden":
        widget = forms.HiddenInput
    if field.type == "integer":
        return forms.IntegerField(widget=widget(attrs=attributes | {"step": step or 1}))
    return forms.FloatField(widget=widget(attrs=attributes | {"step": step or "any"}))


def _short(value: float) -> float | int:
    return int(value) if value == int(value) else value


def _yes_or_no(field: Field) -> forms.Field:
    if field.widget in ("radio", "select"):
        return _choice(YES_OR_NO, field)
    if field.widget == "hidden":
        return forms.BooleanField(widget=forms.HiddenInput())
    return forms.BooleanField(widget=forms.CheckboxInput(attrs={"class": "form-check-input"}))


class _Disabling:
    """A choice widget, some of whose choices cannot be taken (`ui:enumDisabled`)."""

    off: frozenset[str] = frozenset()

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        made: dict[str, Any] = super().create_option(name, value, *args, **kwargs)  # type: ignore[misc]
        if str(value) in self.off:
            made["attrs"]["disabled"] = True
        return made


class DisablingSelect(_Disabling, forms.Select):
    pass


class DisablingRadio(_Disabling, forms.RadioSelect):
    pass


class DisablingCheckboxes(_Disabling, forms.CheckboxSelectMultiple):
    pass


class DisablingSelectMultiple(_Disabling, forms.SelectMultiple):
    pass


def _written(value: Any) -> str:
    """A value as the browser sends it back."""
    return json.dumps(value) if isinstance(value, (bool, list, dict)) else str(value)


class Choices:
    """The choices of a field: values keep their JSON type, whatever text the browser sends."""

    def __init__(self, offered: Field, asked: Field) -> None:
        disabled = asked.schema.get("ui:enumDisabled") or asked.options.get("enumDisabled") or []
        self.off = frozenset(map(_written, disabled))
        self.by_text = {_written(value): value for value, _ in offered.choices}
        self.pairs = [(_written(value), label) for value, label in offered.choices]
        self.open = [pair for pair in self.pairs if pair[0] not in self.off]

    def value(self, text: Any) -> Any:
        return self.by_text.get(text, text)


def _choice(offered: Field, asked: Field) -> forms.Field:
    choices = Choices(offered, asked)
    widget = DisablingRadio() if asked.widget == "radio" else DisablingSelect()
    shown = choices.pairs
    if asked.widget != "radio" and (not asked.has_default or not asked.required):
        shown = [("", "Choose one"), *shown]
    widget.off = choices.off
    made = OneOf(
        choices=choices.open, coerce=choices.value, widget=widget, empty_value=None
    )  # fmt: skip
    made.widget.choices = shown
    return made


class OneOf(forms.TypedChoiceField):
    def prepare_value(self, value: Any) -> Any:
        return _written(value) if value is not None else value


class SomeOf(forms.TypedMultipleChoiceField):
    def prepare_value(self, value: Any) -> Any:
        return [_written(item) for item in value] if isinstance(value, list) else value


def _several(field: Field) -> forms.Field:
    """Choices to tick. Other lists are rows of the form (see scaffolder.forms.layout)."""
    offered = field.items or field
    choices = Choices(offered, field)
    widget: Any = DisablingCheckboxes() if field.widget != "select" else DisablingSelectMultiple()
    widget.off = choices.off
    made = SomeOf(choices=choices.open, coerce=choices.value, widget=widget, empty_value=[])
    made.widget.choices = choices.pairs
    return made
