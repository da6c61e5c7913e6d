"""Reading what users wrote without ever raising: each thing that is not as it should be becomes a
problem with its path, a sentence and a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .documents import Lines


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a file: where (a dotted path), what, and what to do about it. A warning
    does not keep it from being used."""

    path: str
    message: str
    hint: str = ""
    line: int | None = None
    warning: bool = False

    def __str__(self) -> str:
        line = f" (line {self.line})" if self.line else ""
        return f"{self.path}{line}: {self.message}{f' {self.hint}' if self.hint else ''}"


class Reader:
    """Takes an object apart and collects the problems met on the way."""

    def __init__(self, lines: Lines) -> None:
        self.lines, self.problems = lines, list[Problem]()

    def complain(self, path: str, message: str, hint: str = "") -> None:
        self.problems.append(Problem(path, message, hint, self._line(path)))

    def _line(self, path: str) -> int | None:
        while path and path not in self.lines:
            path = path.rpartition(".")[0]
        return self.lines.get(path)

    def text(self, source: Mapping[str, Any], key: str, path: str, default: str = "") -> str:
        value = source.get(key)
        if value is None:
            return default
        if isinstance(value, str):
            return value
        if isinstance(value, (int, float)):
            return str(value)
        self.complain(f"{path}.{key}", "This must be a text.")
        return default

    def mapping(self, source: Mapping[str, Any], key: str, path: str) -> Mapping[str, Any]:
        value = source.get(key)
        if value is None:
            return {}
        if isinstance(value, Mapping):
            return value
        self.complain(f"{path}.{key}".lstrip("."), "This must be an object of names and values.")
        return {}

    def items(
        self, source: Mapping[str, Any], key: str, path: str
    ) -> Iterable[tuple[str, Mapping[str, Any]]]:
        """Path and content of each object in a list; one object counts as a list of one."""
        value, path = source.get(key), f"{path}.{key}"
        if value is None:
            return
        if not isinstance(value, list):
            yield from self._object(path, value)
            return
        for place, item in enumerate(value):
            yield from self._object(f"{path}.{place}", item)

    def _object(self, path: str, value: Any) -> Iterable[tuple[str, Mapping[str, Any]]]:
        if isinstance(value, Mapping):
            yield path, value
        else:
            self.complain(path, "This must be an object of names and values.")

    def texts(self, source: Mapping[str, Any], key: str, path: str) -> tuple[str, ...]:
        value = source.get(key)
        if value is None:
            return ()
        if isinstance(value, list) and all(isinstance(item, (str, int)) for item in value):
            return tuple(str(item) for item in value)
        self.complain(f"{path}.{key}", "This must be a list of texts.")
        return ()
