"""gitlab:issues:create, gitlab:issue:edit and gitlab:pipeline:trigger.

An issue carries a mark in its description, which Markdown does not show: an attempt that follows a
killed worker finds what the first one made.
"""

import itertools
import uuid
from datetime import UTC, datetime, timedelta

from catalog.forges import connect
from forge import Desk
from scaffolder.actions import BOOLEAN, STRING, Context, Json, action
from scaffolder.actions.gitlab_project import ID, PLACE, project_of

_IDS = {"type": "array", "items": {"type": "integer"}}
_ISSUE: Json = {
    "title": STRING,
    "description": {"type": "string"},
    "assignees": _IDS,
    "confidential": BOOLEAN,
    "dueDate": STRING,
    "labels": {"type": ["string", "array"]},
    "milestoneId": {"type": "integer"},
    "issueType": {"enum": ["issue", "incident", "test_case", "task"]},
}
_PAID = {"description": "Needs a paid GitLab, which decides about it"}
_NAMES = {
    "title": "title", "description": "description", "assignees": "assignee_ids",
    "confidential": "confidential", "dueDate": "due_date", "labels": "labels",
    "milestoneId": "milestone_id", "issueType": "issue_type", "createdAt": "created_at",
    "discussionToResolve": "discussion_to_resolve", "weight": "weight", "epicId": "epic_id",
    "mergeRequestToResolveDiscussionsOf": "merge_request_to_resolve_discussions_of",
    "addLabels": "add_labels", "removeLabels": "remove_labels", "stateEvent": "state_event",
    "discussionLocked": "discussion_locked",
}  # fmt: skip


def _fields(given: Json) -> Json:
    fields = {theirs: given[ours] for ours, theirs in _NAMES.items() if ours in given}
    for name, value in fields.items():
        if name.endswith("labels") and isinstance(value, list):
            fields[name] = ",".join(value)
    return fields


@action(
    "gitlab:issues:create",
    title="Open an issue",
    properties=PLACE
    | _ISSUE
    | {
        "createdAt": STRING,
        "discussionToResolve": STRING,
        "mergeRequestToResolveDiscussionsOf": {"type": "integer"},
        "epicId": {"type": "integer"} | _PAID,
        "weight": {"type": "integer"} | _PAID,
    },
    required=("title",),
    output={"issueUrl": STRING, "issueId": {"type": "integer"}, "issueIid": {"type": "integer"}},
)
def create_issue(context: Context, given: Json) -> Json:
    desk, project = Desk(connect()), project_of(given)
    found = None
    if mark := context.notes.get("mark"):
        found = desk.find_issue(project, mark)
    else:
        mark = f"<!-- bespoke {uuid.uuid4()} -->"
        context.note("mark", mark)
    fields = _fields(given)
    fields["description"] = f"{fields.get('description', '')}\n\n{mark}".lstrip()
    issue = found or desk.create_issue(project, fields)
    context.log(f"Issue #{issue['iid']} is open")
    context.made(f"Issue #{issue['iid']}: {given['title']}", issue["web_url"])
    return {"issueUrl": issue["web_url"], "issueId": issue["id"], "issueIid": issue["iid"]}


@action(
    "gitlab:issue:edit",
    title="Edit an issue",
    properties=PLACE
    | _ISSUE
    | {
        "issueIid": ID,
        "addLabels": STRING,
        "removeLabels": STRING,
        "stateEvent": {"enum": ["close", "reopen"]},
        "discussionLocked": BOOLEAN,
        "weight": {"type": "integer"} | _PAID,
        "epicId": {"type": "integer"} | _PAID,
    },
    required=("issueIid",),
    output={
        "issueUrl": STRING,
        "issueId": {"type": "integer"},
        "issueIid": {"type": "integer"},
        "projectId": {"type": "integer"},
        "state": STRING,
        "title": STRING,
        "updatedAt": STRING,
    },
)
def edit_issue(context: Context, given: Json) -> Json:
    issue = Desk(connect()).edit_issue(project_of(given), int(given["issueIid"]), _fields(given))
    context.log(f"Issue #{issue['iid']} is up to date")
    return {
        "issueUrl": issue["web_url"], "issueId": issue["id"], "issueIid": issue["iid"],
        "projectId": issue["project_id"], "state": issue["state"], "title": issue["title"],
        "updatedAt": issue["updated_at"],
    }  # fmt: skip


@action(
    "gitlab:pipeline:trigger",
    title="Start a pipeline",
    properties=PLACE
    | {
        "branch": STRING,
        "variables": {"type": "object"},
        "tokenDescription": {"type": "string", "description": "Accepted: no token is needed"},
    },
    required=("branch",),
    output={"pipelineUrl": STRING},
)
def trigger_pipeline(context: Context, given: Json) -> Json:
    desk, project, ref = Desk(connect()), project_of(given), given["branch"]
    found = _begun_before(desk, project, ref, context.notes.get("begun"))
    if "begun" not in context.notes:
        context.note("begun", datetime.now(UTC).isoformat())
    pipeline = found or desk.create_pipeline(project, ref, given.get("variables") or {})
    context.log(f"Pipeline {pipeline['id']} was started")
    context.made(f"Pipeline {pipeline['id']}", pipeline["web_url"])
    return {"pipelineUrl": pipeline["web_url"]}


def _begun_before(desk: Desk, project: str | int, ref: str, begun: str | None) -> Json | None:
    """The pipeline that an earlier attempt started through the API and could not note."""
    if begun is None:
        return None
    since = datetime.fromisoformat(begun) - timedelta(seconds=2)
    newest = itertools.islice(desk.pipelines(project, ref), 20)
    ours = (p for p in newest if p.get("source") == "api"
            and datetime.fromisoformat(p["created_at"]) >= since)  # fmt: skip
    return next(ours, None)
