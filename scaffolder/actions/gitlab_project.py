"""gitlab:group:*, gitlab:projectVariable:create and gitlab:user:info."""

from typing import Any

from catalog.forges import NotOurForge, connect, parse_repo_owner
from forge import Desk, ForgeNotFound
from scaffolder.actions import BOOLEAN, STRING, ActionFailed, Context, Json, action
from scaffolder.committing import repo_path

ID = {"type": ["integer", "string"]}
PLACE: Json = {
    "repoUrl": STRING | {"description": "Names the project where projectId does not"},
    "projectId": ID,
    "token": {"type": "string", "description": "Accepted and not used"},
}
LEVELS = {"guest": 10, "planner": 15, "reporter": 20, "developer": 30, "maintainer": 40,
          "owner": 50}  # fmt: skip
LEVEL = {"type": ["integer", "string"], "description": "10 to 50, or guest to owner"}


def project_of(given: Json) -> str | int:
    """projectId, else the project that repoUrl names. Raises ActionFailed."""
    if given.get("projectId") not in (None, ""):
        number: str | int = given["projectId"]
        return int(number) if str(number).isdigit() else number
    if "repoUrl" not in given:
        raise ActionFailed("repoUrl or projectId is needed")
    return repo_path(given["repoUrl"])


def level_of(value: Any) -> int:
    level = LEVELS.get(str(value).lower()) or (int(value) if str(value).isdigit() else 0)
    if level not in LEVELS.values():
        raise ActionFailed(f"accessLevel “{value}” is none of {', '.join(LEVELS)}")
    return level


@action(
    "gitlab:group:ensureExists",
    title="Make sure that a group exists",
    properties={
        "repoUrl": STRING | {"description": "Names the forge, and in owner the group to begin at"},
        "path": {
            "type": "array",
            "items": {
                "anyOf": [
                    STRING,
                    {"type": "object", "properties": {"name": STRING, "slug": STRING},
                     "required": ["name", "slug"]},
                ]
            },
        },
        "token": {"type": "string", "description": "Accepted and not used"},
    },
    required=("path",),
    output={"groupId": {"type": "integer"}},
)  # fmt: skip
def ensure_group(context: Context, given: Json) -> Json:
    parts = [p if isinstance(p, dict) else {"name": p, "slug": p} for p in given["path"]]
    if not parts:
        raise ActionFailed("path names no group")
    path, group = _owner(given), 0
    for part in parts:
        path = f"{path}/{part['slug']}".lstrip("/")
        group = connect().ensure_group(path, name=part["name"])
    context.log(f"The group {path} exists")
    return {"groupId": group}


def _owner(given: Json) -> str:
    if "repoUrl" not in given:
        return ""
    try:
        return parse_repo_owner(given["repoUrl"])
    except (NotOurForge, ValueError) as error:
        raise ActionFailed(f"repoUrl: {error}") from error


@action(
    "gitlab:group:access",
    title="Give or take access to a group",
    properties={
        "path": ID,
        "userIds": {"type": "array", "items": {"type": "integer"}},
        "groupIds": {"type": "array", "items": {"type": "integer"}},
        "accessLevel": LEVEL,
        "action": {"enum": ["add", "remove"]},
        "repoUrl": STRING,
        "token": {"type": "string", "description": "Accepted and not used"},
    },
    required=("path",),
    output={
        "userIds": {"type": "array", "items": {"type": "integer"}},
        "groupIds": {"type": "array", "items": {"type": "integer"}},
        "path": ID,
        "accessLevel": {"type": "integer"},
    },
)
def group_access(context: Context, given: Json) -> Json:
    desk, path = Desk(connect()), given["path"]
    users, groups = given.get("userIds") or [], given.get("groupIds") or []
    level = level_of(given.get("accessLevel", 30))
    if not users and not groups:
        raise ActionFailed("userIds or groupIds is needed")
    removing = given.get("action") == "remove"
    for user in users:
        if removing:
            desk.remove_member(path, user)
        else:
            desk.ensure_member("groups", path, user, level)
    for group in groups:
        if removing:
            desk.unshare_group(path, group)
        else:
            desk.share_group(path, group, level)
    context.log(f"{'Took' if removing else 'Gave'} access to {path}: {len(users) + len(groups)}")
    return {"userIds": users, "groupIds": groups, "path": path, "accessLevel": level}


@action(
    "gitlab:projectVariable:create",
    title="Set a CI variable",
    properties=PLACE
    | {
        "key": STRING,
        "value": {"type": "string"},
        "variableType": {"enum": ["env_var", "file"]},
        "variableProtected": BOOLEAN,
        "masked": BOOLEAN,
        "raw": BOOLEAN,
        "environmentScope": STRING,
    },
    required=("key", "value"),
)
def project_variable(context: Context, given: Json) -> Json:
    names = {
        "key": "key", "value": "value", "variableType": "variable_type",
        "variableProtected": "protected", "masked": "masked", "raw": "raw",
        "environmentScope": "environment_scope",
    }  # fmt: skip
    variable = {theirs: given[ours] for ours, theirs in names.items() if ours in given}
    Desk(connect()).ensure_variable(project_of(given), variable)
    context.log(f"Set the variable {given['key']}")
    return {}


@action(
    "gitlab:user:info",
    title="Look a user of the forge up",
    properties={
        "repoUrl": STRING,
        "userId": ID,
        "username": STRING,
        "token": {"type": "string", "description": "Accepted and not used"},
    },
    output={"id": {"type": "integer"}, "username": STRING, "name": STRING, "state": STRING,
            "webUrl": STRING},
    notes="Without userId and username: whoever started the run.",
)  # fmt: skip
def user_info(context: Context, given: Json) -> Json:
    own = (context.user.entity_ref or "").rpartition("/")[2] or context.user.username
    wanted = str(given.get("userId") or given.get("username") or own)
    try:
        user = Desk(connect()).user(wanted)
    except ForgeNotFound as error:
        raise ActionFailed(f"the forge has no user “{wanted}”") from error
    return {
        "id": user["id"], "username": user["username"], "name": user["name"],
        "state": user.get("state", ""), "webUrl": user.get("web_url", ""),
    }  # fmt: skip
