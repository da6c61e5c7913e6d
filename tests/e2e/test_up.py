"""`./dev up` itself: it stops cleanly, and a second start keeps the data."""

import signal
import subprocess
import sys

import psutil
import pytest

from tests.conftest import ROOT, clean_environment, free_ports
from tests.parts import wait_for


def start(folder, port: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up", "--port", str(port), "--data", str(folder), "--no-demo"],
        cwd=ROOT, env=clean_environment(), stdout=(folder.parent / "log").open("a"),
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    wait_for(f"http://127.0.0.1:{port}/readyz", seconds=180, process=process)
    return process


def manage(folder, code: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", code],
        cwd=ROOT, env=clean_environment() | {"BESPOKE_DATA": str(folder)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def stop(process: subprocess.Popen[str]) -> None:
    """Ctrl-C; afterwards no process of the tree is left."""
    tree = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    _gone, alive = psutil.wait_procs(tree, timeout=10)
    assert [p.cmdline() for p in alive] == []


@pytest.mark.xdist_group("stack")  # not while another stack looks for ports that are free
def test_it_stops_cleanly_and_a_second_start_keeps_the_data(tmp_path):
    folder, port = tmp_path / "data", free_ports()
    process = start(folder, port)
    manage(folder, "from accounts.models import User; User.objects.create_user('kept')")
    for name in ("secrets.json", "environment"):
        assert (folder / name).stat().st_mode & 0o077 == 0, name
    secrets = (folder / "secrets.json").read_text()
    stop(process)
    process = start(folder, port)
    assert manage(folder, "from accounts.models import User; print(User.objects.get())") == "kept"
    assert (folder / "secrets.json").read_text() == secrets
    stop(process)
    assert "Traceback" not in (tmp_path / "log").read_text()
