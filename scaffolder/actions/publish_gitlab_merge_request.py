"""publish:gitlab:merge-request and gitlab:repo:push: files into a branch. Safe to repeat."""

from typing import Any

from catalog.forges import connect
from forge import Change, Desk, Forge, ForgeConflict, ForgeNotFound, ForgeRefused, Project
from scaffolder.actions import BOOLEAN, STRING, ActionFailed, Context, Json, action
from scaffolder.committing import COMMIT_ACTIONS, bring, repo_path

_COMMIT: Json = {
    "repoUrl": STRING,
    "branchName": STRING,
    "sourcePath": STRING,
    "targetPath": {"type": "string"},
    "commitAction": {
        "enum": COMMIT_ACTIONS,
        "description": "auto: creates and updates what differs. delete: removes the workspace's "
        "paths. skip: commits nothing",
    },
    "filesToDelete": {
        "type": "array",
        "items": STRING,
        "description": "Paths or patterns that the same commit deletes",
    },
    "token": {"type": "string", "description": "Accepted and not used"},
}


@action(
    "publish:gitlab:merge-request",
    title="Open a merge request",
    properties=_COMMIT
    | {
        "title": STRING,
        "description": {"type": "string"},
        "targetBranchName": STRING,
        "removeSourceBranch": BOOLEAN,
        "labels": {"type": ["array", "string"]},
        "assignee": STRING,
        "reviewers": {"type": "array", "items": STRING},
        "assignReviewersFromApprovalRules": BOOLEAN
        | {"description": "Needs a paid GitLab: logged, and left out"},
        "autoMerge": BOOLEAN | {"description": "Merge when the pipeline has succeeded"},
    },
    required=("repoUrl", "title", "branchName"),
    output={
        "mergeRequestUrl": STRING,
        "projectid": STRING,
        "projectPath": STRING,
        "targetBranchName": STRING,
    },
    publishes=True,
    notes="An existing branch gets a commit on top, an open merge request is brought up to date.",
)
def publish_merge_request(context: Context, given: Json) -> Json:
    path = repo_path(given["repoUrl"])
    forge = connect()
    project = _project(forge, path)
    target = given.get("targetBranchName") or project.default_branch or "main"
    if given["branchName"] == target:
        raise ActionFailed(f"branchName and targetBranchName are both {target}")
    _ensure_branch(context, forge, project, target)
    bring(context, forge, path, given, target=target, message=given["title"])
    fields = _fields(context, Desk(forge), given)
    known = forge.open_merge_request(path, given["branchName"])
    request = forge.ensure_merge_request(
        path, source_branch=given["branchName"], target_branch=target, **fields
    )
    if known:
        request = Desk(forge).update_merge_request(path, request.iid, fields)
    context.log(f"Merge request !{request.iid} is open")
    context.made(f"Merge request !{request.iid} of {path}", request.web_url)
    if given.get("autoMerge"):
        _let_merge(context, forge, path, request.iid)
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


@action(
    "gitlab:repo:push",
    title="Commit to a branch",
    properties=_COMMIT | {"commitMessage": STRING, "allowEmpty": BOOLEAN},
    required=("repoUrl", "branchName", "commitMessage"),
    output={"projectid": STRING, "projectPath": STRING, "commitHash": STRING},
    publishes=True,
    notes="The branch is made from the default branch when it is missing. Nothing is forced.",
)
def repo_push(context: Context, given: Json) -> Json:
    path = repo_path(given["repoUrl"])
    forge = connect()
    project = _project(forge, path)
    target = project.default_branch or "main"
    _ensure_branch(context, forge, project, target)
    commit = bring(context, forge, path, given, target=target, message=given["commitMessage"])
    context.made(f"Commit {commit[:8]} to {path}", f"{project.web_url}/-/commit/{commit}")
    context.facts["published"] = path
    return {"projectid": path, "projectPath": path, "commitHash": commit}


def _project(forge: Forge, path: str) -> Project:
    try:
        return forge.project(path)
    except ForgeNotFound as error:
        raise ActionFailed(f"The forge has no project {path}.") from error


def _fields(context: Context, desk: Desk, given: Json) -> dict[str, Any]:
    """What a merge request has besides its branches; only what the step says."""
    labels = given.get("labels") or ""
    fields: dict[str, Any] = {
        "title": given["title"],
        "description": given.get("description", ""),
        "remove_source_branch": given.get("removeSourceBranch", False),
        "labels": ",".join(labels) if isinstance(labels, list) else labels,
    }
    if given.get("assignee"):
        fields["assignee_ids"] = [_user(desk, given["assignee"])]
    if given.get("reviewers"):
        fields["reviewer_ids"] = [_user(desk, name) for name in given["reviewers"]]
    if given.get("assignReviewersFromApprovalRules"):
        context.log("Reviewers from approval rules need a paid GitLab: left out")
    return fields


def _user(desk: Desk, name: str) -> int:
    try:
        return int(desk.user(name)["id"])
    except ForgeNotFound as error:
        raise ActionFailed(f"the forge has no user “{name}”") from error


def _let_merge(context: Context, forge: Forge, path: str, iid: int) -> None:
    """The forge may not be ready yet, or want an approval first: no reason to fail the run."""
    try:
        Desk(forge).merge_when_green(path, iid)
        context.log(f"!{iid} merges by itself when its pipeline has succeeded")
    except (ForgeConflict, ForgeRefused) as error:
        context.log(f"!{iid} has to be merged by hand: {error}")


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
