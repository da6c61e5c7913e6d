"""The client: typed calls to GitLab's REST API v4 through python-gitlab.

Waiting is the caller's business: a 429 or a dead forge is a ForgeUnavailable at once, and only
reading calls are repeated here (once, when the connection broke). A listing that breaks off is an
error, never a shorter list: python-gitlab's generator raises where the next page fails.
"""

from __future__ import annotations

import base64
import itertools
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Self
from urllib.parse import quote

import gitlab
import requests
from urllib3.exceptions import ReadTimeoutError
from urllib3.util import Retry

from forge.errors import ForgeConflict, ForgeNotFound, translated
from forge.listings import whole
from forge.results import Budget, Change, Commit, File, Group, Member, MergeRequest, Project
from forge.webhooks import plain_token


class _OnceMore(Retry):
    """Repeats a GET once when the connection broke, but not when the forge was too slow: a second
    wait would double the time that the caller allowed."""

    def increment(
        self, method: str | None = None, url: str | None = None, response: Any = None,
        error: Exception | None = None, *args: Any, **kwargs: Any,
    ) -> Self:  # fmt: skip
        if isinstance(error, ReadTimeoutError):
            raise error
        return super().increment(method, url, response, error, *args, **kwargs)


def _session(proxy: str) -> requests.Session:
    """One connection pool a thread; its adapter repeats a GET whose connection broke."""
    # Waiting is the caller's business, so Retry-After is left to it.
    retry = _OnceMore(
        total=1, status=0, allowed_methods={"GET"}, respect_retry_after_header=False
    )  # fmt: skip
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, requests.adapters.HTTPAdapter(max_retries=retry))
    if proxy:
        session.proxies = {"http": proxy, "https": proxy}
        session.trust_env = False  # else the environment's own would win
    return session


class Forge:
    """A GitLab (or the embedded forge) as the holder of one token sees it. Thread-safe."""

    def __init__(
        self, url: str, token: str, *, timeout: float = 10.0, ca_bundle: str = "", proxy: str = ""
    ) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._timeout = timeout
        self._ca_bundle = ca_bundle
        self._proxy = proxy
        self._local = threading.local()

    @property
    def host(self) -> str:
        return self.url.split("://", 1)[1]

    @property
    def _api(self) -> gitlab.Gitlab:
        api: gitlab.Gitlab | None = getattr(self._local, "api", None)
        if api is None:
            session = _session(self._proxy)
            session.hooks["response"].append(self._note_budget)
            api = self._local.api = gitlab.Gitlab(
                self.url,
                private_token=self._token,
                timeout=self._timeout,
                session=session,
                ssl_verify=self._ca_bundle or True,
                keep_base_url=True,
                retry_transient_errors=False,
            )
        return api

    def _note_budget(self, response: requests.Response, *args: Any, **kwargs: Any) -> None:
        self._local.budget = Budget.of(response.headers)

    @property
    def budget(self) -> Budget:
        """What the last answer to this thread said of the forge's rate limit."""
        return getattr(self._local, "budget", None) or Budget()

    def _translated(self, doing: str) -> AbstractContextManager[None]:
        self._local.budget = None
        return translated(doing, lambda: self.budget.retry_after)

    def _get(self, path: str, doing: str, /, **query: Any) -> Any:
        with self._translated(doing):
            return self._api.http_get(path, query_data=query, obey_rate_limit=False)

    def _post(self, path: str, doing: str, data: dict[str, Any]) -> Any:
        with self._translated(doing):
            return self._api.http_post(path, post_data=data, obey_rate_limit=False)

    def _put(self, path: str, doing: str, data: dict[str, Any]) -> Any:
        with self._translated(doing):
            return self._api.http_put(path, post_data=data, obey_rate_limit=False)

    def _list(self, path: str, doing: str, **query: Any) -> Iterator[Any]:
        with self._translated(doing):
            yield from self._api.http_list(
                path, query_data={"per_page": 100} | query, iterator=True, obey_rate_limit=False
            )

    # -- who and what ---------------------------------------------------------------------------
    def version(self) -> str:
        return str(self._get("/version", "tell its version")["version"])

    def ping(self) -> None:
        """Raises ForgeError unless the forge answers this token within two seconds."""
        with self._translated("answer"):
            self._api.http_get("/version", timeout=2, obey_rate_limit=False)

    def user(self) -> str:
        """The user name behind the token."""
        return str(self._get("/user", "tell whose the token is")["username"])

    def scopes(self) -> list[str]:
        """What the token may be used for; ForgeError where the forge does not tell."""
        return list(self._get("/personal_access_tokens/self", "tell the token's scopes")["scopes"])

    def access_level(self, group: str) -> int:
        """The token's level in a group, 0 for none: 30 developer, 40 maintainer, 50 owner."""
        me = self._get("/user", "tell whose the token is")
        if me.get("is_admin"):
            return 50
        try:
            url = f"/groups/{_id(group)}/members/all/{me['id']}"
            return int(self._get(url, f"tell the rights in {group}")["access_level"])
        except ForgeNotFound:
            return 0

    # -- groups, users --------------------------------------------------------------------------
    def group_id(self, path: str) -> int:
        return int(self._get(f"/groups/{_id(path)}", f"find the group {path}")["id"])

    def group(self, path: str) -> Group:
        """Raises ForgeNotFound."""
        url = f"/groups/{_id(path)}"
        return Group.of(self._get(url, f"find the group {path}", with_projects=False))

    def descendant_groups(self, path: str) -> Iterator[Group]:
        """Every group below it, however deep."""
        url = f"/groups/{_id(path)}/descendant_groups"
        return map(Group.of, self._list(url, f"list the groups below {path}"))

    def group_members(self, path: str) -> Iterator[Member]:
        """Who was added to this very group; inherited memberships are not among them."""
        url = f"/groups/{_id(path)}/members"
        return map(Member.of, self._list(url, f"list the members of {path}"))

    def ensure_group(
        self, path: str, *, name: str = "", description: str = "", visibility: str = "internal"
    ) -> int:
        """The group's id; makes the group when it is missing. Its parent must exist."""
        try:
            return self.group_id(path)
        except ForgeNotFound:
            parent, _, last = path.rpartition("/")
        data = {
            "name": name or last,
            "path": last,
            "description": description,
            "visibility": visibility,
        }
        if parent:
            data["parent_id"] = self.group_id(parent)  # type: ignore[assignment]
        return int(self._post("/groups", f"create the group {path}", data)["id"])

    def ensure_user(self, *, username: str, name: str, email: str, password: str) -> int:
        """The user's id; makes the user when missing (needs an administrator's token)."""
        for user in self._list("/users", f"find the user {username}", username=username):
            return int(user["id"])
        data = {
            "username": username,
            "name": name,
            "email": email,
            "password": password,
            "skip_confirmation": True,
        }
        return int(self._post("/users", f"create the user {username}", data)["id"])

    def ensure_member(self, group: str, user_id: int, access_level: int) -> None:
        data = {"user_id": user_id, "access_level": access_level}
        with suppress(ForgeConflict):  # a member already, which is what was asked for
            self._post(f"/groups/{_id(group)}/members", f"add a member to {group}", data)

    # -- projects -------------------------------------------------------------------------------
    def project(self, path: str | int) -> Project:
        """Raises ForgeNotFound."""
        return Project.of(self._get(f"/projects/{_id(path)}", f"find the project {path}"))

    def group_projects(self, group: str) -> Iterator[Project]:
        """Every project below the group that is not archived, also while some come and go."""
        query = {"order_by": "id", "sort": "asc"}

        def page(number: int, size: int) -> tuple[list[Any], bool]:
            return self._page_of_group(group, query | {"page": number, "per_page": size})

        return map(Project.of, whole(page))

    def changed_projects(self, group: str, since: datetime) -> Iterator[Project]:
        """The projects below the group with activity since then, the newest first.

        One call when little happened, whoever's the token is.
        """
        for number in itertools.count(1):
            query = {"order_by": "last_activity_at", "sort": "desc", "page": number}
            rows, more = self._page_of_group(group, query | {"per_page": 100})
            for project in map(Project.of, rows):
                if project.last_activity_at < since:
                    return
                yield project
            if not more:
                return

    def _page_of_group(self, group: str, query: dict[str, Any]) -> tuple[list[Any], bool]:
        """One page of what is below a group; GitLab has no keyset pages for it."""
        query = query | {
            "include_subgroups": True, "with_shared": False, "archived": False, "simple": True
        }  # fmt: skip
        with self._translated(f"list the projects of {group}"):
            answer = self._api.http_request(
                "get", f"/groups/{_id(group)}/projects", query_data=query, obey_rate_limit=False
            )
            return answer.json(), "next" in answer.links

    def create_project(
        self, path: str, *, description: str = "", visibility: str = "private", **settings: Any
    ) -> Project:
        """Raises ForgeConflict when the path is taken, ForgeNotFound when the group is missing."""
        namespace, _, name = path.rpartition("/")
        found = self._get(f"/namespaces/{_id(namespace)}", f"find the namespace {namespace}")
        data = {
            "name": name,
            "path": name,
            "namespace_id": found["id"],
            "description": description,
            "visibility": visibility,
        } | settings
        return Project.of(self._post("/projects", f"create the project {path}", data))

    def set_topics(self, path: str, topics: list[str]) -> None:
        self._put(f"/projects/{_id(path)}", f"set the topics of {path}", {"topics": topics})

    def delete_project(self, path: str) -> None:
        with self._translated(f"delete the project {path}"):
            self._api.http_delete(f"/projects/{_id(path)}")

    # -- repository -----------------------------------------------------------------------------
    def tip(self, project: str, branch: str) -> Commit:
        """The newest commit of a branch. Raises ForgeNotFound."""
        url = f"/projects/{_id(project)}/repository/branches/{_id(branch)}"
        return Commit.of(self._get(url, f"find the branch {branch} of {project}")["commit"])

    def commit_of(self, project: str, sha: str) -> Commit:
        url = f"/projects/{_id(project)}/repository/commits/{_id(sha)}"
        return Commit.of(self._get(url, f"find the commit {sha[:8]} of {project}"))

    def last_commit(self, project: str, path: str, ref: str) -> Commit | None:
        """The newest commit up to `ref` that changed the file; None when there never was one."""
        url = f"/projects/{_id(project)}/repository/commits"
        doing = f"find who changed {path} of {project}"
        rows = self._get(url, doing, path=path, ref_name=ref, per_page=1)
        return Commit.of(rows[0]) if rows else None

    def tree(
        self, project: str, ref: str, *, most: int | None = None
    ) -> dict[str, tuple[str, str]]:
        """Every file at `ref`, or the first `most`: path to (Git mode, Git's id of the content)."""
        rows = self._list(
            f"/projects/{_id(project)}/repository/tree",
            f"list the files of {project}",
            ref=ref,
            recursive=True,
        )
        files = (row for row in rows if row["type"] == "blob")
        return {row["path"]: (row["mode"], row["id"]) for row in islice(files, most)}

    def blob(self, project: str, sha: str) -> bytes:
        """A content by Git's id of it."""
        url = f"/projects/{_id(project)}/repository/blobs/{sha}"
        answer = self._get(url, f"read a file of {project}")
        return base64.b64decode(answer["content"])

    def read_file(self, project: str, path: str, ref: str) -> bytes:
        """Raises ForgeNotFound."""
        return self.file(project, path, ref).content

    def file(self, project: str, path: str, ref: str) -> File:
        """Raises ForgeNotFound."""
        url = f"/projects/{_id(project)}/repository/files/{_id(path)}"
        answer = self._get(url, f"read {path} of {project}", ref=ref)
        return File(base64.b64decode(answer["content"]), answer["last_commit_id"])

    def commit(
        self,
        project: str,
        *,
        branch: str,
        message: str,
        changes: Iterable[Change],
        start_branch: str | None = None,
        author: tuple[str, str] | None = None,
    ) -> Commit:
        """One commit of all the changes, or none; `start_branch` makes the branch first."""
        data: dict[str, Any] = {
            "branch": branch,
            "commit_message": message,
            "actions": [action for change in changes for action in _actions(change)],
        }
        if start_branch:
            data["start_branch"] = start_branch
        if author:
            data["author_name"], data["author_email"] = author
        url = f"/projects/{_id(project)}/repository/commits"
        return Commit.of(self._post(url, f"commit to {project}", data))

    # -- merge requests -------------------------------------------------------------------------
    def merge_request(self, project: str, iid: int) -> MergeRequest:
        url = f"/projects/{_id(project)}/merge_requests/{iid}"
        return MergeRequest.of(self._get(url, f"find the merge request !{iid} of {project}"))

    def open_merge_request(self, project: str, source_branch: str) -> MergeRequest | None:
        """The open merge request from that branch, if there is one."""
        rows = self._list(
            f"/projects/{_id(project)}/merge_requests",
            f"list the merge requests of {project}",
            source_branch=source_branch,
            state="opened",
        )
        return next(map(MergeRequest.of, rows), None)

    def latest_merge_request(self, project: str, source_branch: str) -> MergeRequest | None:
        """The newest merge request from that branch, whatever became of it."""
        rows = self._list(
            f"/projects/{_id(project)}/merge_requests",
            f"list the merge requests of {project}",
            source_branch=source_branch,
            state="all",
            order_by="created_at",
            sort="desc",
        )
        return next(map(MergeRequest.of, rows), None)

    def ensure_merge_request(
        self, project: str, *, source_branch: str, target_branch: str, title: str, **fields: Any
    ) -> MergeRequest:
        """The open merge request from that branch, made if there is none; safe to repeat."""
        if found := self.open_merge_request(project, source_branch):
            return found
        data = {
            "source_branch": source_branch,
            "target_branch": target_branch,
            "title": title,
        } | fields
        url = f"/projects/{_id(project)}/merge_requests"
        try:
            answer = self._post(url, f"open a merge request in {project}", data)
        except ForgeConflict:
            if found := self.open_merge_request(project, source_branch):
                return found
            raise
        return MergeRequest.of(answer)

    def group_merge_requests(
        self, group: str, *, labels: str, updated_after: datetime | None = None
    ) -> Iterator[tuple[int, MergeRequest]]:
        """Project id and merge request, for everything below the group with all the labels.

        One listing follows thousands of merge requests: 100 a call, and only what changed since.
        """
        query: dict[str, Any] = {"labels": labels, "state": "all", "scope": "all"}
        if updated_after:
            query["updated_after"] = updated_after.astimezone(UTC).isoformat()
        url = f"/groups/{_id(group)}/merge_requests"
        rows = self._list(url, f"list the merge requests of {group}", **query)
        return ((row["project_id"], MergeRequest.of(row)) for row in rows)

    def merge(self, project: str, iid: int, *, sha: str = "") -> MergeRequest:
        """With `sha`, only while that is what would be merged."""
        url = f"/projects/{_id(project)}/merge_requests/{iid}/merge"
        data = {"sha": sha} if sha else {}
        return MergeRequest.of(self._put(url, f"merge !{iid} of {project}", data))

    def close_merge_request(self, project: str, iid: int, reason: str) -> MergeRequest:
        """Closes it with a comment that says why; nothing when it is closed or merged already."""
        found = self.merge_request(project, iid)
        if found.state != "opened":
            return found
        url = f"/projects/{_id(project)}/merge_requests/{iid}"
        self._post(f"{url}/notes", f"comment on !{iid} of {project}", {"body": reason})
        answer = self._put(url, f"close !{iid} of {project}", {"state_event": "close"})
        return MergeRequest.of(answer)

    def reopen_merge_request(self, project: str, iid: int) -> MergeRequest:
        url = f"/projects/{_id(project)}/merge_requests/{iid}"
        data = {"state_event": "reopen"}
        return MergeRequest.of(self._put(url, f"reopen !{iid} of {project}", data))

    def pipeline_status(self, project: str, ref: str) -> str:
        """What the newest pipeline of a branch came to; empty where there is none."""
        rows = self._list(
            f"/projects/{_id(project)}/pipelines",
            f"list the pipelines of {project}",
            ref=ref,
            per_page=1,
        )
        return next((str(row["status"]) for row in rows), "")

    # -- hooks ----------------------------------------------------------------------------------
    def ensure_group_hook(self, group: str, *, url: str, signing_token: str) -> None:
        """One hook at `url` for pushes, merge requests and pipelines below the group.

        A GitLab that does not sign yet ignores the signing token and says so; there the hook gets
        a token made from it, which proves less but does not give the signing token away.
        """
        base = f"/groups/{_id(group)}/hooks"
        data: dict[str, Any] = {
            "url": url,
            "push_events": True,
            "merge_requests_events": True,
            "pipeline_events": True,
            "enable_ssl_verification": True,
            "signing_token": signing_token,
        }
        for hook in self._list(base, f"list the hooks of {group}"):
            if hook["url"] == url:
                made = self._put(f"{base}/{hook['id']}", f"update the hook of {group}", data)
                break
        else:
            made = self._post(base, f"add a hook to {group}", data)
        if not made.get("signing_token_present"):
            data = {"url": url, "token": plain_token(signing_token)}
            self._put(f"{base}/{made['id']}", f"update the hook of {group}", data)


def _id(value: str | int) -> str:
    """A path as one segment of a URL."""
    return quote(str(value), safe="")


def _actions(change: Change) -> Iterator[dict[str, Any]]:
    """GitLab's actions for one file: the mode needs an action of its own."""
    action: dict[str, Any] = {"action": change.action, "file_path": change.path}
    if change.content is not None:
        action["encoding"] = "base64"
        action["content"] = base64.b64encode(change.content).decode()
    if change.last_commit:
        action["last_commit_id"] = change.last_commit
    yield action
    if change.executable:
        yield {"action": "chmod", "file_path": change.path, "execute_filemode": True}
