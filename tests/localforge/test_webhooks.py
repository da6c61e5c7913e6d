"""Webhooks: what is sent, how it is signed, what happens when nobody answers."""

import base64
import hashlib
import hmac
import sqlite3
import time

import gitlab
import pytest

from tests.localforge.conftest import clone_url, merge_request, settled

KEY = b"0123456789abcdef0123456789abcdef"
SIGNING = "whsec_" + base64.b64encode(KEY).decode()


@pytest.fixture
def hook(project, receiver):
    return project.hooks.create(
        {"url": receiver.url, "token": "secret", "signing_token": SIGNING, "push_events": True,
         "merge_requests_events": True, "tag_push_events": True, "note_events": True,
         "pipeline_events": True}
    )  # fmt: skip


def test_every_delivery_is_signed_both_ways(server, project, hook, receiver):
    assert hook.token_present
    assert hook.signing_token_present
    assert "signing_token" not in hook.attributes
    merge_request(project)
    found = receiver.until("push")
    headers = found.headers
    assert headers["X-Gitlab-Event"] == "Push Hook"
    assert headers["X-Gitlab-Token"] == "secret"
    assert headers["X-Gitlab-Instance"] == server.url
    assert headers["webhook-id"] == headers["Idempotency-Key"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + found.body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert abs(time.time() - int(headers["webhook-timestamp"])) < 60


def test_a_merge_request_from_open_to_merge(project, hook, receiver):
    found = settled(project, merge_request(project, labels="one").iid)
    opened = receiver.until("merge_request", "open")
    assert opened.data["object_attributes"]["iid"] == found.iid
    assert opened.data["labels"][0]["title"] == "one"
    found.notes.create({"body": "hello"})
    assert receiver.until("note").data["object_attributes"]["note"] == "hello"
    found.title = "other"
    found.save()
    assert receiver.until("merge_request", "update").data["changes"]["title"]["current"] == "other"
    found.merge()
    assert receiver.until("merge_request", "merge").data["object_attributes"]["state"] == "merged"


def test_a_push_over_git_is_announced_too(server, project, hook, receiver, git, tmp_path):
    merge_request(project)
    receiver.until("merge_request", "open")
    old = receiver.until("push").data["after"]
    git("clone", "-q", "-b", "feature", clone_url(server, project), "work")
    git("commit", "-q", "--allow-empty", "-m", "more", cwd=tmp_path / "work")
    git("push", "-q", cwd=tmp_path / "work")
    updated = receiver.until("merge_request", "update")
    assert updated.data["object_attributes"]["oldrev"] == old
    pushed = receiver.until("push")
    assert (pushed.data["before"], pushed.data["ref"]) == (old, "refs/heads/feature")
    git("tag", "v1", cwd=tmp_path / "work")
    git("push", "-q", "origin", "v1", cwd=tmp_path / "work")
    assert receiver.until("tag_push").data["ref"] == "refs/tags/v1"


def test_pipelines_are_announced(gl, project, hook, receiver):
    sha = project.branches.get("main").commit["id"]
    path = f"/localforge/projects/{project.id}/pipelines"
    made = gl.http_post(path, post_data={"sha": sha, "jobs": ["build"], "status": "running"})
    assert receiver.until("pipeline").data["object_attributes"]["status"] == "running"
    gl.http_put(f"{path}/{made['id']}", post_data={"status": "failed"})
    failed = receiver.until("pipeline").data
    assert failed["object_attributes"]["status"] == "failed"
    assert failed["builds"][0]["name"] == "build"


def test_group_and_system_hooks_hear_of_projects_below(gl, name, receiver):
    group = gl.groups.create({"name": name, "path": name})
    below = gl.groups.create({"name": "b", "path": "b", "parent_id": group.id})
    group.hooks.create({"url": receiver.url, "push_events": True})
    system = gl.hooks.create({"url": receiver.url, "push_events": False})
    data = {"name": "p", "namespace_id": below.id, "initialize_with_readme": True}
    gl.projects.create(data)
    names = {receiver.next().data.get("event_name") for _ in range(3)}
    system.delete()
    assert names == {"project_create", "push", "repository_update"}


def test_failures_are_tried_again_with_the_same_key_and_logged(gl, project, receiver):
    hook = project.hooks.create({"url": receiver.url, "push_events": True})
    receiver.answers = [500, 503, 200]
    merge_request(project)
    tries = [receiver.until("push") for _ in range(3)]
    assert len({one.headers["Idempotency-Key"] for one in tries}) == 1
    path = f"/projects/{project.id}/hooks/{hook.id}/events"
    logged = _until(lambda: gl.http_list(path, get_all=True))
    assert (logged[0]["response_status"], logged[0]["attempts"]) == ("200", 3)
    gl.http_post(f"{path}/{logged[0]['id']}/resend")
    again = receiver.until("push")
    assert again.data == tries[0].data
    assert again.headers["X-Gitlab-Event-UUID"] == tries[0].headers["X-Gitlab-Event-UUID"]


def test_a_hook_that_keeps_failing_is_paused(gl, project, receiver):
    hook = project.hooks.create({"url": receiver.url, "push_events": True})
    receiver.answers = [500] * 12
    for number in range(4):
        project.branches.create({"branch": f"b{number}", "ref": "main"})
    for _ in range(12):
        receiver.until("push")
    _until(lambda: project.hooks.get(hook.id).alert_status == "temporarily_disabled")
    hook.save()
    assert project.hooks.get(hook.id).alert_status == "executable"


def test_what_cannot_be_sent_is_a_failure_and_holds_nothing_up(server, gl, project, receiver):
    """A row of an older version may hold what is refused now."""
    broken = project.hooks.create({"url": "http://127.0.0.1:1/", "push_events": True})
    with sqlite3.connect(server.data / "forge.sqlite3", timeout=10) as database:
        database.execute(
            "UPDATE hooks SET url = 'http://127.0.0.1:99999/', token = ? WHERE id = ?",
            ("a\nb", broken.id),
        )
    project.hooks.create({"url": receiver.url, "push_events": True})
    merge_request(project)
    assert receiver.until("push")
    (logged,) = _until(
        lambda: gl.http_list(f"/projects/{project.id}/hooks/{broken.id}/events", get_all=True)
    )
    assert (logged["response_status"], logged["attempts"]) == ("internal error", 3)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "http://127.0.0.1:99999/"), ("url", "http://[::1/"), ("url", "http://a b/"),
        ("url", "http://a/\r\nX: y"), ("url", "file:///etc/passwd"), ("token", "a\nb"),
        ("custom_headers", [{"key": "X", "value": "a\r\nB: c"}]), ("custom_headers", ["x"]),
    ],
)  # fmt: skip
def test_a_hook_that_could_never_be_sent_is_refused(project, field, value):
    with pytest.raises(gitlab.GitlabCreateError) as error:
        project.hooks.create({"url": "http://127.0.0.1:1/", field: value})
    assert error.value.response_code in (400, 422)
    assert project.hooks.list(get_all=True) == []


def test_a_redirect_is_not_followed(gl, project, receiver):
    hook = project.hooks.create({"url": receiver.url, "push_events": True})
    receiver.answers = [302, 302, 302]
    merge_request(project)
    for _ in range(3):
        receiver.until("push")
    path = f"/projects/{project.id}/hooks/{hook.id}/events"
    assert _until(lambda: gl.http_list(path, get_all=True))[0]["response_status"] == "302"


def test_lost_and_doubled(gl, project, receiver):
    project.hooks.create({"url": receiver.url, "push_events": True})
    for kind in ("lost_webhook", "doubled_webhook"):
        gl.http_post(
            "/localforge/faults", post_data={"kind": kind, "path": receiver.url, "times": 1}
        )
    project.branches.create({"branch": "lost", "ref": "main"})
    _until(lambda: [f for f in gl.http_get("/localforge/faults") if f["met"] == 1])
    project.branches.create({"branch": "twice", "ref": "main"})
    both = [receiver.until("push"), receiver.until("push")]
    assert {one.data["ref"] for one in both} == {"refs/heads/twice"}
    assert len({one.headers["Idempotency-Key"] for one in both}) == 1
    gl.http_delete("/localforge/faults")


def _until(look):
    deadline = time.monotonic() + 5
    while not (found := look()):
        assert time.monotonic() < deadline
    return found
