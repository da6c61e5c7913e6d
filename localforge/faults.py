"""Faults on demand, so that a client can be tested on a bad day: 429 and 5xx answers, latency,
dropped connections (before the call is carried out, or after), listings that break off, merge
checks that never end, lost and doubled webhooks. They live in memory; a restart clears them."""

import asyncio
import itertools
import re
import threading
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from localforge.bearer import token_of
from localforge.errors import param_error
from localforge.params import Params
from localforge.reply import Reply

KINDS = (
    "status",
    "latency",
    "drop",
    "lost_answer",
    "page",
    "stuck_checking",
    "lost_webhook",
    "doubled_webhook",
)
Scope = MutableMapping[str, Any]
_OWN = "/api/v4/localforge/"


class Dropped(Exception):
    """Ends the connection without an answer."""


@dataclass
class Fault:
    """One fault: which calls it meets, what it does, how often."""

    id: int
    kind: str
    path: str = ""
    method: str = ""
    token: str = ""  # meets only the calls that carry it
    times: int | None = None
    status: int = 500
    seconds: float = 0
    page: int = 2
    retry_after: int | None = None
    met: int = field(default=0)

    def view(self) -> dict[str, Any]:
        """The fault as the API shows it."""
        return dict(vars(self))


class Faults:
    """The faults that are set at present."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._all: dict[int, Fault] = {}

    def add(self, params: Params) -> Fault:
        """Sets a fault."""
        kind = params.choice("kind", KINDS) or params.need("kind")
        pattern = params.text("path")
        try:
            re.compile(pattern)
        except re.error:
            raise param_error("path is not a regular expression") from None
        fault = Fault(
            id=next(self._ids), kind=kind, path=pattern, method=params.text("method").upper(),
            token=params.text("token"), times=params.integer("times") or None,
            status=params.integer("status", 500),
            seconds=_seconds(params), page=params.integer("page", 2),
            retry_after=params.integer("retry_after", -1) if "retry_after" in params else None,
        )  # fmt: skip
        with self._lock:
            self._all[fault.id] = fault
        return fault

    def every(self) -> list[Fault]:
        """All faults."""
        with self._lock:
            return list(self._all.values())

    def clear(self, fault_id: int | None = None) -> bool:
        """Takes one fault back, or all."""
        with self._lock:
            if fault_id is None:
                self._all.clear()
                return True
            return self._all.pop(fault_id, None) is not None

    def take(self, kind: str, subject: str, scope: Scope | None = None) -> Fault | None:
        """The fault of a kind that meets a subject now; it is used up by one.

        `scope`: the call's; what happens by itself (webhooks, merge checks) has none.
        """
        with self._lock:
            for fault in self._all.values():
                if fault.kind == kind and self._meets(fault, subject, scope):
                    fault.met += 1
                    return fault
        return None

    def _meets(self, fault: Fault, subject: str, scope: Scope | None) -> bool:
        spent = fault.times is not None and fault.met >= fault.times
        if spent or re.search(fault.path, subject) is None:
            return False
        return scope is None or (
            fault.method in ("", scope["method"]) and fault.token in ("", token_of(scope))
        )

    async def before(self, scope: Scope, path: str) -> Reply | None:
        """What a call meets before it is handled: a delay, an end, another answer, or nothing."""
        if not self._all or path.startswith(_OWN):
            return None
        slow = self.take("latency", path, scope)
        if slow:
            await asyncio.sleep(slow.seconds)
        if self.take("drop", path, scope):
            raise Dropped
        failing = self.take("status", path, scope) or self._failing_page(scope, path)
        return _answer(failing) if failing else None

    def after(self, scope: Scope, path: str) -> None:
        """Ends the connection after the call was carried out, when that was asked for."""
        if self._all and not path.startswith(_OWN) and self.take("lost_answer", path, scope):
            raise Dropped

    def _failing_page(self, scope: Scope, path: str) -> Fault | None:
        sent = parse_qs(scope["query_string"].decode("latin-1")).get("page", ["1"])[0]
        with self._lock:
            wanted = any(f.kind == "page" and str(f.page) == sent for f in self._all.values())
        return self.take("page", path, scope) if wanted else None


def _seconds(params: Params) -> float:
    try:
        return float(params.text("seconds", "0"))
    except ValueError:
        raise param_error("seconds is invalid") from None


def _answer(fault: Fault) -> Reply:
    if fault.status == 429:
        wait = 1 if fault.retry_after is None else fault.retry_after
        headers = {"retry-after": str(wait)}
        return Reply(b"Retry later\n", 429, headers, "text/plain")
    return Reply({"message": f"{fault.status} (a fault that was asked for)"}, fault.status)
