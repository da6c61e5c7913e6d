"""The main job on a whole running stack, by its API: from a form's values to a green scorecard.

Every process is real: web server, Celery worker, scheduler, queue, database, forge.
"""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.conftest import Stack

DESCRIPTION = "Counts what the tests want counted."


def within(seconds: float, ask: Callable[[], Any]) -> Any:
    """The first answer of `ask` that is true; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"nothing within {seconds} s"
        time.sleep(0.05)


class Portal:
    """The portal's API as one person."""

    def __init__(self, stack: Stack, user: str) -> None:
        self.stack = stack
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {stack.manage('token', user)}"

    def get(self, path: str) -> requests.Response:
        return self.session.get(self.stack.url + path, timeout=10)

    def start(self, name: str, **values: object) -> str:
        body = {
            "templateRef": "template:default/python-service",
            "values": {"name": name, "description": DESCRIPTION, "owner": "group:default/checkout"}
            | values,
        }
        url = f"{self.stack.url}/api/scaffolder/v2/tasks"
        answer = self.session.post(url, json=body, timeout=10)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def task(self, pk: str) -> dict[str, Any]:
        return dict(self.get(f"/api/scaffolder/v2/tasks/{pk}").json())

    def finished(self, pk: str, seconds: float = 10) -> dict[str, Any]:
        over = ("completed", "failed", "cancelled")
        within(seconds, lambda: self.task(pk)["status"] in over)
        return self.task(pk)

    def retry(self, pk: str) -> None:
        url = f"{self.stack.url}/api/scaffolder/v2/tasks/{pk}/retry"
        assert self.session.post(url, timeout=10).status_code == 201


class Gitlab:
    """The forge's API as its administrator."""

    def __init__(self, stack: Stack) -> None:
        self.url = f"{stack.forge_url}/api/v4"
        self.session = requests.Session()
        self.session.headers["PRIVATE-TOKEN"] = stack.token

    def call(self, method: str, path: str, **options: Any) -> Any:
        answer = self.session.request(method, self.url + path, timeout=10, **options)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def project(self, name: str) -> str:
        return "/projects/" + quote(f"tidewater/services/{name}", safe="")


@pytest.fixture
def dana(stack: Stack) -> Portal:
    return Portal(stack, "dana")


@pytest.fixture
def gitlab(stack: Stack) -> Gitlab:
    return Gitlab(stack)


@pytest.fixture
def name() -> str:
    return f"svc-{uuid.uuid4().hex[:8]}"


def verdicts(portal: Portal, name: str) -> dict[str, str]:
    answer = portal.get(f"/api/scorecards/entities/component/default/{name}")
    if answer.status_code != 200 or not answer.json():
        return {}
    return {check["id"]: check["verdict"] for check in answer.json()[0]["checks"]}


def test_from_values_to_a_green_scorecard(dana: Portal, gitlab: Gitlab, name: str):
    began = time.monotonic()
    task = dana.finished(dana.start(name, database="postgresql"))
    assert task["status"] == "completed", task["error"]
    assert time.monotonic() - began < 3
    (request,) = gitlab.call("GET", f"{gitlab.project(name)}/merge_requests?state=opened")
    assert request["web_url"] in [link.get("url") for link in task["spec"]["output"]["links"]]
    assert dana.get(f"/api/catalog/entities/by-name/component/default/{name}").status_code == 404

    within(5, lambda: gitlab.call("GET", f"{gitlab.project(name)}/merge_requests/{request['iid']}")[
        "detailed_merge_status"] == "mergeable")  # fmt: skip
    gitlab.call("PUT", f"{gitlab.project(name)}/merge_requests/{request['iid']}/merge")
    address = f"/api/catalog/entities/by-name/component/default/{name}"
    within(5, lambda: dana.get(address).ok)
    entity = dana.get(address).json()
    assert entity["spec"]["owner"] == "group:default/checkout"
    assert entity["metadata"]["annotations"]["bespoke/sbom"] == "true"
    assert {"type": "ownedBy", "targetRef": "group:default/checkout"} in entity["relations"]

    found = within(5, lambda: verdicts(dana, name))
    assert len(found) >= 5
    assert [check for check, verdict in found.items() if verdict != "pass"] == ["has-runbook"]
    gitlab.call(
        "POST", f"{gitlab.project(name)}/repository/files/{quote('docs/runbook.md', safe='')}",
        data={"branch": "main", "commit_message": "Runbook", "content": "# Runbook\n"},
    )  # fmt: skip
    within(5, lambda: verdicts(dana, name).get("has-runbook") == "pass")


def test_the_demo_shows_what_it_promises(dana: Portal):
    entities = dana.get("/api/catalog/entities").json()
    assert len(entities) >= 60
    facets = dana.get("/api/catalog/entity-facets?facet=kind&facet=spec.type").json()["facets"]
    assert {"Component", "API", "Resource", "System", "Domain", "Group", "User"} <= {
        row["value"] for row in facets["kind"]
    }


def test_a_taken_name_fails_and_says_what_to_do(dana: Portal, gitlab: Gitlab, name: str):
    gitlab.call("POST", "/projects", data={
        "path": name, "namespace_id": gitlab.call("GET", "/groups/tidewater%2Fservices")["id"],
    })  # fmt: skip
    task = dana.finished(dana.start(name))
    assert task["status"] == "failed"
    assert "Create the repository" in task["error"]
    assert "choose another name" in task["error"]


def test_who_only_looks_cannot_start(stack: Stack, name: str):
    vera = Portal(stack, "vera")
    assert vera.get("/api/catalog/entities").ok
    with pytest.raises(AssertionError, match="role"):
        vera.start(name)


def test_a_killed_worker_doubles_nothing(dana: Portal, gitlab: Gitlab, stack: Stack, name: str):
    """Kill -9 of the whole worker, again and again while a run is under way."""
    gitlab.call("POST", "/localforge/faults", json={"kind": "latency", "seconds": 0.4})
    try:
        pk = dana.start(name)
        within(5, lambda: dana.task(pk)["status"] == "processing")
        time.sleep(0.9)  # into the middle of the steps that talk to the forge
        for pid in stack.pids("celery", "worker"):
            os.kill(pid, signal.SIGKILL)
        steps = [step["status"] for step in dana.task(pk)["spec"]["steps"]]
        assert "completed" in steps
        assert steps[-1] != "completed"
    finally:
        for fault in gitlab.call("GET", "/localforge/faults"):
            gitlab.call("DELETE", f"/localforge/faults/{fault['id']}")
    task = dana.finished(pk, seconds=60)
    assert task["status"] == "completed", task["error"]
    requests_ = gitlab.call("GET", f"{gitlab.project(name)}/merge_requests?state=all")
    assert len(requests_) == 1
    found = gitlab.call("GET", f"/projects?search={name}")
    assert [p["path"] for p in found] == [name]
    within(30, lambda: requests.get(f"{stack.url}/readyz", timeout=10).ok)


def test_a_lost_broker_loses_no_run(dana: Portal, stack: Stack, name: str):
    """The queue is killed; what was asked for meanwhile is done when it is back."""
    (pid,) = stack.pids("valkey-server")
    os.kill(pid, signal.SIGKILL)
    pk = dana.start(name)
    assert dana.finished(pk, seconds=60)["status"] == "completed"


def test_a_dead_forge_fails_the_run_and_the_retry_finishes_it(
    dana: Portal, gitlab: Gitlab, stack: Stack, name: str
):
    (pid,) = stack.pids("localforge")
    os.kill(pid, signal.SIGSTOP)
    try:
        pk = dana.start(name)
        os.kill(pid, signal.SIGKILL)
        task = dana.finished(pk, seconds=60)
    finally:
        os.kill(pid, signal.SIGCONT) if pid in stack.pids("localforge") else None
    within(30, lambda: stack.pids("localforge") and requests.get(
        f"{stack.url}/readyz", timeout=10).ok)  # fmt: skip
    if task["status"] == "failed":
        assert "did not answer" in task["error"]
        dana.retry(pk)
        task = dana.finished(pk, seconds=30)
    assert task["status"] == "completed", task["error"]
    assert len(gitlab.call("GET", f"{gitlab.project(name)}/merge_requests?state=all")) == 1
