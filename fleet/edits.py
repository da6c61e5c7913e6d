"""Changes to files as they are, without a block: a text for another, or names and values merged in.
Pure, and done in the sandbox: an expression may take for ever to match."""

from __future__ import annotations

import re
from collections.abc import Mapping

from scaffolder.weave.globs import matcher
from scaffolder.weave.merge import merge_text
from scaffolder.weave.render import is_binary
from scaffolder.weave.tree import SYMLINK, File, Tree


def replaced(tree: Tree, settings: Mapping[str, str]) -> dict[str, File]:
    """The files that differ with `find` (a regular expression with `is_pattern`) replaced."""
    pattern = text_pattern(settings)
    new = settings["replacement"]
    put = new if settings.get("is_pattern") else new.replace("\\", "\\\\")
    changed = {}
    for path, file in _texts(tree, settings["paths"]).items():
        text = file.content.decode("utf-8", "surrogateescape")
        content = pattern.sub(put, text).encode("utf-8", "surrogateescape")
        if content != file.content:
            changed[path] = File(content, file.mode)
    return changed


def text_pattern(settings: Mapping[str, str]) -> re.Pattern[str]:
    """Raises re.error."""
    find = settings["find"].replace("\r\n", "\n")
    return re.compile(find if settings.get("is_pattern") else re.escape(find), re.MULTILINE)


def merged(tree: Tree, settings: Mapping[str, str]) -> dict[str, File]:
    """The YAML, JSON and TOML files that differ with the fragment in them. Raises MergeError."""
    changed = {}
    for path, file in _texts(tree, settings["paths"]).items():
        text = file.content.decode("utf-8")
        content = merge_text(path, text, settings["fragment"], {}).encode()
        if content != file.content:
            changed[path] = File(content, file.mode)
    return changed


def _texts(tree: Tree, paths: str) -> dict[str, File]:
    matches = matcher(paths.split())
    return {
        path: file
        for path, file in tree.items()
        if matches(path) and file.mode != SYMLINK and not is_binary(file.content)
    }
