"""The forge itself: version, settings, and small things that clients ask for first."""

import html
from typing import Any

from localforge import __version__
from localforge.call import Call
from localforge.reply import Reply, created
from localforge.routing import get, post, put
from localforge.store import records

_SETTINGS: dict[str, Any] = {
    "id": 1,
    "default_projects_limit": 100000,
    "signup_enabled": False,
    "default_branch_name": "main",
    "default_project_visibility": "private",
    "bulk_import_enabled": False,
    "deletion_adjourned_period": 0,
    "localforge_pipelines_on_push": False,
    "throttle_authenticated_api_enabled": False,
    "throttle_authenticated_api_requests_per_period": 7200,
    "throttle_authenticated_api_period_in_seconds": 3600,
    "allow_local_requests_from_web_hooks_and_services": True,
}


def version(call: Call) -> dict[str, Any]:
    """GET /version"""
    call.need_user()
    return {"version": __version__, "revision": "localforge"}


def metadata(call: Call) -> dict[str, Any]:
    """GET /metadata"""
    kas = {"enabled": False, "externalUrl": None, "version": None}
    return {**version(call), "kas": kas, "enterprise": False}


def get_settings(call: Call) -> dict[str, Any]:
    """GET /application/settings"""
    call.need_admin()
    return {**_SETTINGS, **call.forge.application_settings}


def update_settings(call: Call) -> dict[str, Any]:
    """PUT /application/settings"""
    call.need_admin()
    sent = {name: value for name, value in call.params.items() if name != "id"}
    records.put(call.db, "settings", records.INSTANCE, "application", sent)
    call.forge.load_application_settings(call.db)
    return get_settings(call)


def markdown(call: Call) -> Reply:
    """POST /markdown: paragraphs only"""
    text = html.escape(call.params.need("text"))
    return created({"html": f"<p>{text}</p>"})


def statistics(call: Call) -> dict[str, str]:
    """GET /application/statistics"""
    call.need_admin()
    count = call.db.value
    tables = {"users": "users", "projects": "projects", "issues": "issues",
              "merge_requests": "merge_requests", "notes": "notes"}  # fmt: skip
    shape = {name: str(count(f"SELECT count(*) FROM {table}")) for name, table in tables.items()}  # noqa: S608
    groups = str(count("SELECT count(*) FROM namespaces WHERE kind = 'group'"))
    forks = str(count("SELECT count(*) FROM projects WHERE forked_from IS NOT NULL"))
    more = {"groups": groups, "forks": forks, "snippets": "0", "ssh_keys": "0", "milestones": "0"}
    return {**shape, **more, "active_users": shape["users"]}


ROUTES = [
    get("/version", version),
    get("/metadata", metadata),
    get("/application/settings", get_settings),
    put("/application/settings", update_settings),
    get("/application/statistics", statistics),
    post("/markdown", markdown),
]
