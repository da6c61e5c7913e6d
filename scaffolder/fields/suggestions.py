"""A text field with suggestions: the browser's own list, which htmx narrows down as one types."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

FEW = 100

Option = tuple[str, str]


def options_html(options: list[Option]) -> SafeString:
    return format_html_join("", '<option value="{}">{}</option>', options)


class SuggestionInput(forms.TextInput):
    """An input and its list. `hx-get` in its attributes is where more suggestions come from."""

    def __init__(self, options: list[Option]) -> None:
        super().__init__(attrs={"autocomplete": "off"})
        self.options = options

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        known = f"{(attrs or {}).get('id', name)}-list"
        given = (attrs or {}) | {"list": known}
        if "hx-get" in self.attrs:
            given |= {"hx-trigger": "input changed delay:200ms", "hx-target": f"next #{known}",
                      "hx-swap": "innerHTML", "hx-sync": "this:replace"}  # fmt: skip
        control = super().render(name, value, given, renderer)
        options = options_html(self.options)
        return format_html('{}<datalist id="{}">{}</datalist>', control, known, options)


class Suggesting(forms.CharField):
    """A field that can be asked for suggestions; subclasses say which."""

    def __init__(self, *, options: list[Option] | None = None, widget: Any = None) -> None:
        super().__init__(widget=widget or SuggestionInput(options or []))

    def suggestions(self, text: str) -> list[Option]:
        raise NotImplementedError
