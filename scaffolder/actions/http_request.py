"""http:request: calls another system, on a host that the administrator listed."""

import json
from collections.abc import Callable
from typing import Any

from django.conf import settings

from forge import ForgeError
from forge.outside import Answer, request
from scaffolder.actions import BOOLEAN, STRING, ActionFailed, Context, Json, action

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_TEXTS = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
_INPUT: Json = {
    "method": {"enum": ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]},
    "url": STRING | {"description": "http or https, on a host of HTTP_REQUEST_HOSTS"},
    "path": STRING | {"description": "The same, by Backstage's name"},
    "headers": _TEXTS,
    "params": _TEXTS,
    "body": {"description": "Text as it is; anything else as JSON"},
    "timeout": {"type": "number", "exclusiveMinimum": 0, "maximum": 60_000},
    "logRequestPath": BOOLEAN,
    "logResponse": BOOLEAN,
    "continueOnBadResponse": BOOLEAN,
}
_OUTPUT: Json = {"code": {"type": "integer"}, "headers": {"type": "object"}, "body": {}}


def _refusal() -> str:
    if settings.HTTP_REQUEST_HOSTS:
        return ""
    return "calls to other systems are switched off: HTTP_REQUEST_HOSTS lists no host."


def _register(name: str) -> Callable[[Callable[[Context, Json], Json]], Any]:
    return action(
        name,
        title="Call another system",
        properties=_INPUT,
        required=("method",),
        output=_OUTPUT,
        refusal=_refusal,
        notes="Internal addresses and redirects are refused. POST and PATCH are never sent twice.",
    )


@_register("http:backstage:request")
@_register("http:request")
def http_request(context: Context, given: Json) -> Json:
    method, url = given["method"], given.get("url") or given.get("path") or ""
    if method not in _SAFE and context.notes.get("sent"):
        context.note("sent", False)
        raise ActionFailed(
            f"a worker was lost while {method} was under way: see whether it arrived; a retry "
            "sends it again"
        )
    headers = {name: str(value) for name, value in (given.get("headers") or {}).items()}
    body = _body(given.get("body"), headers)
    context.note("sent", True)
    try:
        answer = request(
            method, url, hosts=set(settings.HTTP_REQUEST_HOSTS), params=given.get("params"),
            headers=headers, body=body, seconds=given.get("timeout", 30_000) / 1000,
        )  # fmt: skip
    except ForgeError as error:
        context.note("sent", False)
        raise ActionFailed(str(error)) from error
    return _told(context, given, answer)


def _body(body: Any, headers: dict[str, str]) -> bytes | None:
    if body is None:
        return None
    if isinstance(body, str):
        return body.encode()
    if not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = "application/json"
    return json.dumps(body).encode()


def _told(context: Context, given: Json, answer: Answer) -> Json:
    context.log(f"{given['method']}: {answer.code}")
    if given.get("logResponse"):
        context.log(json.dumps(answer.body))
    if answer.code >= 400 and not given.get("continueOnBadResponse"):
        context.note("sent", False)
        raise ActionFailed(f"the other system answered {answer.code}")
    return {"code": answer.code, "headers": dict(answer.headers), "body": answer.body}
