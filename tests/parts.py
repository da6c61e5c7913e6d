"""Starts the real parts once for a whole test session: PostgreSQL, Valkey and the forge.

A plugin of its own (`-p tests.parts`), because Django reads its settings before conftest files
are imported. The xdist controller starts the parts; its workers inherit their addresses.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT_TOKEN = "glpat-tests-root-token"
SECRET = "whsec_" + "dGVzdHMtc2lnbmluZy1rZXktb2YtMzItYnl0ZXMhIQ=="


def start() -> None:
    if "BESPOKE_TEST_PARTS" in os.environ:
        os.environ["GITLAB_TOKEN"] = own_token()
        return
    folder = Path(tempfile.mkdtemp(prefix="bespoke-tests-"))
    os.environ["BESPOKE_TEST_PARTS"] = str(folder)
    os.environ["BESPOKE_DATA"] = str(folder / "data")
    os.environ["SECRET_KEY"] = "tests"
    os.environ["BESPOKE_URL"] = "http://localhost"
    os.environ["ALLOWED_HOSTS"] = "*"
    os.environ["WEBHOOK_SECRET"] = SECRET
    os.environ["GITLAB_TOKEN"] = ROOT_TOKEN
    os.environ["TRUSTED_REPOSITORIES"] = "*"
    os.environ["LOG_FORMAT"] = "console"
    os.environ["LOG_LEVEL"] = "WARNING"
    from portal import embedded

    forge_port = embedded.free_port()
    os.environ["GITLAB_URL"] = f"http://127.0.0.1:{forge_port}"
    command, os.environ["CELERY_BROKER_URL"] = embedded.valkey(folder / "valkey")
    processes = [
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL),
        subprocess.Popen(
            [
                sys.executable, "-m", "localforge", "--data", str(folder / "forge"),
                "--port", str(forge_port), "--root-token", ROOT_TOKEN,
            ],
            stdout=subprocess.DEVNULL,
        ),
    ]  # fmt: skip
    servers: list[Any] = []

    def stop() -> None:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(10)
        for server in servers:
            server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    server, os.environ["DATABASE_URL"] = embedded.start_postgres(folder / "postgres")
    servers.append(server)
    wait_for(f"{os.environ['GITLAB_URL']}/-/readiness", seconds=60, process=processes[1])


def own_token() -> str:
    """An administrator's token for this process: faults of its tests meet nobody else's calls."""
    request = urllib.request.Request(
        f"{os.environ['GITLAB_URL']}/api/v4/users/1/personal_access_tokens",
        data=json.dumps({"name": f"tests of {os.getpid()}", "scopes": ["api"]}).encode(),
        headers={"PRIVATE-TOKEN": ROOT_TOKEN, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(json.load(answer)["token"])


def wait_for(url: str, seconds: float, process: subprocess.Popen[Any] | None = None) -> None:
    """Returns when the address answers; raises when it does not in time, or the process ended."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > deadline or (process and process.poll() is not None):
                raise
            time.sleep(0.05)


start()
