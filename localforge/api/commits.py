"""Commits: listed, read, made, picked and reverted."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pygit2

from localforge import clock
from localforge.api.repository import decode
from localforge.call import Call
from localforge.errors import ApiError, bad_request, message, not_found, param_error
from localforge.git import blame, diffs, merging
from localforge.git.actions import Action
from localforge.git.errors import Conflict, GitError
from localforge.git.repository import Repo
from localforge.paging import offset_headers, page_items, per_page
from localforge.params import truth
from localforge.reply import Reply, created
from localforge.routing import get, post
from localforge.shapes import commits as shapes
from localforge.shapes import merge_requests as merge_request_shapes
from localforge.store.database import Row
from localforge.verbs import commits, people, protection, pushes


def list_commits(call: Call) -> Reply:
    """GET /projects/:id/repository/commits"""
    project = call.project()
    repo = call.repo(project)
    if project["empty"]:
        return page_items(call, [])
    size, page = per_page(call), max(call.params.integer("page", 1), 1)
    start = (page - 1) * size
    found = list(islice(_history(call, project, repo), start, start + size + 1))
    headers = offset_headers(call, page, size, None, len(found) > size)
    return Reply([_shape(call, project, repo, c) for c in found[:size]], headers=headers)


def _shape(call: Call, project: Row, repo: Repo, commit: pygit2.Commit) -> dict[str, Any]:
    shape = shapes.commit(call, project, commit)
    return (
        {**shape, "stats": diffs.stats(repo, commit)} if call.params.flag("with_stats") else shape
    )


def _history(call: Call, project: Row, repo: Repo) -> Iterator[pygit2.Commit]:
    params = call.params
    if params.flag("all"):
        tips = list(dict.fromkeys(repo.branches().values()))
        walker = repo.git.walk(None)
        for tip in tips:
            walker.push(tip)
        source: Iterator[pygit2.Commit] = iter(walker)
    else:
        source = _from_ref(call, project, repo)
    since, until = params.moment("since"), params.moment("until")
    author, path = params.text("author").lower(), params.text("path")
    for commit in source:
        committed = clock.stamp(datetime.fromtimestamp(commit.commit_time, UTC))
        if (since and committed < since) or (until and committed > until):
            continue
        if author and author not in f"{commit.author.name} <{commit.author.email}>".lower():
            continue
        if path and not blame.touches(commit, path):
            continue
        yield commit


def _from_ref(call: Call, project: Row, repo: Repo) -> Iterator[pygit2.Commit]:
    name = call.params.text("ref_name") or project["default_branch"]
    hidden = None
    for mark in ("...", ".."):
        if mark in name:
            start, name = name.split(mark, 1)
            hidden = repo.resolve(start)
            break
    sha = repo.resolve(name)
    if sha is None:
        raise not_found("Commit")
    if call.params.flag("first_parent"):
        return _first_parents(repo, sha)
    return repo.walk(sha, [hidden] if hidden else None)


def _first_parents(repo: Repo, sha: str) -> Iterator[pygit2.Commit]:
    commit: pygit2.Commit | None = repo.commit(sha)
    while commit is not None:
        yield commit
        commit = commit.parents[0] if commit.parents else None


def the_commit(call: Call, project: Row, repo: Repo) -> pygit2.Commit:
    """The commit that the path names."""
    sha = repo.resolve(call.values["sha"])
    if sha is None:
        raise not_found("Commit")
    return repo.commit(sha)


def _detail(call: Call, project: Row, repo: Repo, commit: pygit2.Commit) -> dict[str, Any]:
    pipeline = call.db.one(
        "SELECT * FROM pipelines WHERE project_id = ? AND sha = ? ORDER BY id DESC",
        project["id"],
        str(commit.id),
    )
    shape = {
        **shapes.commit(call, project, commit),
        "status": pipeline["status"] if pipeline else None,
        "project_id": project["id"],
        "last_pipeline": pipeline
        and {k: pipeline[k] for k in ("id", "iid", "sha", "ref", "status", "source")},
    }
    return (
        {**shape, "stats": diffs.stats(repo, commit)} if call.params.flag("stats", True) else shape
    )


def get_commit(call: Call) -> dict[str, Any]:
    """GET /projects/:id/repository/commits/:sha"""
    project = call.project()
    repo = call.repo(project)
    return _detail(call, project, repo, the_commit(call, project, repo))


def commit_diff(call: Call) -> Reply:
    """GET /projects/:id/repository/commits/:sha/diff"""
    project = call.project()
    repo = call.repo(project)
    commit = the_commit(call, project, repo)
    parent = str(commit.parent_ids[0]) if commit.parent_ids else None
    return page_items(call, diffs.file_diffs(repo, parent, str(commit.id)), shapes.diff)


def commit_refs(call: Call) -> Reply:
    """GET /projects/:id/repository/commits/:sha/refs"""
    project = call.project()
    repo, kind = call.repo(project), call.params.text("type", "all")
    sha = str(the_commit(call, project, repo).id)
    found = []
    for name, prefix in (("branch", "refs/heads/"), ("tag", "refs/tags/")):
        if kind in ("all", name):
            for short in repo.refs(prefix):
                tip = repo.resolve(prefix + short)
                if tip and repo.is_ancestor(sha, tip):
                    found.append({"type": name, "name": short})
    return page_items(call, found)


def commit_merge_requests(call: Call) -> Reply:
    """GET /projects/:id/repository/commits/:sha/merge_requests"""
    project = call.project()
    repo = call.repo(project)
    sha = str(the_commit(call, project, repo).id)
    rows = call.db.all("SELECT * FROM merge_requests WHERE project_id = ?", project["id"])
    found = [
        row
        for row in rows
        if sha == row["merge_commit_sha"]
        or (repo.is_ancestor(sha, row["sha"]) and not repo.is_ancestor(sha, row["base_sha"]))
    ]
    return page_items(call, found, lambda row: merge_request_shapes.listed(call, project, row))


def commit_signature(call: Call) -> None:
    """GET /projects/:id/repository/commits/:sha/signature: nothing is signed"""
    project = call.project()
    the_commit(call, project, call.repo(project))
    raise not_found("Signature")


def commit_sequence(call: Call) -> dict[str, Any]:
    """GET /projects/:id/repository/commits/:sha/sequence"""
    project = call.project()
    repo = call.repo(project)
    commit = the_commit(call, project, repo)
    return {"count": sum(1 for _ in repo.walk(str(commit.id)))}


def _action(sent: Any) -> Action:
    if not isinstance(sent, dict) or not sent.get("action"):
        raise param_error("actions[0][action] is missing")
    if not sent.get("file_path"):
        raise param_error("actions[0][file_path] is missing")
    kind = str(sent["action"])
    content = None
    if kind in ("create", "update") or sent.get("content") is not None:
        content = decode(sent.get("content"), str(sent.get("encoding") or "text"))
    executable = sent.get("execute_filemode")
    return Action(
        kind, str(sent["file_path"]), content,
        str(sent["previous_path"]) if sent.get("previous_path") else None,
        str(sent["last_commit_id"]) if sent.get("last_commit_id") else None,
        None if executable is None else truth(executable),
    )  # fmt: skip


def create_commit(call: Call) -> Reply:
    """POST /projects/:id/repository/commits"""
    project, params = call.writable(), call.params
    branch, text = params.need("branch"), params.need("commit_message")
    sent = params.get("actions")
    if isinstance(sent, dict):
        sent = list(sent.values())
    if not isinstance(sent, list):
        raise param_error("actions is missing")
    if params.get("start_branch") and params.get("start_sha"):
        raise param_error("start_branch, start_sha are mutually exclusive")
    wanted = commits.Wanted(
        branch, text, [_action(item) for item in sent],
        params.text("start_sha") or params.text("start_branch") or None,
        start_is_sha=bool(params.get("start_sha")), force=params.flag("force"),
        author_name=params.text("author_name"), author_email=params.text("author_email"),
    )  # fmt: skip
    sha = commits.commit(call, project, wanted)
    repo = call.repo(project)
    return created(_detail(call, project, repo, repo.commit(sha)))


def cherry_pick(call: Call) -> Reply:
    """POST /projects/:id/repository/commits/:sha/cherry_pick"""
    return _onto_branch(call, "cherry-pick")


def revert(call: Call) -> Reply:
    """POST /projects/:id/repository/commits/:sha/revert"""
    return _onto_branch(call, "revert")


def _onto_branch(call: Call, verb: str) -> Reply:
    project = call.writable()
    repo, branch = call.repo(project), call.params.need("branch")
    commit = the_commit(call, project, repo)
    tip = repo.branch(branch)
    if tip is None:
        raise bad_request(
            "Branch does not exist" if verb == "revert" else f"Cannot find branch {branch}"
        )
    protection.need_push(call, project, branch)
    who, sha = people.signature(call.need_user()), str(commit.id)
    text = commit.message
    try:
        if verb == "revert":
            new = merging.revert(
                repo, tip, sha, f'Revert "{text}"\n\nThis reverts commit {sha}', who
            )
        else:
            picked = call.params.text("message") or f"{text}\n\n(cherry picked from commit {sha})"
            new = merging.cherry_pick(repo, tip, sha, picked, who)
    except Conflict:
        raise _refused(verb, "conflict") from None
    except GitError:
        raise _refused(verb, "empty") from None
    if call.params.flag("dry_run"):
        return Reply({"dry_run": "success"})
    pushes.move(call, project, [pushes.Update(pushes.HEADS + branch, tip, new)])
    return created(shapes.commit(call, project, repo.commit(new)))


def _refused(verb: str, code: str) -> ApiError:
    text = (
        f"Sorry, we cannot {verb} this commit automatically. This commit may already have been "
        f"{verb}ed, or a more recent commit may have updated some of its content."
    )
    return ApiError(400, {**message(400, text).body, "error_code": code})


_COMMITS = "/projects/:id/repository/commits"
ROUTES = [
    get(_COMMITS, list_commits),
    post(_COMMITS, create_commit),
    get(f"{_COMMITS}/*sha", get_commit),
    get(f"{_COMMITS}/*sha/diff", commit_diff),
    get(f"{_COMMITS}/*sha/refs", commit_refs),
    get(f"{_COMMITS}/*sha/merge_requests", commit_merge_requests),
    get(f"{_COMMITS}/*sha/signature", commit_signature),
    get(f"{_COMMITS}/*sha/sequence", commit_sequence),
    post(f"{_COMMITS}/*sha/cherry_pick", cherry_pick),
    post(f"{_COMMITS}/*sha/revert", revert),
]
