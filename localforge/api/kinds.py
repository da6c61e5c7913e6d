"""The kinds of small things, as a table."""

from typing import Any

from localforge import access
from localforge.api.records import Handlers, Kind, routes, scope_of
from localforge.call import Call, Upload
from localforge.errors import bad_request, not_found
from localforge.reply import Reply, created
from localforge.routing import Route, delete, get, post, put
from localforge.store import records
from localforge.store.database import Row
from localforge.verbs import uploads

_PLAIN = [
    Kind("badge", "badges", ("projects", "groups"),
         {"name": None, "link_url": "", "image_url": ""}, ("link_url", "image_url")),
    Kind("board", "boards", ("projects", "groups"), {"name": "Development"}, extra={"lists": []}),
    Kind("pages_domain", "pages/domains", ("projects",), {"auto_ssl_enabled": False}, key="domain"),
    Kind("remote_mirror", "remote_mirrors", ("projects",),
         {"url": "", "enabled": False, "only_protected_branches": False}, ("url",)),
    Kind("approval_rule", "approval_rules", ("projects",),
         {"name": "", "approvals_required": 0, "rule_type": "regular", "user_ids": [],
          "group_ids": []}, ("name", "approvals_required")),
    Kind("user_list", "feature_flags_user_lists", ("projects",), {"name": "", "user_xids": ""},
         ("name", "user_xids"), number="iid", write=access.DEVELOPER),
    Kind("broadcast_message", "broadcast_messages", ("instance",),
         {"message": "", "color": "#e75e40", "font": "#FFFFFF", "active": True,
          "target_path": None}, ("message",), read=access.GUEST),
    Kind("member_role", "member_roles", ("instance",),
         {"name": "", "description": None, "base_access_level": 10, "admin_web_hook": False},
         ("name", "base_access_level")),
    Kind("gpg_key", "gpg_keys", ("users", "user"), {"key": ""}, ("key",)),
    Kind("email", "emails", ("users", "user"), {"email": ""}, ("email",)),
    Kind("external_status_check", "external_status_checks", ("projects",),
         {"name": "", "external_url": ""}, ("name", "external_url")),
]  # fmt: skip

_ENVIRONMENT = Kind(
    "environment", "environments", ("projects",),
    {"name": "", "external_url": None, "tier": "other", "state": "available", "description": None},
    ("name",), write=access.DEVELOPER,
)  # fmt: skip
_VARIABLE = Kind(
    "variable", "variables", ("projects", "groups"),
    {"value": "", "variable_type": "env_var", "protected": False, "masked": False, "hidden": False,
     "raw": False, "environment_scope": "*", "description": None},
    ("value",), key="key", read=access.MAINTAINER,
)  # fmt: skip
_INSTANCE_VARIABLE = Kind(
    "variable", "admin/ci/variables", ("instance",), _VARIABLE.fields, ("value",), key="key",
    read=access.MAINTAINER,
)  # fmt: skip


class Variables(Handlers):
    """Variables: a hidden one never shows its value again."""

    def _sent(self, call: Call) -> dict[str, Any]:
        sent = super()._sent(call)
        if call.params.flag("masked_and_hidden"):
            sent |= {"masked": True, "hidden": True}
        return sent

    def view(self, call: Call, row: Row) -> dict[str, Any]:
        """Without the value if it is hidden."""
        shape = {**self.kind.fields, **row["data"], "key": row["key"]}
        hidden = shape["hidden"] and call.method != "POST"
        return {**shape, "value": None} if hidden else shape


def stop_environment(call: Call) -> dict[str, Any]:
    """POST /projects/:id/environments/:ref/stop"""
    handlers = Handlers(_ENVIRONMENT, "projects")
    row = handlers.find(call, access.DEVELOPER)
    return handlers.view(call, records.change(call.db, row, {"state": "stopped"}))


def _attribute(row: Row) -> dict[str, Any]:
    return {"key": row["key"], "value": row["data"]["value"]}


def _attribute_scope(call: Call) -> tuple[str, int]:
    call.need_admin()
    return scope_of(call, call.path.split("/")[3], access.NONE)


def list_attributes(call: Call) -> list[dict[str, Any]]:
    """GET .../custom_attributes"""
    return [
        _attribute(r) for r in records.every(call.db, "custom_attribute", _attribute_scope(call))
    ]


def _the_attribute(call: Call) -> Row:
    found = records.find(call.db, "custom_attribute", _attribute_scope(call), call.values["key"])
    if found is None:
        raise not_found("Custom Attribute")
    return found


def get_attribute(call: Call) -> dict[str, Any]:
    """GET .../custom_attributes/:key"""
    return _attribute(_the_attribute(call))


def set_attribute(call: Call) -> dict[str, Any]:
    """PUT .../custom_attributes/:key"""
    data = {"value": call.params.need("value")}
    scope = _attribute_scope(call)
    return _attribute(records.put(call.db, "custom_attribute", scope, call.values["key"], data))


def delete_attribute(call: Call) -> None:
    """DELETE .../custom_attributes/:key"""
    records.remove(call.db, _the_attribute(call))


def _attribute_routes(place: str) -> list[Route]:
    base = f"/{place}/:id/custom_attributes"
    return [
        get(base, list_attributes),
        get(f"{base}/:key", get_attribute),
        put(f"{base}/:key", set_attribute),
        delete(f"{base}/:key", delete_attribute),
    ]


def _settings_scope(call: Call) -> tuple[str, int]:
    if "/projects/" in call.path:
        return "project", call.project()["id"]
    if "/groups/" in call.path:
        return "group", call.group()["id"]
    return "instance", 0


def get_notifications(call: Call) -> dict[str, Any]:
    """GET .../notification_settings"""
    key = str(call.need_user()["id"])
    found = records.find(call.db, "notification", _settings_scope(call), key)
    return {
        "level": "participating",
        "notification_email": None,
        **(found["data"] if found else {}),
    }


def set_notifications(call: Call) -> dict[str, Any]:
    """PUT .../notification_settings"""
    key, scope = str(call.need_user()["id"]), _settings_scope(call)
    records.put(call.db, "notification", scope, key, call.params.only(("level",)))
    return get_notifications(call)


def get_status(call: Call) -> dict[str, Any]:
    """GET /user/status"""
    scope = ("user", call.need_user()["id"])
    found = records.find(call.db, "status", scope, "status")
    return {
        "emoji": None,
        "message": None,
        "availability": "busy",
        **(found["data"] if found else {}),
    }


def set_status(call: Call) -> dict[str, Any]:
    """PUT /user/status"""
    scope = ("user", call.need_user()["id"])
    sent = call.params.only(("emoji", "message", "availability"))
    records.put(call.db, "status", scope, "status", sent)
    return get_status(call)


def nothing(call: Call) -> list[Any]:
    """Lists that are always empty here: events, packages"""
    call.need_user()
    return []


def housekeeping(call: Call) -> Reply:
    """POST /projects/:id/housekeeping"""
    project = call.project(access.OWNER)
    call.forge.maintenance.request(project["id"])
    return created(None)


def storage(call: Call) -> dict[str, Any]:
    """GET /projects/:id/storage"""
    call.need_admin()
    project = call.project()
    path = call.forge.repositories.path(project["id"]).relative_to(call.forge.settings.data)
    return {"project_id": project["id"], "disk_path": str(path), "repository_storage": "default",
            "created_at": project["created_at"]}  # fmt: skip


def upload(call: Call) -> Reply:
    """POST /projects/:id/uploads"""
    project, file = call.project(access.GUEST), call.params.get("file")
    if not isinstance(file, Upload):
        raise bad_request("file is invalid")
    path = uploads.keep(call, "project", project["id"], file)
    text = f"[{file.name}]({path})"
    return created({"alt": file.name, "url": path, "full_path": path, "markdown": text})


ROUTES = [
    *(route for kind in _PLAIN for route in routes(kind)),
    *routes(_ENVIRONMENT),
    *routes(_VARIABLE, Variables),
    *routes(_INSTANCE_VARIABLE, Variables),
    *(route for place in ("projects", "groups", "users") for route in _attribute_routes(place)),
    post("/projects/:id/environments/:ref/stop", stop_environment),
    get("/notification_settings", get_notifications),
    put("/notification_settings", set_notifications),
    get("/projects/:id/notification_settings", get_notifications),
    put("/projects/:id/notification_settings", set_notifications),
    get("/groups/:id/notification_settings", get_notifications),
    put("/groups/:id/notification_settings", set_notifications),
    get("/user/status", get_status),
    put("/user/status", set_status),
    get("/events", nothing),
    get("/projects/:id/events", nothing),
    get("/users/:id/events", nothing),
    get("/user/activities", nothing),
    post("/projects/:id/housekeeping", housekeeping),
    get("/projects/:id/storage", storage),
    post("/projects/:id/uploads", upload),
]
