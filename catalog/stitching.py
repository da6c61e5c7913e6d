"""What the REST API answers for an entity, and by what it is found: made when it is written.

The rules are Backstage's: every scalar is indexed under its path in lower case, an item of a list
under `path` and as `path.item=true`, a value of more than 200 characters only as existing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

MAX_KEY = MAX_VALUE = 200
NOT_INDEXED = frozenset({"attachments", "relations", "status", "metadata.etag"})
ORIGINAL = "="  # before a key: its values as they were written, where case was lost
FOLLOWED = frozenset({"backstage.io/view-url", "backstage.io/edit-url"})
REJECTED = "https://backstage.io/annotation-rejected-for-security-reasons"
_BETWEEN = r"[\r\n\t]*"  # what browsers leave out when they read a scheme
_SCRIPT = re.compile(r"[\x00-\x20]*" + _BETWEEN.join("javascript:"), re.IGNORECASE)
ORDER = ("apiVersion", "kind", "metadata", "spec", "relations")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entity is described: addresses of its file, and of the file that led there."""

    url: str
    origin: str
    edit_url: str
    folder_url: str

    def annotations(self, *, orphan: bool) -> dict[str, str]:
        made = {
            "backstage.io/managed-by-location": f"url:{self.url}",
            "backstage.io/managed-by-origin-location": f"url:{self.origin}",
            "backstage.io/view-url": self.url,
            "backstage.io/edit-url": self.edit_url,
            "backstage.io/source-location": f"url:{self.folder_url}",
        }
        return made | ({"backstage.io/orphan": "true"} if orphan else {})


@dataclass(frozen=True, slots=True)
class Stitched:
    """The answer as JSON text, and the index: hashed terms, and values by key."""

    answer: str
    terms: list[int]
    values: dict[str, list[str]]


def stitch(
    entity: Mapping[str, Any], *, uid: str, namespace: str, place: Place, orphan: bool,
    edges: Iterable[tuple[str, str]],
) -> Stitched:  # fmt: skip
    """The final entity: the descriptor with uid, etag, its place and its (type, target) edges."""
    metadata = dict(entity["metadata"])
    made = place.annotations(orphan=orphan)
    metadata |= {"uid": uid, "namespace": namespace}
    metadata["annotations"] = {**made, **_safe(metadata.get("annotations") or {})}
    relations = [{"type": kind, "targetRef": target} for kind, target in sorted(set(edges))]
    final = {**entity, "metadata": metadata, "relations": relations}
    text = dumps(final, sort_keys=True)
    metadata["etag"] = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    final = {key: final[key] for key in ORDER if key in final}
    terms, values = index(final)
    return Stitched(dumps(final), terms, values)


def _safe(annotations: Mapping[str, str]) -> dict[str, str]:
    """Addresses that would run a script are replaced, by the same one as in Backstage."""
    return {
        key: REJECTED if key in FOLLOWED and _SCRIPT.match(value) else value
        for key, value in annotations.items()
    }


def dumps(value: Any, *, sort_keys: bool = False) -> str:
    """JSON in as few characters as possible."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS if sort_keys else None).decode()
    except TypeError:  # whole numbers of more than 64 bits, and half of a surrogate pair
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=sort_keys)


def in_order_of(value: Any, model: Any) -> Any:
    """The value with its keys in the order of the model's: jsonb loses the order of a file."""
    if isinstance(value, dict) and isinstance(model, dict):
        keys = [key for key in model if key in value]
        keys += [key for key in value if key not in model]
        return {key: in_order_of(value[key], model.get(key)) for key in keys}
    if isinstance(value, list) and isinstance(model, list) and len(value) == len(model):
        return [in_order_of(item, other) for item, other in zip(value, model, strict=True)]
    return value


def index(final: Mapping[str, Any]) -> tuple[list[int], dict[str, list[str]]]:
    """The hashed terms, and for each key its values in lower case (and as they were written)."""
    lowered: dict[str, list[str]] = {}
    written: dict[str, list[str]] = {}
    terms: set[int] = set()
    for raw_key, value in pairs(final):
        key = raw_key.lower()
        if len(key) > MAX_KEY:
            continue
        values = lowered.get(key)
        if values is None:
            values, written[key] = [], []
            lowered[key] = values
            terms.add(term(key))
        if value is None:
            continue
        low = value.lower()
        if len(low) > MAX_VALUE or low in values:
            continue
        values.append(low)
        written[key].append(value)
        terms.add(term(key, low))
    different = {
        ORIGINAL + key: values for key, values in written.items() if values != lowered[key]
    }
    return sorted(terms), lowered | different


def pairs(final: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """Key and value of everything that can be asked for, as written."""
    found: list[tuple[str, str | None]] = []
    _visit("", final, found)
    for relation in final.get("relations") or ():
        found.append((f"relations.{relation['type']}", relation["targetRef"]))
    return found


def _visit(path: str, value: Any, found: list[tuple[str, str | None]]) -> None:
    if path in NOT_INDEXED:
        return
    if isinstance(value, str):
        found.append((path, value))
    elif isinstance(value, dict):
        for key, item in value.items():
            _visit(f"{path}.{key}" if path else str(key), item, found)
    elif isinstance(value, list):
        for item in value:
            _visit(path, item, found)
            if isinstance(item, str):
                found.append((f"{path}.{item}", "true"))
    else:
        found.append((path, scalar(value)))


def scalar(value: Any) -> str | None:
    """A scalar as JavaScript prints it; None for null."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return str(value).replace("e-0", "e-")


@lru_cache(maxsize=100_000)
def term(key: str, value: str | None = None) -> int:
    """64 bits that stand for “the key exists” or “the key has the value”, both in lower case.

    Numbers instead of texts make the index a fifth of the size. Two of ten million terms are
    the same with a probability of one in 400,000.
    """
    text = key if value is None else f"{key}\0{value}"
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big", signed=True)
