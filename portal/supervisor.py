"""One process tree: starts the parts, prefixes their logs, restarts what dies, stops them all."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

STOP_SECONDS = 15
PR_SET_PDEATHSIG = 1


@dataclass
class Part:
    """One process of the tree; `ready` (if given) is asked until it is true."""

    name: str
    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] | None = None
    process: subprocess.Popen[str] | None = None
    failures: int = 0
    restart_at: float = 0.0


class PartFailed(Exception):
    """A part ended, or was not ready in time; str() names it."""


def die_with_parent() -> None:
    """In the child: ends it when the supervisor is killed (Linux only; elsewhere it lives on)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Supervisor:
    """Starts parts in the given order and ends them in the reverse order."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)
        self.parts: list[Part] = []
        self.stopping = threading.Event()

    def say(self, name: str, line: str) -> None:
        print(f"{name:<9}| {line}", flush=True)  # noqa: T201  (this is the terminal's program)

    def start(self, part: Part) -> None:
        self.parts.append(part)
        self._spawn(part)

    def _spawn(self, part: Part) -> None:
        part.process = subprocess.Popen(
            part.command,
            env=os.environ | self.environment | dict(part.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C is for the supervisor, which stops them in order
            preexec_fn=die_with_parent,
        )
        threading.Thread(target=self._pump, args=(part, part.process), daemon=True).start()

    def _pump(self, part: Part, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.say(part.name, line.rstrip())

    def wait_ready(self, part: Part, seconds: float) -> None:
        """Raises PartFailed when the part ends or takes longer than that."""
        deadline = time.monotonic() + seconds
        while part.ready and not part.ready():
            if self.stopping.is_set():
                raise PartFailed("stopped while starting")
            if part.process is None or part.process.poll() is not None:
                raise PartFailed(f"{part.name} ended while starting: see its lines above")
            if time.monotonic() > deadline:
                raise PartFailed(f"{part.name} was not ready within {seconds:.0f} seconds")
            time.sleep(0.05)

    def run(self, name: str, command: list[str]) -> None:
        """Runs one command to its end. Raises PartFailed when it fails."""
        part = Part(name, command)
        self._spawn(part)
        assert part.process is not None
        while part.process.poll() is None:
            if self.stopping.wait(0.05):
                part.process.terminate()
        if part.process.returncode:
            raise PartFailed(f"{name} failed: see its lines above")

    def watch(self) -> None:
        """Restarts parts that die, a little later each time, until somebody stops the tree."""
        while not self.stopping.wait(0.2):
            for part in self.parts:
                self._revive(part)

    def _revive(self, part: Part) -> None:
        assert part.process is not None
        if part.process.poll() is None:
            return
        now = time.monotonic()
        if not part.restart_at:
            part.failures += 1
            delay = min(2 ** (part.failures - 1), 30) * 0.5
            part.restart_at = now + delay
            self.say(part.name, f"ended with code {part.process.returncode}; starting it again")
        elif now >= part.restart_at:
            part.restart_at = 0.0
            self._spawn(part)

    def stop(self) -> None:
        """Ends every part, last started first; kills what does not end in time."""
        self.stopping.set()
        for part in reversed(self.parts):
            if part.process is None or part.process.poll() is not None:
                continue
            part.process.terminate()
            try:
                part.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.say(part.name, "did not end in time: killed")
                os.killpg(part.process.pid, signal.SIGKILL)
