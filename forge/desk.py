"""What golden paths ask of GitLab besides repositories: members, branches, variables, issues,
pipelines and tokens. Each `ensure_` is safe to repeat; a `create_` is the caller's to guard."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from forge.client import Forge
from forge.errors import ForgeConflict, ForgeNotFound
from forge.results import MergeRequest

Json = dict[str, Any]
OWNER = 50


def _id(value: str | int) -> str:
    return quote(str(value), safe="")


class Desk:
    """The same forge, with the verbs that only golden paths use."""

    def __init__(self, forge: Forge) -> None:
        self.forge = forge

    # -- people ---------------------------------------------------------------------------------
    def user(self, who: str | int = "") -> Json:
        """A user by id or name, or the one behind the token. Raises ForgeNotFound."""
        if not who:
            return dict(self.forge._get("/user", "tell whose the token is"))
        if isinstance(who, int) or who.isdigit():
            return dict(self.forge._get(f"/users/{who}", f"find the user {who}"))
        for row in self.forge._list("/users", f"find the user {who}", username=who):
            return dict(row)
        raise ForgeNotFound(f"The forge has no user {who}")

    def ensure_member(self, kind: str, place: str | int, user_id: int, level: int) -> None:
        """`kind` is projects or groups. A member of another level gets this one."""
        base = f"/{kind}/{_id(place)}/members"
        data = {"user_id": user_id, "access_level": level}
        try:
            self.forge._post(base, f"add a member to {place}", data)
        except ForgeConflict:
            self.forge._put(f"{base}/{user_id}", f"change a member of {place}", data)

    def remove_member(self, group: str | int, user_id: int) -> None:
        with suppress(ForgeNotFound):
            self._delete(f"/groups/{_id(group)}/members/{user_id}", f"remove a member of {group}")

    def share_group(self, group: str | int, other: int, level: int) -> None:
        data = {"group_id": other, "group_access": level}
        with suppress(ForgeConflict):
            self.forge._post(f"/groups/{_id(group)}/share", f"share the group {group}", data)

    def unshare_group(self, group: str | int, other: int) -> None:
        with suppress(ForgeNotFound):
            self._delete(f"/groups/{_id(group)}/share/{other}", f"no longer share {group}")

    # -- projects -------------------------------------------------------------------------------
    def ensure_branch(self, project: str | int, name: str, ref: str) -> None:
        base = f"/projects/{_id(project)}/repository/branches"
        with suppress(ForgeConflict):
            data = {"branch": name, "ref": ref}
            self.forge._post(base, f"create the branch {name} of {project}", data)

    def ensure_protected(self, project: str | int, name: str) -> None:
        base = f"/projects/{_id(project)}/protected_branches"
        with suppress(ForgeConflict):
            self.forge._post(base, f"protect the branch {name} of {project}", {"name": name})

    def ensure_variable(self, project: str | int, variable: Json) -> None:
        base, key = f"/projects/{_id(project)}/variables", str(variable["key"])
        scope = variable.get("environment_scope", "*")
        doing = f"set the variable {key} of {project}"
        try:
            self.forge._post(base, doing, variable)
        except ForgeConflict:
            url = f"{base}/{_id(key)}?filter%5Benvironment_scope%5D={_id(scope)}"
            self.forge._put(url, doing, variable)

    def update_merge_request(self, project: str, iid: int, fields: Json) -> MergeRequest:
        url = f"/projects/{_id(project)}/merge_requests/{iid}"
        return MergeRequest.of(self.forge._put(url, f"update !{iid} of {project}", fields))

    def merge_when_green(self, project: str, iid: int) -> None:
        url = f"/projects/{_id(project)}/merge_requests/{iid}/merge"
        doing = f"let !{iid} of {project} merge by itself"
        self.forge._put(url, doing, {"merge_when_pipeline_succeeds": True, "auto_merge": True})

    # -- issues ---------------------------------------------------------------------------------
    def create_issue(self, project: str | int, fields: Json) -> Json:
        doing = f"open an issue in {project}"
        return dict(self.forge._post(f"/projects/{_id(project)}/issues", doing, fields))

    def find_issue(self, project: str | int, mark: str) -> Json | None:
        """The issue whose description holds the mark, among the hundred newest."""
        url = f"/projects/{_id(project)}/issues"
        doing = f"list the issues of {project}"
        rows = self.forge._list(url, doing, order_by="created_at", sort="desc", scope="all")
        newest = itertools.islice(rows, 100)
        return next((dict(r) for r in newest if mark in (r.get("description") or "")), None)

    def edit_issue(self, project: str | int, iid: int, fields: Json) -> Json:
        url = f"/projects/{_id(project)}/issues/{iid}"
        return dict(self.forge._put(url, f"edit the issue #{iid} of {project}", fields))

    # -- pipelines ------------------------------------------------------------------------------
    def create_pipeline(self, project: str | int, ref: str, variables: Json) -> Json:
        rows = [{"key": key, "value": str(value)} for key, value in variables.items()]
        url = f"/projects/{_id(project)}/pipeline"
        data = {"ref": ref, "variables": rows}
        return dict(self.forge._post(url, f"start a pipeline of {project}", data))

    def pipelines(self, project: str | int, ref: str) -> Iterator[Json]:
        """Newest first."""
        url = f"/projects/{_id(project)}/pipelines"
        doing = f"list the pipelines of {project}"
        return map(dict, self.forge._list(url, doing, ref=ref, order_by="id", sort="desc"))

    # -- tokens; `kind` is access_tokens or deploy_tokens ------------------------------------------
    def tokens(self, project: str | int, kind: str) -> list[Json]:
        url = f"/projects/{_id(project)}/{kind}"
        return [dict(row) for row in self.forge._list(url, f"list the tokens of {project}")]

    def create_token(self, project: str | int, kind: str, fields: Json) -> Json:
        url = f"/projects/{_id(project)}/{kind}"
        return dict(self.forge._post(url, f"create a token for {project}", fields))

    def revoke_token(self, project: str | int, kind: str, token: int) -> None:
        with suppress(ForgeNotFound):
            self._delete(f"/projects/{_id(project)}/{kind}/{token}", "revoke a token")

    def _delete(self, path: str, doing: str) -> None:
        with self.forge._translated(doing):
            self.forge._api.http_delete(path)
