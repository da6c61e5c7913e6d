"""The portal as a tool that measures portals over HTTP starts it; see profile.json beside this.

    python -m tests.bench.measured start CATALOGUE   everything, on a folder of its own
    python -m tests.bench.measured reset             takes that folder away
    python -m tests.bench.measured token             prints a token of an ordinary user

CATALOGUE is a folder of descriptor files with an all.yaml: they become one project of the embedded
forge, which is read as every other project is.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data" / "measured"
PORT, PROJECT, USER = 8790, "bench/catalog", "measured"


def start(catalogue: Path) -> int:
    command = [sys.executable, "manage.py", "up", "--no-demo", "--port", str(PORT)]
    environment = os.environ | {"TRUSTED_REPOSITORIES": "bench/*", "LOG_LEVEL": "WARNING"}
    portal = subprocess.Popen([*command, "--data", str(DATA)], cwd=ROOT, env=environment)
    signal.signal(signal.SIGTERM, lambda *_: portal.terminate())
    while portal.poll() is None and not _is_ready():
        time.sleep(0.1)
    if portal.poll() is None:
        _fill(catalogue)
    return portal.wait()


def _is_ready() -> bool:
    try:
        return bool(urllib.request.urlopen(f"http://127.0.0.1:{PORT}/readyz", timeout=5))
    except (urllib.error.URLError, OSError):
        return False


def _fill(catalogue: Path) -> None:
    """The first time, pushes the catalogue and makes its project known."""
    _django()
    from catalog import services
    from catalog.forges import connect
    from catalog.models import Repository
    from portal.demo import load_project

    if Repository.objects.filter(path=PROJECT).exists():
        return
    forge = connect()
    forge.ensure_group(PROJECT.partition("/")[0])
    load_project(forge, PROJECT, catalogue)
    services.register(project=PROJECT, path="all.yaml", by=None)


def _django() -> None:
    """Django on the folder of the portal that runs, whose settings `up` keeps there."""
    import django

    os.environ |= {"BESPOKE_DATA": str(DATA), "DJANGO_SETTINGS_MODULE": "portal.settings"}
    os.environ["TRUSTED_REPOSITORIES"] = "bench/*"
    django.setup()


def token() -> str:
    _django()
    from accounts import services
    from accounts.models import User

    user = User.objects.filter(username=USER).first() or services.create_user(
        username=USER, password=os.urandom(16).hex(), name="Measured", email="m@example.com",
        entity_ref="user:default/user-1", by=None,
    )  # fmt: skip
    return services.create_token(user=user, name="measured", scopes=["read"], days=1, by=None)[1]


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["start", catalogue]:
            sys.exit(start(Path(catalogue)))
        case ["reset"]:
            shutil.rmtree(DATA, ignore_errors=True)
        case ["token"]:
            print(token())
        case _:
            sys.exit(__doc__)
