"""Talking about a merge request or an issue, and approving."""

import json
from typing import Any

from localforge import clock
from localforge.context import Context
from localforge.errors import message
from localforge.shapes import notes as shapes
from localforge.store.database import Row
from localforge.verbs import events, merge_requests, notes


def add_note(ctx: Context, project: Row, kind: str, item: Row, body: str, **more: Any) -> Row:
    """Somebody's note, which the webhooks hear of."""
    note = notes.add(ctx, kind, item["id"], body, **more)
    if kind in ("merge_request", "issue", "commit"):
        events.emit(
            ctx, project, events.NOTE, lambda: shapes.payload(ctx, project, kind, item, note)
        )
    return note


def approve(ctx: Context, project: Row, merge_request: Row, *, wanted: bool) -> None:
    """Gives or takes back an approval."""
    user_id, given = ctx.need_user()["id"], json.loads(merge_request["approvals"])
    if wanted == (user_id in given):
        raise message(401 if wanted else 404, "401 Unauthorized" if wanted else "404 Not Found")
    given = [*given, user_id] if wanted else [i for i in given if i != user_id]
    columns = {"approvals": json.dumps(given), "updated_at": clock.now()}
    ctx.db.update("merge_requests", merge_request["id"], **columns)
    merge_request.update(columns)
    notes.system(
        ctx, "merge_request", merge_request["id"],
        "approved this merge request" if wanted else "unapproved this merge request",
    )  # fmt: skip
    merge_requests.announce(ctx, project, merge_request, "approved" if wanted else "unapproved")
