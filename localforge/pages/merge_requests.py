"""Merge requests: the list, one with its diff and discussion, and the buttons."""

import json
from typing import Any

from localforge import access
from localforge.call import Call
from localforge.errors import ApiError
from localforge.git import diffs
from localforge.pages import csrf
from localforge.pages.commits import diff_view
from localforge.pages.projects import Place, place, show
from localforge.pages.render import redirect
from localforge.reply import Reply
from localforge.routing import get, post
from localforge.shapes import commits as commit_shapes
from localforge.shapes import merge_requests as shapes
from localforge.shapes import users as user_shapes
from localforge.store.database import Query, Row
from localforge.verbs import merge_requests as verbs
from localforge.verbs import notes, protection, refresh, talk

_PER_PAGE = 30
_STATES = ("opened", "merged", "closed", "all")
_REASONS = {
    "mergeable": "Ready to merge.",
    "preparing": "The forge is still preparing this merge request. Reload in a moment.",
    "checking": "The forge is checking whether this can be merged. Reload in a moment.",
    "unchecked": "The forge has not checked yet whether this can be merged.",
    "draft_status": "This is a draft: take the mark off its title to merge it.",
    "conflict": "There are merge conflicts: the source branch has to be updated first.",
    "need_rebase": "The source branch has to be rebased first.",
    "ci_must_pass": "The pipeline has to succeed first.",
    "ci_still_running": "The pipeline is still running.",
    "discussions_not_resolved": "Every discussion has to be resolved first.",
    "not_approved": "An approval is missing.",
    "requested_changes": "A reviewer asked for changes.",
}


def list_merge_requests(call: Call) -> Reply:
    """GET /:project/-/merge_requests"""
    where = place(call, "merge_requests")
    state = call.params.text("state", "opened")
    state = state if state in _STATES else "opened"
    number = max(call.params.integer("page", 1), 1)
    query = Query("merge_requests m JOIN users u ON u.id = m.author_id", "m.*, u.name AS author")
    query.where("m.project_id = ?", where.project["id"]).order("m.id DESC")
    if state != "all":
        query.where("m.state = ?", state)
    rows = query.rows(call.db, _PER_PAGE + 1, (number - 1) * _PER_PAGE)
    for row in rows:
        row["labels"] = json.loads(row["labels"])
    return show(
        call, "merge_requests.html", where, rows=rows[:_PER_PAGE], more=len(rows) > _PER_PAGE,
        number=number, state=state, states=_STATES,
    )  # fmt: skip


def show_one(call: Call, problem: str = "", status: int = 200) -> Reply:
    """GET /:project/-/merge_requests/:iid"""
    where = place(call, "merge_requests")
    row = verbs.get(call, where.project, call.number("iid"))
    refresh.seen(call, row)
    base, head = shapes.base_and_head(where.repo, row)
    found = where.repo.between(base, head)
    detailed = shapes.detailed_status(call, where.project, row)
    return show(
        call, "merge_request.html", where, status, row=row, problem=problem,
        detailed=detailed, reason=_REASONS.get(detailed, detailed),
        labels=json.loads(row["labels"]), author=user_shapes.by_id(call, row["author_id"]),
        approvals=user_shapes.many(call, row["approvals"]),
        commits=[commit_shapes.commit(call, where.project, c) for c in found],
        files=diff_view(diffs.file_diffs(where.repo, base, head)),
        notes=_notes(call, row), pipeline=shapes.head_pipeline(call, row),
        **_rights(call, where, row),
    )  # fmt: skip


def _notes(call: Call, row: Row) -> list[dict[str, Any]]:
    return [
        {**note, "author": user_shapes.by_id(call, note["author_id"])}
        for note in notes.every(call, "merge_request", row["id"])
    ]


def _rights(call: Call, where: Place, row: Row) -> dict[str, bool]:
    opened = row["state"] == "opened" and not where.project["archived"]
    own = call.user is not None and call.user["id"] == row["author_id"]
    may_change = own or where.level >= access.DEVELOPER
    merge = protection.can_merge(call, where.project, row["target_branch"])
    return {
        "may_merge": opened and call.user is not None and merge,
        "may_close": opened and call.user is not None and may_change,
        "may_reopen": row["state"] == "closed" and call.user is not None and may_change,
        "may_comment": call.user is not None,
        "may_approve": opened and call.user is not None and where.level >= access.DEVELOPER,
        "has_approved": call.user is not None and call.user["id"] in json.loads(row["approvals"]),
    }


def _act(call: Call) -> tuple[Place, Row, str]:
    csrf.check(call)
    call.need_user()
    where = place(call, "merge_requests")
    row = verbs.get(call, where.project, call.number("iid"))
    return where, row, f"{where.url}/-/merge_requests/{row['iid']}"


def merge(call: Call) -> Reply:
    """POST /:project/-/merge_requests/:iid/merge"""
    where, row, target = _act(call)
    try:
        verbs.merge(call, where.project, row, verbs.options_of(call.params))
    except ApiError as error:
        if error.status in (401, 405, 409, 422):
            return show_one(call, _problem(call, where, row, error), error.status)
        raise
    return redirect(call, target)


def _problem(call: Call, where: Place, row: Row, error: ApiError) -> str:
    if error.status == 401:
        return "You may not merge into this branch."
    if error.status == 409:
        return "The source branch has changed since you opened this page. Look again, then merge."
    detailed = shapes.detailed_status(call, where.project, row)
    return "It was not merged. " + _REASONS.get(detailed, "")


def set_state(call: Call) -> Reply:
    """POST /:project/-/merge_requests/:iid/state"""
    where, row, target = _act(call)
    if not (_rights(call, where, row)["may_close"] or _rights(call, where, row)["may_reopen"]):
        raise ApiError(403, {"message": "403 Forbidden"})
    verbs.set_state(call, where.project, row, call.params.choice("event", ("close", "reopen")))
    return redirect(call, target)


def comment(call: Call) -> Reply:
    """POST /:project/-/merge_requests/:iid/notes"""
    where, row, target = _act(call)
    body = call.params.text("body").strip()
    if not body:
        return show_one(call, "Write something first.", 422)
    note = talk.add_note(call, where.project, "merge_request", row, body)
    return redirect(call, f"{target}#note_{note['id']}")


def approve(call: Call) -> Reply:
    """POST /:project/-/merge_requests/:iid/approve"""
    where, row, target = _act(call)
    if not _rights(call, where, row)["may_approve"]:
        raise ApiError(403, {"message": "403 Forbidden"})
    talk.approve(call, where.project, row, wanted=call.params.text("event") != "unapprove")
    return redirect(call, target)


_ONE = "/*project/-/merge_requests/:iid"
ROUTES = [
    get("/*project/-/merge_requests", list_merge_requests),
    get(_ONE, show_one),
    get(f"{_ONE}/diffs", show_one),
    get(f"{_ONE}/commits", show_one),
    post(f"{_ONE}/merge", merge),
    post(f"{_ONE}/state", set_state),
    post(f"{_ONE}/notes", comment),
    post(f"{_ONE}/approve", approve),
]
