"""What the forge sends, judged by other people's readers of GitLab's webhooks."""

import pytest
from pydantic_gitlab_webhooks import validate_event_header_and_body_dict
from standardwebhooks import Webhook, WebhookVerificationError

from tests.localforge.conftest import merge_request, settled
from tests.localforge.test_webhooks import SIGNING, hook

__all__ = ["hook"]


def judged(found):
    """Reads a delivery as pydantic-gitlab-webhooks does; raises if it is not what GitLab sends."""
    return validate_event_header_and_body_dict(found.headers["X-Gitlab-Event"], found.data)


@pytest.fixture
def opened(project, hook):
    return settled(project, merge_request(project, labels="one", assignee_id=1).iid)


def test_branches_and_tags(project, hook, opened, receiver):
    project.tags.create({"tag_name": "v1", "ref": "main", "message": "the first"})
    assert judged(receiver.until("push")).ref == "refs/heads/feature"
    assert judged(receiver.until("tag_push")).ref == "refs/tags/v1"


def test_a_deleted_branch(project, opened, receiver):
    receiver.until("push")
    project.branches.delete("feature")
    deleted = receiver.until("push")
    assert deleted.data["checkout_sha"] is None
    # GitLab sends null here, which this reader does not know of.
    deleted.data["checkout_sha"] = "0" * 40
    assert judged(deleted).after == "0" * 40


def test_a_merge_request_through_its_life(project, opened, receiver):
    assert judged(receiver.until("merge_request", "open")).object_attributes.iid == opened.iid
    opened.title, opened.labels, opened.reviewer_ids = "other", ["two"], [1]
    opened.save()
    judged(receiver.until("merge_request", "update"))
    opened.state_event = "close"
    opened.save()
    judged(receiver.until("merge_request", "close"))
    opened.state_event = "reopen"
    opened.save()
    judged(receiver.until("merge_request", "reopen"))
    settled(project, opened.iid).merge()
    assert judged(receiver.until("merge_request", "merge")).object_attributes.state == "merged"


def test_notes(project, opened, receiver):
    opened.notes.create({"body": "hello"})
    assert judged(receiver.until("note")).object_attributes.note == "hello"
    project.commits.get("main").comments.create({"note": "on a commit"})
    judged(receiver.until("note"))
    change = opened.diffs.get(opened.diffs.list()[0].id)
    position = {
        "base_sha": change.base_commit_sha, "start_sha": change.start_commit_sha,
        "head_sha": change.head_commit_sha, "position_type": "text",
        "new_path": "feature.txt", "old_path": "feature.txt", "new_line": 1,
    }  # fmt: skip
    opened.discussions.create({"body": "why?", "position": position})
    judged(receiver.until("note"))


def test_pipelines(gl, project, hook, receiver):
    path = f"/localforge/projects/{project.id}/pipelines"
    made = gl.http_post(path, post_data={"jobs": ["build", "test"], "status": "running"})
    assert judged(receiver.until("pipeline")).object_attributes.status == "running"
    gl.http_put(f"{path}/{made['id']}", post_data={"status": "success"})
    assert judged(receiver.until("pipeline")).object_attributes.status == "success"


def test_issues(project, receiver):
    project.hooks.create({"url": receiver.url, "push_events": False, "issues_events": True})
    project.issues.create({"title": "broken", "labels": "bug"})
    assert judged(receiver.until("issue", "open")).labels[0].title == "bug"


def test_signatures(opened, receiver):
    found = receiver.until("push")
    assert Webhook(SIGNING).verify(found.body, found.headers)["object_kind"] == "push"
    with pytest.raises(WebhookVerificationError):
        Webhook(SIGNING).verify(found.body + b" ", found.headers)
    late = {
        **found.headers,
        "webhook-timestamp": str(int(found.headers["webhook-timestamp"]) - 600),
    }
    with pytest.raises(WebhookVerificationError):
        Webhook(SIGNING).verify(found.body, late)
