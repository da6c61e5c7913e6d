"""The catalogue's REST API through Backstage's own client from npm, over HTTP, as it is."""

import shutil
import subprocess
from pathlib import Path

import pytest

from accounts import services as accounts
from catalog import services
from forge import Forge
from tests.conftest import component

HERE = Path(__file__).parent / "catalog_client"
_TIMEOUT = 180
ALL = (
    "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: all}\n"
    "spec: {targets: [./parts.yaml]}\n"
)
SYSTEM = (
    "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: {name: market}\n"
    "spec: {owner: team}\n"
)


def _described(name: str, about: str, lifecycle: str = "production", **spec: str) -> str:
    text = component(name, owner="team", **spec).replace("production", lifecycle)
    return text.replace(f"  description: The {name} of the tests.\n", f"  {about}\n")


PARTS = "---\n".join([
    SYSTEM,
    _described("cart", "tags: [web]"),
    _described("mail", "description: Sends letters", "experimental"),
    _described("pay", "title: Payments\n  description: Pays bills\n  tags: [java, web]", "deprecated",
               system="market"),
    _described("shop", "annotations: {example.com/slug: org/shop}", system="market"),
])  # fmt: skip


@pytest.fixture
def client(tmp_path: Path) -> Path:
    """The script beside the pinned client, from the npm registry."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not on PATH, and the client is written for it")
    folder = Path(shutil.copytree(HERE, tmp_path / "catalog_client"))
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=_TIMEOUT)
    return folder


def test_everything_the_client_can_ask(client: Path, live_server, person, project, forge: Forge):
    registered = project(files={"catalog-info.yaml": ALL, "parts.yaml": PARTS})
    services.register(project=registered, by=None)
    services.read_repository(path=registered)
    new = project(files={"first.yaml": component("fresh"), "second.yaml": component("second")})
    bare = project(files={"README.md": "Not described yet"})
    user = person("developer", "group:default/team")
    _, token = accounts.create_token(user=user, name="t", scopes=["write"], days=1, by=user)
    addresses = [f"{forge.url}/{new}/-/blob/main/first.yaml",
                 f"{forge.url}/{registered}/-/blob/main/catalog-info.yaml",
                 f"{forge.url}/{bare}"]  # fmt: skip
    done = subprocess.run(
        ["node", "asks.mjs", live_server.url, token, *addresses],
        cwd=client, capture_output=True, text=True, timeout=_TIMEOUT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "everything was asked" in done.stdout
