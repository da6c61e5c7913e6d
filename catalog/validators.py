"""Field rules of descriptors: Backstage's regular expressions, lengths and required fields.

Source: backstage.io/docs/features/software-catalog/descriptor-format and the entity policies of
its catalogue model. Every rule is a predicate with the sentence that a person reads when it fails.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

Finding = tuple[tuple[str | int, ...], str]

NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
DNS_LABEL = re.compile(r"[a-z0-9]+(?:-+[a-z0-9]+)*")
TAG = re.compile(r"[a-z0-9:+#]+(-[a-z0-9:+#]+)*")
KIND = re.compile(r"[a-zA-Z][a-z0-9A-Z]*")
API_VERSION = re.compile(r"[a-z0-9A-Z]+")

ROOT_FIELDS = frozenset({"apiVersion", "kind", "metadata", "spec"})
# kind -> required string fields of spec, required list fields of spec
KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "component": (("type", "lifecycle", "owner"), ()),
    "api": (("type", "lifecycle", "owner"), ()),
    "resource": (("type", "owner"), ()),
    "system": (("owner",), ()),
    "domain": (("owner",), ()),
    "group": (("type",), ("children",)),
    "user": ((), ("memberOf",)),
    "location": ((), ()),
    "airesource": (("type", "lifecycle", "owner"), ()),
    "template": (("type",), ("steps",)),
    "aspect": (("owner",), ("weave",)),
    "scorecard": (("owner",), ("checks",)),
}
API_VERSIONS: dict[str, tuple[str, ...]] = {
    "template": ("scaffolder.backstage.io/v1beta3",),
    "aspect": ("bespoke/v1alpha1",),
    "scorecard": ("bespoke/v1alpha1",),
}
BACKSTAGE = ("backstage.io/v1alpha1", "backstage.io/v1beta1")
STRING_FIELDS = (
    "system",
    "subcomponentOf",
    "domain",
    "subdomainOf",
    "parent",
    "target",
    "presence",
)
STRING_LISTS = (
    "providesApis", "consumesApis", "dependsOn", "dependencyOf", "memberOf", "members",
    "children", "targets",
)  # fmt: skip


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
        parts = urlsplit(value)
    except ValueError:
        return False
    if parts.scheme.lower() in ("javascript", "vbscript", "data"):
        return False
    return bool(parts.scheme and (parts.netloc or parts.path))


WORDS: dict[Callable[[str], bool], str] = {
    is_name: "sequences of [a-zA-Z0-9] separated by any of [-_.], at most 63 characters in total",
    is_namespace: "sequences of [a-z0-9] separated by [-], at most 63 characters in total",
    is_tag: "sequences of [a-z0-9:+#] separated by [-], at most 63 characters in total",
    is_key: "an optional DNS prefix and a slash, then a name of at most 63 characters",
    is_label_value: "empty, or sequences of [a-zA-Z0-9] separated by any of [-_.], at most 63",
    is_kind: "a letter, then letters and digits, at most 63 characters in total",
    is_api_version: "an optional DNS prefix and a slash, then letters and digits",
    is_url: "a URL (and not one that runs a script)",
}


MAX_TEXT = {"title": 500}
MAX_SPEC_TEXT = 255


def _string(
    path: tuple[str | int, ...], value: Any, rule: Callable[[str], bool]
) -> Iterator[Finding]:
    dotted = ".".join(map(str, path))
    if not isinstance(value, str):
        yield path, f"“{dotted}” must be a string, and is {value!r}"
    elif not rule(value):
        yield path, f"“{dotted}” is not valid; expected {WORDS[rule]} but found “{value}”"


def _mapping(
    path: tuple[str | int, ...], value: Any, rule: Callable[[str], bool]
) -> Iterator[Finding]:
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


def _not_blank(value: str) -> bool:
    return bool(value.strip())


def _any(value: str) -> bool:
    return True


def _is_short(value: str) -> bool:
    return _not_blank(value) and len(value) <= MAX_SPEC_TEXT


WORDS[_is_short] = f"some text of at most {MAX_SPEC_TEXT} characters"
WORDS[_not_blank] = "some text"
WORDS[_any] = "a string"


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
    for key in ("title", "description"):
        if key in metadata:
            yield from _string(("metadata", key), metadata[key], _any)
        if len(str(metadata.get(key, ""))) > MAX_TEXT.get(key, 100_000):
            yield (
                ("metadata", key),
                f"“metadata.{key}” is longer than {MAX_TEXT.get(key, 100_000)} characters",
            )
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


def spec_findings(kind: str, spec: Any) -> Iterator[Finding]:
    """What the kind's schema asks of `spec`; fields that it does not know are left alone."""
    strings, lists = KINDS[kind]
    if spec is None and not strings and not lists:
        return
    if not isinstance(spec, dict):
        yield ("spec",), "“spec” is missing or not a mapping"
        return
    for name in strings:
        if name not in spec:
            yield ("spec",), f"“spec.{name}” is missing: a {kind} must have one"
    for name in dict.fromkeys((*strings, *STRING_FIELDS, "type", "lifecycle", "owner")):
        if name in spec:
            yield from _string(("spec", name), spec[name], _is_short)
    for name in lists:
        if name not in spec:
            yield ("spec",), f"“spec.{name}” is missing: a {kind} must have one (it may be empty)"
    for name in (*lists, *STRING_LISTS):
        if name in spec:
            yield from _list(("spec", name), spec[name], strings=name in STRING_LISTS)
    definition = spec.get("definition")
    if kind == "api" and "remotes" not in spec and not (definition and isinstance(definition, str)):
        yield ("spec",), "“spec.definition” is missing or empty: an API must have one"


def _list(path: tuple[str, str], value: Any, *, strings: bool) -> Iterator[Finding]:
    if not isinstance(value, list):
        yield path, f"“{'.'.join(path)}” must be a list"
    elif strings:
        for index, item in enumerate(value):
            yield from _string((*path, index), item, _not_blank)


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
    kind = str(entity.get("kind", "")).lower()
    if kind not in KINDS:
        known = ", ".join(sorted(KINDS))
        yield ("kind",), f"The kind “{entity.get('kind')}” is not known; known kinds: {known}"
        return
    version = entity.get("apiVersion")
    if version not in API_VERSIONS.get(kind, BACKSTAGE):
        wanted = " or ".join(API_VERSIONS.get(kind, BACKSTAGE))
        yield ("apiVersion",), f"The apiVersion of a {kind} must be {wanted}, not “{version}”"
    yield from spec_findings(kind, entity.get("spec"))
