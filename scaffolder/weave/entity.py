"""A fragment into the catalogue entity of a repository: the first Component of catalog-info.yaml,
or its first entity when it has none. The other documents keep their bytes."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from .merge import MergeError, merge_document, split_documents

CATALOG_INFO = "catalog-info.yaml"


def merge_entity(text: str, fragment: Mapping[str, Any]) -> str:
    """Raises MergeError."""
    newline = "\r\n" if "\r\n" in text else "\n"
    documents = split_documents(text.replace("\r\n", "\n"))
    try:
        place = _entity_place(documents)
        documents[place] = merge_document(documents[place], _as_yaml(fragment), {})
    except YAMLError as error:
        reason = " ".join(str(error).split())
        raise MergeError(f"{CATALOG_INFO} is not valid YAML: {reason[:300]}") from None
    return "".join(documents).replace("\n", newline)


def _as_yaml(fragment: Mapping[str, Any]) -> str:
    stream = StringIO()
    YAML().dump(dict(fragment), stream)
    return stream.getvalue()


def _entity_place(documents: list[str]) -> int:
    reader = YAML(typ="safe", pure=True)
    entities = [
        (place, data.get("kind"))
        for place, document in enumerate(documents)
        if isinstance(data := reader.load(document), Mapping)
    ]
    if not entities:
        raise MergeError(f"{CATALOG_INFO} holds no entity.")
    return next((place for place, kind in entities if kind == "Component"), entities[0][0])
