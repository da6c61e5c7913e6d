"""Who may see and do what: GitLab's access levels, inherited down the groups and through shares."""

import json
import re
from typing import Any

from localforge import clock
from localforge.store.database import Db, Query, Row

NONE, GUEST, REPORTER, DEVELOPER, MAINTAINER, OWNER = 0, 10, 20, 30, 40, 50
LEVELS = (GUEST, 15, REPORTER, 25, DEVELOPER, MAINTAINER, OWNER)
VISIBILITIES = ("private", "internal", "public")

# `up` is all groups above one, itself included.
_GROUP_LEVEL = """
WITH RECURSIVE up(id) AS (
    SELECT ?1 UNION
    SELECT n.parent_id FROM namespaces n JOIN up ON n.id = up.id WHERE n.parent_id IS NOT NULL
)
SELECT max(level) AS level FROM (
    SELECT m.access_level AS level FROM members m
    WHERE m.user_id = ?2 AND m.kind = 'group' AND m.source_id IN up
      AND (m.expires_at IS NULL OR m.expires_at > ?3)
    UNION ALL
    SELECT min(m.access_level, s.access_level) FROM shares s
    JOIN members m ON m.kind = 'group' AND m.source_id = s.group_id AND m.user_id = ?2
    WHERE s.kind = 'group' AND s.source_id IN up
    UNION ALL
    SELECT 50 FROM namespaces n WHERE n.id IN up AND n.kind = 'user' AND n.owner_id = ?2
)
"""
_PROJECT_LEVEL = """
SELECT max(level) AS level FROM (
    SELECT m.access_level AS level FROM members m
    WHERE m.user_id = ?2 AND m.kind = 'project' AND m.source_id = ?1
      AND (m.expires_at IS NULL OR m.expires_at > ?3)
    UNION ALL
    SELECT min(m.access_level, s.access_level) FROM shares s
    JOIN members m ON m.kind = 'group' AND m.source_id = s.group_id AND m.user_id = ?2
    WHERE s.kind = 'project' AND s.source_id = ?1
)
"""
# All groups in which somebody has at least a level, with everything below them.
MINE = """
WITH RECURSIVE mine(id) AS (
    SELECT m.source_id FROM members m
    WHERE m.kind = 'group' AND m.user_id = ? AND m.access_level >= ?
    UNION
    SELECT s.source_id FROM shares s
    JOIN members m ON m.kind = 'group' AND m.source_id = s.group_id
    WHERE s.kind = 'group' AND m.user_id = ? AND min(m.access_level, s.access_level) >= ?
    UNION
    SELECT n.id FROM namespaces n WHERE n.kind = 'user' AND n.owner_id = ?
    UNION
    SELECT n.id FROM namespaces n JOIN mine ON n.parent_id = mine.id
)
"""
_MEMBER_OF_PROJECT = """
p.namespace_id IN mine
OR p.id IN (SELECT source_id FROM members
            WHERE kind = 'project' AND user_id = ? AND access_level >= ?)
OR p.id IN (SELECT s.source_id FROM shares s
            JOIN members m ON m.kind = 'group' AND m.source_id = s.group_id
            WHERE s.kind = 'project' AND m.user_id = ? AND min(m.access_level, s.access_level) >= ?)
"""


def is_admin(user: Row | None) -> bool:
    """Whether somebody administers the whole forge."""
    return bool(user and user["admin"])


def group_level(db: Db, user: Row | None, group_id: int) -> int:
    """Somebody's level in a group (or in a user's own namespace)."""
    if user is None:
        return NONE
    if user["admin"]:
        return OWNER
    return db.value(_GROUP_LEVEL, group_id, user["id"], clock.today()) or NONE


def project_level(db: Db, user: Row | None, project: Row) -> int:
    """Somebody's level in a project, the group's included."""
    if user is None:
        return NONE
    if user["admin"]:
        return OWNER
    own = db.value(_PROJECT_LEVEL, project["id"], user["id"], clock.today()) or NONE
    return max(own, group_level(db, user, project["namespace_id"]))


def _open_to(user: Row | None, visibility: str) -> bool:
    return visibility == "public" or (visibility == "internal" and user is not None)


def can_see_project(db: Db, user: Row | None, project: Row) -> bool:
    """Whether a project exists for somebody."""
    return _open_to(user, project["visibility"]) or project_level(db, user, project) > NONE


def can_read_code(db: Db, user: Row | None, project: Row) -> bool:
    """Whether somebody may see files, commits and merge requests: guests of a private project see
    that it exists, and its issues."""
    if _open_to(user, project["visibility"]):
        return True
    return project_level(db, user, project) >= REPORTER


def can_see_group(db: Db, user: Row | None, group: Row) -> bool:
    """Whether a group exists for somebody: also if they may see a project in it."""
    if _open_to(user, group["visibility"]) or group_level(db, user, group["id"]) > NONE:
        return True
    return visible_groups(user).where("n.id = ?", group["id"]).count(db) > 0


def mine(query: Query, user: Row, level: int = GUEST) -> Query:
    """Lets a query speak of `mine`, the groups in which somebody has a level."""
    query.prefix = MINE
    query.prefix_args = [user["id"], level, user["id"], level, user["id"]]
    return query


def member_projects(query: Query, user: Row, level: int = GUEST) -> Query:
    """Only the projects of which somebody is a member, directly or by a group."""
    mine(query, user, level)
    return query.where(_MEMBER_OF_PROJECT, user["id"], level, user["id"], level)


def only_visible_projects(query: Query, user: Row | None, level: int = GUEST) -> Query:
    """Only the projects (`p`) that exist for somebody, or of which they are more than a guest."""
    if user is None:
        return query.where("p.visibility = 'public'")
    if user["admin"]:
        return query
    mine(query, user, level)
    clause = f"p.visibility IN ('public', 'internal') OR {_MEMBER_OF_PROJECT}"
    return query.where(clause, user["id"], level, user["id"], level)


def visible_groups(user: Row | None) -> Query:
    """The groups that exist for somebody."""
    query = Query("namespaces n", "n.*").where("n.kind = 'group'")
    if user is None:
        return query.where("n.visibility = 'public'")
    if user["admin"]:
        return query
    mine(query, user)
    return query.where(
        "n.visibility IN ('public', 'internal') OR n.id IN mine "
        "OR n.id IN (SELECT p.namespace_id FROM projects p JOIN members m "
        "ON m.kind = 'project' AND m.source_id = p.id WHERE m.user_id = ?)",
        user["id"],
    )


def scopes(token: Row) -> list[str]:
    """What a token may be used for."""
    found: list[str] = json.loads(token["scopes"])
    return found


# What a token may read by a scope that is narrower than `read_api`.
_READABLE = {
    "": re.compile(r"/api/v4/personal_access_tokens/self"),
    "read_user": re.compile(r"/api/v4/(user|users|users/[^/]+)"),
    "read_repository": re.compile(r"/api/v4/projects/[^/]+/repository/files/.+"),
}


def token_allows(token: Row, method: str, path: str) -> bool:
    """Whether a token's scopes cover an API call."""
    given = set(scopes(token))
    if "api" in given or method not in ("GET", "HEAD"):
        return "api" in given
    return "read_api" in given or any(
        scope in given | {""} and one.fullmatch(path) for scope, one in _READABLE.items()
    )


def token_allows_git(token: Row, service: str) -> bool:
    """Whether a token's scopes cover Git over HTTP."""
    given = set(scopes(token))
    allowed = {"api", "write_repository"}
    if service == "git-upload-pack":
        allowed |= {"read_repository"}
    return bool(given & allowed)


def level_name(level: Any) -> str:
    """An access level in words."""
    names = {0: "No one", 10: "Guest", 15: "Planner", 20: "Reporter", 30: "Developers",
             40: "Maintainers", 50: "Owners", 60: "Administrators"}  # fmt: skip
    return names.get(int(level), str(level))
