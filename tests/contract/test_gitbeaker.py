"""The embedded forge through GitLab's best known JavaScript client, the one that Backstage uses."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.localforge.conftest import TOKEN, Server

HERE = Path(__file__).parent / "gitbeaker"
_TIMEOUT = 120


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The script beside the pinned client, from the npm registry."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not on PATH, and the client is written for it")
    folder = Path(shutil.copytree(HERE, tmp_path / "gitbeaker"))
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


def test_the_main_sequence(installed: Path, tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    try:
        done = subprocess.run(
            ["node", "main_sequence.mjs", server.url, TOKEN, "http://127.0.0.1:9/hook"],
            cwd=installed, capture_output=True, text=True, timeout=_TIMEOUT, check=False,
        )  # fmt: skip
    finally:
        server.stop()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the main sequence is done" in done.stdout
