"""Reads one request off the wire: size limit, address, query, and any body that GitLab takes."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from localforge.call import Upload
from localforge.config import Settings
from localforge.errors import bad_request, message
from localforge.params import Params, nest

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass
class Incoming:
    """A request in memory."""

    method: str
    path: str
    base: str
    headers: dict[str, str]
    query: Params
    params: Params

    @property
    def is_api(self) -> bool:
        """Whether a program is asking, and wants JSON."""
        return self.path.startswith("/api/")


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers by lower-case name."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def base_of(scope: Scope, headers: dict[str, str], settings: Settings) -> str:
    """The address under which the caller reached the forge."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    host = headers.get("host") or f"{settings.host}:{settings.port}"
    return f"{scope.get('scheme', 'http')}://{host}"


async def read_request(scope: Scope, receive: Receive, path: str, settings: Settings) -> Incoming:
    """The whole request."""
    headers = headers_of(scope)
    query = nest(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    params = Params(query)
    if scope["method"] not in ("GET", "HEAD"):
        body = await _read_body(headers, receive, settings.max_body_bytes)
        params.update(await _parse_body(scope, headers, body))
    base = base_of(scope, headers, settings)
    return Incoming(scope["method"], path, base, headers, query, params)


async def _read_body(headers: dict[str, str], receive: Receive, limit: int) -> bytes:
    length = headers.get("content-length", "0")
    too_large = message(413, "413 Request Entity Too Large")
    if length.isdecimal() and int(length) > limit:
        raise too_large
    chunks, size, more = [], 0, True
    while more:
        event = await receive()
        chunk = event.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise too_large
        chunks.append(chunk)
        more = event.get("more_body", False) and event["type"] == "http.request"
    return b"".join(chunks)


async def _parse_body(scope: Scope, headers: dict[str, str], body: bytes) -> Params:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if not body:
        return Params()
    if kind == "application/json":
        return _parse_json(body)
    if kind == "multipart/form-data":
        return await _parse_multipart(scope, body)
    if kind == "application/x-www-form-urlencoded":
        return nest(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    return Params({"file": Upload("", kind, body)})


def _parse_json(body: bytes) -> Params:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise bad_request("The body is not valid JSON") from None
    if not isinstance(value, dict):
        raise bad_request("The body has to be a JSON object")
    return Params(value)


async def _parse_multipart(scope: Scope, body: bytes) -> Params:
    async def replay() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        form = await Request(scope, replay).form(max_part_size=len(body) + 1)
    except MultiPartException as error:
        raise bad_request(f"The form cannot be read: {error.message}") from None
    pairs: list[tuple[str, Any]] = []
    for name, value in form.multi_items():
        pairs.append((name, await _upload(value) if isinstance(value, UploadFile) else value))
    return nest(pairs)


async def _upload(file: UploadFile) -> Upload:
    name = (file.filename or "").replace("\\", "/").rsplit("/", 1)[-1]
    return Upload(name, file.content_type or "application/octet-stream", await file.read())
