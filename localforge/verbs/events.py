"""Webhook events: finds who wants to know and queues one delivery each, in the same transaction as
what happened, so that nothing is announced that was not kept, and nothing kept goes unannounced."""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localforge import clock
from localforge.context import Context
from localforge.store.database import Row

_LISTENERS = """
WITH RECURSIVE up(id) AS (
    SELECT ?1 UNION
    SELECT n.parent_id FROM namespaces n JOIN up ON n.id = up.id WHERE n.parent_id IS NOT NULL
)
SELECT * FROM hooks
WHERE (kind = 'project' AND source_id = ?2) OR (kind = 'group' AND source_id IN up)
   OR kind = 'system'
"""


@dataclass(frozen=True)
class Trigger:
    """A kind of event: the flag of a hook that asks for it, and its name in the header."""

    flag: str
    name: str


PUSH = Trigger("push_events", "Push Hook")
TAG_PUSH = Trigger("tag_push_events", "Tag Push Hook")
MERGE_REQUEST = Trigger("merge_requests_events", "Merge Request Hook")
NOTE = Trigger("note_events", "Note Hook")
PIPELINE = Trigger("pipeline_events", "Pipeline Hook")
JOB = Trigger("job_events", "Job Hook")
ISSUE = Trigger("issues_events", "Issue Hook")
RELEASE = Trigger("releases_events", "Release Hook")
REPOSITORY_UPDATE = Trigger("repository_update_events", "System Hook")
SYSTEM = Trigger("system_events", "System Hook")
FOREVER = "9999"
TRIGGERS = {
    t.flag: t
    for t in (PUSH, TAG_PUSH, MERGE_REQUEST, NOTE, PIPELINE, JOB, ISSUE, RELEASE, REPOSITORY_UPDATE)
}


def listeners(ctx: Context, project: Row, trigger: Trigger) -> list[Row]:
    """The hooks that asked for an event of a project and are not disabled."""
    rows = ctx.db.all(_LISTENERS, project["namespace_id"], project["id"])
    return [row for row in rows if _wants(row, trigger) and executable(row)]


def _wants(hook: Row, trigger: Trigger) -> bool:
    if trigger is SYSTEM:
        return bool(hook["kind"] == "system")
    return bool(json.loads(hook["data"]).get(trigger.flag))


def executable(hook: Row) -> bool:
    """Whether a hook is not disabled at present."""
    return hook["disabled_until"] is None or hook["disabled_until"] <= clock.now()


def emit(
    ctx: Context, project: Row, trigger: Trigger, payload: Callable[[], dict[str, Any]]
) -> None:
    """Queues an event for everybody who asked for it; the payload is built only if somebody did."""
    hooks = listeners(ctx, project, trigger)
    if not hooks:
        return
    body, event_uuid = json.dumps(payload(), ensure_ascii=False), str(uuid.uuid4())
    for hook in hooks:
        queue(ctx, hook, trigger, body, event_uuid)


def emit_system(ctx: Context, payload: dict[str, Any]) -> None:
    """Queues an event of the whole forge for the system hooks."""
    body, event_uuid = json.dumps(payload, ensure_ascii=False), str(uuid.uuid4())
    for hook in ctx.db.all("SELECT * FROM hooks WHERE kind = 'system'"):
        if executable(hook):
            queue(ctx, hook, SYSTEM, body, event_uuid)


def queue(ctx: Context, hook: Row, trigger: Trigger, body: str, event_uuid: str) -> int:
    """One delivery to one hook."""
    event = "System Hook" if hook["kind"] == "system" else trigger.name
    delivery_id = ctx.db.insert(
        "deliveries", hook_id=hook["id"], event=event, trigger=trigger.flag, body=body,
        event_uuid=event_uuid, idempotency_key=str(uuid.uuid4()), instance=ctx.base,
        due=time.time(), created_at=clock.now(),
    )  # fmt: skip
    ctx.forge.wake(ctx.db, ctx.forge.deliveries_due)
    return delivery_id
