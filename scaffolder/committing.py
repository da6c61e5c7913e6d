"""The workspace into a branch of the forge: what differs, as one commit on top of what is there.

Nothing is forced: what other people committed to the branch stays in its history. Doing it again
finds nothing that differs.
"""

from __future__ import annotations

import posixpath
from collections.abc import Container, Mapping

from catalog.forges import NotOurForge, git, parse_repo_url
from forge import Change, Forge, ForgeNotFound
from scaffolder.actions import ActionFailed, Context, Json
from scaffolder.weave.globs import matcher
from scaffolder.weave.tree import EXECUTABLE, SYMLINK, Tree, blob_id

AUTHOR = ("Bespoke", "bespoke@localhost")
COMMIT_ACTIONS = ["create", "update", "delete", "skip", "auto"]
Present = Mapping[str, tuple[str, str]]


def repo_path(repo_url: str) -> str:
    """The project path of a repoUrl. Raises ActionFailed with what is wrong with it."""
    try:
        return parse_repo_url(repo_url)
    except (NotOurForge, ValueError) as error:
        raise ActionFailed(f"repoUrl: {error}") from error


def bring(
    context: Context, forge: Forge, project: str, given: Json, *, target: str, message: str
) -> str:
    """Makes `branchName` (on `target`, if it is new) hold what the step wants; the tip's id."""
    branch, how = given["branchName"], given.get("commitAction", "auto")
    try:
        parent, start = forge.tip(project, branch).id, None
    except ForgeNotFound:
        parent, start = forge.tip(project, target).id, target
    if how == "skip":
        return parent
    present = forge.tree(project, parent)
    files, gone = wanted_changes(context.workspace, present, given, how)
    if not files and not gone and not (given.get("allowEmpty") and start):
        context.log(f"The branch {branch} has this content already")
        return parent
    commit = commit_files(
        forge, project, branch=branch, start=start, parent=parent, present=present, files=files,
        gone=gone, message=f"{message}\n\nBespoke-Run: {context.run_id}",
    )  # fmt: skip
    context.log(f"Committed {len(files)} files to {branch}, deleted {len(gone)}")
    return commit


def wanted_changes(
    workspace: Tree, present: Present, given: Json, how: str
) -> tuple[Tree, list[str]]:
    """Files to write and paths to delete. Raises ActionFailed where commitAction forbids one."""
    wanted = _placed(subtree(workspace, given.get("sourcePath") or ""), given)
    patterns = matcher([p.removeprefix("./") for p in given.get("filesToDelete") or []])
    gone = [path for path in present if patterns(path) and path not in wanted]
    if how == "delete":
        return {}, sorted({*gone, *(path for path in wanted if path in present)})
    files = {
        path: file
        for path, file in wanted.items()
        if present.get(path) != (file.mode, blob_id(file.content))
    }
    for path in files:
        if how == "create" and path in present:
            raise ActionFailed(f"{path} is there already with another content; commitAction: auto")
        if how == "update" and path not in present:
            raise ActionFailed(f"{path} is not there to be updated; commitAction: auto")
    return files, gone


def subtree(tree: Tree, folder: str) -> Tree:
    """The files below a folder of the workspace, by their path in it."""
    prefix = posixpath.normpath(folder or ".").strip("/")
    if prefix == ".":
        return tree
    return {
        path.removeprefix(f"{prefix}/"): file
        for path, file in tree.items()
        if path.startswith(f"{prefix}/")
    }


def _placed(tree: Tree, given: Json) -> Tree:
    folder = (given.get("targetPath") or ".").lstrip("/")
    return {posixpath.normpath(posixpath.join(folder, path)): f for path, f in tree.items()}


def commit_files(
    forge: Forge, project: str, *, branch: str, start: str | None, parent: str | None,
    present: Container[str], files: Tree, message: str, gone: list[str] | None = None,
    author: tuple[str, str] | None = None,
) -> str:  # fmt: skip
    """One commit on `parent`, the tip of `branch` (or of `start`); returns its id.

    By the commit API, for which `present` tells what is there already; or by Git where there is
    a symbolic link, which the API cannot make (deletions follow in a commit of their own).
    """
    if any(file.mode == SYMLINK for file in files.values()):
        contents = {path: (file.mode, file.content) for path, file in files.items()}
        pushed = git().push(project, branch=branch, parent=parent, message=message,
                            files=contents, author=author or AUTHOR)  # fmt: skip
        if not gone:
            return pushed
        files, start = {}, None
    changes = [
        Change(
            "update" if path in present else "create", path, file.content,
            executable=file.mode == EXECUTABLE,
        )
        for path, file in sorted(files.items())
    ]  # fmt: skip
    changes += [Change("delete", path) for path in gone or []]
    commit = forge.commit(
        project, branch=branch, start_branch=start, message=message, changes=changes, author=author
    )
    return commit.id
