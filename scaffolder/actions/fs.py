"""fs:delete, fs:rename and fs:readdir: files of the workspace."""

import posixpath

from scaffolder.actions import BOOLEAN, STRING, ActionFailed, Context, Json, action
from scaffolder.weave.globs import matcher
from scaffolder.weave.tree import UnsafePath, check_path

_ENTRIES = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"name": STRING, "path": STRING, "fullPath": STRING},
    },
}


def inside(path: str, what: str = "path") -> str:
    """A path of the workspace in its plain form. Raises ActionFailed for any other."""
    plain = posixpath.normpath(path.lstrip("/") or ".")
    if plain == ".":
        return ""
    try:
        check_path(plain)
    except UnsafePath as error:
        raise ActionFailed(f"{what} “{path}”: {error.reason}") from error
    return plain


@action(
    "fs:delete",
    title="Delete files of the workspace",
    properties={"files": {"type": "array", "items": STRING, "description": "Paths or patterns"}},
    required=("files",),
    in_preview=True,
)
def fs_delete(context: Context, given: Json) -> Json:
    matches = matcher([pattern.removeprefix("./") for pattern in given["files"]])
    gone = [path for path in context.workspace if matches(path)]
    for path in gone:
        del context.workspace[path]
        context.layers.pop(path, None)
    context.log(f"Deleted {len(gone)} files")
    return {}


@action(
    "fs:rename",
    title="Rename files of the workspace",
    properties={
        "files": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"from": STRING, "to": STRING, "overwrite": BOOLEAN},
                "required": ["from", "to"],
            },
        }
    },
    required=("files",),
    in_preview=True,
)
def fs_rename(context: Context, given: Json) -> Json:
    for pair in given["files"]:
        _rename(context, inside(pair["from"], "from"), inside(pair["to"], "to"), pair)
    return {}


def _rename(context: Context, old: str, new: str, pair: Json) -> None:
    """A file, or a folder with everything below it."""
    moved = {
        path: new + path[len(old) :]
        for path in context.workspace
        if path == old or path.startswith(f"{old}/")
    }
    if not moved:
        raise ActionFailed(f"there is no “{pair['from']}” in the workspace")
    taken = next((to for to in moved.values() if to in context.workspace), None)
    if taken and not pair.get("overwrite"):
        raise ActionFailed(f"“{taken}” is there already: set overwrite to replace it")
    files = {to: context.workspace.pop(path) for path, to in moved.items()}
    layers = {to: context.layers.pop(path, []) for path, to in moved.items()}
    context.workspace.update(files)
    context.layers.update(layers)
    context.log(f"Renamed {old} to {new}")


@action(
    "fs:readdir",
    title="List files of the workspace",
    properties={"paths": {"type": "array", "items": STRING}, "recursive": BOOLEAN},
    required=("paths",),
    output={"files": _ENTRIES, "folders": _ENTRIES},
    in_preview=True,
)
def fs_readdir(context: Context, given: Json) -> Json:
    files: dict[str, None] = {}
    folders: dict[str, None] = {}
    for start in given["paths"]:
        folder = inside(start, "paths")
        prefix = f"{folder}/" if folder else ""
        for path in sorted(context.workspace):
            if path.startswith(prefix):
                _list(path, prefix, files, folders, bool(given.get("recursive")))
    return {"files": [*map(_entry, files)], "folders": [*map(_entry, folders)]}


def _list(
    path: str, prefix: str, files: dict[str, None], folders: dict[str, None], deep: bool
) -> None:
    parts = path.removeprefix(prefix).split("/")
    for depth in range(1, len(parts) if deep else min(len(parts), 2)):
        folders[prefix + "/".join(parts[:depth])] = None
    if deep or len(parts) == 1:
        files[path] = None


def _entry(path: str) -> Json:
    name = posixpath.basename(path)
    return {"name": name, "path": posixpath.dirname(path), "fullPath": path}
