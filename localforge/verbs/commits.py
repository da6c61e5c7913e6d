"""A commit to a branch: checks, writes, moves the branch, and all that follows."""

from dataclasses import dataclass

from localforge.context import Context
from localforge.errors import bad_request
from localforge.git.actions import Action, NewCommit, commit_actions
from localforge.git.errors import GitError
from localforge.git.repository import Repo
from localforge.store.database import Row
from localforge.verbs import names, people, projects, protection, pushes


@dataclass(frozen=True)
class Wanted:
    """What somebody wants committed."""

    branch: str
    message: str
    actions: list[Action]
    start: str | None = None
    start_is_sha: bool = False
    force: bool = False
    author_name: str = ""
    author_email: str = ""


def commit(ctx: Context, project: Row, wanted: Wanted) -> str:
    """Makes the commit; its id."""
    names.check_branch(wanted.branch)
    protection.need_push(ctx, project, wanted.branch)
    _prepare_empty(ctx, project, wanted)
    repo = ctx.repo(project)
    tip = repo.branch(wanted.branch)
    parent = _parent(repo, project, wanted, tip)
    actor = ctx.need_user()
    new = NewCommit(
        wanted.message,
        people.signature(actor, name=wanted.author_name, email=wanted.author_email),
        people.signature(actor),
    )
    sha = commit_actions(repo, parent, wanted.actions, new)
    pushes.move(ctx, project, [pushes.Update(pushes.HEADS + wanted.branch, tip, sha)])
    return sha


def _prepare_empty(ctx: Context, project: Row, wanted: Wanted) -> None:
    """As in GitLab, another branch of an empty project is preceded by a default branch."""
    if not project["empty"] or wanted.branch == project["default_branch"] or not wanted.start:
        return
    if wanted.start != project["default_branch"]:
        raise GitError("Cannot find branch " + wanted.start)
    projects.first_commit(ctx, project, projects.readme(project))


def _parent(repo: Repo, project: Row, wanted: Wanted, tip: str | None) -> str | None:
    if wanted.start is None:
        if tip is None and not project["empty"]:
            raise GitError("You can only create or edit files when you are on a branch")
        return tip
    if tip is not None and not wanted.force:
        if wanted.start == wanted.branch:
            return tip
        text = f"A branch called '{wanted.branch}' already exists."
        raise bad_request(f"{text} Switch to that branch in order to make changes")
    found = repo.resolve(wanted.start) if wanted.start_is_sha else repo.branch(wanted.start)
    if found is None and not project["empty"]:
        found = repo.resolve(wanted.start)
        if found is None:
            raise GitError(f"Cannot find branch '{wanted.start}'")
    return found
