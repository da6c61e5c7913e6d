"""fetch:* and workspace:template*: files into the workspace, rendered or as they are.

An address is a path beside template.yaml, or a folder or file of another repository of the forge
that is not private: the portal's token sees more than whoever is asking.
"""

import posixpath
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from catalog.forges import NotOurForge, connect, git, parse_file_url
from forge import ForgeNotFound
from scaffolder import sandbox
from scaffolder.actions import BOOLEAN, STRING, ActionFailed, Context, Json, action
from scaffolder.weave.render import RenderOptions, render_tree
from scaffolder.weave.tree import File, Tree, UnsafePath, check_path

URL = STRING | {"description": "Relative to template.yaml, or in a repository of the forge"}
TARGET = {"type": "string", "description": "Folder in the workspace; default its root"}
TARGET_FILE = STRING | {"description": "Path in the workspace"}
TOKEN = {"type": "string", "description": "Accepted and not used: the portal has its own"}
PATTERNS = {"type": "array", "items": STRING}
_FILE = {
    "values": {"type": "object"},
    "cookiecutterCompat": BOOLEAN,
    "trimBlocks": BOOLEAN,
    "lstripBlocks": BOOLEAN,
    "replace": BOOLEAN,
}
_TREE = _FILE | {
    "copyWithoutTemplating": PATTERNS,
    "copyWithoutRender": PATTERNS | {"description": "Means copyWithoutTemplating"},
    "templateFileExtension": {"type": ["string", "boolean"]},
}


@action(
    "fetch:template",
    title="Render a skeleton into the workspace",
    properties={"url": URL, "targetPath": TARGET, "token": TOKEN, **_TREE},
    required=("url",),
    in_preview=True,
)
def fetch_template(context: Context, given: Json) -> Json:
    rendered = _rendered(_folder(context, given["url"]), given, given["url"])
    context.log(f"Rendered {len(rendered)} files from {given['url']}")
    _lay(context, rendered, given)
    return {}


@action(
    "fetch:template:file",
    title="Render one file into the workspace",
    properties={"url": URL, "targetPath": TARGET_FILE, "token": TOKEN, **_FILE},
    required=("url", "targetPath"),
    in_preview=True,
)
def fetch_template_file(context: Context, given: Json) -> Json:
    file = _rendered_file(_file(context, given["url"]), given, given["url"])
    _lay_file(context, file, given)
    return {}


@action(
    "fetch:plain",
    title="Copy a folder into the workspace as it is",
    properties={"url": URL, "targetPath": TARGET, "token": TOKEN, "replace": BOOLEAN},
    required=("url",),
    in_preview=True,
)
def fetch_plain(context: Context, given: Json) -> Json:
    files = _folder(context, given["url"])
    context.log(f"Copied {len(files)} files from {given['url']}")
    _lay(context, files, {"replace": True} | given)
    return {}


@action(
    "fetch:plain:file",
    title="Copy one file into the workspace as it is",
    properties={"url": URL, "targetPath": TARGET_FILE, "token": TOKEN},
    required=("url", "targetPath"),
    in_preview=True,
)
def fetch_plain_file(context: Context, given: Json) -> Json:
    _lay_file(context, _file(context, given["url"]), {"replace": True} | given)
    return {}


@action(
    "workspace:template",
    title="Render a folder of the workspace",
    properties={"sourcePath": STRING, "targetPath": TARGET, **_TREE},
    required=("sourcePath", "targetPath"),
    in_preview=True,
)
def workspace_template(context: Context, given: Json) -> Json:
    files = _below(context.workspace, given["sourcePath"], "the workspace")
    _lay(context, _rendered(files, given, given["sourcePath"]), given)
    return {}


@action(
    "workspace:template:file",
    title="Render one file of the workspace",
    properties={"sourcePath": STRING, "targetPath": TARGET_FILE, **_FILE},
    required=("sourcePath", "targetPath"),
    in_preview=True,
)
def workspace_template_file(context: Context, given: Json) -> Json:
    path = posixpath.normpath(given["sourcePath"])
    if path not in context.workspace:
        raise ActionFailed(f"“{given['sourcePath']}” is not a file of the workspace")
    _lay_file(context, _rendered_file(context.workspace[path], given, path), given)
    return {}


def _rendered(files: Tree, given: Json, name: str) -> dict[str, File]:
    try:
        options = RenderOptions.from_input(given)
        values = given.get("values", {})
        return sandbox.call(partial(render_tree, files, values=values, options=options))
    except (ValueError, *sandbox.STOPPED) as error:
        raise ActionFailed(f"{name}: {error}") from error


def _rendered_file(file: File, given: Json, name: str) -> File:
    """Only its content: the name that it gets is targetPath."""
    return _rendered({"file": file}, given, name)["file"]


# -- where from ---------------------------------------------------------------------------------
def _folder(context: Context, url: str) -> dict[str, File]:
    source, path = _place(context, url)
    what = "the template's repository" if source is context.source else "that repository"
    return _below(source, path, what, url)


def _file(context: Context, url: str) -> File:
    source, path = _place(context, url)
    if path not in source:
        raise ActionFailed(f"“{url}” is not a file of the template's repository")
    return source[path]


def _place(context: Context, url: str) -> tuple[Tree, str]:
    """The tree that an address is about, and the path in it."""
    if "://" in url:
        return _other_repository(url)
    path = posixpath.normpath(posixpath.join(context.folder, url))
    if path.startswith(("..", "/")):
        raise ActionFailed(f"“{url}” leads out of the template's repository")
    return context.source, path


def _other_repository(url: str) -> tuple[Tree, str]:
    try:
        project, ref, path = parse_file_url(url)
    except (NotOurForge, ValueError) as error:
        raise ActionFailed(
            f"“{url}” cannot be read: only the template's own repository and others of the "
            f"configured forge can. {error}"
        ) from error
    forge = connect()
    try:
        found = forge.project(project)
        commit = ref if re.fullmatch("[0-9a-f]{40}", ref) else forge.tip(project, ref).id
    except ForgeNotFound as error:
        raise ActionFailed(f"“{url}” is not in the forge, or has no branch {ref}") from error
    if found.visibility == "private":
        raise ActionFailed(f"{project} is private: its files cannot be copied into another one")
    files = git().snapshot(project, commit)
    tree = {name: File(content, mode) for name, (mode, content) in files.items()}
    return tree, posixpath.normpath(path or ".")


def _below(tree: Mapping[str, File], folder: str, what: str, url: str = "") -> dict[str, File]:
    plain = posixpath.normpath(folder)
    if plain.startswith(("..", "/")):
        raise ActionFailed(f"“{folder}” leads out of {what}")
    prefix = "" if plain == "." else f"{plain}/"
    found = {p.removeprefix(prefix): file for p, file in tree.items() if p.startswith(prefix)}
    if not found:
        raise ActionFailed(f"“{url or folder}” is not a folder of {what}")
    return found


# -- where to -----------------------------------------------------------------------------------
def _lay(context: Context, files: Mapping[str, File], given: Json) -> None:
    """Into targetPath; existing files stay unless `replace` is true, as in Backstage."""
    target = posixpath.normpath(given.get("targetPath") or ".")
    prefix = "" if target == "." else f"{target}/"
    for path, file in files.items():
        _put(context, prefix + path, file, given)


def _lay_file(context: Context, file: File, given: dict[str, Any]) -> None:
    _put(context, posixpath.normpath(given["targetPath"]), file, given)


def _put(context: Context, place: str, file: File, given: Json) -> None:
    try:
        check_path(place)
    except UnsafePath as error:
        raise ActionFailed(f"targetPath “{given.get('targetPath')}”: {error}") from error
    if place not in context.workspace or given.get("replace"):
        context.workspace[place] = file
        context.layers[place] = [f"{context.template_ref}@{context.template_version}"]
