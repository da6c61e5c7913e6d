"""Projects: born, forked, imported, changed, moved, archived, deleted."""

import os
import shutil
from pathlib import Path
from typing import Any

from localforge import access, clock
from localforge.context import Context
from localforge.errors import bad_request, forbidden, message
from localforge.git.actions import Action, NewCommit, commit_actions
from localforge.git.command import run
from localforge.git.errors import GitError
from localforge.git.repository import Repo
from localforge.shapes import payloads
from localforge.store import namespaces, projects
from localforge.store.database import Row
from localforge.verbs import events, names, people, protection, pushes

TAKEN = {
    "project_namespace.name": ["has already been taken"],
    "name": ["has already been taken"],
    "path": ["has already been taken"],
}


def check_may_create(ctx: Context, namespace: Row) -> None:
    """Whether whoever is acting may make a project in a namespace."""
    if access.group_level(ctx.db, ctx.user, namespace["id"]) < access.DEVELOPER:
        raise forbidden()


def check_free(ctx: Context, namespace: Row, name: str, path: str, but: int = 0) -> None:
    """400 if the name or the path is taken."""
    taken = ctx.db.one(
        "SELECT 1 FROM projects WHERE namespace_id = ? AND (name = ? OR path = ? COLLATE NOCASE)"
        " AND id <> ?",
        namespace["id"], name, path, but,
    )  # fmt: skip
    if taken:
        raise bad_request(TAKEN)
    if ctx.db.one(
        "SELECT 1 FROM namespaces WHERE full_path = ?", f"{namespace['full_path']}/{path}"
    ):
        raise bad_request({"path": ["has already been taken"]})


def check_visibility(namespace: Row, visibility: str) -> None:
    """A project may not be more visible than its group."""
    order = access.VISIBILITIES
    if namespace["kind"] == "group" and order.index(visibility) > order.index(
        namespace["visibility"]
    ):
        text = f"{visibility} is not allowed in a {namespace['visibility']} group."
        raise bad_request({"visibility_level": [text]})


def create(
    ctx: Context, namespace: Row, *, name: str, path: str, visibility: str,
    default_branch: str = "main", **columns: Any,
) -> Row:  # fmt: skip
    """A project with an empty repository."""
    names.check_project(name, path)
    names.check_branch(default_branch)
    check_may_create(ctx, namespace)
    check_visibility(namespace, visibility)
    check_free(ctx, namespace, name, path)
    actor = ctx.need_user()
    project = projects.create_project(
        ctx.db, namespace, path=path, name=name, visibility=visibility,
        default_branch=default_branch, creator_id=actor["id"], **columns,
    )  # fmt: skip
    _first_member(ctx, namespace, project)
    ctx.forge.repositories.create(project["id"], default_branch)
    events.emit_system(ctx, payloads.project_event(ctx, project, "project_create"))
    return project


def _first_member(ctx: Context, namespace: Row, project: Row) -> None:
    actor = ctx.need_user()
    level = access.OWNER
    if namespace["kind"] == "group":
        inherited = access.group_level(ctx.db, {**actor, "admin": 0}, namespace["id"])
        level = access.MAINTAINER if inherited < access.MAINTAINER else access.NONE
    user_id = namespace["owner_id"] or actor["id"]
    if level:
        ctx.db.insert(
            "members", kind="project", source_id=project["id"], user_id=user_id,
            access_level=level, created_at=clock.now(),
        )  # fmt: skip


def first_commit(ctx: Context, project: Row, files: dict[str, str]) -> str:
    """The first commit of an empty project, on its default branch."""
    repo, who = ctx.repo(project), people.signature(ctx.need_user())
    actions = [Action("create", path, text.encode()) for path, text in files.items()]
    sha = commit_actions(repo, None, actions, NewCommit("Initial commit", who, who))
    ref = pushes.HEADS + project["default_branch"]
    pushes.move(ctx, project, [pushes.Update(ref, None, sha)])
    return sha


def readme(project: Row) -> dict[str, str]:
    """The README that a project may start with."""
    text = f"# {project['name']}\n\n{project['description']}".rstrip() + "\n"
    return {"README.md": text}


def fork(ctx: Context, origin: Row, namespace: Row, *, name: str, path: str) -> Row:
    """A copy of a project's branches and tags, which remembers where it came from."""
    visibility = origin["visibility"]
    if namespace["kind"] == "group":
        order = access.VISIBILITIES
        visibility = order[min(order.index(visibility), order.index(namespace["visibility"]))]
    try:
        project = create(
            ctx, namespace, name=name, path=path, visibility=visibility,
            default_branch=origin["default_branch"], description=origin["description"],
            topics=origin["topics"], forked_from=origin["id"],
        )  # fmt: skip
    except Exception as error:
        if getattr(error, "body", {}).get("message") == TAKEN:
            raise message(409, TAKEN) from None
        raise
    _copy(ctx.repo(origin).path, ctx.repo(project).path)
    if not origin["empty"]:
        ctx.db.update("projects", project["id"], empty=0)
        project["empty"] = 0
        protection.protect_default(ctx, project)
    return project


def _copy(source: Path, target: Path) -> None:
    """Refs first, objects after: the copy then never lacks an object."""
    for name in ("refs/heads", "refs/tags"):
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, dirs_exist_ok=True)
    for name in ("HEAD", "packed-refs"):
        if (source / name).exists():
            shutil.copy2(source / name, target / name)
    ignore = shutil.ignore_patterns("tmp_*", "*.lock")
    shutil.copytree(
        source / "objects",
        target / "objects",
        dirs_exist_ok=True,
        copy_function=_link,
        ignore=ignore,
    )


def _link(source: str, target: str) -> None:
    """Objects never change, so a second name for the same file is copy enough."""
    try:
        os.link(source, target)
    except FileExistsError:
        return
    except OSError:
        shutil.copy2(source, target)


def import_from(ctx: Context, project: Row, url: str) -> None:
    """Fills an empty project from a bare repository on this machine (`file://`)."""
    if not ctx.admin:
        raise forbidden("only an administrator may import from a path")
    source = Path(url.removeprefix("file://"))
    if not url.startswith("file:///") or not (source / "HEAD").is_file():
        raise bad_request(
            {"import_url": ["is blocked: only file:// addresses of bare repositories"]}
        )
    repo = ctx.repo(project)
    refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
    run(repo.path, "fetch", "--quiet", "--no-write-fetch-head", str(source), *refs)
    _follow_import(ctx, project, repo, source)


def _follow_import(ctx: Context, project: Row, repo: Repo, source: Path) -> None:
    branches = repo.branches()
    if not branches:
        raise GitError("the repository to import from is empty")
    head = (source / "HEAD").read_text().strip().removeprefix("ref: refs/heads/")
    chosen = head if head in branches else next(iter(branches))
    repo.set_head(chosen)
    ctx.db.update("projects", project["id"], empty=0, default_branch=chosen)
    project.update(empty=0, default_branch=chosen)
    projects.change_data(ctx.db, "projects", project, imported=True)
    protection.protect_default(ctx, project)


def relocate(ctx: Context, project: Row, namespace: Row, path: str) -> None:
    """Renames or transfers a project; the old path redirects."""
    check_free(ctx, namespace, project["name"], path, but=project["id"])
    old, new = project["full_path"], f"{namespace['full_path']}/{path}"
    if old == new:
        return
    ctx.db.update("projects", project["id"], path=path, namespace_id=namespace["id"], full_path=new)
    ctx.db.run("DELETE FROM redirects WHERE path = ?", new)
    namespaces.add_redirect(ctx.db, old, "projects", project["id"])
    moved = namespace["id"] != project["namespace_id"]
    project.update(path=path, namespace_id=namespace["id"], full_path=new)
    event = "project_transfer" if moved else "project_rename"
    payload = payloads.project_event(ctx, project, event, old_path_with_namespace=old)
    events.emit_system(ctx, payload)


def delete(ctx: Context, project: Row) -> None:
    """Deletes a project at once; its files go after the commit."""
    ctx.db.run("DELETE FROM projects WHERE id = ?", project["id"])
    ctx.db.run("DELETE FROM members WHERE kind = 'project' AND source_id = ?", project["id"])
    ctx.db.run("DELETE FROM shares WHERE kind = 'project' AND source_id = ?", project["id"])
    ctx.db.run("DELETE FROM hooks WHERE kind = 'project' AND source_id = ?", project["id"])
    ctx.db.run("DELETE FROM records WHERE scope = 'project' AND scope_id = ?", project["id"])
    ctx.db.run("DELETE FROM redirects WHERE kind = 'projects' AND target_id = ?", project["id"])
    ctx.db.run("UPDATE projects SET forked_from = NULL WHERE forked_from = ?", project["id"])
    ctx.db.after_commit(lambda: ctx.forge.repositories.delete(project["id"]))
    events.emit_system(ctx, payloads.project_event(ctx, project, "project_destroy"))
