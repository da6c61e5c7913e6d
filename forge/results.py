"""What the forge answers, as frozen values: nothing of python-gitlab leaves this package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Project:
    """A repository. `default_branch` is empty while the repository is."""

    id: int
    path: str
    name: str
    web_url: str
    default_branch: str
    visibility: str
    archived: bool
    topics: tuple[str, ...]
    empty: bool
    created_at: datetime
    last_activity_at: datetime

    @classmethod
    def of(cls, data: dict[str, Any]) -> Project:
        return cls(
            id=data["id"],
            path=data["path_with_namespace"],
            name=data["name"],
            web_url=data["web_url"],
            default_branch=data.get("default_branch") or "",
            visibility=data.get("visibility", "private"),
            archived=data.get("archived", False),
            topics=tuple(data.get("topics") or ()),
            empty=data.get("empty_repo", False),
            created_at=datetime.fromisoformat(data["created_at"]),
            last_activity_at=datetime.fromisoformat(
                data.get("last_activity_at") or data["created_at"]
            ),
        )


@dataclass(frozen=True, slots=True)
class Group:
    path: str
    name: str
    description: str
    visibility: str
    avatar_url: str

    @classmethod
    def of(cls, data: dict[str, Any]) -> Group:
        return cls(
            path=data["full_path"],
            name=data["name"],
            description=data.get("description") or "",
            visibility=data.get("visibility") or "private",
            avatar_url=data.get("avatar_url") or "",
        )


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a group. `email` is empty where the forge does not tell it to the token."""

    id: int
    username: str
    name: str
    state: str
    email: str
    web_url: str
    avatar_url: str

    @classmethod
    def of(cls, data: dict[str, Any]) -> Member:
        return cls(
            id=data["id"],
            username=data["username"],
            name=data.get("name") or data["username"],
            state=data.get("state") or "active",
            email=data.get("email") or data.get("public_email") or "",
            web_url=data.get("web_url") or "",
            avatar_url=data.get("avatar_url") or "",
        )


@dataclass(frozen=True, slots=True)
class Commit:
    id: str
    title: str
    message: str
    author: str

    @classmethod
    def of(cls, data: dict[str, Any]) -> Commit:
        return cls(data["id"], data["title"], data["message"], data["author_name"])


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """`state` is opened, closed, locked or merged; `pipeline` is empty in listings."""

    iid: int
    title: str
    state: str
    web_url: str
    source_branch: str
    target_branch: str
    sha: str
    pipeline: str = ""
    has_conflicts: bool = False

    @classmethod
    def of(cls, data: dict[str, Any]) -> MergeRequest:
        return cls(
            iid=data["iid"],
            title=data["title"],
            state=data["state"],
            web_url=data["web_url"],
            source_branch=data["source_branch"],
            target_branch=data["target_branch"],
            sha=data.get("sha") or "",
            pipeline=(data.get("head_pipeline") or {}).get("status") or "",
            has_conflicts=bool(data.get("has_conflicts")),
        )


@dataclass(frozen=True, slots=True)
class Budget:
    """What the forge said of its rate limit in its last answer; None where it said nothing.

    `reset` is in seconds since the epoch, `retry_after` in seconds from that answer.
    """

    limit: int | None = None
    remaining: int | None = None
    reset: int | None = None
    retry_after: float | None = None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Budget:
        return cls(
            limit=_whole(headers.get("RateLimit-Limit")),
            remaining=_whole(headers.get("RateLimit-Remaining")),
            reset=_whole(headers.get("RateLimit-Reset")),
            retry_after=_whole(headers.get("Retry-After")),
        )


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


@dataclass(frozen=True, slots=True)
class File:
    """What a file says, and the last commit that changed it."""

    content: bytes
    last_commit: str


@dataclass(frozen=True, slots=True)
class Change:
    """One file of a commit. `content` is None for a deletion.

    With `last_commit` the forge refuses to change a file that another commit changed since.
    """

    action: Literal["create", "update", "delete"]
    path: str
    content: bytes | None = None
    executable: bool = False
    last_commit: str = ""
