"""fetch:template and fetch:plain: files of the template's repository into the workspace."""

import posixpath
from functools import partial

from scaffolder import sandbox
from scaffolder.actions import BOOLEAN, STRING, ActionFailed, Context, Json, action
from scaffolder.weave.render import RenderOptions, render_tree
from scaffolder.weave.tree import File, UnsafePath, check_path

TARGET = {"type": "string"}
PATTERNS = {"type": "array", "items": STRING}


@action(
    "fetch:template",
    title="Render a skeleton into the workspace",
    properties={
        "url": STRING,
        "targetPath": TARGET,
        "values": {"type": "object"},
        "copyWithoutTemplating": PATTERNS,
        "copyWithoutRender": PATTERNS,
        "templateFileExtension": {"type": ["string", "boolean"]},
        "cookiecutterCompat": BOOLEAN,
        "trimBlocks": BOOLEAN,
        "lstripBlocks": BOOLEAN,
        "replace": BOOLEAN,
    },
    required=("url",),
    in_preview=True,
)
def fetch_template(context: Context, given: Json) -> Json:
    skeleton = _folder(context, given["url"])
    try:
        options = RenderOptions.from_input(given)
        values = given.get("values", {})
        rendered = sandbox.call(partial(render_tree, skeleton, values=values, options=options))
    except (ValueError, *sandbox.STOPPED) as error:
        raise ActionFailed(f"{given['url']}: {error}") from error
    context.log(f"Rendered {len(rendered)} files from {given['url']}")
    _lay(context, rendered, given)
    return {}


@action(
    "fetch:plain",
    title="Copy a folder into the workspace as it is",
    properties={"url": STRING, "targetPath": TARGET, "replace": BOOLEAN},
    required=("url",),
    in_preview=True,
)
def fetch_plain(context: Context, given: Json) -> Json:
    files = _folder(context, given["url"])
    context.log(f"Copied {len(files)} files from {given['url']}")
    _lay(context, files, {"replace": True} | given)
    return {}


def _folder(context: Context, url: str) -> dict[str, File]:
    """The files below a folder that is named relative to template.yaml."""
    if "://" in url:
        raise ActionFailed(
            f"“{url}” is not in the template's own repository: only relative folders can be read"
        )
    folder = posixpath.normpath(posixpath.join(context.folder, url))
    if folder.startswith(("..", "/")):
        raise ActionFailed(f"“{url}” leads out of the template's repository")
    prefix = "" if folder == "." else f"{folder}/"
    found = {
        path.removeprefix(prefix): file
        for path, file in context.source.items()
        if path.startswith(prefix)
    }
    if not found:
        raise ActionFailed(f"“{url}” is not a folder of the template's repository")
    return found


def _lay(context: Context, files: dict[str, File], given: Json) -> None:
    """Into targetPath; existing files stay unless `replace` is true, as in Backstage."""
    target = posixpath.normpath(given.get("targetPath") or ".")
    prefix = "" if target == "." else f"{target}/"
    for path, file in files.items():
        place = prefix + path
        try:
            check_path(place)
        except UnsafePath as error:
            raise ActionFailed(f"targetPath “{target}”: {error}") from error
        if place not in context.workspace or given.get("replace"):
            context.workspace[place] = file
            context.layers[place] = [f"{context.template_ref}@{context.template_version}"]
