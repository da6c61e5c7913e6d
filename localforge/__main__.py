"""`python -m localforge --data DIR --port N`: starts the forge and serves until told to end."""

import argparse
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import uvicorn

from localforge.app import Application
from localforge.checks import Checks, recover
from localforge.config import Settings
from localforge.delivery import Deliveries
from localforge.forge import Forge
from localforge.protocol import AbortableProtocol


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    listener, settings = bind(parse(arguments))
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    os.umask(0o077)
    forge = Forge(settings)
    recover(forge)
    workers: list[Worker] = [Checks(forge), Deliveries(forge), forge.maintenance]
    for worker in workers:
        worker.start()
    serve(Application(forge), settings, listener)
    for worker in workers:
        worker.stop()
    forge.database.close()
    return 0


class Worker(Protocol):
    """A thread of the forge's own."""

    def start(self) -> None:
        """Starts it."""

    def stop(self) -> None:
        """Ends it after what is under way."""


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ends on SIGTERM and SIGINT, and, other than uvicorn's own, lets the workers end too."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.handle_exit)
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            sys.stdout.write(f"localforge ready on http://{self.config.host}:{self.config.port}\n")
            sys.stdout.flush()


def bind(settings: Settings) -> tuple[socket.socket, Settings]:
    """The listening socket; with port 0 the system picks a port."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # asyncio turns Nagle's delay off only for sockets that say they are TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        raise SystemExit(
            f"localforge cannot listen on {settings.host}:{settings.port}: {error.strerror}."
        ) from None
    listener.set_inheritable(False)
    return listener, replace(settings, port=listener.getsockname()[1])


def serve(application: Application, settings: Settings, listener: socket.socket) -> None:
    """Serves until SIGTERM or SIGINT."""
    config = uvicorn.Config(
        application, host=settings.host, port=settings.port, http=AbortableProtocol, loop="asyncio",
        log_level="warning", access_log=False, lifespan="on", server_header=False,
        timeout_graceful_shutdown=5, timeout_keep_alive=75, ws="none",
    )  # fmt: skip
    _Server(config).run(sockets=[listener])


def parse(arguments: list[str] | None) -> Settings:
    """The command line."""
    parser = argparse.ArgumentParser("localforge", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of all state")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--root-token",
        default=os.environ.get("LOCALFORGE_ROOT_TOKEN"),
        help="the administrator's token; else one is made and kept",
    )
    parser.add_argument(
        "--root-password",
        default=os.environ.get("LOCALFORGE_ROOT_PASSWORD"),
        help="the administrator's password for the pages",
    )
    parser.add_argument("--public-url", help="the address in links, if not the one asked under")
    parser.add_argument("--merge-check-delay", type=float, default=0.05, metavar="SECONDS")
    parser.add_argument("--webhook-retry-seconds", type=float, default=1.0, metavar="SECONDS")
    parser.add_argument("--max-body-bytes", type=int, default=300 * 1024 * 1024)
    return Settings(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
