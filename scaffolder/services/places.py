"""Where in its file an expression stands, for people who have to mend it."""

from __future__ import annotations

from scaffolder.blueprint import lines_of
from scaffolder.expressions import ExpressionError
from scaffolder.models import Release, load_tree


def located(release: Release, error: Exception) -> str:
    """The error's sentence; an expression's with the file and line of the template."""
    if not isinstance(error, ExpressionError):
        return str(error)
    kept = release.tree.get(release.path)
    file = load_tree({release.path: kept})[release.path] if kept else None
    text = file.content.decode(errors="replace") if file else ""
    line = lines_of(text, release.descriptor["metadata"]["name"], error.where)
    place = f"{release.path}, line {line}" if line else release.path
    return f"{place}: {error}"
