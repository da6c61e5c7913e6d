"""Trigger tokens: whoever holds one may start a pipeline, without being signed in."""

from secrets import token_hex
from typing import Any

from localforge import access
from localforge.call import Call
from localforge.errors import bad_request, not_found
from localforge.paging import page_items
from localforge.reply import Reply, created
from localforge.routing import delete, get, post, put
from localforge.shapes import pipelines as shapes
from localforge.shapes import users as user_shapes
from localforge.store import records, users
from localforge.store.database import Row
from localforge.verbs import start

_KIND = "trigger"


def _scope(call: Call) -> tuple[str, int]:
    return "project", call.project(access.MAINTAINER)["id"]


def _shape(call: Call, row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "token": row["key"],
        "description": row["data"]["description"],
        "owner": user_shapes.by_id(call, row["data"]["owner_id"]),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "last_used": None,
    }


def list_triggers(call: Call) -> Reply:
    """GET /projects/:id/triggers"""
    rows = records.every(call.db, _KIND, _scope(call))
    return page_items(call, rows, lambda row: _shape(call, row))


def create_trigger(call: Call) -> Reply:
    """POST /projects/:id/triggers"""
    scope, owner = _scope(call), call.need_user()
    data = {"description": call.params.need("description"), "owner_id": owner["id"]}
    row = records.add(call.db, _KIND, scope, data, f"glptt-{token_hex(20)}")
    return created(_shape(call, row))


def _the_one(call: Call) -> Row:
    scope = _scope(call)
    found = records.by_id(call.db, _KIND, call.number("trigger_id"))
    if found is None or (found["scope"], found["scope_id"]) != scope:
        raise not_found("Trigger")
    return found


def get_trigger(call: Call) -> dict[str, Any]:
    """GET /projects/:id/triggers/:trigger_id"""
    return _shape(call, _the_one(call))


def update_trigger(call: Call) -> dict[str, Any]:
    """PUT /projects/:id/triggers/:trigger_id"""
    row = _the_one(call)
    return _shape(call, records.change(call.db, row, call.params.only(("description",))))


def delete_trigger(call: Call) -> None:
    """DELETE /projects/:id/triggers/:trigger_id"""
    records.remove(call.db, _the_one(call))


def trigger(call: Call) -> Reply:
    """POST /projects/:id/trigger/pipeline, by the owner of the token"""
    token = records.by_key(call.db, _KIND, call.params.need("token"))
    owner = users.get_user(call.db, token["data"]["owner_id"]) if token else None
    if token is None or owner is None:
        raise not_found()
    call.user = owner
    project = call.writable()
    if token["scope_id"] != project["id"]:
        raise not_found()
    ref = call.params.need("ref")
    sha = call.repo(project).resolve(ref)
    if sha is None:
        raise bad_request({"base": ["Reference not found"]})
    row = start.wanted(call, project, ref=ref, sha=sha, source="trigger", data=_variables(call))
    return created(shapes.detail(call, project, row))


def _variables(call: Call) -> dict[str, Any]:
    found = call.params.get("variables")
    pairs = found.items() if isinstance(found, dict) else ()
    return {"variables": [{"key": key, "value": value} for key, value in pairs]}


_ALL = "/projects/:id/triggers"
ROUTES = [
    get(_ALL, list_triggers),
    post(_ALL, create_trigger),
    get(f"{_ALL}/:trigger_id", get_trigger),
    put(f"{_ALL}/:trigger_id", update_trigger),
    delete(f"{_ALL}/:trigger_id", delete_trigger),
    post("/projects/:id/trigger/pipeline", trigger),
]
