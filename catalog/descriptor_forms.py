"""The form that edits a descriptor, and what its answers change in the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django import forms

from accounts.models import User
from catalog import refs
from catalog.editing import Path, changed
from catalog.kinds import required_of
from catalog.models import Entity
from catalog.relations import FIELDS, relations_of
from catalog.validators import entity_findings

MAX_CHOICES = 1_000
# Texts that live in metadata; everything else but tags, links and annotations lives in spec.
METADATA = ("title", "description", "tags", "links", "annotations")
REFERENCES = ("providesApis", "consumesApis", "dependsOn")
LABELS = {
    "providesApis": "Provides APIs", "consumesApis": "Uses APIs", "dependsOn": "Depends on",
}  # fmt: skip
HELP = {
    "tags": "One a line.",
    "links": "One a line: the address, then what it is called.",
    "annotations": "One a line: key: value.",
    "providesApis": "References, one a line.",
    "consumesApis": "References, one a line.",
    "dependsOn": "References with their kind, one a line: resource:default/orders-db.",
}


class Lines(forms.CharField):
    """A list of texts, one a line."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in (value or "").splitlines() if line.strip()]


class DescriptorForm(forms.Form):
    """`entity` is what the file says now. After `is_valid`, `changes` holds what differs."""

    def __init__(self, entity: dict[str, Any], user: User, data: Any = None) -> None:
        super().__init__(data)
        self.entity = entity
        self.kind = str(entity["kind"]).lower()
        self.changes: dict[Path, Any] = {}
        self.user = user
        for name in _names(self.kind):
            value = self._current(name)
            if _is_editable(name, value):
                self.fields[name] = self._field(name, value)

    def _place(self, name: str) -> tuple[str, str]:
        return ("metadata" if name in METADATA else "spec", name)

    def _current(self, name: str) -> Any:
        part, key = self._place(name)
        return (self.entity.get(part) or {}).get(key)

    def _field(self, name: str, value: Any) -> forms.Field:
        if name in ("owner", "system"):
            made: forms.Field = forms.ChoiceField(choices=self._choices(name, value))
        elif name in (*REFERENCES, "tags", "links", "annotations"):
            made = Lines(widget=forms.Textarea(attrs={"rows": max(2, len(value or ()) + 1)}))
        elif name == "description":
            made = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}))
        else:
            made = forms.CharField()
        made.required = False  # the catalogue's own rules decide, in its own words
        made.widget.is_required = name in required_of(self.kind)
        made.label = LABELS.get(name, name.capitalize())
        made.help_text = HELP.get(name, "")
        made.initial = _shown(name, value)
        return made

    def _choices(self, name: str, value: Any) -> list[Any]:
        """Groups (or systems), the person's own first; the present value even if it dangles."""
        kind = "group" if name == "owner" else "system"
        rows = Entity.objects.visible_to(self.user).filter(kind=kind, orphaned_at=None)
        found = [
            (ref, f"{title} ({label})" if title and title != label else label)
            for ref, title, label in rows.order_by("name").values_list("ref", "title", "name")
        ][:MAX_CHOICES]
        mine = [row for row in found if row[0] in self.user.group_refs]
        others = [row for row in found if row[0] not in self.user.group_refs]
        present = _shown(name, value)
        if present and present not in dict(found):
            others.insert(0, (present, present))
        groups = [("Mine", mine), ("All others" if mine else "All", others)]
        return [("", "None" if name == "system" else "Choose one"), *(g for g in groups if g[1])]

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        self.changes = dict(self._changes(given))
        entity = self.entity
        for path, value in self.changes.items():
            entity = changed(entity, path, value)
        if self.errors:
            return given
        broken = entity_findings(entity)
        findings = [(_field_of(path, message), message) for path, message in broken]
        if not findings:
            findings = list(relations_of(entity)[1])
        for name, message in findings:
            self.add_error(name if name in self.fields else None, message)
        return given

    def _changes(self, given: dict[str, Any]) -> Iterator[tuple[Path, Any]]:
        for name, value in list(given.items()):
            before, place = self._current(name), self._place(name)
            if name == "annotations":
                yield from self._annotations(before or {}, value)
            elif name == "links":
                wanted = _links(value, before or [])
                if wanted != (before or []):
                    yield place, wanted or None
            elif isinstance(value, list):
                if value != (before or []):
                    yield place, value or None
            elif _text(value) != _text(_shown(name, before)):
                yield place, _text(value) or None

    def _annotations(self, before: dict[str, str], lines: list[str]) -> Iterator[tuple[Path, Any]]:
        wanted: dict[str, str] = {}
        for line in lines:
            key, colon, value = line.partition(": ")
            if not colon:
                self.add_error("annotations", f"“{line}” must be a key, a colon, a space, a value")
            wanted[key.strip()] = value.strip()
        shown = {key: value for key, value in before.items() if _fits_a_line(value)}
        for key in {**shown, **wanted}:
            if shown.get(key) != wanted.get(key):
                yield ("metadata", "annotations", key), wanted.get(key)


NEW_KINDS = ("Component", "Resource", "System", "Domain")


class NewDescriptorForm(DescriptorForm):
    """The same questions for an entity that has no descriptor yet, and its name.

    After `is_valid`, `described` is the whole entity.
    """

    def __init__(self, kind: str, initial: dict[str, Any], user: User, data: Any = None) -> None:
        name = (data or initial).get("name", "").strip()
        entity = {
            "apiVersion": "backstage.io/v1alpha1", "kind": kind, "metadata": {"name": name},
            "spec": {},
        }  # fmt: skip
        super().__init__(entity, user, data)
        field = forms.CharField(required=False, label="Name", initial=name)
        field.help_text = "Letters, digits, hyphens, dots and underscores; it is part of addresses."
        field.widget.is_required = True
        self.fields = {"name": field} | self.fields
        for key, value in initial.items():
            if key in self.fields and value:
                self.fields[key].initial = value

    @property
    def described(self) -> dict[str, Any]:
        entity = self.entity
        for path, value in self.changes.items():
            entity = changed(entity, path, value)
        return entity

    def _changes(self, given: dict[str, Any]) -> Iterator[tuple[Path, Any]]:
        yield from super()._changes({k: v for k, v in given.items() if k != "name"})


def _names(kind: str) -> tuple[str, ...]:
    """The questions that make sense for a kind, in the order of the form."""
    required = required_of(kind)
    related = {field.name for field in FIELDS.get(kind, ())}
    spec: list[str] = [
        name for name in ("owner", "type", "lifecycle") if name in required or name in related
    ]
    spec += [name for name in ("system", *REFERENCES) if name in related]
    return ("title", "description", *spec, "tags", "links", "annotations")


def _is_editable(name: str, value: Any) -> bool:
    """Not what the file says with a placeholder, or in a shape that is an error anyway."""
    if value is None:
        return True
    if name in ("tags", *REFERENCES):
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if name == "links":
        return isinstance(value, list) and all(isinstance(item, dict) for item in value)
    return isinstance(value, dict if name == "annotations" else str)


def _shown(name: str, value: Any) -> str:
    """What the form shows for a value of the file."""
    if value is None:
        return ""
    if name in ("owner", "system"):
        try:
            kind = "group" if name == "owner" else "system"
            return str(refs.parse(value, default_kind=kind))
        except refs.InvalidRef:
            return str(value)
    if name == "links":
        return "\n".join(f"{link['url']} {link.get('title', '')}".strip() for link in value)
    if name == "annotations":
        return "\n".join(f"{key}: {text}" for key, text in value.items() if _fits_a_line(text))
    return "\n".join(value) if isinstance(value, list) else str(value)


def _fits_a_line(value: Any) -> bool:
    return isinstance(value, str) and value == value.strip() and len(value.splitlines()) == 1


def _text(value: str) -> str:
    return value.replace("\r\n", "\n").strip()


def _links(lines: list[str], before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Links as the lines say; what the file says besides (icon, type) stays."""
    known = {link.get("url"): link for link in before}
    found = []
    for line in lines:
        url, _, title = line.partition(" ")
        rest = {key: value for key, value in known.get(url, {}).items() if key != "title"}
        link = {"url": url, **({"title": title.strip()} if title.strip() else {}), **rest}
        found.append(known[url] if link == known.get(url) else link)
    return found


def _field_of(path: tuple[str | int, ...], message: str) -> str | None:
    """Which question a finding of the validators is about."""
    if len(path) > 1:
        return str(path[1])
    missing = re.match(r"“(?:spec|metadata)\.(\w+)”", message)
    return missing[1] if missing else None
