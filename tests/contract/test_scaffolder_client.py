"""The scaffolder's API through Backstage's own client."""

import shutil
import subprocess
from pathlib import Path

import pytest

from accounts import services as accounts
from tests.scaffolder.conftest import release  # noqa: F401

HERE = Path(__file__).parent / "scaffolder_client"
_TIMEOUT = 180


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The script beside the pinned client, from the npm registry."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not on PATH, and the client is written for it")
    folder = Path(shutil.copytree(HERE, tmp_path / "client"))
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip("npm could not install the client in time: is a registry reachable?")
    if done.returncode:
        pytest.skip(f"npm could not install the client: {done.stderr[-300:]}")
    return folder


@pytest.mark.django_db(transaction=True)
def test_the_sequence(installed, live_server, release, person, settings):
    settings.CELERY_TASK_ALWAYS_EAGER = True
    from portal.celery import app

    app.conf.task_always_eager = True
    user = person()
    _, token = accounts.create_token(
        user=user, name="client", scopes=["read", "write"], days=1, by=user
    )
    ref = release(weave=False).block_ref
    try:
        done = subprocess.run(
            ["node", "sequence.mjs", live_server.url, token, ref, user.entity_ref],
            cwd=installed, capture_output=True, text=True, timeout=_TIMEOUT, check=False,
        )  # fmt: skip
    finally:
        app.conf.task_always_eager = False
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the sequence is done" in done.stdout
