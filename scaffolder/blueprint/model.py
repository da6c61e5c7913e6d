"""A golden path as the portal sees it: pages of fields, steps, results. Frozen, and free of the
YAML it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Field:
    """One question of a form. `schema` is its part of the page's JSON schema."""

    name: str
    title: str
    description: str = ""
    type: str = "string"
    required: bool = False
    has_default: bool = False
    default: Any = None
    enum: tuple[Any, ...] = ()
    enum_names: tuple[str, ...] = ()
    ui_field: str = ""
    widget: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    help: str = ""
    placeholder: str = ""
    autofocus: bool = False
    disabled: bool = False
    readonly: bool = False
    pattern: str = ""
    format: str = ""
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    items: Field | None = None
    fields: tuple[Field, ...] = ()
    schema: Mapping[str, Any] = field(default_factory=dict)

    @property
    def choices(self) -> tuple[tuple[Any, str], ...]:
        """Value and label of each choice, the label being the value where none is given."""
        names = self.enum_names
        return tuple(
            (value, names[place] if place < len(names) else str(value))
            for place, value in enumerate(self.enum)
        )


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the form. `fields` are those of the plain schema, in order; conditional ones
    come out of fields_of(active_schema(page.schema, values))."""

    title: str
    description: str
    schema: Mapping[str, Any]
    fields: tuple[Field, ...]
    feature_flag: str = ""
    tags: tuple[str, ...] = ()
    path: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One call of an action. `condition` and `each` are the raw texts, not evaluated here."""

    id: str
    name: str
    action: str
    input: Mapping[str, Any] = field(default_factory=dict)
    condition: Any = True
    each: Any = None
    tags: tuple[str, ...] = ()
    path: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    title: str
    url: str = ""
    entity_ref: str = ""
    icon: str = ""
    condition: Any = True


@dataclass(frozen=True, slots=True)
class Text:
    title: str
    content: str = ""
    icon: str = ""
    condition: Any = True


@dataclass(frozen=True, slots=True)
class Output:
    """What a run shows at its end; `values` is everything else under `output`."""

    links: tuple[Link, ...] = ()
    texts: tuple[Text, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Approval:
    """Who must agree before the steps run, and when that is needed (CEL over `parameters`)."""

    group: str
    condition: str = "true"
    title: str = ""
    expires: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """On which entities' pages the path is offered: whatever is given has to fit. `prefill` are
    answers, as expressions over the entity."""

    kinds: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    condition: str = "true"
    prefill: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A whole golden path. `lines` knows the line of every dotted path of its template.yaml."""

    name: str
    title: str
    description: str
    namespace: str
    type: str
    owner: str
    version: str
    tags: tuple[str, ...]
    pages: tuple[Page, ...]
    steps: tuple[Step, ...]
    output: Output
    secrets: Mapping[str, Any] | None
    weave: bool
    approvals: tuple[Approval, ...]
    buttons: Mapping[str, str]
    offer: Offer | None = None
    lines: Mapping[str, int] = field(default_factory=dict, repr=False, compare=False)
