"""Protected branches and tags: which rule covers a name, and what it lets a level do."""

from fnmatch import fnmatchcase
from typing import Any

from localforge import access
from localforge.context import Context
from localforge.errors import forbidden
from localforge.store import records
from localforge.store.database import Row


def rule_for(ctx: Context, project: Row, name: str, kind: str = "protected_branch") -> Row | None:
    """The rule that covers a branch or tag: the project's own, else one of a group above it."""
    own = _best(records.every(ctx.db, kind, ("project", project["id"])), name)
    return own or group_rule_for(ctx, project, name, kind)


def group_rule_for(ctx: Context, project: Row, name: str, kind: str) -> Row | None:
    """The rule of a group above a project that covers a name."""
    return _best(inherited(ctx, project, kind), name)


def inherited(ctx: Context, project: Row, kind: str) -> list[Row]:
    """The rules that all projects below some group of a project's have to keep."""
    found = records.of_groups_above(ctx.db, kind, project["namespace_id"])
    for rule in found:
        rule["data"]["inherited"] = True
    return found


def _best(rules: list[Row], name: str) -> Row | None:
    found = [rule for rule in rules if fnmatchcase(name, rule["key"])]
    return next((rule for rule in found if rule["key"] == name), found[0] if found else None)


def levels(level: int) -> list[dict[str, Any]]:
    """A list with one access level, as rules hold it."""
    return [
        {
            "id": level or 1,
            "access_level": level,
            "access_level_description": access.level_name(level),
            "user_id": None,
            "group_id": None,
        }
    ]


def new_rule(push: int = access.MAINTAINER, merge: int = access.MAINTAINER) -> dict[str, Any]:
    """What a rule holds unless somebody says otherwise."""
    return {
        "push_access_levels": levels(push),
        "merge_access_levels": levels(merge),
        "unprotect_access_levels": [],
        "allow_force_push": False,
        "code_owner_approval_required": False,
        "inherited": False,
    }


def _allowed(ctx: Context, project: Row, branch: str, key: str) -> bool:
    """The project's own rule and that of its groups both have to allow it."""
    level = ctx.project_level(project)
    own = rule_for(ctx, project, branch)
    if own is None:
        return level >= access.DEVELOPER
    if ctx.admin:
        return True
    above = None if own["scope"] == "group" else group_rule_for(ctx, project, branch, own["kind"])
    return all(_rule_allows(ctx, level, rule, key) for rule in (own, above) if rule)


def _rule_allows(ctx: Context, level: int, rule: Row, key: str) -> bool:
    return any(_entry_allows(ctx, level, entry) for entry in rule["data"].get(key, []))


def _entry_allows(ctx: Context, level: int, entry: dict[str, Any]) -> bool:
    if entry.get("user_id"):
        return ctx.user is not None and entry["user_id"] == ctx.user["id"]
    return bool(entry["access_level"]) and level >= entry["access_level"]


def can_push(ctx: Context, project: Row, branch: str) -> bool:
    """Whether whoever is acting may push to a branch."""
    return _allowed(ctx, project, branch, "push_access_levels")


def can_merge(ctx: Context, project: Row, branch: str) -> bool:
    """Whether whoever is acting may merge into a branch."""
    may_merge = _allowed(ctx, project, branch, "merge_access_levels")
    return may_merge or can_push(ctx, project, branch)


def need_push(ctx: Context, project: Row, branch: str) -> None:
    """403 unless whoever is acting may push to a branch."""
    if not can_push(ctx, project, branch):
        raise forbidden("You are not allowed to push into this branch")


def protect_default(ctx: Context, project: Row) -> None:
    """A default branch is protected from its first commit on."""
    scope = ("project", project["id"])
    if records.find(ctx.db, "protected_branch", scope, project["default_branch"]) is None:
        records.add(ctx.db, "protected_branch", scope, new_rule(), project["default_branch"])
