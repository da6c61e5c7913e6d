"""What a handler hands back, before it becomes bytes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TEXT = "text/plain; charset=utf-8"


@dataclass
class Reply:
    """A status, headers and a body: JSON unless it is bytes."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    media_type: str = "application/json"
    cookies: list[str] = field(default_factory=list)

    def content(self) -> bytes:
        """The body as bytes."""
        if self.status == 204:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


def created(body: Any, headers: Mapping[str, str] | None = None) -> Reply:
    """201, for a new thing."""
    return Reply(body, 201, dict(headers or {}))


def accepted(body: Any = None) -> Reply:
    """202, for work that goes on."""
    return Reply(body if body is not None else {"message": "202 Accepted"}, 202)


def no_content() -> Reply:
    """204, after a delete."""
    return Reply(None, 204)


def blob(data: bytes, media_type: str, headers: Mapping[str, str] | None = None) -> Reply:
    """Bytes as they are."""
    return Reply(data, 200, dict(headers or {}), media_type)


def as_is(data: bytes, headers: Mapping[str, str] | None = None) -> Reply:
    """A file as it is; clients decide by the type whether they have got text."""
    return blob(data, TEXT if _is_text(data) else "application/octet-stream", headers)


def _is_text(data: bytes) -> bool:
    try:
        return "\0" not in data.decode("utf-8")
    except UnicodeDecodeError:
        return False


def as_reply(result: Any) -> Reply:
    """Whatever a handler returned as a Reply."""
    if isinstance(result, Reply):
        return result
    return no_content() if result is None else Reply(result)
