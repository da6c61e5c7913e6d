"""Who wrote what, and which commit touched a file last."""

import pygit2

from localforge.git.errors import GitError
from localforge.git.repository import Repo


def last_commit(repo: Repo, sha: str, path: str) -> str:
    """The last commit, from a tip backwards, that changed a path."""
    for commit in repo.walk(sha):
        if touches(commit, path):
            return str(commit.id)
    raise GitError(f"{path} has no history")


def history(repo: Repo, sha: str, path: str) -> list[pygit2.Commit]:
    """All commits that changed a path, newest first."""
    return [commit for commit in repo.walk(sha) if touches(commit, path)]


def touches(commit: pygit2.Commit, path: str) -> bool:
    """Whether a commit changed a path against all of its parents."""
    here = _oid(commit, path)
    return all(_oid(parent, path) != here for parent in commit.parents) and (
        here is not None or bool(commit.parents)
    )


def _oid(commit: pygit2.Commit, path: str) -> tuple[str, int] | None:
    try:
        entry = commit.tree[path]
    except (KeyError, ValueError):
        return None
    return str(entry.id), int(entry.filemode)


def blame(repo: Repo, sha: str, path: str) -> list[tuple[pygit2.Commit, list[str]]]:
    """The lines of a file in runs of the commit that wrote them."""
    content = (repo.file(sha, path) or b"").decode("utf-8", "replace").splitlines()
    parts = []
    for hunk in repo.git.blame(path, newest_commit=sha):
        start = hunk.final_start_line_number - 1
        commit = repo.commit(str(hunk.final_commit_id))
        parts.append((commit, content[start : start + hunk.lines_in_hunk]))
    return parts
