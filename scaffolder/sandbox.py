"""Untrusted work in a process that can be killed: wall clock, processor time, memory and open files
are limited, there is no environment to read and no file can be written. A small server with the
engine already imported forks one child a call, or one for many calls where a caller says that they
belong together. It is not `multiprocessing`, whose children are refused inside a Celery worker and
import the web application again."""

from __future__ import annotations

import gc
import importlib
import io
import math
import os
import pickle
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

Result = TypeVar("Result")

_PRELOADED = ("scaffolder.weave", "scaffolder.expressions", "scaffolder.blueprint")
_REQUEST, _SIZE = struct.Struct("!ddQ"), struct.Struct("!Q")
_ROOT = str(Path(__file__).resolve().parent.parent)
_WARMING = "{% for x in values.y %}{% if x %}${{ x | dump }}{% endif %}{% endfor %}"
_START = "import sys; sys.path[:] = sys.argv[2:]; from scaffolder.sandbox import serve; serve()"
_GRACE = 2
_CALLS, _AGE = 400, 60  # of one child, before another takes its place
_PROCESSOR = 180  # seconds that a child can never get past


class TookTooLong(RuntimeError):
    """The work was stopped by the clock; the text is a sentence."""


class TooBig(RuntimeError):
    """The work needed more memory than it may have; the text is a sentence."""


STOPPED = (TookTooLong, TooBig)


class _Server:
    """The forking server of this process and the socket on which it takes orders."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self.control: socket.socket | None = None

    def child(self) -> socket.socket:
        """A connection to a fresh child."""
        mine, theirs = socket.socketpair()
        with self.lock, theirs:
            if self.process is None or self.process.poll() is not None:
                self._start()
            try:
                self._order(theirs)
            except OSError:
                self._start()
                self._order(theirs)
        return mine

    def _order(self, connection: socket.socket) -> None:
        assert self.control is not None, "started"
        socket.send_fds(self.control, [b"+"], [connection.fileno()])

    def _start(self) -> None:
        self.forget()
        self.control, theirs = socket.socketpair()
        with theirs:
            paths = [_ROOT, *(path for path in sys.path if path not in ("", _ROOT))]
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-c", _START, str(theirs.fileno()), *paths],
                pass_fds=[theirs.fileno()],
                env={"LANG": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )

    def forget(self) -> None:
        """Without its socket the server ends by itself."""
        if self.control is not None:
            self.control.close()
        self.control = self.process = None


_server = _Server()


def _after_fork() -> None:
    """A forked process must not share its parent's server, nor a lock that somebody holds."""
    global _server
    _server.forget()
    _server = _Server()
    _shared.child = None


os.register_at_fork(after_in_child=_after_fork)


class _Child:
    """One forked child and the connection to it."""

    def __init__(self) -> None:
        self.connection, self.pid, self.calls = _server.child(), 0, 0
        self.old_at = time.monotonic() + _AGE

    def ask(self, request: bytes, seconds: float, megabytes: int) -> tuple[bool, Any]:
        """Whether it went well, and the result or error. A child that was stopped is dead."""
        deadline = time.monotonic() + seconds
        self.calls += 1
        try:
            self.connection.settimeout(seconds)
            self.connection.sendall(_REQUEST.pack(seconds, megabytes, len(request)) + request)
            self.pid = self.pid or self._number(deadline)
            size = self._number(deadline)
            if size > megabytes << 20:
                raise EOFError
            return _load(_receive(self.connection, size, deadline))
        except TimeoutError:
            self.kill()
            raise TookTooLong(f"This took longer than {seconds:g} s and was stopped.") from None
        except (EOFError, ConnectionError, MemoryError):
            self.kill()
            raise TooBig(f"This needed more than {megabytes} MB and was stopped.") from None

    def _number(self, deadline: float) -> int:
        return int(_SIZE.unpack(_receive(self.connection, _SIZE.size, deadline))[0])

    def kill(self) -> None:
        if self.pid:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                return

    def close(self) -> None:
        """Without its connection the child ends by itself."""
        self.connection.close()


class _Shared(threading.local):
    """What the calls of this thread share, while they do."""

    depth = 0
    child: _Child | None = None

    def take(self) -> _Child:
        child, self.child = self.child or _Child(), None
        return child

    def give_back(self, child: _Child) -> None:
        if self.depth and child.calls < _CALLS and time.monotonic() < child.old_at:
            self.child = child
        else:
            child.close()


_shared = _Shared()


@contextmanager
def together() -> Iterator[None]:
    """Calls of this thread inside it use one child, as long as none has to be stopped. For work on
    the same blocks: one call could disturb a later one."""
    _shared.depth += 1
    try:
        yield
    finally:
        _shared.depth -= 1
        if not _shared.depth:
            part()


def part() -> None:
    """The next call gets a child that no earlier one has met."""
    if _shared.child is not None:
        _shared.take().close()


def call(
    function: Callable[..., Result], *args: Any, seconds: float = 10, megabytes: int = 512
) -> Result:
    """What the function returns. It must be importable by name in a pure room, its arguments and
    result must pickle. Raises what it raises, TookTooLong or TooBig."""
    request = pickle.dumps((function, args))
    child = _shared.take()
    try:
        success, value = child.ask(request, seconds, megabytes)
    except BaseException:
        child.close()
        raise
    _shared.give_back(child)
    if success:
        return value  # type: ignore[no-any-return]
    if isinstance(value, MemoryError):
        raise TooBig(f"This needed more than {megabytes} MB and was stopped.") from None
    raise value


def warm() -> None:
    """Starts this process's server, so that its first call need not wait for it."""
    with _server.child():
        pass


def _receive(connection: socket.socket, size: int, deadline: float) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(None if left == math.inf else left)
        part = connection.recv(min(size - len(parts), 1 << 20))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


class _Unpickler(pickle.Unpickler):
    """Results may name this project's classes and harmless built-in ones: a child that was taken
    over cannot name a function to call."""

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name)
        ours = module.partition(".")[0] == "scaffolder" and isinstance(found, type)
        plain = found in (set, frozenset, bytearray, complex, range, slice)
        error = module == "builtins" and isinstance(found, type) and issubclass(found, Exception)
        if ours or plain or error:
            return found
        raise pickle.UnpicklingError(f"{module}.{name} must not come out of the sandbox")


def _load(data: bytes) -> tuple[bool, Any]:
    success, value = _Unpickler(io.BytesIO(data)).load()
    return bool(success), value


def serve() -> None:
    """The server's whole life: fork a child for each connection that arrives."""
    control = socket.socket(fileno=int(sys.argv[1]))
    for module in _PRELOADED:
        importlib.import_module(module)
    importlib.import_module("scaffolder.weave.render").render_text(_WARMING, {"values": {}})
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    while True:
        order, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not order:
            return
        connection = socket.socket(fileno=descriptors[0])
        if os.fork() == 0:
            control.close()
            _work(connection)
        connection.close()


def _work(connection: socket.socket) -> NoReturn:
    """The child's calls, until nobody asks any more."""
    try:
        connection.sendall(_SIZE.pack(os.getpid()))
        most = 0
        while True:
            header = _receive(connection, _REQUEST.size, math.inf)
            seconds, megabytes, size = _REQUEST.unpack(header)
            request = _receive(connection, size, time.monotonic() + 60)
            function, args = pickle.loads(request)  # noqa: S301 - comes from our own parent
            most = _limit(seconds, most or _address_space() + (int(megabytes) << 20))
            answer = _answer(function, args)
            signal.setitimer(signal.ITIMER_REAL, 0)
            connection.sendall(_SIZE.pack(len(answer)) + answer)
    finally:
        os._exit(0)


def _answer(function: Callable[..., Any], args: tuple[Any, ...]) -> bytes:
    try:
        return pickle.dumps((True, function(*args)))
    except Exception as error:  # noqa: BLE001 - it goes to the caller
        failure: Exception = error.with_traceback(None)
    try:
        data = pickle.dumps((False, failure))
        _load(data)
    except Exception:  # noqa: BLE001 - an error that does not pickle is told by its text
        data = pickle.dumps((False, RuntimeError(f"{type(failure).__name__}: {failure}")))
    return data


def _limit(seconds: float, address_space: int) -> int:
    """Sets what this call may use; returns the address space that the child may have."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds + _GRACE)
    used = resource.getrusage(resource.RUSAGE_SELF)
    processor = int(used.ru_utime + used.ru_stime + seconds) + _GRACE
    resource.setrlimit(resource.RLIMIT_CPU, (min(processor, _PROCESSOR), _PROCESSOR))
    for kind, most in (
        (resource.RLIMIT_AS, address_space),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    return address_space


def _address_space() -> int:
    """What the fresh child has mapped already, which does not count against the work."""
    pages = Path("/proc/self/statm").read_text("ascii").split()[0]
    return int(pages) * resource.getpagesize()
