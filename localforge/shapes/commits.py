"""Commits, diffs, branches and tags as JSON."""

from typing import Any

import pygit2

from localforge import clock
from localforge.context import Context
from localforge.git.diffs import FileDiff
from localforge.git.repository import Repo
from localforge.store.database import Row

Json = dict[str, Any]


def _person(who: pygit2.Signature, role: str) -> Json:
    return {
        f"{role}_name": who.raw_name.decode("utf-8", "replace"),
        f"{role}_email": who.raw_email.decode("utf-8", "replace"),
        "author_date" if role == "author" else "committed_date": clock.commit_time(
            who.time, who.offset
        ),
    }


def commit(ctx: Context, project: Row, found: pygit2.Commit) -> Json:
    """A commit in a listing."""
    message = found.raw_message.decode("utf-8", "replace")
    author, committer = _person(found.author, "author"), _person(found.committer, "committer")
    sha = str(found.id)
    return {
        "id": sha,
        "short_id": sha[:8],
        "created_at": committer["committed_date"],
        "parent_ids": [str(parent) for parent in found.parent_ids],
        "title": message.split("\n", 1)[0].strip(),
        "message": message,
        "author_name": author["author_name"],
        "author_email": author["author_email"],
        "authored_date": author["author_date"],
        **committer,
        "trailers": {},
        "extended_trailers": {},
        "web_url": f"{ctx.base}/{project['full_path']}/-/commit/{sha}",
    }


def hook_commit(ctx: Context, project: Row, found: pygit2.Commit) -> Json:
    """A commit as webhooks tell of it."""
    shape = commit(ctx, project, found)
    return {
        "id": shape["id"],
        "message": shape["message"],
        "title": shape["title"],
        "timestamp": shape["created_at"],
        "url": shape["web_url"],
        "author": {"name": shape["author_name"], "email": shape["author_email"]},
    }


def diff(found: FileDiff) -> Json:
    """One file of a diff."""
    return {
        "diff": found.diff,
        "collapsed": False,
        "too_large": found.too_large,
        "new_path": found.new_path,
        "old_path": found.old_path,
        "a_mode": f"{found.old_mode:o}" if found.old_mode else "0",
        "b_mode": f"{found.new_mode:o}" if found.new_mode else "0",
        "new_file": found.added,
        "renamed_file": found.renamed,
        "deleted_file": found.deleted,
        "generated_file": None,
    }


def branch(ctx: Context, project: Row, repo: Repo, name: str, sha: str, rule: Row | None) -> Json:
    """A branch; the rule is the protection that covers it."""
    level = ctx.project_level(project)
    return {
        "name": name,
        "commit": commit(ctx, project, repo.commit(sha)),
        "merged": _merged(repo, project, name, sha),
        "protected": rule is not None,
        "developers_can_push": _developers(rule, "push_access_levels"),
        "developers_can_merge": _developers(rule, "merge_access_levels"),
        "can_push": level >= (40 if rule else 30),
        "default": name == project["default_branch"],
        "web_url": f"{ctx.base}/{project['full_path']}/-/tree/{name}",
    }


def _developers(rule: Row | None, key: str) -> bool:
    levels = rule["data"].get(key, []) if rule else []
    return any(0 < entry["access_level"] <= 30 for entry in levels)


def _merged(repo: Repo, project: Row, name: str, sha: str) -> bool:
    main = repo.branch(project["default_branch"])
    return name != project["default_branch"] and bool(main) and repo.is_ancestor(sha, str(main))
