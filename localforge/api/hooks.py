"""Webhooks of projects, groups and the whole forge, and the log of what was delivered."""

import json
import uuid
from typing import Any
from urllib.parse import urlsplit

from localforge import access, clock
from localforge.call import Call
from localforge.errors import ApiError, bad_request, message, not_found
from localforge.paging import page_rows
from localforge.params import truth
from localforge.reply import Reply, created
from localforge.routing import delete, get, post, put
from localforge.signatures import key_of
from localforge.store import projects
from localforge.store.database import Query, Row
from localforge.verbs import events, samples

_FLAGS: dict[str, Any] = {
    "push_events": True, "tag_push_events": False, "merge_requests_events": False,
    "issues_events": False, "confidential_issues_events": False, "note_events": False,
    "confidential_note_events": None, "job_events": False, "pipeline_events": False,
    "wiki_page_events": False, "deployment_events": False, "releases_events": False,
    "feature_flag_events": False, "repository_update_events": False, "milestone_events": False,
    "resource_access_token_events": False, "subgroup_events": False, "member_events": False,
    "project_events": False, "emoji_events": False, "vulnerability_events": False,
    "enable_ssl_verification": True,
}  # fmt: skip
_TEXTS = ("name", "description", "push_events_branch_filter", "branch_filter_strategy",
          "custom_webhook_template")  # fmt: skip
_SYSTEM_DEFAULTS = {"repository_update_events": True, "merge_requests_events": False}


def _place(call: Call) -> tuple[str, int]:
    if call.path.startswith("/api/v4/hooks"):
        call.need_admin()
        return "system", 0
    if "/groups/" in call.path:
        return "group", call.group(access.OWNER)["id"]
    return "project", call.project(access.MAINTAINER)["id"]


def alert_status(hook: Row) -> str:
    """Whether a hook is in use, paused or given up."""
    if hook["disabled_until"] is None or hook["disabled_until"] <= clock.now():
        return "executable"
    return "disabled" if hook["disabled_until"] >= events.FOREVER else "temporarily_disabled"


def _shape(hook: Row) -> dict[str, Any]:
    data = json.loads(hook["data"])
    shape = {
        "id": hook["id"],
        "url": hook["url"],
        "name": data.get("name"),
        "description": data.get("description"),
        "created_at": hook["created_at"],
        **{flag: data.get(flag, default) for flag, default in _FLAGS.items()},
        "push_events_branch_filter": data.get("push_events_branch_filter"),
        "branch_filter_strategy": data.get("branch_filter_strategy", "wildcard"),
        "custom_webhook_template": data.get("custom_webhook_template"),
        "custom_headers": [{"key": key} for key in data.get("custom_headers", {})],
        "url_variables": [],
        "token_present": bool(hook["token"]),
        "signing_token_present": bool(hook["signing_token"]),
        "alert_status": alert_status(hook),
        "disabled_until": hook["disabled_until"],
    }
    if hook["kind"] != "system":
        shape[f"{hook['kind']}_id"] = hook["source_id"]
    return shape


def list_hooks(call: Call) -> Reply:
    """GET .../hooks"""
    kind, source_id = _place(call)
    query = Query("hooks").where("kind = ? AND source_id = ?", kind, source_id).order("id")
    return page_rows(call, query, _shape)


def _the_hook(call: Call) -> Row:
    kind, source_id = _place(call)
    found = call.db.one(
        "SELECT * FROM hooks WHERE id = ? AND kind = ? AND source_id = ?",
        call.number("hook_id"), kind, source_id,
    )  # fmt: skip
    if found is None:
        raise not_found()
    return found


def get_hook(call: Call) -> dict[str, Any]:
    """GET .../hooks/:hook_id"""
    return _shape(_the_hook(call))


def _check_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # half an IPv6 address, or a port that there is not
        good = False
    if not good or not url.isprintable() or " " in url:
        raise message(422, "Invalid url given")
    return url


def _one_line(text: str, name: str) -> str:
    """A header's value; a line end in it would end the header."""
    if text and not text.isprintable():
        raise bad_request({name: ["is invalid"]})
    return text


def _data(call: Call, kind: str) -> dict[str, Any]:
    params = call.params
    data: dict[str, Any] = {
        name: truth(params[name]) for name in _FLAGS if params.get(name) is not None
    }
    data |= params.only(_TEXTS)
    headers = params.get("custom_headers")
    if isinstance(headers, list):
        if not all(isinstance(one, dict) and one.get("key") for one in headers):
            raise bad_request({"custom_headers": ["is invalid"]})
        data["custom_headers"] = {
            _one_line(str(h["key"]), "custom_headers"): _one_line(
                str(h.get("value", "")), "custom_headers"
            )
            for h in headers
        }
    return data


def _defaults(kind: str) -> dict[str, Any]:
    return {**_FLAGS, **(_SYSTEM_DEFAULTS if kind == "system" else {})}


def _signing_token(call: Call) -> str:
    token = call.params.text("signing_token")
    if token and key_of(token) is None:
        raise bad_request({"signing_token": ["has to be whsec_ and 32 bytes in base64"]})
    return token


def create_hook(call: Call) -> Reply:
    """POST .../hooks"""
    kind, source_id = _place(call)
    hook_id = call.db.insert(
        "hooks", kind=kind, source_id=source_id, url=_check_url(call.params.need("url")),
        token=_one_line(call.params.text("token"), "token"), signing_token=_signing_token(call),
        uuid=str(uuid.uuid4()), created_at=clock.now(),
        data={**_defaults(kind), **_data(call, kind)},
    )  # fmt: skip
    row = call.db.one("SELECT * FROM hooks WHERE id = ?", hook_id)
    assert row is not None
    return created(_shape(row))


def update_hook(call: Call) -> dict[str, Any]:
    """PUT .../hooks/:hook_id; it also wakes a hook that was paused"""
    hook = _the_hook(call)
    columns: Row = {"failures": 0, "disabled_until": None}
    if call.params.get("url"):
        columns["url"] = _check_url(call.params.text("url"))
    if "token" in call.params:
        columns["token"] = _one_line(call.params.text("token"), "token")
    if "signing_token" in call.params:
        columns["signing_token"] = _signing_token(call)
    call.db.update("hooks", hook["id"], **columns)
    hook.update(columns)
    projects.change_data(call.db, "hooks", hook, **_data(call, hook["kind"]))
    return _shape(hook)


def delete_hook(call: Call) -> None:
    """DELETE .../hooks/:hook_id"""
    call.db.run("DELETE FROM hooks WHERE id = ?", _the_hook(call)["id"])


def test_hook(call: Call) -> Reply:
    """POST .../hooks/:hook_id/test/:trigger: sends a sample"""
    hook, name = _the_hook(call), call.values["trigger"]
    trigger = events.TRIGGERS.get(name)
    if trigger is None:
        raise bad_request("trigger does not have a valid value")
    payload = samples.sample(call, hook, trigger)
    if payload is None:
        raise message(422, "Ensure the project has a matching thing to tell of.")
    events.queue(call, hook, trigger, json.dumps(payload), str(uuid.uuid4()))
    return created({"message": "201 Created"})


def list_events(call: Call) -> Reply:
    """GET .../hooks/:hook_id/events: the delivery log"""
    hook = _the_hook(call)
    query = Query("deliveries").where("hook_id = ? AND state <> 'pending'", hook["id"])
    if call.params.get("status"):
        query.where("response_status = ?", call.params.text("status"))
    return page_rows(call, query.order("id DESC"), lambda row: _event(hook, row))


def _event(hook: Row, row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "url": hook["url"],
        "trigger": row["trigger"],
        "request_headers": json.loads(row["request_headers"] or "{}"),
        "request_data": json.loads(row["body"]),
        "response_headers": json.loads(row["response_headers"] or "{}"),
        "response_body": row["response_body"] or "",
        "execution_duration": row["duration"],
        "response_status": row["response_status"],
        "attempts": row["attempts"],
        "created_at": row["created_at"],
    }


def resend(call: Call) -> Reply:
    """POST .../hooks/:hook_id/events/:event_id/resend"""
    hook = _the_hook(call)
    row = call.db.one(
        "SELECT * FROM deliveries WHERE id = ? AND hook_id = ?", call.number("event_id"), hook["id"]
    )
    if row is None:
        raise not_found()
    if not events.executable(hook):
        raise ApiError(422, {"message": "the hook is disabled"})
    events.queue(
        call,
        hook,
        events.TRIGGERS.get(row["trigger"], events.SYSTEM),
        row["body"],
        row["event_uuid"],
    )
    return created({"response_status": None})


def _routes(base: str) -> list[Any]:
    return [
        get(base, list_hooks),
        post(base, create_hook),
        get(f"{base}/:hook_id", get_hook),
        put(f"{base}/:hook_id", update_hook),
        delete(f"{base}/:hook_id", delete_hook),
        post(f"{base}/:hook_id/test/:trigger", test_hook),
        get(f"{base}/:hook_id/events", list_events),
        post(f"{base}/:hook_id/events/:event_id/resend", resend),
    ]


ROUTES = [*_routes("/projects/:id/hooks"), *_routes("/groups/:id/hooks"), *_routes("/hooks")]
