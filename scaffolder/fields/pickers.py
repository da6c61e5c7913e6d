"""Pickers of catalogue entities: OwnerPicker, EntityPicker and their kin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from accounts.models import User
from catalog import predicates, refs
from catalog.models import Entity
from scaffolder.blueprint import Field
from scaffolder.fields import field_type
from scaffolder.fields.suggestions import FEW, Suggesting

Row = tuple[str, str, str]


class EntityField(Suggesting):
    """A reference. Few entities are a list to choose from; many are searched as one types. What
    the catalogue does not know is refused, unless the template allows arbitrary values."""

    def __init__(self, field: Field, user: User, entities: QuerySet[Entity, Entity]) -> None:
        self.field, self.entities = field, entities
        self.arbitrary = field.options.get("allowArbitraryValues") is True
        rows = self._rows(entities.order_by("kind", "name"))
        if self.arbitrary or len(rows) > FEW:
            super().__init__(options=[(ref, _label(title, name)) for ref, title, name in rows])
        else:
            super().__init__(widget=forms.Select(choices=_grouped(rows, user.group_refs)))

    def _rows(self, entities: QuerySet[Entity, Entity]) -> list[Row]:
        return list(entities.values_list("ref", "title", "name")[: FEW + 1])

    def suggestions(self, text: str) -> list[tuple[str, str]]:
        found = self.entities.search(text) if text else self.entities.order_by("kind", "name")  # type: ignore[attr-defined]
        return [(ref, _label(title, name)) for ref, title, name in self._rows(found)[:FEW]]

    def prepare_value(self, value: Any) -> Any:
        return self._full(value) if isinstance(value, str) else value

    def to_python(self, value: Any) -> str:
        return self._full(str(value or "").strip())

    def validate(self, value: Any) -> None:
        if value and not self.arbitrary and not self.entities.filter(ref=value).exists():
            raise ValidationError(f"“{value}” is not one of the entities to choose from.")

    def _full(self, text: str) -> str:
        """The full reference of what was written, the text itself where it is none."""
        kinds = _kinds(self.field)
        kind = self.field.options.get("defaultKind") or (kinds[0] if kinds else None)
        namespace = self.field.options.get("defaultNamespace") or refs.DEFAULT_NAMESPACE
        try:
            ref = refs.parse(text, default_kind=kind, default_namespace=str(namespace))
        except refs.InvalidRef:
            return text
        plain = self.arbitrary and ":" not in text and "/" not in text
        return text if plain and self.field.options.get("defaultNamespace") is False else str(ref)


def _grouped(rows: list[Row], groups: frozenset[str]) -> list[Any]:
    """The person's own groups first."""
    mine = [row for row in rows if row[0] in groups]
    others = [row for row in rows if row[0] not in groups]
    choices: list[Any] = [("", "Choose one")]
    for label, group in (("Mine", mine), ("Everybody else’s" if mine else "All", others)):
        if group:
            choices.append((label, [(ref, _label(title, name)) for ref, title, name in group]))
    return choices


def _label(title: str, name: str) -> str:
    return f"{title} ({name})" if title and title != name else name


@field_type("OwnerPicker", "EntityPicker", "OwnedEntityPicker", "MyGroupsPicker")
def entity_picker(field: Field, user: User) -> forms.Field:
    """The entities that the field's filter lets through and that the person may see."""
    entities = Entity.objects.visible_to(user).filter(orphaned_at=None)
    entities = entities.matching(catalog_filter(field))
    if field.ui_field == "OwnedEntityPicker":
        entities = entities.filter(owner_ref__in=user.group_refs | {user.entity_ref})
    if field.ui_field == "MyGroupsPicker":
        entities = entities.filter(ref__in=user.group_refs)
    return EntityField(field, user, entities)


def _kinds(field: Field) -> list[str]:
    """The kinds that the older `allowedKinds` names, or that the field is about by itself."""
    allowed = field.options.get("allowedKinds")
    if isinstance(allowed, list) and allowed:
        return [str(kind) for kind in allowed]
    return {"OwnerPicker": ["Group", "User"], "MyGroupsPicker": ["Group"]}.get(field.ui_field, [])


def catalog_filter(field: Field) -> predicates.Predicate:
    """`catalogFilter`: an object, or a list of alternatives."""
    wanted = field.options.get("catalogFilter")
    if not wanted:
        wanted = {"kind": _kinds(field)} if _kinds(field) else {}
    alternatives = wanted if isinstance(wanted, list) else [wanted]
    return predicates.AnyOf(
        tuple(
            predicates.All(tuple(_conditions(alternative)))
            for alternative in alternatives
            if isinstance(alternative, Mapping)
        )
    )


def _conditions(alternative: Mapping[str, Any]) -> Iterable[predicates.Predicate]:
    for key, value in alternative.items():
        name = str(key).lower()
        if isinstance(value, Mapping):
            exists = predicates.Exists(name)
            yield exists if value.get("exists", True) else predicates.Not(exists)
        else:
            values = value if isinstance(value, list) else [value]
            yield predicates.Equals(name, tuple(_text(item) for item in values))


def _text(value: Any) -> str:
    return str(value).lower()


class Tags(forms.CharField):
    """Tags between commas or blanks, as a list."""

    def to_python(self, value: Any) -> Any:
        texts = value if isinstance(value, list) else str(value or "").replace(",", " ").split()
        return list(dict.fromkeys(texts))

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value


@field_type("EntityTagsPicker")
def tags(field: Field, user: User) -> forms.Field:
    """The tags that are used most are named, so that people use the same words."""
    entities = Entity.objects.visible_to(user).filter(orphaned_at=None)
    if kinds := field.options.get("kinds"):
        entities = entities.filter(kind__in=[str(kind).lower() for kind in kinds])
    used = ", ".join(tag for tag, _ in entities.tag_facets()[:10])
    helper = field.options.get("helperText") or "Separate them with commas."
    return Tags(help_text=f"{helper} In use: {used}." if used else helper)
