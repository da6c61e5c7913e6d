"""Sends webhooks: takes due deliveries out of the database, a few at a time, tries again on failure
with the same idempotency key, and pauses a hook that keeps failing."""

import http.client
import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

from localforge import clock
from localforge.forge import Forge
from localforge.signatures import sign
from localforge.store.database import Row
from localforge.verbs.events import FOREVER

log = logging.getLogger("localforge.webhooks")
_TIMEOUT = 10
_ATTEMPTS = 3
_SENDERS = 4
_KEPT = 200
_PAUSE_AFTER, _GIVE_UP_AFTER = 4, 40


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: str
    body: str
    headers: dict[str, str]

    @property
    def good(self) -> bool:
        """Whether the receiver took it."""
        return self.status.startswith("2")


class Deliveries:
    """The sending threads."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        self._stop = False
        self._busy: set[int] = set()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(_SENDERS, thread_name_prefix="webhook")
        self._thread = threading.Thread(target=self._loop, name="webhooks", daemon=True)

    def start(self) -> None:
        """Starts; what an earlier run left undone goes first."""
        self._thread.start()
        self._forge.deliveries_due.set()

    def stop(self) -> None:
        """Ends after what is under way."""
        self._stop = True
        self._forge.deliveries_due.set()
        self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _loop(self) -> None:
        wait: float | None = None
        while not self._stop:
            self._forge.deliveries_due.wait(wait)
            self._forge.deliveries_due.clear()
            if not self._stop:
                wait = self._dispatch()

    def _dispatch(self) -> float | None:
        db, now = self._forge.database.read(), time.time()
        due = db.all(
            "SELECT id FROM deliveries WHERE state = 'pending' AND due <= ? ORDER BY id LIMIT 200",
            now,
        )
        for row in due:
            self._hand_out(row["id"])
        later = db.value("SELECT min(due) FROM deliveries WHERE state = 'pending' AND due > ?", now)
        return max(0.01, later - now) if later else None

    def _hand_out(self, delivery_id: int) -> None:
        with self._lock:
            if delivery_id in self._busy:
                return
            self._busy.add(delivery_id)
        self._pool.submit(self._send_safely, delivery_id)

    def _send_safely(self, delivery_id: int) -> None:
        try:
            self._send(delivery_id)
        except Exception:
            log.exception("delivery %s", delivery_id)
        finally:
            with self._lock:
                self._busy.discard(delivery_id)
            self._forge.deliveries_due.set()

    def _send(self, delivery_id: int) -> None:
        db = self._forge.database.read()
        row = db.one("SELECT * FROM deliveries WHERE id = ?", delivery_id)
        hook = db.one("SELECT * FROM hooks WHERE id = ?", row["hook_id"]) if row else None
        if row is None or hook is None or row["state"] != "pending":
            return
        subject = f"{row['trigger']} {hook['url']}"
        headers, started = request_headers(hook, row), time.monotonic()
        if self._forge.faults.take("lost_webhook", subject):
            answer = Answer("lost", "", {})
        else:
            answer = post(hook["url"], row["body"].encode(), headers)
            if self._forge.faults.take("doubled_webhook", subject):
                post(hook["url"], row["body"].encode(), headers)
        self._keep(hook, row, headers, answer, time.monotonic() - started)

    def _keep(
        self, hook: Row, row: Row, headers: dict[str, str], answer: Answer, duration: float
    ) -> None:
        attempts, lost = row["attempts"] + 1, answer.status == "lost"
        again = not answer.good and not lost and attempts < _ATTEMPTS
        wait = self._forge.settings.webhook_retry_seconds * 2 ** (attempts - 1)
        secret = {"X-Gitlab-Token", "webhook-signature"}
        with self._forge.database.write() as db:
            db.update(
                "deliveries", row["id"], attempts=attempts, response_status=answer.status,
                response_body=answer.body, response_headers=json.dumps(answer.headers),
                request_headers={k: "[REDACTED]" if k in secret else v for k, v in headers.items()},
                duration=duration, due=time.time() + wait,
                state="pending" if again else "done" if answer.good or lost else "failed",
            )  # fmt: skip
            if not again and not lost:
                before = db.value("SELECT failures FROM hooks WHERE id = ?", hook["id"]) or 0
                count = 0 if answer.good else before + 1
                db.update("hooks", hook["id"], failures=count, disabled_until=_pause(count))
            db.run(
                "DELETE FROM deliveries WHERE hook_id = ? AND state <> 'pending' AND id <= ?",
                hook["id"], row["id"] - _KEPT * 50,
            )  # fmt: skip


def _pause(failures: int) -> str | None:
    if failures >= _GIVE_UP_AFTER:
        return FOREVER
    if failures < _PAUSE_AFTER:
        return None
    return clock.later(min(60 * 2 ** (failures - _PAUSE_AFTER), 24 * 3600))


def request_headers(hook: Row, row: Row) -> dict[str, str]:
    """The headers of a delivery."""
    key, now = row["idempotency_key"], str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "GitLab/18.5.0",
        "X-Gitlab-Event": row["event"],
        "X-Gitlab-Instance": row["instance"],
        "X-Gitlab-Webhook-UUID": hook["uuid"],
        "X-Gitlab-Event-UUID": row["event_uuid"],
        "Idempotency-Key": key,
        **json.loads(hook["data"]).get("custom_headers", {}),
    }
    if hook["token"]:
        headers["X-Gitlab-Token"] = hook["token"]
    if hook["signing_token"]:
        signature = sign(hook["signing_token"], key, now, row["body"].encode())
        headers |= {"webhook-id": key, "webhook-timestamp": now, "webhook-signature": signature}
    return headers


def post(url: str, body: bytes, headers: dict[str, str]) -> Answer:
    """One request; a receiver that cannot be reached is an answer too."""
    try:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        with closing(kind(parts.hostname or "", parts.port, timeout=_TIMEOUT)) as connection:
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            text = response.read(8192).decode("utf-8", "replace")
            return Answer(str(response.status), text, dict(response.getheaders()))
    except (OSError, http.client.HTTPException, ValueError) as error:
        # A ValueError is an address or a header that cannot be sent at all.
        return Answer("internal error", f"{type(error).__name__}: {error}", {})
