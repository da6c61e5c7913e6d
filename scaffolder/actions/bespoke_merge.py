"""bespoke:merge: keys and list entries into a YAML, JSON or TOML file of the workspace."""

import json
from functools import partial
from io import StringIO

import tomlkit
from ruamel.yaml import YAML

from scaffolder import sandbox
from scaffolder.actions import STRING, ActionFailed, Context, Json, action
from scaffolder.weave.merge import MergeError, merge_text
from scaffolder.weave.tree import File


@action(
    "bespoke:merge",
    title="Merge into a YAML, JSON or TOML file",
    properties={
        "path": STRING | {"description": "File of the workspace; the merge keeps its comments"},
        "content": {"type": "object", "description": "What goes in: objects deeply, by key"},
        "lists": {
            "type": "object",
            "description": "For lists, by dotted path: union (if nothing is said), append, replace",
        },
    },
    required=("path", "content"),
    in_preview=True,
    notes="Doing it again changes nothing. Only the lines that must change are written anew.",
)
def merge(context: Context, given: Json) -> Json:
    path = given["path"]
    file = context.workspace.get(path)
    if file is None:
        raise ActionFailed(f"“{path}” is not a file of the workspace")
    try:
        fragment = _written(path, given["content"])
        text = file.content.decode()
        merged = sandbox.call(partial(merge_text, path, text, fragment, given.get("lists") or {}))
    except (MergeError, UnicodeDecodeError, *sandbox.STOPPED) as error:
        raise ActionFailed(f"{path}: {error}") from error
    context.workspace[path] = File(merged.encode(), file.mode)
    return {}


def _written(path: str, content: Json) -> str:
    """The content in the format of the file, in block style where it is YAML."""
    if path.endswith(".json"):
        return json.dumps(content, ensure_ascii=False)
    if path.endswith(".toml"):
        return tomlkit.dumps(content)
    stream = StringIO()
    YAML().dump(content, stream)
    return stream.getvalue()
