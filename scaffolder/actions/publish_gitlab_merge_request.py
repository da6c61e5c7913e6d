"""publish:gitlab:merge-request: the workspace as a branch and a merge request. Safe to repeat."""

import hashlib
import posixpath

from catalog.forges import connect
from forge import Change, Forge, ForgeNotFound, Project
from scaffolder.actions import BOOLEAN, STRING, ActionFailed, Context, Json, action
from scaffolder.actions.publish_gitlab import commit_files, repo_path, subtree
from scaffolder.weave.tree import Tree


@action(
    "publish:gitlab:merge-request",
    title="Open a merge request",
    properties={
        "repoUrl": STRING,
        "title": STRING,
        "branchName": STRING,
        "description": {"type": "string"},
        "targetBranchName": STRING,
        "sourcePath": STRING,
        "targetPath": {"type": "string"},
        "removeSourceBranch": BOOLEAN,
        "labels": {"type": ["array", "string"]},
    },
    required=("repoUrl", "title", "branchName"),
    output={
        "mergeRequestUrl": STRING,
        "projectid": STRING,
        "projectPath": STRING,
        "targetBranchName": STRING,
    },
    publishes=True,
)
def publish_merge_request(context: Context, given: Json) -> Json:
    path = repo_path(given["repoUrl"])
    forge = connect()
    try:
        project = forge.project(path)
    except ForgeNotFound as error:
        raise ActionFailed(f"The forge has no project {path}.") from error
    target = given.get("targetBranchName") or project.default_branch or "main"
    _ensure_branch(context, forge, project, target)
    _commit(context, forge, project, target, given)
    request = forge.ensure_merge_request(
        path,
        source_branch=given["branchName"],
        target_branch=target,
        title=given["title"],
        description=given.get("description", ""),
        remove_source_branch=given.get("removeSourceBranch", False),
        labels=_labels(given),
    )
    context.log(f"Merge request !{request.iid} is open")
    context.made(f"Merge request !{request.iid} of {path}", request.web_url)
    context.facts["published"] = path
    context.facts["merge_request"] = {
        "project": path, "iid": request.iid, "url": request.web_url, "state": request.state,
    }  # fmt: skip
    return {
        "mergeRequestUrl": request.web_url,
        "projectid": path,
        "projectPath": path,
        "targetBranchName": target,
    }


def _labels(given: Json) -> str:
    labels = given.get("labels") or ""
    return ",".join(labels) if isinstance(labels, list) else labels


def _ensure_branch(context: Context, forge: Forge, project: Project, target: str) -> None:
    """A merge request needs a branch to go into: an empty repository gets a first commit."""
    try:
        forge.tip(project.path, target)
    except ForgeNotFound:
        if project.default_branch and not project.empty and project.default_branch != target:
            raise ActionFailed(f"{project.path} has no branch {target}.") from None
        forge.commit(
            project.path,
            branch=target,
            message=f"Begin the repository\n\nBespoke-Run: {context.run_id}",
            changes=[Change("create", "README.md", f"# {project.name}\n".encode())],
        )


def _commit(context: Context, forge: Forge, project: Project, target: str, given: Json) -> None:
    """Brings the branch to the workspace's content; a commit only where something differs."""
    branch = given["branchName"]
    wanted = _placed(subtree(context.workspace, given.get("sourcePath", "")), given)
    try:
        parent, start = forge.tip(project.path, branch).id, None
    except ForgeNotFound:
        parent, start = forge.tip(project.path, target).id, target
    present = forge.tree(project.path, parent)
    files = {
        path: file
        for path, file in wanted.items()
        if present.get(path) != (file.mode, _blob_id(file.content))
    }
    if not files:
        context.log(f"The branch {branch} has this content already")
        return
    commit_files(
        forge, project.path, branch=branch, start=start, parent=parent, present=present,
        files=files, message=f"{given['title']}\n\nBespoke-Run: {context.run_id}",
    )  # fmt: skip
    context.log(f"Committed {len(files)} files to {branch}")


def _placed(tree: Tree, given: Json) -> Tree:
    folder = given.get("targetPath") or "."
    return {posixpath.normpath(posixpath.join(folder, path)): f for path, f in tree.items()}


def _blob_id(content: bytes) -> str:
    """Git's name for a content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
