"""Faults on demand, limits, start and stop."""

import time

import gitlab
import pytest
import requests

from tests.localforge.conftest import TOKEN, merge_request, settled


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


def test_an_answer_that_is_lost_after_the_work_was_done(gl, name, fault):
    fault(kind="lost_answer", path="/projects$", method="POST", times=1)
    with pytest.raises(requests.ConnectionError):
        gl.projects.create({"name": name})
    assert [one.name for one in gl.projects.list(search=name, get_all=True)] == [name]


def test_a_body_that_only_says_it_is_gzip(server, project):
    answer = requests.post(
        f"{server.url}/{project.path_with_namespace}.git/git-upload-pack",
        auth=("any", TOKEN), data=b"no", headers={"Content-Encoding": "gzip"},
    )  # fmt: skip
    assert answer.status_code == 400


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


def test_a_fault_that_makes_no_sense(gl):
    for odd in ({"kind": "latency", "seconds": "x"}, {"kind": "drop", "path": "("}, {"kind": "x"}):
        with pytest.raises(gitlab.GitlabHttpError) as error:
            gl.http_post("/localforge/faults", post_data=odd)
        assert error.value.response_code == 400


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
