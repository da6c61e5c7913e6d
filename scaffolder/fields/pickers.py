"""Pickers of catalogue entities: OwnerPicker, EntityPicker and their kin."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.db.models import Q

from accounts.models import User
from catalog.models import Entity
from scaffolder.blueprint import Field
from scaffolder.fields import field_type

MAX_CHOICES = 1_000


@field_type("OwnerPicker", "EntityPicker", "OwnedEntityPicker", "MyGroupsPicker")
def entity_picker(field: Field, user: User) -> forms.Field:
    """A list of the entities that the field's filter lets through, the user's own groups first."""
    entities = Entity.objects.visible_to(user).filter(_filter(field), orphaned_at=None)
    if field.ui_field == "OwnedEntityPicker":
        entities = entities.filter(owner_ref__in=user.group_refs)
    if field.ui_field == "MyGroupsPicker":
        entities = entities.filter(ref__in=user.group_refs)
    rows = entities.order_by("kind", "name").values_list("ref", "title", "name")[:MAX_CHOICES]
    mine = [row for row in rows if row[0] in user.group_refs]
    others = [row for row in rows if row[0] not in user.group_refs]
    choices: list[Any] = [("", "Choose one")]
    for label, group in (("Mine", mine), ("Everybody else’s" if mine else "All", others)):
        if group:
            choices.append((label, [(ref, _label(title, name)) for ref, title, name in group]))
    return forms.ChoiceField(choices=choices)


def _label(title: str, name: str) -> str:
    return f"{title} ({name})" if title and title != name else name


def _filter(field: Field) -> Q:
    """`catalogFilter` (one object or a list of alternatives), or the older `allowedKinds`."""
    wanted = field.options.get("catalogFilter")
    if wanted is None:
        default = ["Group", "User"] if field.ui_field == "OwnerPicker" else []
        if field.ui_field == "MyGroupsPicker":
            default = ["Group"]
        wanted = {"kind": field.options.get("allowedKinds", default)}
    alternatives = wanted if isinstance(wanted, list) else [wanted]
    found = Q()
    for alternative in alternatives:
        if isinstance(alternative, Mapping):
            found |= _conditions(alternative)
    return found


COLUMNS = {"kind": "kind", "spec.type": "type", "spec.lifecycle": "lifecycle"}


def _conditions(alternative: Mapping[str, Any]) -> Q:
    found = Q()
    for key, value in alternative.items():
        values = value if isinstance(value, list) else [value]
        column = COLUMNS.get(key, "descriptor__" + key.replace(".", "__"))
        if isinstance(value, Mapping):  # {exists: true}
            found &= Q(**{f"{column}__isnull": not value.get("exists", True)})
        elif values:
            any_of = Q()
            for item in values:
                any_of |= Q(**{f"{column}__iexact": item})
            found &= any_of
    return found
