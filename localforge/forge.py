"""The parts of a running forge, put together once at start and handed to every call."""

import os
import queue
import secrets
import threading
from pathlib import Path
from typing import Any

from localforge.config import Settings
from localforge.faults import Faults
from localforge.git.repository import Repositories
from localforge.maintenance import Maintenance
from localforge.secrets import hash_password
from localforge.store import records, users
from localforge.store.database import Database, Db


class Forge:
    """Settings, state and repositories."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        settings.data.mkdir(parents=True, exist_ok=True)
        self.database = Database(settings.data / "forge.sqlite3")
        self.repositories = Repositories(settings.repositories)
        self.maintenance = Maintenance(self.repositories)
        self.secret = _kept_secret(settings.data / "secret")
        self.faults = Faults()
        self.application_settings: dict[str, Any] = {}
        self.deliveries_due = threading.Event()
        self.checks_due = threading.Event()
        self.checks_asked: queue.SimpleQueue[int] = queue.SimpleQueue()
        with self.database.write() as db:
            _ensure_root(db, settings)
            self.load_application_settings(db)

    def load_application_settings(self, db: Db) -> None:
        """Reads the settings that an administrator may change while the forge runs."""
        found = records.find(db, "settings", records.INSTANCE, "application")
        self.application_settings = found["data"] if found else {}

    def ask_for_check(self, merge_request_id: int) -> None:
        """Wants to know whether a merge request can be merged."""
        self.checks_asked.put(merge_request_id)
        self.checks_due.set()

    def wake(self, db: Db, event: threading.Event) -> None:
        """Tells a worker, after the commit, that there is something for it."""
        db.after_commit(event.set)


def _ensure_root(db: Db, settings: Settings) -> None:
    if users.get_user(db, 1) is None:
        users.create_user(
            db, username="root", name="Administrator", email="admin@example.com",
            password=settings.root_password, admin=True,
        )  # fmt: skip
    if settings.root_password:
        db.update("users", 1, password=hash_password(settings.root_password))
    path = settings.data / "root-token"
    token = settings.root_token
    if token is None and not path.exists():
        token = "glpat-" + secrets.token_urlsafe(20)
    if token is None:
        token = path.read_text().strip()
    elif not path.exists() or path.read_text().strip() != token:
        _write_private(path, token + "\n")
    if users.find_token(db, token) is None:
        users.create_token(
            db, 1, name="root-token", secret=token, scopes=["api", "sudo", "admin_mode"]
        )


def _kept_secret(path: Path) -> bytes:
    if not path.exists():
        _write_private(path, secrets.token_hex(32))
    return path.read_bytes()


def _write_private(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    os.replace(temporary, path)
