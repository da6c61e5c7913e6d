"""API definitions of several files as one: what `$openapi` and `$asyncapi` mean.

Every `$ref` to another file is replaced by what it names, once; further references lead to that
place, so definitions that refer to themselves stay finite.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urldefrag

Load = Callable[[str], Any]  # a path as the root's was written, to the parsed file
MAX_DEPTH = 200


class BundleError(ValueError):
    """A reference leads nowhere; str() says which."""


def bundle(root: str, load: Load) -> Any:
    """The parsed definition in the file `root`, with everything in it that other files hold."""
    return _Bundle(root, load).walk(load(root), root, "", 0)


class _Bundle:
    def __init__(self, root: str, load: Load) -> None:
        self.root, self.load = root, load
        self.files: dict[str, Any] = {}
        self.places: dict[tuple[str, str], str] = {}

    def walk(self, value: Any, file: str, place: str, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise BundleError(f"“{file}” is nested too deeply")
        if isinstance(value, list):
            return [self.walk(v, file, f"{place}/{i}", depth + 1) for i, v in enumerate(value)]
        if not isinstance(value, dict):
            return value
        ref = value.get("$ref")
        if isinstance(ref, str) and "://" not in ref:
            return self._follow(value, ref, file, place, depth)
        return {
            key: self.walk(item, file, f"{place}/{_escaped(key)}", depth + 1)
            for key, item in value.items()
        }

    def _follow(self, value: Any, ref: str, file: str, place: str, depth: int) -> Any:
        name, pointer = urldefrag(ref)
        target = posixpath.normpath(posixpath.join(posixpath.dirname(file), name)) if name else file
        if target == posixpath.normpath(self.root):
            return value | {"$ref": f"#{pointer}"}
        if known := self.places.get((target, pointer)):
            return {"$ref": f"#{known}"}
        self.places[target, pointer] = place
        if target not in self.files:
            self.files[target] = self.load(target)
        found = _pointed(self.files[target], pointer, ref)
        return self.walk(found, target, place, depth + 1)


def _escaped(key: object) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")


def _pointed(value: Any, pointer: str, ref: str) -> Any:
    for part in unquote(pointer).split("/")[1:]:
        step = part.replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError, ValueError, TypeError):
            raise BundleError(f"“{ref}” leads nowhere") from None
    return value
