"""Finds the handler of a call. Routes are matched on the raw path, segment by segment, so that an
encoded slash (`/projects/group%2Fproject`) stays inside its segment; values are decoded last."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

Handler = Callable[[Any], Any]
Route = tuple[str, str, Handler]


def get(template: str, handler: Handler) -> Route:
    """A route for GET (and HEAD)."""
    return ("GET", template, handler)


def post(template: str, handler: Handler) -> Route:
    """A route for POST."""
    return ("POST", template, handler)


def put(template: str, handler: Handler) -> Route:
    """A route for PUT."""
    return ("PUT", template, handler)


def patch(template: str, handler: Handler) -> Route:
    """A route for PATCH."""
    return ("PATCH", template, handler)


def delete(template: str, handler: Handler) -> Route:
    """A route for DELETE."""
    return ("DELETE", template, handler)


@dataclass
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    param: "_Node | None" = None
    rest: "_Node | None" = None
    handlers: dict[str, tuple[Handler, list[str]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Match:
    """A handler and the values in its path."""

    handler: Handler
    values: dict[str, str]


class Router:
    """A tree of path segments: `:name` takes one, `*name` as few as will do, at least one."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for method, template, handler in routes:
            self._add(method, template, handler)

    def _add(self, method: str, template: str, handler: Handler) -> None:
        node, names = self._root, []
        for segment in template.strip("/").split("/"):
            node = _step(node, segment)
            if segment[:1] in (":", "*"):
                names.append(segment[1:])
        if method in node.handlers:
            raise ValueError(f"{method} {template} is routed twice")
        node.handlers[method] = (handler, names)

    def find(self, method: str, raw_path: str) -> Match | None:
        """The route for a raw path, or None."""
        segments = raw_path.strip("/").split("/")
        found = _walk(self._root, segments, 0, [], "GET" if method == "HEAD" else method)
        if found is None:
            return None
        (handler, names), values = found
        return Match(handler, dict(zip(names, map(unquote, values), strict=True)))


def _step(node: _Node, segment: str) -> _Node:
    if segment.startswith(":"):
        node.param = node.param or _Node()
        return node.param
    if segment.startswith("*"):
        node.rest = node.rest or _Node()
        return node.rest
    return node.literals.setdefault(segment, _Node())


_Found = tuple[tuple[Handler, list[str]], list[str]]


def _walk(
    node: _Node, segments: list[str], at: int, values: list[str], method: str
) -> _Found | None:
    if at == len(segments):
        return (node.handlers[method], values) if method in node.handlers else None
    literal = node.literals.get(segments[at])
    found = _walk(literal, segments, at + 1, values, method) if literal else None
    if found is None and node.param and segments[at]:
        found = _walk(node.param, segments, at + 1, [*values, segments[at]], method)
    return found or _walk_rest(node.rest, segments, at, values, method)


def _walk_rest(
    node: _Node | None, segments: list[str], at: int, values: list[str], method: str
) -> _Found | None:
    if node is None:
        return None
    for end in range(at + 1, len(segments) + 1):
        found = _walk(node, segments, end, [*values, "/".join(segments[at:end])], method)
        if found:
            return found
    return None
