"""Fixtures: people, entities and repositories on the real parts, and a whole running stack."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

from accounts.models import Membership, User
from catalog.forges import connect
from catalog.models import Entity, Location, Repository
from forge import Change, Forge
from tests.parts import wait_for

ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that need the whole stack share one, so they run on one xdist worker."""
    for item in items:
        if "stack" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("stack"))


# -- people -------------------------------------------------------------------------------------
# How long an example takes depends on what else the machine does; benchmarks measure time.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")
ROLE_GROUP = {
    "developer": "group:default/engineering",
    "platform": "group:default/platform",
    "approver": "group:default/security",
    "viewer": "group:default/audit",
}


@pytest.fixture
def person(db: None) -> Callable[..., User]:
    """Makes a user with a role, a member of the given groups too."""

    def make(role: str = "developer", *groups: str) -> User:
        name = f"{role}-{uuid.uuid4().hex[:6]}"
        user = User.objects.create_user(
            name, password="pass-1234", entity_ref=f"user:default/{name}"
        )
        for group in (ROLE_GROUP[role], *groups):
            Membership.objects.create(user_ref=user.entity_ref, group_ref=group, direct=True)
        return user

    return make


# -- catalogue ----------------------------------------------------------------------------------
@pytest.fixture
def location(db: None) -> Location:
    repository = Repository.objects.create(
        path=f"group/{uuid.uuid4().hex[:8]}", default_branch="main", commit="c" * 40
    )
    return Location.objects.create(repository=repository, path="catalog-info.yaml")


@pytest.fixture
def ingest(location: Location) -> Callable[[str], list[str]]:
    """Stores descriptors as if the location's file said them; returns the refs that changed."""
    from catalog.descriptor import read
    from catalog.services.entities import store_reading

    def store(text: str) -> list[str]:
        location.refresh_from_db()
        return store_reading(location=location, reading=read(text))

    return store


def component(name: str, owner: str = "checkout", **spec: object) -> str:
    """A small valid Component as YAML."""
    extra = "".join(f"\n  {key}: {value}" for key, value in spec.items())
    return (
        "apiVersion: backstage.io/v1alpha1\nkind: Component\n"
        f"metadata:\n  name: {name}\n  description: The {name} of the tests.\n"
        f"spec:\n  type: service\n  lifecycle: production\n  owner: {owner}{extra}\n"
    )


def entity(ref: str) -> Entity:
    return Entity.objects.get(ref=ref)


# -- forge --------------------------------------------------------------------------------------
@pytest.fixture
def forge() -> Forge:
    return connect()


@pytest.fixture
def group(forge: Forge) -> str:
    """A group of the test's own in the embedded forge."""
    path = f"t-{uuid.uuid4().hex[:10]}"
    forge.ensure_group(path)
    return path


@pytest.fixture
def project(forge: Forge, group: str) -> Callable[..., str]:
    """Makes a project with files; returns its path."""

    def make(name: str = "", files: dict[str, str] | None = None) -> str:
        path = f"{group}/{name or 'p-' + uuid.uuid4().hex[:8]}"
        forge.create_project(path, visibility="internal", default_branch="main")
        if files:
            changes = [Change("create", p, text.encode()) for p, text in files.items()]
            forge.commit(path, branch="main", message="Begin", changes=changes)
        return path

    return make


@pytest.fixture
def fault(forge: Forge) -> Iterator[Callable[..., Callable[[], int]]]:
    """Sets a fault for our own calls whose path matches; they are all cleared at the end.

    What it returns tells how many calls met the fault so far.
    """
    ids: list[int] = []

    def add(kind: str, path: str, **more: object) -> Callable[[], int]:
        data = {"kind": kind, "path": path, "token": forge._token} | more
        pk = int(forge._post("/localforge/faults", "set a fault", data)["id"])
        ids.append(pk)
        every = "/localforge/faults"
        return lambda: next(f["met"] for f in forge._get(every, "list faults") if f["id"] == pk)

    yield add
    for pk in ids:
        forge._api.http_delete(f"/localforge/faults/{pk}")


# -- the whole stack ----------------------------------------------------------------------------
@dataclass
class Stack:
    """A running `./dev up` with the demo."""

    url: str
    forge_url: str
    password: str
    token: str
    data: Path
    process: subprocess.Popen[str]
    log: Path

    def environment(self) -> dict[str, str]:
        return clean_environment() | {"BESPOKE_DATA": str(self.data)}

    def manage(self, *arguments: str) -> str:
        """Runs manage.py on the stack's data; returns what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.environment(), capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    def pids(self, *words: str) -> list[int]:
        """Processes of this stack whose command line has all the words."""
        import psutil

        tree = psutil.Process(self.process.pid).children(recursive=True)
        return [p.pid for p in tree if all(word in " ".join(p.cmdline()) for word in words)]


OURS = (
    "BESPOKE_", "DATABASE_URL", "CELERY_", "GITLAB_", "SECRET_KEY", "WEBHOOK_", "LOG_",
    "ALLOWED_HOSTS", "TRUSTED_", "LOCALFORGE_", "DJANGO_", "DEMO_",
)  # fmt: skip


def clean_environment() -> dict[str, str]:
    """The environment without what the test session itself set."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)}


def free_ports() -> int:
    """A port that is free together with the one after it."""
    from portal import embedded

    while True:
        port = embedded.free_port()
        if port < 65_000 and embedded.port_is_free("127.0.0.1", port + 1):
            return port


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """`manage.py up` on a folder of its own, with the demo; one for the whole session."""
    folder = Path(tempfile.mkdtemp(prefix="bespoke-stack-"))
    port = free_ports()
    log = folder / "up.log"
    environment = clean_environment() | {"DEMO_PASSWORD": "demo-for-tests", "PYTHONUNBUFFERED": "1"}
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", str(port), "--data", str(folder / "d")],
            cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{url}/readyz", seconds=120)
        import json

        token = json.loads((folder / "d" / "secrets.json").read_text())["GITLAB_TOKEN"]
        forge_url = f"http://127.0.0.1:{port + 1}"
        yield Stack(url, forge_url, "demo-for-tests", token, folder / "d", process, log)
    except Exception:
        sys.stderr.write(log.read_text()[-5_000:])
        raise
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def plain_static_files(settings) -> None:
    """Nobody collects static files for unit tests; the stack of the browser tests does."""
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
