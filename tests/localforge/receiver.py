"""A receiver of webhooks that can be waited on."""

import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Delivery:
    """One request that came in."""

    def __init__(self, headers: dict[str, str], body: bytes) -> None:
        self.headers = headers
        self.body = body
        self.data: dict[str, Any] = json.loads(body)

    def is_a(self, wanted: str, action: str | None) -> bool:
        """Whether it tells of this."""
        if self.data.get("object_kind") != wanted:
            return False
        return action is None or self.data["object_attributes"]["action"] == action


class Receiver:
    """Collects what it is sent; the next answers can be set."""

    def __init__(self) -> None:
        self.deliveries: queue.Queue[Delivery] = queue.Queue()
        self.answers: list[int] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.deliveries.put(Delivery(dict(self.headers), body))
                self.send_response(outer.answers.pop(0) if outer.answers else 200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def next(self, seconds: float = 5) -> Delivery:
        """The next delivery, waited for."""
        return self.deliveries.get(timeout=seconds)

    def until(self, wanted: str, action: str | None = None) -> Delivery:
        """The first delivery of a kind; the others wait, for several are sent at once."""
        waiting: list[Delivery] = []
        while True:
            found = self.next()
            if found.is_a(wanted, action):
                break
            waiting.append(found)
        for other in waiting:
            self.deliveries.put(other)
        return found

    def close(self) -> None:
        """Ends."""
        self._server.shutdown()
        self._server.server_close()
