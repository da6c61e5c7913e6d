"""Untrusted work in a process that can be killed: wall clock, processor time, memory and open files
are limited, there is no environment to read and no file can be written. A small server with the
engine already imported forks one child a call. It is not `multiprocessing`, whose children are
refused inside a Celery worker and import the web application again."""

from __future__ import annotations

import gc
import importlib
import io
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
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

Result = TypeVar("Result")

_PRELOADED = ("scaffolder.weave", "scaffolder.expressions", "scaffolder.blueprint")
_REQUEST, _SIZE = struct.Struct("!ddQ"), struct.Struct("!Q")
_ROOT = str(Path(__file__).resolve().parent.parent)
_WARMING = "{% for x in values.y %}{% if x %}${{ x | dump }}{% endif %}{% endfor %}"
_START = "import sys; sys.path[:] = sys.argv[2:]; from scaffolder.sandbox import serve; serve()"
_GRACE = 2


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


os.register_at_fork(after_in_child=_after_fork)


def call(
    function: Callable[..., Result], *args: Any, seconds: float = 10, megabytes: int = 512
) -> Result:
    """What the function returns. It must be importable by name in a pure room, its arguments and
    result must pickle. Raises what it raises, TookTooLong or TooBig."""
    deadline = time.monotonic() + seconds
    request = pickle.dumps((function, args))
    pid = 0
    with _server.child() as connection:
        try:
            connection.settimeout(seconds)
            connection.sendall(_REQUEST.pack(seconds, megabytes, len(request)) + request)
            pid = int(_SIZE.unpack(_receive(connection, _SIZE.size, deadline))[0])
            size = int(_SIZE.unpack(_receive(connection, _SIZE.size, deadline))[0])
            if size > megabytes << 20:
                raise EOFError
            success, value = _load(_receive(connection, size, deadline))
        except TimeoutError:
            _kill(pid)
            raise TookTooLong(f"This took longer than {seconds:g} s and was stopped.") from None
        except (EOFError, ConnectionError, MemoryError):
            _kill(pid)
            raise TooBig(f"This needed more than {megabytes} MB and was stopped.") from None
    if success:
        return value  # type: ignore[no-any-return]
    if isinstance(value, MemoryError):
        raise TooBig(f"This needed more than {megabytes} MB and was stopped.") from None
    raise value


def warm() -> None:
    """Starts this process's server, so that its first call need not wait for it."""
    with _server.child():
        pass


def _kill(pid: int) -> None:
    if pid:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def _receive(connection: socket.socket, size: int, deadline: float) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
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
    """One call, in the child."""
    try:
        connection.sendall(_SIZE.pack(os.getpid()))
        header = _receive(connection, _REQUEST.size, time.monotonic() + 60)
        seconds, megabytes, size = _REQUEST.unpack(header)
        request = _receive(connection, size, time.monotonic() + 60)
        function, args = pickle.loads(request)  # noqa: S301 - comes from our own parent
        _limit(seconds, int(megabytes))
        answer = _answer(function, args)
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


def _limit(seconds: float, megabytes: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds + _GRACE)
    processor = int(seconds) + _GRACE
    for kind, most in (
        (resource.RLIMIT_CPU, processor),
        (resource.RLIMIT_AS, _address_space() + (megabytes << 20)),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def _address_space() -> int:
    """What the fresh child has mapped already, which does not count against the work."""
    pages = Path("/proc/self/statm").read_text("ascii").split()[0]
    return int(pages) * resource.getpagesize()
