"""publish:gitlab: makes a project in the forge, with the workspace as its first commit."""

from collections.abc import Container

from catalog.forges import NotOurForge, connect, git, parse_repo_url
from forge import Change, Forge, ForgeConflict, ForgeNotFound, Project
from scaffolder.actions import STRING, ActionFailed, Context, Json, action
from scaffolder.weave.tree import EXECUTABLE, SYMLINK, Tree

AUTHOR = ("Bespoke", "bespoke@localhost")


@action(
    "publish:gitlab",
    title="Create a repository",
    properties={
        "repoUrl": STRING,
        "defaultBranch": STRING,
        "repoVisibility": {"enum": ["private", "internal", "public"]},
        "sourcePath": {"type": ["string", "boolean"]},
        "gitCommitMessage": STRING,
        "gitAuthorName": STRING,
        "gitAuthorEmail": STRING,
        "topics": {"type": "array", "items": STRING},
        "settings": {"type": "object"},
        "description": {"type": "string"},
        "title": {"type": "string"},
    },
    required=("repoUrl",),
    output={
        "remoteUrl": STRING,
        "repoContentsUrl": STRING,
        "projectId": {"type": "integer"},
        "commitHash": {"type": "string"},
        "created": {"type": "boolean"},
    },
    publishes=True,
)
def publish_gitlab(context: Context, given: Json) -> Json:
    path = repo_path(given["repoUrl"])
    branch = given.get("defaultBranch", "main")
    forge = connect()
    project = ensure_project(context, forge, path, branch, given)
    context.made(f"Repository {path}", project.web_url)
    commit = ""
    if given.get("sourcePath") is not False:
        commit = _first_commit(context, forge, project, branch, given)
        context.facts["published"] = path
    return {
        "remoteUrl": f"{project.web_url}.git",
        "repoContentsUrl": f"{project.web_url}/-/blob/{branch}",
        "projectId": project.id,
        "commitHash": commit,
        "created": True,
    }


def repo_path(repo_url: str) -> str:
    """The project path of a repoUrl. Raises ActionFailed with what is wrong with it."""
    try:
        return parse_repo_url(repo_url)
    except (NotOurForge, ValueError) as error:
        raise ActionFailed(f"repoUrl: {error}") from error


def ensure_project(context: Context, forge: Forge, path: str, branch: str, given: Json) -> Project:
    """Makes the project once, however often the step is begun.

    The creation itself carries the run's mark (a topic, taken off again), so a project that is
    there already is ours if it has the mark, or the id that an earlier attempt noted; never else.
    """
    mark = f"bespoke-run-{context.run_id}"
    topics = list(given.get("topics") or [])
    settings = dict(given.get("settings") or {})
    found = _find(forge, path)
    if found is None:
        found = _create(context, forge, path, {
            "description": settings.pop("description", given.get("description", "")),
            "visibility": given.get("repoVisibility", "private"),
            "default_branch": branch,
            "topics": [*topics, mark],
        } | settings)  # fmt: skip
    elif found.id != context.notes.get("project") and mark not in found.topics:
        raise ActionFailed(_taken(path))
    else:
        context.log(f"The repository {path} was made by an earlier attempt: going on with it")
    context.note("project", found.id)
    if mark in found.topics:
        forge.set_topics(path, topics)
    return found


def _create(context: Context, forge: Forge, path: str, settings: Json) -> Project:
    try:
        made = forge.create_project(path, **settings)
    except ForgeConflict as error:
        raise ActionFailed(_taken(path)) from error
    except ForgeNotFound as error:
        group = path.rpartition("/")[0]
        raise ActionFailed(
            f"The forge has no group “{group}”, or the portal may not use it."
        ) from error
    context.log(f"Created the repository {path}")
    return made


def _find(forge: Forge, path: str) -> Project | None:
    try:
        return forge.project(path)
    except ForgeNotFound:
        return None


def _taken(path: str) -> str:
    return (
        f"The forge already has a project at {path}: choose another name, "
        "or remove that project and retry."
    )


def _first_commit(
    context: Context, forge: Forge, project: Project, branch: str, given: Json
) -> str:
    try:
        return forge.tip(project.path, branch).id  # an earlier attempt's
    except ForgeNotFound:
        pass
    message = given.get("gitCommitMessage", "Begin the repository")
    tree = subtree(context.workspace, given.get("sourcePath") or "")
    commit = commit_files(
        forge, project.path, branch=branch, start=None, parent=None, present=set(), files=tree,
        message=f"{message}\n\nBespoke-Run: {context.run_id}",
    )  # fmt: skip
    context.log(f"Committed {len(tree)} files to {branch}")
    return commit


def subtree(tree: Tree, folder: str) -> Tree:
    """The files below a folder of the workspace, by their path in it."""
    prefix = folder.strip("./")
    if not prefix:
        return tree
    return {
        path.removeprefix(f"{prefix}/"): file
        for path, file in tree.items()
        if path.startswith(f"{prefix}/")
    }


def commit_files(
    forge: Forge, project: str, *, branch: str, start: str | None, parent: str | None,
    present: Container[str], files: Tree, message: str,
) -> str:  # fmt: skip
    """One commit of `files` on `parent`, the tip of `branch` (or of `start`); returns its id.

    By the commit API, for which `present` tells what is there already; or by Git where there is
    a symbolic link, which the API cannot make.
    """
    if any(file.mode == SYMLINK for file in files.values()):
        contents = {path: (file.mode, file.content) for path, file in files.items()}
        return git().push(project, branch=branch, parent=parent, message=message,
                          files=contents, author=AUTHOR)  # fmt: skip
    changes = [
        Change(
            "update" if path in present else "create", path, file.content,
            executable=file.mode == EXECUTABLE,
        )
        for path, file in sorted(files.items())
    ]  # fmt: skip
    commit = forge.commit(
        project, branch=branch, start_branch=start, message=message, changes=changes
    )
    return commit.id
