"""The ASGI application: reads a request, finds its handler, runs it in a thread inside a database
transaction, and writes the reply. The event loop itself never waits for SQLite, Git or a disk."""

import asyncio
import hashlib
import logging
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pygit2

from localforge import api, authentication, pages
from localforge.call import Call
from localforge.errors import ApiError, bad_request
from localforge.faults import Dropped, Faults
from localforge.forge import Forge
from localforge.git.errors import GitError
from localforge.incoming import Incoming, Message, Receive, Scope, Send, read_request
from localforge.reply import Reply, as_reply
from localforge.routing import Handler, Router
from localforge.smart_http import SmartHttp
from localforge.throttle import Throttle

log = logging.getLogger("localforge")
_THREADS = 12


class Application:
    """The forge as an ASGI callable."""

    def __init__(self, forge: Forge) -> None:
        self.forge = forge
        self.faults: Faults = forge.faults
        self.throttle = Throttle(forge)
        self.api, self.pages = Router(api.routes()), Router(pages.ROUTES)
        self.threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="call")
        self.smart_http = SmartHttp(forge, self.threads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI connection scope."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["raw_path"].decode("ascii", "replace").partition("?")[0]
        try:
            planned = await self.faults.before(scope, path)
            if planned is not None:
                await _send(send, scope["method"], planned)
            elif self.smart_http.wants(path):
                await self.smart_http.serve(scope, receive, send, path)
            else:
                await self._answer(scope, receive, send, path)
        except Dropped:
            scope["state"]["abort"]()
            await asyncio.sleep(0.05)  # the loss has to be noticed before the answer is missed
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets an answer
            await _send(send, scope["method"], self._unexpected(error, path))

    async def _answer(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        try:
            settings = self.forge.settings
            incoming = await read_request(scope, receive, path, settings)
        except ApiError as error:
            await _send(send, scope["method"], Reply(error.body, error.status, error.headers))
            return
        loop = asyncio.get_running_loop()
        reply = await loop.run_in_executor(self.threads, self._handle, incoming)
        self.faults.after(scope, path)
        await _send(send, scope["method"], _with_etag(incoming, reply))

    def _handle(self, incoming: Incoming) -> Reply:
        router = self.api if incoming.is_api else self.pages
        found = router.find(incoming.method, incoming.path)
        if found is None:
            return Reply({"error": "404 Not Found"}, 404)
        limits, refused = self.throttle.check(incoming)
        if refused:
            return refused
        try:
            reply = as_reply(self._run(incoming, found.handler, found.values))
        except ApiError as error:
            reply = Reply(error.body, error.status, error.headers)
        except OverflowError:  # a number that is larger than any id
            reply = Reply({"message": "404 Not found"}, 404)
        except GitError as error:
            reply = Reply(bad_request(str(error)).body, 400)
        except Exception as error:  # noqa: BLE001 - logged, with a number for the caller
            reply = self._unexpected(error, incoming.path)
        if not incoming.is_api and isinstance(reply.body, dict) and reply.status >= 400:
            reply = self._error_page(incoming, reply)
        reply.headers.update(limits)
        return reply

    def _error_page(self, incoming: Incoming, reply: Reply) -> Reply:
        call = self._call(incoming, {}, self.forge.database.read())
        return pages.error_page(call, reply)

    def _run(self, incoming: Incoming, handler: Handler, values: dict[str, str]) -> Any:
        if incoming.method in ("GET", "HEAD"):
            return handler(self._call(incoming, values, self.forge.database.read()))
        with self.forge.database.write() as db:
            return handler(self._call(incoming, values, db))

    def _call(self, incoming: Incoming, values: dict[str, str], db: Any) -> Call:
        call = Call(
            forge=self.forge, db=db, method=incoming.method, path=incoming.path,
            base=incoming.base, headers=incoming.headers, params=incoming.params,
            values=values, query=incoming.query,
        )  # fmt: skip
        authentication.identify(call, is_api=incoming.is_api)
        return call

    def _unexpected(self, error: Exception, path: str) -> Reply:
        number = secrets.token_hex(6)
        log.error("error %s in %s", number, path, exc_info=error)
        libgit2 = isinstance(error, pygit2.GitError)
        text = "500 Internal Server Error" + (" (Git)" if libgit2 else "")
        return Reply({"message": text, "error_id": number}, 500)


def _with_etag(incoming: Incoming, reply: Reply) -> Reply:
    if incoming.method != "GET" or not incoming.is_api or reply.status != 200:
        return reply
    reply.body = reply.content()
    tag = f'W/"{hashlib.md5(reply.body, usedforsecurity=False).hexdigest()}"'
    reply.headers["etag"] = tag
    if incoming.headers.get("if-none-match") == tag:
        return Reply(b"", 304, reply.headers)
    return reply


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        event: Message = await receive()
        await send({"type": f"{event['type']}.complete"})
        if event["type"] == "lifespan.shutdown":
            return


async def _send(send: Send, method: str, reply: Reply) -> None:
    body = reply.content()
    headers = {
        "content-type": reply.media_type,
        "content-length": str(len(body)),
        "x-content-type-options": "nosniff",
        "cache-control": "max-age=0, private, must-revalidate",
        **{name.lower(): value for name, value in reply.headers.items()},
    }
    if reply.status == 204:
        headers.pop("content-type")
        headers.pop("content-length")
    encoded = [(name.encode("latin-1"), value.encode("utf-8")) for name, value in headers.items()]
    cookies = [(b"set-cookie", cookie.encode()) for cookie in reply.cookies]
    start = {"type": "http.response.start", "status": reply.status, "headers": encoded + cookies}
    await send(start)
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})
