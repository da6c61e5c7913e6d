"""Questions without a `ui:field`: text, numbers, yes or no, choices; by JSON type and widget."""

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
}


@field_type("", "EntityNamePicker")
def plain(field: Field, user: User) -> forms.Field:
    """The JSON schema is what checks the value: Django only gives it its type here."""
    if field.enum:
        return _choice(field)
    if field.type == "boolean":
        return forms.BooleanField(widget=forms.CheckboxInput(attrs={"class": "form-check-input"}))
    if field.type == "integer":
        return forms.IntegerField(widget=forms.NumberInput(attrs=_limits(field)))
    if field.type == "number":
        return forms.FloatField(widget=forms.NumberInput(attrs={"step": "any"} | _limits(field)))
    if field.type == "array":
        return Lines(widget=forms.Textarea(attrs={"rows": 4}), help_text="One a line.")
    widget = TEXT_WIDGETS.get(field.widget, forms.TextInput)
    attributes = {"rows": field.options.get("rows", 3)} if field.widget == "textarea" else {}
    return forms.CharField(widget=widget(attrs=attributes))


def _limits(field: Field) -> dict[str, Any]:
    limits = {"min": field.minimum, "max": field.maximum}
    return {name: value for name, value in limits.items() if value is not None}


class Lines(forms.CharField):
    """A list of texts, one a line."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, list):
            return value
        return [line.strip() for line in (value or "").splitlines() if line.strip()]

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list) else value


def _choice(field: Field) -> forms.Field:
    """Values keep their JSON type, whatever text the browser sends back."""
    by_text = {str(value): value for value, _ in field.choices}
    choices = [(str(value), label) for value, label in field.choices]
    widget: type[forms.Widget] = forms.Select
    if field.widget == "radio":
        widget = forms.RadioSelect
    elif not field.has_default:
        choices = [("", "Choose one"), *choices]
    return forms.TypedChoiceField(
        choices=choices,
        coerce=lambda text: by_text.get(text, text),
        widget=widget,
        empty_value=None,
    )
