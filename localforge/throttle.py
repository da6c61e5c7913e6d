"""Rate limits, off unless the application settings turn them on; the headers are sent either way a
real limit would."""

import threading
import time
from typing import Any

from localforge import clock
from localforge.forge import Forge
from localforge.incoming import Incoming
from localforge.reply import Reply


class Throttle:
    """Counts the calls of each token in fixed windows."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[int, int]] = {}

    def check(self, incoming: Incoming) -> tuple[dict[str, str], Reply | None]:
        """The headers for this call, and a refusal if it is one too many."""
        settings = self._forge.application_settings
        if not incoming.is_api or not settings.get("throttle_authenticated_api_enabled"):
            return {}, None
        if incoming.path.endswith("/application/settings"):
            return {}, None
        limit = int(settings.get("throttle_authenticated_api_requests_per_period", 7200))
        period = int(settings.get("throttle_authenticated_api_period_in_seconds", 3600))
        count, reset = self._count(incoming.headers, period)
        headers = _headers(limit, count, reset)
        if count <= limit:
            return headers, None
        headers["retry-after"] = str(max(1, reset - int(time.time())))
        return headers, Reply(b"Retry later\n", 429, headers, "text/plain")

    def _count(self, headers: dict[str, str], period: int) -> tuple[int, int]:
        key = headers.get("private-token") or headers.get("authorization") or ""
        window = int(time.time()) // max(period, 1)
        with self._lock:
            seen, count = self._windows.get(key, (window, 0))
            count = count + 1 if seen == window else 1
            self._windows[key] = (window, count)
        return count, (window + 1) * max(period, 1)


def _headers(limit: int, count: int, reset: int) -> dict[str, Any]:
    return {
        "ratelimit-limit": str(limit),
        "ratelimit-observed": str(count),
        "ratelimit-remaining": str(max(0, limit - count)),
        "ratelimit-reset": str(reset),
        "ratelimit-resettime": clock.http_time(reset),
        "ratelimit-name": "throttle_authenticated_api",
    }
