"""publish:gitlab: makes a project in the forge, with the workspace as its first commit."""

from catalog.forges import connect
from forge import Desk, Forge, ForgeConflict, ForgeNotFound, Project
from forge.desk import OWNER
from scaffolder.actions import BOOLEAN, STRING, ActionFailed, Context, Json, action
from scaffolder.committing import commit_files, repo_path, subtree

_VARIABLE = {
    "type": "object",
    "properties": {
        "key": STRING,
        "value": {"type": "string"},
        "description": {"type": "string"},
        "variable_type": {"enum": ["env_var", "file"]},
        "protected": BOOLEAN,
        "masked": BOOLEAN,
        "raw": BOOLEAN,
        "environment_scope": STRING,
    },
    "required": ["key", "value"],
}
_BRANCH = {
    "type": "object",
    "properties": {"name": STRING, "protect": BOOLEAN, "create": BOOLEAN, "ref": STRING},
    "required": ["name"],
}


@action(
    "publish:gitlab",
    title="Create a repository",
    properties={
        "repoUrl": STRING,
        "defaultBranch": STRING | {"description": "Default main"},
        "repoVisibility": {"enum": ["private", "internal", "public"]},
        "sourcePath": {"type": ["string", "boolean"]},
        "gitCommitMessage": STRING,
        "gitAuthorName": STRING,
        "gitAuthorEmail": STRING,
        "topics": {"type": "array", "items": STRING},
        "settings": {"type": "object", "description": "Of GitLab's projects API"},
        "branches": {"type": "array", "items": _BRANCH},
        "projectVariables": {"type": "array", "items": _VARIABLE},
        "skipExisting": BOOLEAN | {"description": "Leave a project that is there as it is"},
        "setUserAsOwner": BOOLEAN | {"description": "Whoever started the run"},
        "ownerUsername": STRING,
        "signCommit": BOOLEAN | {"description": "Left to the forge's own settings"},
        "token": {"type": "string", "description": "Accepted and not used"},
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
    notes="Never takes over a project that is there already, and never pushes into one.",
)
def publish_gitlab(context: Context, given: Json) -> Json:
    path = repo_path(given["repoUrl"])
    branch = given.get("defaultBranch", "main")
    forge = connect()
    if given.get("skipExisting") and (found := _of_others(context, forge, path)):
        context.log(f"The repository {path} is there already: left as it is")
        return _output(found, found.default_branch or branch, "", created=False)
    project = ensure_project(context, forge, path, branch, given)
    context.made(f"Repository {path}", project.web_url)
    commit = ""
    if given.get("sourcePath") is not False:
        commit = _first_commit(context, forge, project, branch, given)
        context.facts["published"] = path
    _furnish(context, Desk(forge), project, branch, given)
    return _output(project, branch, commit, created=True)


def _output(project: Project, branch: str, commit: str, *, created: bool) -> Json:
    return {
        "remoteUrl": f"{project.web_url}.git",
        "repoContentsUrl": f"{project.web_url}/-/blob/{branch}",
        "projectId": project.id,
        "commitHash": commit,
        "created": created,
    }


def _mark(context: Context) -> str:
    return f"bespoke-run-{context.run_id}"


def _of_others(context: Context, forge: Forge, path: str) -> Project | None:
    """The project at the path, unless this very step made it."""
    found = _find(forge, path)
    ours = found and (found.id == context.notes.get("project") or _mark(context) in found.topics)
    return None if ours else found


def _furnish(context: Context, desk: Desk, project: Project, branch: str, given: Json) -> None:
    """Owners, branches and variables; each may be repeated."""
    names = [given.get("ownerUsername")]
    if given.get("setUserAsOwner"):
        names.append((context.user.entity_ref or "").rpartition("/")[2] or context.user.username)
    for name in filter(None, names):
        try:
            user = desk.user(name)
        except ForgeNotFound as error:
            raise ActionFailed(f"the forge has no user “{name}” to own the project") from error
        desk.ensure_member("projects", project.id, user["id"], OWNER)
    for wanted in given.get("branches") or []:
        if wanted.get("create"):
            desk.ensure_branch(project.id, wanted["name"], wanted.get("ref", branch))
        if wanted.get("protect"):
            desk.ensure_protected(project.id, wanted["name"])
    for variable in given.get("projectVariables") or []:
        desk.ensure_variable(project.id, variable)


def ensure_project(context: Context, forge: Forge, path: str, branch: str, given: Json) -> Project:
    """Makes the project once, however often the step is begun.

    The creation itself carries the run's mark (a topic, taken off again), so a project that is
    there already is ours if it has the mark, or the id that an earlier attempt noted; never else.
    """
    mark = _mark(context)
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
    name, email = given.get("gitAuthorName"), given.get("gitAuthorEmail")
    commit = commit_files(
        forge, project.path, branch=branch, start=None, parent=None, present=set(), files=tree,
        message=f"{message}\n\nBespoke-Run: {context.run_id}",
        author=(name, email) if name and email else None,
    )  # fmt: skip
    context.log(f"Committed {len(tree)} files to {branch}")
    return commit
