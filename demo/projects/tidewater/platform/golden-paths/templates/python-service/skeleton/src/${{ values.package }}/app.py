"""The web application: plain WSGI, so that any WSGI server can run it."""

import json
import logging
import re
import time
import uuid
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from ${{ values.package }} import DESCRIPTION, NAME

log = logging.getLogger(__name__)

Handler = Callable[[], tuple[HTTPStatus, dict[str, Any]]]
{%- if values.public %}

# Sent with every answer, because browsers on the internet can reach this service.
SECURITY_HEADERS = [
    ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
]
{%- endif %}


class App:
    def __init__(self, is_ready: Callable[[], bool] = lambda: True) -> None:
        self.is_ready = is_ready
        self.routes: dict[str, Handler] = {
            "/": self.about,
            "/healthz": self.health,
            "/readyz": self.readiness,
        }

    def about(self) -> tuple[HTTPStatus, dict[str, Any]]:
        return HTTPStatus.OK, {"name": NAME, "description": DESCRIPTION}

    def health(self) -> tuple[HTTPStatus, dict[str, Any]]:
        """The process is up. Restart it when this fails."""
        return HTTPStatus.OK, {"status": "ok"}

    def readiness(self) -> tuple[HTTPStatus, dict[str, Any]]:
        """Everything it needs is there. Send it no requests while this fails."""
        if self.is_ready():
            return HTTPStatus.OK, {"status": "ready"}
        return HTTPStatus.SERVICE_UNAVAILABLE, {"status": "not ready"}

    def answer(self, method: str, path: str) -> tuple[HTTPStatus, dict[str, Any]]:
        handler = self.routes.get(path)
        if handler is None:
            return HTTPStatus.NOT_FOUND, {"error": "There is nothing at this address."}
        if method not in ("GET", "HEAD"):
            return HTTPStatus.METHOD_NOT_ALLOWED, {"error": "Use GET."}
        try:
            return handler()
        except Exception:
            log.exception("unexpected error", extra={"fields": {"path": path}})
            return HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "Something went wrong."}

    def __call__(self, environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
        started = time.perf_counter()
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO") or "/"
        request_id = request_id_of(environ)
        status, payload = self.answer(method, path)
        body = json.dumps(payload, ensure_ascii=False).encode()
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("X-Request-Id", request_id),
        ]
{%- if values.public %}
        headers += SECURITY_HEADERS
{%- endif %}
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            headers.append(("Allow", "GET, HEAD"))
        start_response(f"{status.value} {status.phrase}", headers)
        fields = {
            "method": method,
            "path": path,
            "status": status.value,
            "milliseconds": round((time.perf_counter() - started) * 1000, 1),
            "request_id": request_id,
        }
        log.info("request", extra={"fields": fields})
        return [] if method == "HEAD" else [body]


def request_id_of(environ: dict[str, Any]) -> str:
    """The caller's id if it is harmless, so that one id follows a request through all services."""
    given = environ.get("HTTP_X_REQUEST_ID", "")
    return given if re.fullmatch(r"[A-Za-z0-9-]{1,64}", given) else uuid.uuid4().hex
