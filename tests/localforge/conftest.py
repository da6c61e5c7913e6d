"""A real forge in a process of its own, with a folder of its own, for the whole session."""

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gitlab
import pytest

from tests.localforge.receiver import Receiver

TOKEN = "glpat-tests-of-the-forge"
PASSWORD = "correct horse battery"
ROOT = Path(__file__).resolve().parents[2]
_numbers = itertools.count(1)


class Server:
    """A running forge."""

    def __init__(self, data: Path, *arguments: str) -> None:
        self.data = data
        command = [
            sys.executable, "-m", "localforge", "--data", str(data), "--port", "0",
            "--root-token", TOKEN, "--root-password", PASSWORD,
            "--webhook-retry-seconds", "0.02", *arguments,
        ]  # fmt: skip
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("localforge ready on http://127.0.0.1:"), line
        self.url = line.split()[-1]

    def client(self, token: str = TOKEN, **options: Any) -> gitlab.Gitlab:
        """A python-gitlab client."""
        return gitlab.Gitlab(self.url, private_token=token, retry_transient_errors=False, **options)

    def kill(self) -> None:
        """kill -9."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.terminate()
        return self.process.wait(15)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("forge") / "data")
    yield found
    found.stop()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts further forges, for tests that end them."""
    running: list[Server] = []

    def _start(*arguments: str, data: Path | None = None) -> Server:
        running.append(Server(data or tmp_path / "data", *arguments))
        return running[-1]

    yield _start
    for one in running:
        if one.process.poll() is None:
            one.kill()


@pytest.fixture
def gl(server: Server) -> gitlab.Gitlab:
    return server.client()


@pytest.fixture
def name() -> str:
    """A name that nobody has used."""
    return f"thing-{os.getpid()}-{next(_numbers)}"


@pytest.fixture
def project(gl: gitlab.Gitlab, name: str):
    return gl.projects.create({"name": name, "initialize_with_readme": True})


@pytest.fixture
def person(server: Server, gl: gitlab.Gitlab, name: str):
    """A user and their client."""
    return make_person(server, gl, f"p-{name}")


def make_person(server: Server, gl: gitlab.Gitlab, name: str):
    user = gl.users.create(
        username=name, name=name.title(), email=f"{name}@example.com", password=PASSWORD,
        skip_confirmation=True,
    )  # fmt: skip
    token = user.personal_access_tokens.create({"name": "t", "scopes": ["api"]}).token
    return user, server.client(token)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.close()


@pytest.fixture
def git(tmp_path: Path) -> Callable[..., str]:
    """The git program, with nobody's configuration."""
    environment = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com",
        "GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "ann@example.com",
    }  # fmt: skip

    def _git(*arguments: str, cwd: Path = tmp_path, check: bool = True) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=cwd, env=environment, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stderr
        return done.stdout + ("" if check else done.stderr)

    return _git


def clone_url(server: Server, project: Any, token: str = TOKEN) -> str:
    address = server.url.replace("http://", f"http://oauth2:{token}@")
    return f"{address}/{project.path_with_namespace}.git"


def settled(project: Any, iid: int) -> Any:
    """A merge request once the forge knows whether it can be merged."""
    for _ in range(400):
        found = project.mergerequests.get(iid)
        if found.detailed_merge_status not in ("preparing", "checking", "unchecked"):
            return found
    raise AssertionError("the merge check never ended")


def commit(project: Any, branch: str, files: dict[str, str], **more: Any) -> Any:
    """Creates files in one commit."""
    actions = [{"action": "create", "file_path": p, "content": c} for p, c in files.items()]
    message = more.pop("message", "a commit")
    data = {"branch": branch, "commit_message": message, "actions": actions, **more}
    return project.commits.create(data)


def merge_request(project: Any, branch: str = "feature", **more: Any) -> Any:
    """A merge request that adds one file."""
    commit(project, branch, {f"{branch}.txt": "new\n"}, start_branch="main")
    data = {"source_branch": branch, "target_branch": "main", "title": f"Add {branch}", **more}
    return project.mergerequests.create(data)
