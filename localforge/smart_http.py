"""Git over HTTP: clone, fetch and push with a token. Bodies go through a file, not memory;
refs that were pushed are followed up exactly like a commit through the API."""

import asyncio
import re
import tempfile
import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qs, unquote

from localforge import access, deploy_tokens
from localforge.authentication import basic_login, git_user
from localforge.context import Context
from localforge.errors import ApiError, bad_request, forbidden, not_found, unauthorized
from localforge.forge import Forge
from localforge.git import packets
from localforge.git.command import command, environment, run
from localforge.git.repository import is_null
from localforge.incoming import Receive, Scope, Send, base_of, headers_of
from localforge.store import projects
from localforge.store.database import Db, Row
from localforge.verbs import names, protection, pushes

_ROUTE = re.compile(r"^/(.+?)(?:\.git)?/(info/refs|git-upload-pack|git-receive-pack)$")
_SERVICES = ("git-upload-pack", "git-receive-pack")
_ADVERTISE = ("--stateless-rpc", "--advertise-refs", ".")
_V2 = "version=2"
_CHUNK = 64 * 1024


class SmartHttp:
    """The Git side of the forge."""

    def __init__(self, forge: Forge, threads: Executor) -> None:
        self._forge = forge
        self._threads = threads
        self._capabilities: bytes | None = None

    def wants(self, path: str) -> bool:
        """Whether a path belongs to Git."""
        return not path.startswith("/api/") and _ROUTE.match(path) is not None

    async def serve(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        """Answers one request of a Git client."""
        headers = headers_of(scope)
        found = _ROUTE.match(path)
        assert found is not None
        try:
            service = _service(scope, found[2])
            arguments = (
                unquote(found[1]),
                service,
                headers,
                base_of(scope, headers, self._forge.settings),
            )
            project, user = await self._thread(self._open, *arguments)
            run = _Exchange(self, scope, receive, send, headers, project, user)
            if found[2] == "info/refs":
                await run.advertise(service)
            else:
                await run.serve(service)
        except ApiError as error:
            await _plain(send, error)
        except packets.Unreadable as error:
            await _plain(send, bad_request(str(error)))

    def capabilities(self, git_dir: Path) -> bytes:
        """What git answers first in protocol 2. It names no refs, so it is the same everywhere."""
        if self._capabilities is None:
            self._capabilities = run(git_dir, "upload-pack", *_ADVERTISE, protocol=_V2)
        return self._capabilities

    async def _thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, function, *arguments)

    def _open(
        self, path: str, service: str, headers: dict[str, str], base: str
    ) -> tuple[Row, Row | None]:
        db = self._forge.database.read()
        authorization = headers.get("authorization", "")
        project = projects.find_project(db, path) or projects.redirected_project(db, path)
        name, secret = basic_login(authorization) or ("", "")
        if secret.startswith(deploy_tokens.PREFIX):
            return deploy_tokens.check(db, name, secret, service, project), None
        user = git_user(db, authorization, service)
        if project is None or not access.can_see_project(db, user, project):
            raise not_found("Project") if user else unauthorized()
        _check_rights(db, project, user, service)
        return project, user


def _check_rights(db: Db, project: Row, user: Row | None, service: str) -> None:
    if service == "git-upload-pack":
        if not access.can_read_code(db, user, project):
            raise forbidden("You are not allowed to download code from this project.")
        return
    if user is None:
        raise unauthorized()
    if access.project_level(db, user, project) < access.DEVELOPER:
        raise forbidden("You are not allowed to push code to this project.")
    if project["archived"]:
        raise forbidden("You can't push code to an archived project.")


def _service(scope: Scope, action: str) -> str:
    if action != "info/refs":
        if scope["method"] != "POST":
            raise not_found()
        return action
    query: str = scope["query_string"].decode("latin-1")
    service = parse_qs(query).get("service", [""])[0]
    if service not in _SERVICES:
        raise forbidden("Only the smart protocol is spoken here; upgrade your Git.")
    return service


class _Exchange:
    def __init__(
        self, http: SmartHttp, scope: Scope, receive: Receive, send: Send,
        headers: dict[str, str], project: Row, user: Row | None,
    ) -> None:  # fmt: skip
        self.http, self.scope, self.receive, self.send = http, scope, receive, send
        self.headers, self.project, self.user = headers, project, user
        self.forge: Forge = http._forge
        self.git_dir = self.forge.repositories.path(project["id"])

    async def advertise(self, service: str) -> None:
        """GET info/refs."""
        preamble = packets.line(f"# service={service}\n") + packets.FLUSH
        await self._start(f"application/x-{service}-advertisement")
        if service == "git-upload-pack" and self.headers.get("git-protocol") == _V2:
            await self._end(
                preamble + await self.http._thread(self.http.capabilities, self.git_dir)
            )
            return
        arguments = [service.removeprefix("git-"), *_ADVERTISE]
        await self._run(arguments, None, preamble)

    async def serve(self, service: str) -> None:
        """POST git-upload-pack or git-receive-pack."""
        with tempfile.TemporaryFile(buffering=0) as body:
            await self._spool(body)
            if service == "git-upload-pack":
                await self._start("application/x-git-upload-pack-result")
                await self._run(["upload-pack", "--stateless-rpc", "."], body)
            else:
                await self._receive(body)

    async def _receive(self, body: IO[bytes]) -> None:
        wanted, capabilities = packets.read_commands(body)
        refused, config = await self.http._thread(self._judge, wanted)
        await self._start("application/x-git-receive-pack-result")
        if refused and "atomic" in capabilities:
            reason = next(iter(refused.values()))
            refused = {one.ref: refused.get(one.ref, reason) for one in wanted}
        if len(refused) == len(wanted):
            await self._end(packets.refusal(refused, capabilities))
            return
        body.seek(0)
        arguments = ["receive-pack", "--stateless-rpc", "."]
        remarks = [packets.remark(f"{ref}: {why}", capabilities) for ref, why in refused.items()]
        await self._run(arguments, body, b"".join(remarks), config, last=False)
        await self.http._thread(self._follow, wanted)
        await self._end(b"")

    def _judge(self, wanted: list[packets.Command]) -> tuple[dict[str, str], list[str]]:
        """The refs that are refused, each with a reason, and what git is told for the others. Git
        takes no push to a hidden ref, which is how it is made to skip just that one."""
        context = self._context(self.forge.database.read())
        problems = {one.ref: self._problem(context, one) for one in wanted}
        refused = {ref: problem for ref, problem in problems.items() if problem}
        config = [f"receive.hideRefs={ref}" for ref in refused]
        if any(self._keeps_history(context, ref) for ref in problems.keys() - refused.keys()):
            config.append("receive.denyNonFastForwards=true")
        return refused, config

    def _keeps_history(self, context: Context, ref: str) -> bool:
        rule = protection.rule_for(context, self.project, ref.removeprefix(pushes.HEADS))
        return rule is not None and not rule["data"].get("allow_force_push")

    def _problem(self, context: Context, one: packets.Command) -> str:
        if one.ref.startswith(pushes.TAGS):
            rule = protection.rule_for(
                context, self.project, one.ref[len(pushes.TAGS) :], "protected_tag"
            )
            maintainer = context.project_level(self.project) >= access.MAINTAINER
            return "" if rule is None or maintainer else "protected tag"
        if not one.ref.startswith(pushes.HEADS):
            return "only branches and tags can be pushed"
        branch = one.ref[len(pushes.HEADS) :]
        if is_null(one.new):
            return self._deletion_problem(context, branch)
        if is_null(one.old) and not names.is_branch(branch):
            return "Branch name is invalid"
        allowed = protection.can_push(context, self.project, branch)
        return (
            ""
            if allowed
            else "You are not allowed to push code to protected branches on this project."
        )

    def _deletion_problem(self, context: Context, branch: str) -> str:
        if branch == self.project["default_branch"]:
            return "The default branch of a project cannot be deleted."
        protected = protection.rule_for(context, self.project, branch)
        return "You cannot delete a protected branch over Git." if protected else ""

    def _follow(self, wanted: list[packets.Command]) -> None:
        repo = self.forge.repositories.open(self.project["id"])
        done = []
        for one in wanted:
            new = None if is_null(one.new) else one.new
            if repo.ref(one.ref) == new and one.old != one.new:
                done.append(pushes.Update(one.ref, None if is_null(one.old) else one.old, new))
        if not done:
            return
        with self.forge.database.write() as db:
            context = self._context(db)
            project = projects.get_project(db, self.project["id"])
            if project:
                pushes.follow(context, project, done)

    def _context(self, db: Db) -> Context:
        base = base_of(self.scope, self.headers, self.forge.settings)
        return Context(forge=self.forge, db=db, base=base, user=self.user)

    async def _spool(self, body: IO[bytes]) -> None:
        gzipped = self.headers.get("content-encoding") == "gzip"
        inflate = zlib.decompressobj(31) if gzipped else None
        size, more = 0, True
        while more:
            event = await self.receive()
            if event["type"] == "http.disconnect":
                raise ApiError(400, {"message": "the client went away"})
            chunk = event.get("body", b"")
            chunk = _inflated(inflate, chunk) if inflate else chunk
            size += len(chunk)
            if size > self.forge.settings.max_body_bytes:
                raise ApiError(413, {"message": "413 Request Entity Too Large"})
            body.write(chunk)
            more = event.get("more_body", False)
        body.seek(0)

    async def _run(
        self, arguments: list[str], body: IO[bytes] | None, preamble: bytes = b"",
        config: Iterable[str] = (), *, last: bool = True,
    ) -> None:  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            *command(*arguments, config=config),
            cwd=Path(self.git_dir),
            env=environment(self.headers.get("git-protocol", "")),
            stdin=body or asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert process.stdout is not None
        try:
            if preamble:
                await self._chunk(preamble)
            while chunk := await process.stdout.read(_CHUNK):
                await self._chunk(chunk)
        finally:
            if process.returncode is None:
                await _reap(process)
        if last:
            await self._end(b"")

    async def _start(self, media_type: str) -> None:
        headers = [(b"content-type", media_type.encode()), (b"cache-control", b"no-cache")]
        await self.send({"type": "http.response.start", "status": 200, "headers": headers})

    async def _chunk(self, data: bytes) -> None:
        await self.send({"type": "http.response.body", "body": data, "more_body": True})

    async def _end(self, data: bytes) -> None:
        await self.send({"type": "http.response.body", "body": data, "more_body": False})


def _inflated(inflate: Any, chunk: bytes) -> bytes:
    try:
        found: bytes = inflate.decompress(chunk)
    except zlib.error:
        raise bad_request("the body is not gzip") from None
    return found


async def _reap(process: asyncio.subprocess.Process) -> None:
    try:
        await asyncio.wait_for(process.wait(), 30)
    except TimeoutError:
        process.kill()
        await process.wait()


async def _plain(send: Send, error: ApiError) -> None:
    text = str(error.body.get("message", "")).encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    if error.status == 401:
        headers.append((b"www-authenticate", b'Basic realm="Embedded forge"'))
        text = b"HTTP Basic: Access denied"
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
