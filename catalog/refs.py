"""Entity references, `[<kind>:][<namespace>/]<name>`, as Backstage reads and prints them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

DEFAULT_NAMESPACE = "default"


class InvalidRef(ValueError):
    """The text is not an entity reference; str() says why."""


@dataclass(frozen=True, slots=True, order=True)
class EntityRef:
    """A full reference, lower-cased, which is how references compare."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.namespace}/{self.name}"


@lru_cache(maxsize=50_000)
def parse(
    text: str, *, default_kind: str | None = None, default_namespace: str = DEFAULT_NAMESPACE
) -> EntityRef:
    """Reads one reference; what the text leaves out comes from the defaults.

    A slash before the first colon makes that colon part of the name, as in Backstage's parser.
    Raises InvalidRef when a part is empty or the kind is missing.
    """
    colon, slash = text.find(":"), text.find("/")
    kind: str | None = None
    rest = text
    if colon >= 0 and (slash < 0 or colon < slash):
        kind, rest = text[:colon], text[colon + 1 :]
    namespace, name = rest.split("/", 1) if "/" in rest else (default_namespace, rest)
    if kind == "" or not namespace or not name:
        raise InvalidRef(
            f"Entity reference “{text}” was not on the form [<kind>:][<namespace>/]<name>"
        )
    kind = kind or default_kind
    if not kind:
        raise InvalidRef(
            f"Entity reference “{text}” had missing or empty kind "
            "(e.g. did not start with “component:” or similar)"
        )
    return EntityRef(kind.lower(), namespace.lower(), name.lower())


def of_entity(entity: dict[str, object]) -> EntityRef:
    """The reference of a descriptor that passed validation."""
    metadata = entity["metadata"]
    assert isinstance(metadata, dict)
    namespace = metadata.get("namespace") or DEFAULT_NAMESPACE
    return EntityRef(
        str(entity["kind"]).lower(), str(namespace).lower(), str(metadata["name"]).lower()
    )
