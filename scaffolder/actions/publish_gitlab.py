"""publish:gitlab: makes a project in the forge, with the workspace as its first commit."""

from datetime import datetime, timedelta

from django.utils import timezone

from catalog.forges import NotOurForge, connect, parse_repo_url
from forge import Change, Forge, ForgeConflict, ForgeNotFound, Project
from scaffolder.actions import STRING, ActionFailed, Context, Json, action
from scaffolder.weave.tree import EXECUTABLE, SYMLINK, Tree

CLOCK_TOLERANCE = timedelta(minutes=2)


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

    The time of the first attempt is noted before it: a project that is there already is ours
    only if an earlier attempt of this very step began before it was made.
    """
    began = context.notes.get("project began")
    if began is None:
        if _exists(forge, path):
            raise ActionFailed(_taken(path))
        context.note("project began", timezone.now().isoformat())
    settings = dict(given.get("settings") or {})
    try:
        project = forge.create_project(
            path,
            description=settings.pop("description", given.get("description", "")),
            visibility=given.get("repoVisibility", "private"),
            default_branch=branch,
            **({"topics": given["topics"]} if "topics" in given else {}),
            **settings,
        )
        context.log(f"Created the repository {path}")
    except ForgeConflict:
        project = forge.project(path)
        if began is None or project.created_at < datetime.fromisoformat(began) - CLOCK_TOLERANCE:
            raise ActionFailed(_taken(path)) from None
        context.log(f"The repository {path} was made by an earlier attempt: going on with it")
    except ForgeNotFound as error:
        group = path.rpartition("/")[0]
        raise ActionFailed(
            f"The forge has no group “{group}”, or the portal may not use it."
        ) from error
    return project


def _exists(forge: Forge, path: str) -> bool:
    try:
        forge.project(path)
    except ForgeNotFound:
        return False
    return True


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
    message = given.get("gitCommitMessage", "initial commit")
    prefix = given.get("sourcePath") or ""
    commit = forge.commit(
        project.path,
        branch=branch,
        message=f"{message}\n\nBespoke-Run: {context.run_id}",
        changes=creations(subtree(context.workspace, prefix)),
    )
    context.log(f"Committed {len(context.workspace)} files to {branch}")
    return commit.id


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


def creations(tree: Tree) -> list[Change]:
    refuse_links(tree)
    return [
        Change("create", path, file.content, executable=file.mode == EXECUTABLE)
        for path, file in sorted(tree.items())
    ]


def refuse_links(tree: Tree) -> None:
    """GitLab's commit API cannot make symbolic links."""
    links = [path for path, file in tree.items() if file.mode == SYMLINK]
    if links:
        raise ActionFailed(f"{links[0]} is a symbolic link, which cannot be published yet.")
