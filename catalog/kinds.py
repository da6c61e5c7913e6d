"""What each kind asks of its `spec`: Backstage's JSON schemas (catalog-model 1.10) as tables.

Fields that a table does not name are left alone, whatever they hold.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

BACKSTAGE = ("backstage.io/v1alpha1", "backstage.io/v1beta1")
BESPOKE = ("bespoke/v1alpha1",)
PROFILE = ("displayName", "email", "picture")


@dataclass(frozen=True, slots=True)
class Schema:
    """`required` are names of fields; how those look is said by the other tables."""

    required: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()  # short ones: they have columns, or are references
    long_texts: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()  # of texts
    items: dict[str, tuple[str, ...]] = field(default_factory=dict)  # mappings with these texts
    filled: frozenset[str] = frozenset()  # lists that must not be empty
    one_of: dict[str, tuple[str, ...]] = field(default_factory=dict)
    profile: bool = False
    versions: tuple[str, ...] = BACKSTAGE


OWNED = ("type", "lifecycle", "owner")
COMPONENT = Schema(
    required=OWNED,
    texts=(*OWNED, "system", "subcomponentOf"),
    lists=("providesApis", "consumesApis", "dependsOn"),
)
KINDS = {
    "Component": COMPONENT,
    "API": Schema(
        required=(*OWNED, "definition"), texts=(*OWNED, "system"), long_texts=("definition",)
    ),
    "Resource": Schema(
        required=("type", "owner"), texts=("type", "owner", "system"), lists=("dependsOn",)
    ),
    "System": Schema(required=("owner",), texts=("owner", "domain", "type")),
    "Domain": Schema(required=("owner",), texts=("owner", "subdomainOf", "type")),
    "Group": Schema(
        required=("type", "children"),
        texts=("type", "parent"),
        lists=("children", "members"),
        profile=True,
    ),
    "User": Schema(required=("memberOf",), lists=("memberOf",), profile=True),
    "Location": Schema(
        texts=("type",),
        long_texts=("target",),
        lists=("targets",),
        one_of={"presence": ("required", "optional")},
    ),
    "AiResource": Schema(required=OWNED, texts=(*OWNED, "system")),
    "Template": Schema(
        required=("type", "steps"),
        texts=("type", "owner", "lifecycle"),
        items={"steps": ()},
        versions=("scaffolder.backstage.io/v1beta3",),
    ),
    "Aspect": Schema(
        required=("owner", "weave"), texts=("owner",), items={"weave": ()}, versions=BESPOKE
    ),
    "Scorecard": Schema(
        required=("owner", "checks"), texts=("owner",), items={"checks": ()}, versions=BESPOKE
    ),
}
# Of some kinds there are variants, which `spec.type` chooses.
VARIANTS = {
    ("API", "mcp-server"): Schema(
        required=(*OWNED, "remotes"),
        texts=(*OWNED, "system"),
        items={"remotes": ("type", "url")},
        filled=frozenset({"remotes"}),
    ),
    ("AiResource", "skill"): replace(
        KINDS["AiResource"],
        long_texts=("allowedTools", "license", "compatibility"),
        lists=("disciplines", "categories", "agents", "dependsOn"),
    ),
    ("AiResource", "rule"): replace(
        KINDS["AiResource"],
        required=(*OWNED, "category", "rationale"),
        long_texts=("category", "rationale"),
        lists=("disciplines",),
    ),
    ("AiResource", "plugin"): replace(
        KINDS["AiResource"],
        required=(*OWNED, "skills"),
        long_texts=("version",),
        lists=("skills",),
    ),
    ("AiResource", "marketplace"): replace(
        KINDS["AiResource"],
        required=(*OWNED, "plugins"),
        long_texts=("version",),
        lists=("plugins",),
    ),
}


def schema_of(kind: str, variant: Any) -> Schema:
    """The table of a known kind; `variant` is its `spec.type`, whatever that holds."""
    return VARIANTS.get((kind, variant), KINDS[kind]) if isinstance(variant, str) else KINDS[kind]


def required_of(kind: str) -> tuple[str, ...]:
    """The fields of `spec` that a kind must have; its name in any case."""
    return {name.lower(): schema for name, schema in KINDS.items()}[kind.lower()].required
