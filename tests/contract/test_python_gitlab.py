"""The embedded forge against python-gitlab's own functional suite: what passed once has to pass."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import gitlab
import pytest

from tests.contract import runner

ROOT = Path(__file__).resolve().parents[2]
AT_LEAST = 120


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A forge on which a push starts a pipeline, as on GitLab."""
    command = [sys.executable, "-m", "tests.contract.fast_forge", "--data", str(tmp_path / "data")]
    command += ["--port", "0", "--root-token", runner.TOKEN]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    found = int(process.stdout.readline().rsplit(":", 1)[1])
    client = gitlab.Gitlab(f"http://127.0.0.1:{found}", private_token=runner.TOKEN)
    client.http_put("/application/settings", post_data={"localforge_pipelines_on_push": True})
    yield found
    process.terminate()
    process.wait(15)


def test_what_passed_once_still_passes(tmp_path: Path, port: int) -> None:
    try:
        source = runner.fetch(tmp_path)
    except (runner.NotAvailable, subprocess.TimeoutExpired) as reason:
        pytest.skip(f"python-gitlab's source distribution cannot be had here: {reason}")
    outcomes = runner.run(source, tmp_path, port)
    passed = {test for test, outcome in outcomes.items() if outcome == "passed"}
    expected = runner.ratchet()
    assert len(expected) >= AT_LEAST
    gone = sorted(expected - passed)
    assert not gone, f"no longer passing: {gone}\n{(tmp_path / 'output.txt').read_text()[-4000:]}"
    more = sorted(passed - expected)
    assert not more, (
        f"also passing, move them from {runner.LEFT_OUT.name} to {runner.RATCHET.name}: {more}"
    )
    assert set(outcomes) - passed == runner.left_out()
