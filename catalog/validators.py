"""Field rules of descriptors: Backstage's regular expressions, lengths and required fields.

Source: backstage.io/docs/features/software-catalog/descriptor-format and the entity policies of
its catalogue model. Every rule is a predicate with the sentence that a person reads when it fails.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from catalog.kinds import KINDS, PROFILE, Schema, schema_of

Path = tuple[str | int, ...]
Finding = tuple[Path, str]

NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
DNS_LABEL = re.compile(r"[a-z0-9]+(?:-+[a-z0-9]+)*")
TAG = re.compile(r"[a-z0-9:+#]+(-[a-z0-9:+#]+)*")
KIND = re.compile(r"[a-zA-Z][a-z0-9A-Z]*")
API_VERSION = re.compile(r"[a-z0-9A-Z]+")
NO_HOST = re.compile(r"[\s<>^|\\]")  # what no host may hold

ROOT_FIELDS = frozenset({"apiVersion", "kind", "metadata", "spec"})


def is_name(value: str) -> bool:
    return 1 <= len(value) <= 63 and NAME.fullmatch(value) is not None


def is_namespace(value: str) -> bool:
    return 1 <= len(value) <= 63 and DNS_LABEL.fullmatch(value) is not None


def is_tag(value: str) -> bool:
    return 1 <= len(value) <= 63 and TAG.fullmatch(value) is not None


def is_dns_subdomain(value: str) -> bool:
    return 1 <= len(value) <= 253 and all(is_namespace(part) for part in value.split("."))


def is_key(value: str) -> bool:
    """A label's or an annotation's key: `[prefix/]name`."""
    prefix, slash, name = value.rpartition("/")
    return is_name(name) and (not slash or is_dns_subdomain(prefix))


def is_label_value(value: str) -> bool:
    return value == "" or is_name(value)


def is_kind(value: str) -> bool:
    return 1 <= len(value) <= 63 and KIND.fullmatch(value) is not None


def is_api_version(value: str) -> bool:
    prefix, slash, suffix = value.rpartition("/")
    valid = 1 <= len(suffix) <= 63 and API_VERSION.fullmatch(suffix) is not None
    return valid and (not slash or is_dns_subdomain(prefix))


def is_url(value: str) -> bool:
    try:
        parts = urlsplit(value.strip())
        parts.port  # noqa: B018  (raises where it is none)
    except ValueError:
        return False
    if NO_HOST.search(parts.netloc):
        return False
    if parts.scheme.lower() in ("javascript", "vbscript", "data"):
        return False
    return bool(parts.scheme and (parts.netloc or parts.path))


SEQUENCES, AT_MOST = "a string that is sequences of", "at most 63 characters in total"
WORDS: dict[Callable[[str], bool], str] = {
    is_name: f"{SEQUENCES} [a-zA-Z0-9] separated by any of [-_.], {AT_MOST}",
    is_namespace: f"{SEQUENCES} [a-z0-9] separated by [-], {AT_MOST}",
    is_tag: f"{SEQUENCES} [a-z0-9:+#] separated by [-], {AT_MOST}",
    is_key: "an optional DNS prefix and a slash, then a name of at most 63 characters",
    is_label_value: "empty, or sequences of [a-zA-Z0-9] separated by any of [-_.], at most 63",
    is_kind: "a letter, then letters and digits, at most 63 characters in total",
    is_api_version: "an optional DNS prefix and a slash, then letters and digits",
    is_url: "a URL (and not one that runs a script)",
}


MAX_TEXT = {"title": 500}
MAX_SPEC_TEXT = 255


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))


def _string(path: Path, value: Any, rule: Callable[[str], bool]) -> Iterator[Finding]:
    dotted = _dotted(path)
    if not isinstance(value, str):
        yield path, f"“{dotted}” must be a string, and is {value!r}"
    elif not rule(value):
        yield path, f"“{dotted}” is not valid; expected {WORDS[rule]} but found “{value}”"


def _mapping(path: Path, value: Any, rule: Callable[[str], bool]) -> Iterator[Finding]:
    """Labels and annotations: keys by is_key, values by `rule`."""
    if not isinstance(value, dict):
        yield path, f"“{'.'.join(map(str, path))}” must be a mapping"
        return
    for key, item in value.items():
        yield from _string((*path, key), key, is_key)
        yield from _string((*path, key), item, rule)


def _links(links: Any) -> Iterator[Finding]:
    if not isinstance(links, list):
        yield ("metadata", "links"), "“metadata.links” must be a list"
        return
    for index, link in enumerate(links):
        path = ("metadata", "links", index)
        if not isinstance(link, dict) or "url" not in link:
            yield path, f"“metadata.links.{index}” must have a url"
            continue
        yield from _string((*path, "url"), link["url"], is_url)
        for key in ("title", "icon"):
            if key in link:
                yield from _string((*path, key), link[key], _not_blank)
        if "type" in link:
            yield from _string((*path, "type"), link["type"], _not_empty)


def _not_blank(value: str) -> bool:
    return bool(value.strip())


def _not_empty(value: str) -> bool:
    return value != ""


def _any(value: str) -> bool:
    return True


def _is_short(value: str) -> bool:
    return 1 <= len(value) <= MAX_SPEC_TEXT


WORDS[_is_short] = f"some text of at most {MAX_SPEC_TEXT} characters"
WORDS[_not_blank] = WORDS[_not_empty] = "some text"
WORDS[_any] = "a string"


def _texts(metadata: dict[str, Any]) -> Iterator[Finding]:
    for key in ("uid", "etag", "title", "description"):
        if key in metadata:
            rule = _any if key == "description" else _not_empty
            yield from _string(("metadata", key), metadata[key], rule)
        longest = MAX_TEXT.get(key, 100_000)
        if len(str(metadata.get(key, ""))) > longest:
            yield ("metadata", key), f"“metadata.{key}” is longer than {longest} characters"


def metadata_findings(metadata: Any) -> Iterator[Finding]:
    if not isinstance(metadata, dict):
        yield ("metadata",), "“metadata” must be a mapping with at least a name"
        return
    if metadata.get("name") is None:
        yield ("metadata",), "“metadata.name” is missing"
    else:
        yield from _string(("metadata", "name"), metadata["name"], is_name)
    if "namespace" in metadata:
        yield from _string(("metadata", "namespace"), metadata["namespace"], is_namespace)
    yield from _texts(metadata)
    for key, rule in (("labels", is_label_value), ("annotations", _any)):
        if key in metadata:
            yield from _mapping(("metadata", key), metadata[key], rule)
    tags = metadata.get("tags", [])
    if not isinstance(tags, list):
        yield ("metadata", "tags"), "“metadata.tags” must be a list"
    else:
        for index, tag in enumerate(tags):
            yield from _string(("metadata", "tags", index), tag, is_tag)
    if "links" in metadata:
        yield from _links(metadata["links"])


def spec_findings(schema: Schema, kind: str, spec: Any) -> Iterator[Finding]:
    """What the kind's schema asks of `spec`; fields that it does not know are left alone."""
    if not isinstance(spec, dict):
        yield ("spec",), "“spec” is missing or not a mapping"
        return
    for name in schema.required:
        if name not in spec:
            yield ("spec",), f"“spec.{name}” is missing: {_a(kind)} must have one"
    for name, value in spec.items():
        yield from _field(schema, ("spec", name), value)


def _field(schema: Schema, path: tuple[str, str], value: Any) -> Iterator[Finding]:
    name, filled = path[1], path[1] in schema.filled
    if name in schema.texts:
        yield from _string(path, value, _is_short)
    elif name in schema.long_texts:
        yield from _string(path, value, _not_empty)
    elif name in schema.lists:
        yield from _list(path, value)
    elif name == "profile" and schema.profile:
        yield from _parts(path, value, PROFILE)
    elif name in schema.items:
        yield from _items(path, value, schema.items[name], filled=filled)
    elif name in schema.one_of and value not in schema.one_of[name]:
        yield path, f"“{_dotted(path)}” must be {' or '.join(schema.one_of[name])}, not {value!r}"


def _a(kind: str) -> str:
    return f"{'an' if kind[0] in 'AEIOU' else 'a'} {kind}"


def _list(path: Path, value: Any) -> Iterator[Finding]:
    if not isinstance(value, list):
        yield path, f"“{_dotted(path)}” must be a list"
        return
    for index, item in enumerate(value):
        yield from _string((*path, index), item, _not_empty)


def _items(path: Path, value: Any, parts: tuple[str, ...], *, filled: bool) -> Iterator[Finding]:
    """A list of mappings; `parts` are the texts that each must have."""
    if not isinstance(value, list):
        yield path, f"“{_dotted(path)}” must be a list"
        return
    if filled and not value:
        yield path, f"“{_dotted(path)}” must not be empty"
    for index, item in enumerate(value):
        here = (*path, index)
        for name in parts:
            if isinstance(item, dict) and name not in item:
                yield here, f"“{_dotted(here)}” must have “{name}”"
        yield from _parts(here, item, parts)


def _parts(path: Path, value: Any, names: tuple[str, ...]) -> Iterator[Finding]:
    if not isinstance(value, dict):
        yield path, f"“{_dotted(path)}” must be a mapping"
        return
    for name in names:
        if name in value:
            yield from _string((*path, name), value[name], _not_empty)


def entity_findings(entity: dict[str, Any]) -> Iterator[Finding]:
    """Every broken rule of one descriptor, as (path of the field, sentence)."""
    for key in entity:
        if key not in ROOT_FIELDS:
            yield (key,), f"Unknown field “{key}”: only {', '.join(sorted(ROOT_FIELDS))} are known"
    for key, rule in (("apiVersion", is_api_version), ("kind", is_kind)):
        if key not in entity:
            yield (), f"“{key}” is missing"
        else:
            yield from _string((key,), entity[key], rule)
    yield from metadata_findings(entity.get("metadata"))
    kind, spec = str(entity.get("kind", "")), entity.get("spec")
    if kind not in KINDS:
        yield ("kind",), _unknown_kind(kind)
        return
    schema = schema_of(kind, spec.get("type") if isinstance(spec, dict) else None)
    version = entity.get("apiVersion")
    if version not in schema.versions:
        wanted = " or ".join(schema.versions)
        yield ("apiVersion",), f"The apiVersion of {_a(kind)} must be {wanted}, not “{version}”"
    yield from spec_findings(schema, kind, spec)


def _unknown_kind(kind: str) -> str:
    """Kinds are written as they are: “component” is none, as in Backstage."""
    for known in KINDS:
        if known.lower() == kind.lower():
            return f"The kind “{kind}” is not known: write “{known}”"
    return f"The kind “{kind}” is not known; known kinds: {', '.join(sorted(KINDS))}"
