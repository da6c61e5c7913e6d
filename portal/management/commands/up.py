"""`./dev up`: everything Bespoke needs, in one process tree on one data folder."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.management.utils import get_random_secret_key

from portal import embedded
from portal.supervisor import Part, PartFailed, Supervisor

LOOPBACK = ("127.0.0.1", "localhost", "::1")
DEMO_TRUSTS = "tidewater/platform/*"
KEPT = ("SECRET_KEY", "WEBHOOK_SECRET", "GITLAB_TOKEN", "DEMO_PASSWORD")


class Command(BaseCommand):
    help = "Starts everything: database, queue, forge, web, worker and scheduler. Ctrl-C stops it."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port", type=int, default=8000, help="the portal's; the forge's is +1"
        )
        parser.add_argument("--data", type=Path, default=settings.DATA_DIR, metavar="DIR")
        parser.add_argument("--no-demo", action="store_true", help="no demo organisation or logins")

    def handle(self, *args: Any, **options: Any) -> None:
        # Outputs of several processes meet here: a pipe must not hold lines back.
        installation = Installation(
            options["data"].resolve(), options["port"], not options["no_demo"]
        )
        try:
            installation.up()
        except PartFailed as error:
            raise CommandError(str(error)) from None


class Installation:
    """One data folder and what runs on it."""

    def __init__(self, data: Path, port: int, demo: bool) -> None:
        self.data = data
        self.port = port
        self.host = os.environ.get("BESPOKE_BIND", "127.0.0.1")
        self.embedded_forge = not os.environ.get("GITLAB_URL")
        # The demo makes groups and projects: never in somebody's real GitLab.
        self.demo = demo and self.embedded_forge
        self.postgres: Any = None
        self.started = time.monotonic()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def forge_url(self) -> str:
        return os.environ.get("GITLAB_URL") or f"http://127.0.0.1:{self.port + 1}"

    def up(self) -> None:
        self._check()
        self.data.mkdir(parents=True, exist_ok=True)
        with (self.data / "up.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise CommandError(f"Bespoke is already running on {self.data}.") from None
            self._run()

    def _check(self) -> None:
        if self.demo and self.host not in LOOPBACK:
            raise CommandError(
                f"The demo's logins are public, so it binds to loopback only, not to {self.host}. "
                "Use --no-demo, or unset BESPOKE_BIND."
            )
        if shutil.which("git") is None:
            raise CommandError("git is needed, and was not found on PATH.")
        for port in (self.port, self.port + 1) if self.embedded_forge else (self.port,):
            if not embedded.port_is_free(self.host, port):
                raise CommandError(f"Port {port} is in use: choose another with --port.")

    def _run(self) -> None:
        supervisor = Supervisor(self._environment())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: supervisor.stopping.set())
        try:
            self._start(supervisor)
            self._greet(supervisor)
            supervisor.watch()
        finally:
            supervisor.say("up", "stopping ...")
            supervisor.stop()
            if self.postgres is not None:
                self.postgres.cleanup()
            supervisor.say("up", "stopped")

    # -- environment ----------------------------------------------------------------------------
    def _environment(self) -> dict[str, str]:
        """What every process is told. Secrets are made once and kept in the data folder."""
        made = {
            "SECRET_KEY": get_random_secret_key().replace("$", "_"),
            "WEBHOOK_SECRET": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
            "GITLAB_TOKEN": os.environ.get("LOCALFORGE_ROOT_TOKEN")
            or "glpat-" + secrets.token_urlsafe(24),
            "DEMO_PASSWORD": "demo-" + secrets.token_hex(4),
        }
        kept = self._kept()
        values = {name: os.environ.get(name) or kept.get(name) or made[name] for name in KEPT}
        return values | {
            "BESPOKE_DATA": str(self.data),
            "BESPOKE_DEMO": "true" if self.demo else "false",
            "BESPOKE_URL": os.environ.get("BESPOKE_URL", self.url),
            "ALLOWED_HOSTS": os.environ.get("ALLOWED_HOSTS", "127.0.0.1,localhost"),
            "GITLAB_URL": self.forge_url,
            **({"TRUSTED_REPOSITORIES": DEMO_TRUSTS} if self.demo else {}),
            "LOG_FORMAT": os.environ.get("LOG_FORMAT", "console"),
            "PYTHONUNBUFFERED": "1",
        }

    def _kept(self) -> dict[str, str]:
        file = self.data / "secrets.json"
        return dict(json.loads(file.read_text())) if file.is_file() else {}

    def _keep(self, environment: dict[str, str]) -> None:
        """Secrets for the next start, and the whole environment for `./dev manage`."""
        secret = {name: environment[name] for name in KEPT}
        lines = "".join(f"{name}={value}\n" for name, value in environment.items())
        for name, text in (("secrets.json", json.dumps(secret)), ("environment", lines)):
            file = self.data / name
            file.touch(mode=0o600)
            file.write_text(text)

    # -- starting -------------------------------------------------------------------------------
    def _start(self, supervisor: Supervisor) -> None:
        supervisor.say("up", f"starting on {self.data}")
        environment = supervisor.environment
        forge = self._start_forge(supervisor) if self.embedded_forge else None
        if not os.environ.get("CELERY_BROKER_URL"):
            command, environment["CELERY_BROKER_URL"] = embedded.valkey(self.data / "valkey")
            supervisor.start(Part("queue", command))
        if not os.environ.get("DATABASE_URL"):
            self.postgres, environment["DATABASE_URL"] = embedded.start_postgres(
                self.data / "postgres"
            )
        self._keep(environment)
        if forge:
            supervisor.wait_ready(forge, 30)
        manage = [sys.executable, "manage.py"]
        supervisor.run("prepare", [*manage, "prepare"])
        worker = Part("worker", [
            sys.executable, "-m", "celery", "-A", "portal", "--quiet", "worker",
            "--concurrency", "2", "--loglevel", "INFO", "--without-gossip", "--without-mingle",
        ])  # fmt: skip
        beat = Part("scheduler", [
            sys.executable, "-m", "celery", "-A", "portal", "--quiet", "beat", "--loglevel", "INFO",
            "--pidfile", "",
        ])  # fmt: skip
        web = Part("web", [
            sys.executable, "-m", "granian", "--interface", "wsgi", "--host", self.host,
            "--port", str(self.port), "--workers", "2", "--blocking-threads", "4",
            "--no-ws", "--log-level", "warning", "portal.wsgi:application",
        ], ready=lambda: _answers(f"{self.url}/readyz"))  # fmt: skip
        for part in (worker, beat, web):
            supervisor.start(part)
        supervisor.wait_ready(web, 60)

    def _start_forge(self, supervisor: Supervisor) -> Part:
        port = str(self.port + 1)
        part = Part(
            "forge",
            [
                sys.executable,
                "-m",
                "localforge",
                "--data",
                str(self.data / "forge"),
                "--port",
                port,
            ],
            environment={
                "LOCALFORGE_ROOT_TOKEN": supervisor.environment["GITLAB_TOKEN"],
                "LOCALFORGE_ROOT_PASSWORD": supervisor.environment["DEMO_PASSWORD"],
            },
            ready=lambda: _answers(f"{self.forge_url}/-/readiness"),
        )
        supervisor.start(part)
        return part

    def _greet(self, supervisor: Supervisor) -> None:
        seconds = time.monotonic() - self.started
        say = supervisor.say
        say("up", f"ready in {seconds:.1f} s")
        say("up", "")
        say("up", f"  Portal  {self.url}")
        say("up", f"  Forge   {self.forge_url}")
        if self.demo:
            password = supervisor.environment["DEMO_PASSWORD"]
            say("up", f"  Logins  (portal and forge, password for all: {password})")
            say("up", "    dana   developer              paul   platform engineer")
            say("up", "    sam    security approver      vera   only looks")
        else:
            say("up", "  Logins  ./dev manage createsuperuser makes the first one")
        say("up", "")
        say("up", "  Ctrl-C stops everything; the data stays.")


def _answers(url: str) -> bool:
    """Whether a GET answers 200 within three seconds."""
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:  # noqa: S310  (our own address)
            return bool(answer.status == 200)
    except (TimeoutError, urllib.error.URLError, OSError):
        return False
