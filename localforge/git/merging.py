"""Merges without a work tree: merge commits, squash, rebase, cherry-pick and revert."""

import pygit2

from localforge.git.errors import Conflict, GitError
from localforge.git.objects import Signature
from localforge.git.repository import Repo


def _tree_of(repo: Repo, index: pygit2.Index) -> str:
    if index.conflicts is not None:
        sides = [next(side for side in triple if side is not None) for triple in index.conflicts]
        raise Conflict(sorted({side.path for side in sides}))
    return str(index.write_tree(repo.git))


def merged_tree(repo: Repo, ours: str, theirs: str) -> str:
    """The tree of both sides together, or Conflict."""
    return _tree_of(repo, repo.git.merge_commits(ours, theirs))


def can_merge(repo: Repo, ours: str, theirs: str) -> bool:
    """Whether two commits go together without a conflict."""
    try:
        merged_tree(repo, ours, theirs)
    except (Conflict, pygit2.GitError):
        return False
    return True


def merge_commit(repo: Repo, ours: str, theirs: str, message: str, who: Signature) -> str:
    """A merge commit of both sides; no ref is moved."""
    sink = repo.sink()
    sha = sink.commit(merged_tree(repo, ours, theirs), [ours, theirs], who, who, message)
    sink.flush()
    return sha


def squash_commit(
    repo: Repo, ours: str, theirs: str, message: str, author: Signature, who: Signature
) -> str:
    """All of a branch as one commit on top of ours."""
    sink = repo.sink()
    sha = sink.commit(merged_tree(repo, ours, theirs), [ours], author, who, message)
    sink.flush()
    return sha


def _signature(found: pygit2.Signature) -> Signature:
    return Signature(
        found.raw_name.decode("utf-8", "replace"), found.email, found.time, found.offset
    )


def apply_change(
    repo: Repo,
    onto: str,
    base: str | None,
    changed: str,
    message: str,
    sides: tuple[Signature, Signature],
) -> str:
    """Puts the change from base to changed on top of a commit; an empty result is an error."""
    ours = repo.commit(onto)
    ancestor = repo.commit(base).tree if base else _empty_tree(repo)
    theirs = repo.commit(changed).tree
    tree = _tree_of(repo, repo.git.merge_trees(ancestor, ours.tree, theirs))
    if tree == str(ours.tree_id):
        raise GitError("nothing to commit: the change is there already")
    sink = repo.sink()
    sha = sink.commit(tree, [onto], sides[0], sides[1], message)
    sink.flush()
    return sha


def _empty_tree(repo: Repo) -> str:
    sink = repo.sink()
    oid = sink.tree([])
    sink.flush()
    return oid


def _parent(commit: pygit2.Commit) -> str | None:
    return str(commit.parent_ids[0]) if commit.parent_ids else None


def cherry_pick(repo: Repo, onto: str, sha: str, message: str, who: Signature) -> str:
    """A commit's change on top of another commit, its author kept."""
    commit = repo.commit(sha)
    sides = (_signature(commit.author), who)
    return apply_change(repo, onto, _parent(commit), sha, message, sides)


def revert(repo: Repo, onto: str, sha: str, message: str, who: Signature) -> str:
    """A commit's change taken back on top of another commit."""
    parent = _parent(repo.commit(sha))
    if parent is None:
        raise GitError("the first commit of a repository cannot be reverted")
    return apply_change(repo, onto, sha, parent, message, (who, who))


def rebase(repo: Repo, onto: str, head: str, who: Signature) -> str:
    """The commits of a branch anew on top of another commit; merges and repeats fall away."""
    tip = onto
    for commit in reversed(repo.between(onto, head)):
        if len(commit.parent_ids) > 1:
            continue
        try:
            tip = cherry_pick(repo, tip, str(commit.id), commit.message, who)
        except Conflict:
            raise
        except GitError:
            continue
    return tip
