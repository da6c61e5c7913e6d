"""Deploy tokens: they belong to a project or a group instead of a person, and open repositories for
reading only."""

from localforge import clock, secrets
from localforge.errors import forbidden, not_found, unauthorized
from localforge.store import namespaces, records
from localforge.store.database import Db, Row

PREFIX = "gldt-"


def check(db: Db, name: str, secret: str, service: str, project: Row | None) -> Row:
    """The project, if the token opens it; otherwise an error."""
    token = records.by_key(db, "deploy_token", secrets.digest(secret))
    if token is None or token["data"]["username"] != name or _expired(token):
        raise unauthorized()
    if project is None or not _covers(db, token, project):
        raise not_found("Project")
    if service != "git-upload-pack":
        raise forbidden("Deploy tokens only read.")
    if "read_repository" not in token["data"]["scopes"]:
        raise forbidden("The deploy token lacks the scope read_repository.")
    return project


def _expired(token: Row) -> bool:
    until = token["data"].get("expires_at")
    return bool(until and until[:10] <= clock.today())


def _covers(db: Db, token: Row, project: Row) -> bool:
    if token["scope"] == "project":
        return bool(token["scope_id"] == project["id"])
    group = namespaces.get_namespace(db, token["scope_id"])
    return group is not None and project["full_path"].startswith(group["full_path"] + "/")
