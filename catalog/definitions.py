"""API definitions as people read them: operations with what goes in and out, and the types.

The text is somebody else's: it may be broken, endless or refer to itself, so reading it never
fails, follows references within the text alone, and stops at fixed numbers of everything.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

MAX_TEXT = 1_000_000
MAX_OPERATIONS, MAX_SCHEMAS, MAX_FIELDS, MAX_DEPTH = 300, 300, 80, 4
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
ACTIONS = ("publish", "subscribe", "send", "receive")
Mapping = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a type, of a parameter list or of a message; `depth` says inside what."""

    name: str
    type: str
    required: bool = False
    description: str = ""
    depth: int = 0
    place: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """What is sent or answered: a status or a name, a media type, and the fields in it."""

    name: str
    description: str = ""
    media: str = ""
    type: str = ""
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    method: str
    path: str
    summary: str = ""
    description: str = ""
    deprecated: bool = False
    tag: str = ""
    parameters: tuple[Field, ...] = ()
    requests: tuple[Content, ...] = ()
    responses: tuple[Content, ...] = ()


@dataclass(frozen=True, slots=True)
class Definition:
    """`problem` says why there is nothing but the raw text; `cut` that there was more."""

    title: str = ""
    version: str = ""
    description: str = ""
    servers: tuple[str, ...] = ()
    groups: tuple[tuple[str, tuple[Operation, ...]], ...] = ()
    schemas: tuple[Content, ...] = ()
    problem: str = ""
    cut: bool = False


@lru_cache(maxsize=16)
def read(kind: str, text: str) -> Definition:
    """`kind` is the entity's type: openapi and asyncapi are understood, others are raw text."""
    if kind not in ("openapi", "asyncapi"):
        return Definition()
    if len(text) > MAX_TEXT:
        return Definition(problem=f"It is longer than {MAX_TEXT:,} characters.")
    try:
        spec = _load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return Definition(problem=f"It can be read neither as JSON nor as YAML: {error}")
    wanted = ("openapi", "swagger") if kind == "openapi" else ("asyncapi",)
    if not isinstance(spec, dict) or not any(key in spec for key in wanted):
        return Definition(problem=f"It does not say which version of {kind} it is written in.")
    return _Reader(spec).definition(_openapi if kind == "openapi" else _asyncapi)


def _load(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506


def _dict(value: Any) -> Mapping:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int | float) else ""


class _Reader:
    """One definition, and how references in it are followed."""

    def __init__(self, spec: Mapping) -> None:
        self.spec = spec

    def definition(self, operations_of: Any) -> Definition:
        info = _dict(self.spec.get("info"))
        operations: list[Operation] = []
        cut = False
        for operation in operations_of(self):
            if len(operations) == MAX_OPERATIONS:
                cut = True
                break
            operations.append(operation)
        groups: dict[str, list[Operation]] = {}
        for operation in operations:
            groups.setdefault(operation.tag, []).append(operation)
        components = _dict(self.spec.get("components"))
        schemas = _dict(components.get("schemas")) or _dict(self.spec.get("definitions"))
        return Definition(
            title=_text(info.get("title")),
            version=_text(info.get("version")),
            description=_text(info.get("description")),
            servers=tuple(self._servers()),
            groups=tuple((tag, tuple(found)) for tag, found in groups.items()),
            schemas=tuple(
                self.content(str(name), schema) for name, schema in [*schemas.items()][:MAX_SCHEMAS]
            ),
            cut=cut or len(schemas) > MAX_SCHEMAS,
        )

    def _servers(self) -> Iterator[str]:
        servers = self.spec.get("servers")
        for server in (_list(servers) or list(_dict(servers).values()))[:10]:
            found = _dict(server)
            yield _text(found.get("url")) or _text(found.get("host"))

    def follow(self, value: Any) -> Mapping:
        """The value, or what it refers to in the same text; {} where that leads nowhere."""
        for _ in range(10):
            found = _dict(value)
            ref = found.get("$ref")
            if not isinstance(ref, str):
                return found
            value = self._at(ref)
        return {}

    def _at(self, ref: str) -> Any:
        value: Any = self.spec if ref.startswith("#/") else None
        for part in ref[2:].split("/"):
            value = _dict(value).get(part.replace("~1", "/").replace("~0", "~"))
        return value

    # -- types ----------------------------------------------------------------------------------
    def type_of(self, schema: Any, depth: int = 0) -> str:
        """A type in a few words: `array of Fare`, `string (date-time)`, `a | b`."""
        given = _dict(schema)
        if isinstance(given.get("$ref"), str):
            return str(given["$ref"]).rpartition("/")[2]
        if depth > MAX_DEPTH:
            return "…"
        for key, word in (("oneOf", " | "), ("anyOf", " | "), ("allOf", " & ")):
            parts = _list(given.get(key))[:6]
            if parts:
                return word.join(self.type_of(part, depth + 1) for part in parts)
        if isinstance(given.get("enum"), list):
            return "one of " + ", ".join(_text(value) for value in given["enum"][:20])
        kind = given.get("type")
        name = " | ".join(map(_text, kind)) if isinstance(kind, list) else _text(kind)
        if name == "array":
            return f"array of {self.type_of(given.get('items'), depth + 1)}"
        form = _text(given.get("format"))
        name = name or ("object" if "properties" in given else "anything")
        return f"{name} ({form})" if form else name

    def fields(self, schema: Any) -> tuple[Field, ...]:
        found: list[Field] = []
        for field in self._fields(schema, 0, ()):
            if len(found) == MAX_FIELDS:
                found.append(Field("…", "there is more; see the raw text"))
                break
            found.append(field)
        return tuple(found)

    def _fields(self, schema: Any, depth: int, inside: tuple[int, ...]) -> Iterator[Field]:
        given = self.follow(schema)
        if depth > MAX_DEPTH or id(given) in inside:
            return
        inside = (*inside, id(given))
        for part in _list(given.get("allOf"))[:20]:
            yield from self._fields(part, depth, inside)
        if given.get("type") == "array":
            yield from self._fields(given.get("items"), depth, inside)
        required = _list(given.get("required"))
        for name, value in _dict(given.get("properties")).items():
            described = _text(_dict(value).get("description"))
            yield Field(str(name), self.type_of(value), name in required, described, depth)
            yield from self._fields(value, depth + 1, inside)

    def content(self, name: str, schema: Any, media: str = "", description: str = "") -> Content:
        described = description or _text(_dict(schema).get("description"))
        return Content(name, described, media, self.type_of(schema), self.fields(schema))


# -- OpenAPI and Swagger ------------------------------------------------------------------------
def _openapi(reader: _Reader) -> Iterator[Operation]:
    for path, item in _dict(reader.spec.get("paths")).items():
        shared = reader.follow(item)
        for method in METHODS:
            if isinstance(shared.get(method), dict):
                yield _operation(reader, method, str(path), shared[method], shared)


def _operation(
    reader: _Reader, method: str, path: str, given: Mapping, shared: Mapping
) -> Operation:
    all_of_them = [*_list(shared.get("parameters")), *_list(given.get("parameters"))]
    parameters = [reader.follow(parameter) for parameter in all_of_them[:MAX_FIELDS]]
    body = reader.follow(given.get("requestBody"))
    requests = list(_contents(reader, "", body))
    requests += [reader.content("", p.get("schema")) for p in parameters if p.get("in") == "body"]
    return Operation(
        method.upper(),
        path,
        _text(given.get("summary")) or _text(given.get("operationId")),
        _text(given.get("description")),
        given.get("deprecated") is True,
        next((_text(tag) for tag in _list(given.get("tags"))), ""),
        tuple(_parameter(reader, p) for p in parameters if p.get("in") != "body"),
        tuple(requests),
        tuple(_responses(reader, given)),
    )


def _parameter(reader: _Reader, given: Mapping) -> Field:
    return Field(
        _text(given.get("name")),
        reader.type_of(given.get("schema") or given),
        given.get("required") is True,
        _text(given.get("description")),
        place=_text(given.get("in")),
    )


def _responses(reader: _Reader, given: Mapping) -> Iterator[Content]:
    for status, response in [*_dict(given.get("responses")).items()][:20]:
        yield from _contents(reader, str(status), reader.follow(response))


def _contents(reader: _Reader, name: str, given: Mapping) -> Iterator[Content]:
    described = _text(given.get("description"))
    media = _dict(given.get("content"))
    for kind, value in [*media.items()][:5]:
        yield reader.content(name, _dict(value).get("schema"), str(kind), described)
    if not media and "schema" in given:
        yield reader.content(name, given["schema"], "", described)
    elif not media and given:
        yield Content(name, described)


# -- AsyncAPI 2 and 3 ---------------------------------------------------------------------------
def _asyncapi(reader: _Reader) -> Iterator[Operation]:
    channels = _dict(reader.spec.get("channels"))
    for address, item in channels.items():
        channel = reader.follow(item)
        for action in ACTIONS[:2]:
            if isinstance(channel.get(action), dict):
                yield _message(reader, action, str(address), channel[action], channel)
    for operation in _dict(reader.spec.get("operations")).values():
        given = reader.follow(operation)
        channel = reader.follow(given.get("channel"))
        yield _message(
            reader, _text(given.get("action")), _address(channel, channels), given, channel
        )


def _address(channel: Mapping, channels: Mapping) -> str:
    named = (str(name) for name, value in channels.items() if value is channel)
    return _text(channel.get("address")) or next(named, "")


def _message(
    reader: _Reader, action: str, address: str, given: Mapping, channel: Mapping
) -> Operation:
    message = reader.follow(given.get("message"))
    messages = _list(message.get("oneOf")) or ([message] if message else [])
    messages += _list(given.get("messages"))
    found = [reader.follow(one) for one in messages[:20]]
    return Operation(
        action.upper(),
        address,
        _text(given.get("summary")) or _text(given.get("operationId")),
        _text(given.get("description")) or _text(channel.get("description")),
        requests=tuple(
            reader.content(
                _text(one.get("title")) or _text(one.get("name")), one.get("payload"),
                _text(one.get("contentType")), _text(one.get("summary")),
            )
            for one in found
        ),
    )  # fmt: skip
