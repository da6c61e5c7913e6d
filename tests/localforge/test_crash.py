"""kill -9 in the middle of many writes of every kind: what was acknowledged is there afterwards, and
nothing is half there."""

import itertools
import subprocess
import threading
from pathlib import Path

import gitlab
import requests

from tests.localforge.conftest import clone_url, commit

WRITES = 200
THREADS = 9


class Writers:
    """Writes from many sides at once, and what was acknowledged."""

    def __init__(self, server, shared, group_id: int, scratch: Path, git) -> None:
        self.server, self.shared, self.group_id = server, shared, group_id
        self.scratch, self.git = scratch, git
        self.tips: dict[str, str] = {}
        self.pushed: list[str] = []
        self.projects: list[int] = []
        self.opened: list[int] = []
        self.enough = threading.Event()

    def run(self, number: int) -> None:
        client = self.server.client()
        project = client.projects.get(self.shared.id, lazy=True)
        write = self._push if number % 3 == 0 else self._call
        for step in itertools.count():
            key = f"w{number}-{step}"
            try:
                write(client, project, key, step)
            except (requests.RequestException, gitlab.GitlabError, subprocess.SubprocessError):
                return
            if self.count() >= WRITES:
                self.enough.set()

    def count(self) -> int:
        return len(self.tips) + len(self.projects) + len(self.opened)

    def _call(self, client, project, key: str, step: int) -> None:
        self.tips[key] = commit(project, key, {key: key}, start_branch="main").id
        if step % 2 == 0:
            data = {"source_branch": key, "target_branch": "main", "title": key}
            self.opened.append(project.mergerequests.create(data).iid)
        else:
            data = {"name": key, "namespace_id": self.group_id, "initialize_with_readme": True}
            self.projects.append(client.projects.create(data).id)

    def _push(self, client, project, key: str, step: int) -> None:
        work = self.scratch / key.split("-")[0]
        if not work.exists():
            self.git("clone", "-q", clone_url(self.server, self.shared), str(work))
        (work / key).write_text(key)
        self.git("add", "-A", cwd=work)
        self.git("commit", "-q", "-m", key, cwd=work)
        told = self.git(
            "push", "--porcelain", "origin", f"HEAD:refs/heads/{key}", cwd=work, check=False
        )
        # When the connection is lost, git says "Everything up-to-date" and "Done" all the same.
        if "[new branch]" not in told or "RPC failed" in told:
            raise subprocess.SubprocessError(told)
        self.tips[key] = self.git("rev-parse", "HEAD", cwd=work).strip()
        self.pushed.append(key)


def test_a_kill_in_the_middle_of_200_writes_loses_nothing(start, tmp_path, git):
    server = start()
    gl = server.client()
    group = gl.groups.create({"name": "crash", "path": "crash"})
    shared = gl.projects.create({"name": "shared", "namespace_id": group.id})
    commit(shared, "main", {"start": "x"})
    writers = Writers(server, shared, group.id, tmp_path, git)
    threads = [threading.Thread(target=writers.run, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    assert writers.enough.wait(60)
    server.kill()
    for thread in threads:
        thread.join()
    assert writers.pushed
    assert writers.opened
    assert writers.projects
    again = start(data=server.data)
    check(again.client(), writers)
    repository = next(server.data.glob(f"repositories/*/{shared.id}.git"))
    assert "missing" not in git("fsck", "--strict", "--no-dangling", cwd=repository)
    git("clone", "-q", clone_url(again, shared), "after")


def check(client: gitlab.Gitlab, writers: Writers) -> None:
    """Everything acknowledged is there, whole; so is what was not, or it is not there at all."""
    project = client.projects.get(writers.shared.id)
    tips = {b.name: b.commit["id"] for b in project.branches.list(get_all=True)}
    assert writers.tips.items() <= tips.items()
    found = {m.iid: m for m in project.mergerequests.list(get_all=True)}
    assert set(writers.opened) <= set(found)
    assert all(one.sha == tips[one.source_branch] for one in found.values())
    for key in tips.keys() - {"main"}:
        assert project.files.get(key, ref=key).decode() == key.encode()
    for project_id in writers.projects:
        assert client.projects.get(project_id).files.get("README.md", ref="main")
    every = [client.projects.get(one.id) for one in client.projects.list(get_all=True)]
    assert all(one.empty_repo or one.commits.list(get_all=False) for one in every)
    commit(project, "after", {"after": "x"}, start_branch="main")
