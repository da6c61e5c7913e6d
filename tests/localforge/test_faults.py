"""Faults on demand, limits, start and stop, and the crash that loses nothing."""

import threading
import time

import gitlab
import pytest
import requests

from tests.localforge.conftest import TOKEN, commit, merge_request, settled


@pytest.fixture
def fault(gl):
    def _set(**fault):
        return gl.http_post("/localforge/faults", post_data=fault)

    yield _set
    gl.http_delete("/localforge/faults")


def test_429_with_the_wait(server, project, fault):
    fault(kind="status", status=429, retry_after=7, path=f"/projects/{project.id}$", times=1)
    url = f"{server.url}/api/v4/projects/{project.id}"
    answer = requests.get(url, headers={"PRIVATE-TOKEN": TOKEN})
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert answer.text.strip() == "Retry later"
    assert requests.get(url, headers={"PRIVATE-TOKEN": TOKEN}).status_code == 200


def test_5xx_and_latency_and_dropped_connections(server, gl, project, fault):
    path = f"/projects/{project.id}$"
    fault(kind="status", status=503, path=path, method="GET", times=1)
    with pytest.raises(gitlab.GitlabGetError) as error:
        gl.projects.get(project.id)
    assert error.value.response_code == 503
    fault(kind="latency", seconds=0.2, path=path, times=1)
    started = time.monotonic()
    gl.projects.get(project.id)
    assert time.monotonic() - started >= 0.2
    fault(kind="drop", path=path, times=1)
    with pytest.raises(requests.ConnectionError):
        gl.projects.get(project.id)
    gl.projects.get(project.id)


def test_a_listing_that_breaks_off(gl, name, fault):
    group = gl.groups.create({"name": name, "path": name})
    for number in range(5):
        gl.projects.create({"name": f"p{number}", "namespace_id": group.id})
    fault(kind="page", page=2, status=502, path=f"/groups/{group.id}/projects")
    with pytest.raises(gitlab.GitlabListError):
        group.projects.list(per_page=2, get_all=True)


def test_a_check_that_never_ends_until_it_may(gl, project, fault):
    fault(kind="stuck_checking", path=project.path_with_namespace)
    opened = merge_request(project)
    with pytest.raises(gitlab.GitlabMRClosedError):
        opened.merge()
    found = project.mergerequests.get(opened.iid)
    assert found.detailed_merge_status in ("preparing", "checking")
    gl.http_delete("/localforge/faults")
    assert settled(project, opened.iid).detailed_merge_status == "mergeable"


def test_faults_are_for_administrators(person):
    with pytest.raises(gitlab.GitlabHttpError) as error:
        person[1].http_get("/localforge/faults")
    assert error.value.response_code == 403


def test_bodies_have_a_limit(start):
    server = start("--max-body-bytes", "2000")
    answer = requests.post(
        f"{server.url}/api/v4/projects", json={"name": "x" * 3000}, headers={"PRIVATE-TOKEN": TOKEN}
    )
    assert answer.status_code == 413


@pytest.mark.parametrize("body", ["[1]", "{", '{"name": {"a": 1}}', "null"])
def test_bodies_that_make_no_sense(server, body):
    answer = requests.post(
        f"{server.url}/api/v4/projects", data=body,
        headers={"PRIVATE-TOKEN": TOKEN, "Content-Type": "application/json"},
    )  # fmt: skip
    assert answer.status_code == 400


def test_health_and_an_unknown_route(server):
    assert requests.get(f"{server.url}/-/health").text == "GitLab OK"
    assert requests.get(f"{server.url}/-/readiness").json()["status"] == "ok"
    answer = requests.get(f"{server.url}/api/v4/nothing")
    assert (answer.status_code, answer.json()) == (404, {"error": "404 Not Found"})


def test_sigterm_ends_it_and_the_token_is_kept_private(start):
    server = start()
    assert server.stop() == 0
    token = server.data / "root-token"
    assert token.stat().st_mode & 0o777 == 0o600
    assert token.read_text().strip() == TOKEN


class Writers:
    """Writes from many sides at once, and what was acknowledged."""

    def __init__(self, server, gl, group_id: int) -> None:
        self.server, self.group_id = server, group_id
        self.shared = gl.projects.create({"name": "shared", "namespace_id": group_id})
        commit(self.shared, "main", {"start": "x"})
        self.commits: dict[str, str] = {}
        self.projects: list[int] = []
        self.opened: list[int] = []
        self.enough = threading.Event()

    def run(self, number: int) -> None:
        client = self.server.client()
        project = client.projects.get(self.shared.id, lazy=True)
        for step in range(1000):
            key = f"w{number}-{step}"
            try:
                self._write(client, project, key, step)
            except (requests.RequestException, gitlab.GitlabError):
                return
            if len(self.commits) + len(self.projects) + len(self.opened) >= 200:
                self.enough.set()

    def _write(self, client, project, key: str, step: int) -> None:
        made = commit(project, key, {key: key}, start_branch="main")
        self.commits[key] = made.id
        if step % 2 == 0:
            data = {"source_branch": key, "target_branch": "main", "title": key}
            self.opened.append(project.mergerequests.create(data).iid)
        else:
            data = {"name": key, "namespace_id": self.group_id, "initialize_with_readme": True}
            self.projects.append(client.projects.create(data).id)


def test_a_kill_in_the_middle_of_200_writes_loses_nothing(start, tmp_path):
    server = start()
    gl = server.client()
    group = gl.groups.create({"name": "crash", "path": "crash"})
    writers = Writers(server, gl, group.id)
    threads = [threading.Thread(target=writers.run, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    assert writers.enough.wait(30)
    server.kill()
    for thread in threads:
        thread.join()
    again = start(data=server.data).client()
    project = again.projects.get(writers.shared.id)
    tips = {b.name: b.commit["id"] for b in project.branches.list(get_all=True)}
    assert writers.commits.items() <= tips.items()
    found = {m.iid: m for m in project.mergerequests.list(get_all=True)}
    assert set(writers.opened) <= set(found)
    assert all(one.sha == tips[one.source_branch] for one in found.values())
    for project_id in writers.projects:
        assert again.projects.get(project_id).files.get("README.md", ref="main")
    every = group_projects(again)
    assert all(one.empty_repo or one.commits.list(get_all=False) for one in every)
    commit(project, "after", {"after": "x"}, start_branch="main")


def group_projects(client):
    return [client.projects.get(one.id) for one in client.projects.list(get_all=True)]
