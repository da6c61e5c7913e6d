"""gitlab:projectAccessToken:create and gitlab:projectDeployToken:create.

A token can be read once. It is hidden in all that the run leaves behind, and what an interrupted
attempt made is revoked before another one is made.
"""

from datetime import UTC, datetime, timedelta

from catalog.forges import connect
from forge import Desk
from scaffolder.actions import STRING, Context, Json, action
from scaffolder.actions.gitlab_project import LEVEL, PLACE, level_of, project_of

_SCOPES = {"type": "array", "items": STRING, "minItems": 1}
_DAYS = 364  # GitLab refuses more than a year


@action(
    "gitlab:projectAccessToken:create",
    title="Make a project access token",
    properties=PLACE
    | {
        "name": STRING,
        "accessLevel": LEVEL,
        "scopes": _SCOPES,
        "expiresAt": STRING | {"description": "YYYY-MM-DD; default in 364 days"},
    },
    required=("scopes",),
    output={"access_token": STRING},
)
def access_token(context: Context, given: Json) -> Json:
    expires = (datetime.now(UTC) + timedelta(days=_DAYS)).date().isoformat()
    made = _make(context, project_of(given), "access_tokens", {
        "name": given.get("name", "bespoke"),
        "access_level": level_of(given.get("accessLevel", 40)),
        "scopes": given["scopes"],
        "expires_at": given.get("expiresAt", expires),
    })  # fmt: skip
    return {"access_token": made["token"]}


@action(
    "gitlab:projectDeployToken:create",
    title="Make a deploy token",
    properties=PLACE | {"name": STRING, "username": STRING, "scopes": _SCOPES},
    required=("name",),
    output={"user": STRING, "deploy_token": STRING},
)
def deploy_token(context: Context, given: Json) -> Json:
    fields = {"name": given["name"], "scopes": given.get("scopes", ["read_repository"])}
    if "username" in given:
        fields["username"] = given["username"]
    made = _make(context, project_of(given), "deploy_tokens", fields)
    return {"user": made["username"], "deploy_token": made["token"]}


def _make(context: Context, project: str | int, kind: str, fields: Json) -> Json:
    desk = Desk(connect())
    there = {token["id"] for token in desk.tokens(project, kind) if _is_live(token, fields)}
    if "before" in context.notes:
        for token in sorted(there - set(context.notes["before"])):
            context.log("Revoked the token of an attempt that was interrupted")
            desk.revoke_token(project, kind, token)
    else:
        context.note("before", sorted(there))
    made = desk.create_token(project, kind, fields)
    context.hide(made["token"])
    context.log(f"Made the token “{fields['name']}”")
    return made


def _is_live(token: Json, fields: Json) -> bool:
    return token["name"] == fields["name"] and not token.get("revoked")
