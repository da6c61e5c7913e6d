"""A repository as it is now, read with as few calls as will do: a content that the portal has in
its base or makes anew is known by Git's name for it and is not downloaded."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from catalog.forges import connect, git
from forge import Forge, ForgeNotFound, Project
from scaffolder.services.compositions import CannotCompose
from scaffolder.services.lineage import LINEAGE_PATH
from scaffolder.weave.tree import File, Tree, blob_id

MOST_LISTED = 1_000  # files; more come quicker by Git
FEW = 10  # single files; more come quicker by Git


@dataclass(frozen=True, slots=True)
class Now:
    """`files` that neither side knows hold Git's name for their content in its place: nothing
    reads them, and they stay as they are."""

    project: Project
    branch: str
    commit: str
    files: Tree


def repository_now(repository: str, base: Tree, theirs: Tree) -> Now:
    """Raises CannotCompose when there is nothing that could be changed, or ForgeError."""
    project, branch, commit = _found(connect(), repository)
    files = _read(connect(), project.path, commit, base, theirs)
    return Now(project, branch, commit, files)


def full_repository_now(repository: str) -> Now:
    """The same with every content."""
    project, branch, commit = _found(connect(), repository)
    return Now(project, branch, commit, snapshot(project.path, commit))


def _found(forge: Forge, repository: str) -> tuple[Project, str, str]:
    try:
        project = forge.project(repository)
        if project.archived:
            raise CannotCompose("The repository is archived.")
        branch = project.default_branch or "main"
        return project, branch, forge.tip(project.path, branch).id
    except ForgeNotFound as error:
        raise CannotCompose(
            "The forge has no such repository, it is empty, or the portal may not see it."
        ) from error


def _read(forge: Forge, project: str, commit: str, base: Tree, theirs: Tree) -> Tree:
    listed = forge.tree(project, commit, most=MOST_LISTED + 1)
    if len(listed) > MOST_LISTED or _may_have_moved(listed, base, theirs):
        return snapshot(project, commit)
    known = {blob_id(f.content): f.content for tree in (base, theirs) for f in tree.values()}
    wanted = {LINEAGE_PATH, *base, *theirs}
    missing = {blob for path, (_, blob) in listed.items() if path in wanted and blob not in known}
    if len(missing) > FEW:
        return snapshot(project, commit)
    known |= {blob: forge.blob(project, blob) for blob in missing}
    return {
        path: File(known[blob] if path in wanted else blob.encode(), mode)
        for path, (mode, blob) in listed.items()
    }


def _may_have_moved(present: Collection[str], base: Tree, theirs: Tree) -> bool:
    """Whether the team took away what the release changes: then every file must be looked at."""
    gone = base.keys() - set(present)
    return any(path in theirs and theirs[path] != base[path] for path in gone)


def snapshot(project: str, commit: str) -> dict[str, File]:
    """Every file, by Git."""
    files = git().snapshot(project, commit)
    return {path: File(content, mode) for path, (mode, content) in files.items()}


def listed_now(repository: str) -> dict[str, str]:
    """Path to Git's name for its content, of the default branch. Raises as repository_now."""
    project, _, commit = _found(connect(), repository)
    return {path: blob for path, (_, blob) in connect().tree(project.path, commit).items()}
