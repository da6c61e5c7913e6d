"""The scaffolder's REST API: lists, events, secrets and dry runs, in Backstage's shapes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from scaffolder import services
from scaffolder.models import Run
from tests.scaffolder.conftest import PAGE
from tests.scaffolder.test_secrets import ASKING, SECRET

pytestmark = pytest.mark.django_db
BASE = "/api/scaffolder/v2"
ANSWERS = {"name": "svc", "owner": "group:default/checkout"}


@pytest.fixture
def user(person, client):
    user = person()
    client.force_login(user)
    return user


def post(client, path: str, body: object):
    return client.post(f"{BASE}/{path}", json.dumps(body), "application/json")


def test_tasks_are_filtered_ordered_and_paged(client, user, release, run, person):
    made = release(weave=False)
    mine = [run(made, user) for _ in range(3)]
    run(made, person())
    services.start_run(release=made, answers=ANSWERS, by=user)

    def ids(query: str) -> list[str]:
        return [task["id"] for task in client.get(f"{BASE}/tasks?{query}").json()["tasks"]]

    own = f"createdBy={user.entity_ref}&status=completed"
    assert ids(f"{own}&order=asc:created_at") == [str(row.pk) for row in mine]
    assert ids(f"{own}&limit=1&offset=1") == [str(mine[1].pk)]
    assert client.get(f"{BASE}/tasks?{own}&limit=1").json()["totalTasks"] == 3
    assert len(ids("status=open&status=completed")) == 5
    assert len(ids("status=open")) == 1
    assert ids("status=nonsense") == []
    for bad in ("order=up", "limit=x", "offset=-1"):
        assert client.get(f"{BASE}/tasks?{bad}").status_code == 400


def test_events_end_with_the_run_and_are_streamed_alike(client, user, release, run):
    done = run(release(weave=False), user)
    events = client.get(f"{BASE}/tasks/{done.pk}/events").json()
    assert [event["type"] for event in events] == ["log", "completion"]
    assert events[0]["body"]["stepId"] == "fetch"
    after = client.get(f"{BASE}/tasks/{done.pk}/events?after={events[0]['id']}").json()
    assert [event["type"] for event in after] == ["completion"]
    stream = client.get(
        f"{BASE}/tasks/{done.pk}/eventstream", headers={"accept": "text/event-stream"}
    )
    text = b"".join(stream.streaming_content).decode()
    assert stream["Content-Type"] == "text/event-stream"
    parts = [part.split("\n") for part in text.strip().split("\n\n")]
    assert [lines[0] for lines in parts] == ["event: log", "event: completion"]
    assert json.loads(parts[1][1].removeprefix("data: "))["body"]["status"] == "completed"


def test_streams_are_few_and_give_their_place_back(client, user, release, run):
    from scaffolder import api_events

    done = run(release(weave=False), user)
    url = f"{BASE}/tasks/{done.pk}/eventstream"
    for _ in range(3):
        assert b"completion" in b"".join(client.get(url).streaming_content)
    assert all(api_events._streams.acquire(blocking=False) for _ in range(2))
    try:
        assert client.get(url).status_code == 503
    finally:
        api_events._streams.release(2)


def test_secrets_are_sent_and_a_retry_wants_them_again(client, user, release):
    log = {"id": "l", "name": "L", "action": "debug:log",
           "input": {"message": "${{ secrets.token | parseEntityRef }}"}}  # fmt: skip
    made = release([log], parameters=[ASKING], weave=False)
    body = {"templateRef": made.block_ref, "values": ANSWERS}
    refused = post(client, "tasks", body)
    assert refused.status_code == 400
    assert "secrets.token" in refused.content.decode()
    pk = post(client, "tasks", body | {"secrets": {"token": SECRET}}).json()["id"]
    services.execute_run(pk=Run.objects.get(pk=pk).pk)
    shown = client.get(f"{BASE}/tasks/{pk}").content.decode()
    assert '"failed"' in shown
    assert "hunter2" not in shown
    assert post(client, f"tasks/{pk}/retry", {}).status_code == 400
    assert post(client, f"tasks/{pk}/retry", {"secrets": {"token": "x"}}).status_code == 201
    assert post(client, f"tasks/{pk}/cancel", {}).json() == {"status": "cancelled"}
    assert post(client, f"tasks/{pk}/cancel", {}).status_code == 400


def template(*steps: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "scaffolder.backstage.io/v1beta3",
        "kind": "Template",
        "metadata": {"name": "dry"},
        "spec": {"owner": "x", "type": "service", "parameters": [PAGE], "steps": list(steps)},
    }


def content(path: str, text: str) -> dict[str, str]:
    return {"path": path, "base64Content": base64.b64encode(text.encode()).decode()}


def test_a_dry_run_shows_log_files_and_steps_and_makes_nothing(client, user):
    fetch = {"id": "f", "action": "fetch:template",
             "input": {"url": ".", "values": {"n": "${{ parameters.name }}"}}}  # fmt: skip
    log = {"id": "l", "action": "debug:log", "input": {"message": "${{ secrets.s }}!"}}
    publish = {"id": "p", "action": "publish:gitlab",
               "input": {"repoUrl": "forge.example?owner=a&repo=b"}}  # fmt: skip
    body = {
        "template": template(fetch, log, publish), "values": ANSWERS, "secrets": {"s": "hunter22"},
        "directoryContents": [content("${{ values.n }}.md", "# ${{ values.n }}")],
    }  # fmt: skip
    answer = post(client, "dry-run", body)
    assert answer.status_code == 200, answer.content
    shown = answer.json()
    assert shown["directoryContents"] == [content("svc.md", "# svc") | {"executable": False}]
    assert [step["id"] for step in shown["steps"]] == ["f", "l", "weave", "p"]
    assert {"body": {"stepId": "l", "message": "***!"}} in shown["log"]
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"values": {"name": "Not Good"}}, "owner"),
        ({"template": {"kind": "Template"}}, "template"),
        ({"template": template({"id": "x", "action": "acme:x"})}, "There is no action"),
        ({"directoryContents": [{"path": "a", "base64Content": "?"}]}, "directoryContents"),
        ({"directoryContents": [content("../a", "x")]}, "../a"),
        ({"template": template({"id": "x", "action": "fetch:plain", "input": {"url": "./no"}})},
         "would fail"),
    ],
)  # fmt: skip
def test_a_bad_dry_run_says_why(client, user, change, words):
    body = {"template": template(), "values": ANSWERS, "directoryContents": []} | change
    answer = post(client, "dry-run", body)
    assert answer.status_code == 400
    assert words in answer.content.decode()


def test_who_only_looks_cannot_dry_run(client, person):
    client.force_login(person("viewer"))
    assert post(client, "dry-run", {"template": template()}).status_code == 403
