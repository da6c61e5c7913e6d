"""What stands between a template and its first run: actions, fields and filters that this portal
does not have, expressions that cannot be read, and hazards in its skeleton files."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Set
from typing import Any

from scaffolder.weave.dialect import TemplateFault, has_template, uses
from scaffolder.weave.globs import matcher
from scaffolder.weave.problems import Problem
from scaffolder.weave.render import RenderOptions, is_binary
from scaffolder.weave.tree import SYMLINK, File, Tree

from .model import Blueprint, Step

# Contexts and functions of GitHub Actions, which uses the same ${{ }} (GitHub: "Contexts").
_GITHUB = frozenset({"github", "env", "vars", "job", "jobs", "steps", "runner", "secrets",
                     "strategy", "matrix", "needs", "inputs"})  # fmt: skip
_GITHUB_CALLS = frozenset({"hashFiles", "toJSON", "fromJSON", "contains", "startsWith", "endsWith",
                           "format", "always", "failure", "success", "cancelled"})  # fmt: skip
_FETCHING = frozenset({"fetch:template", "workspace:template"})
_PROTECT = (
    "Put it between `{% raw %}` and `{% endraw %}`, or list the file in copyWithoutTemplating."
)


def report(
    blueprint: Blueprint,
    *,
    actions: Set[str],
    fields: Set[str],
    filters: Set[str],
    files: Tree | None = None,
    folder: str = "",
) -> list[Problem]:
    """Every problem, with its line where it is known. `folder` is where template.yaml stands in
    `files`, the files of its repository."""
    found = [*_actions(blueprint, actions), *_fields(blueprint, fields)]
    found += _expressions(blueprint, filters)
    found += _options(blueprint)
    for step in blueprint.steps:
        if files and step.action in _FETCHING:
            found += _skeleton(step, files, folder, filters)
    return found


def _line(blueprint: Blueprint, path: str) -> int | None:
    while path and path not in blueprint.lines:
        path = path.rpartition(".")[0]
    return blueprint.lines.get(path)


def _actions(blueprint: Blueprint, known: Set[str]) -> Iterable[Problem]:
    for step in blueprint.steps:
        if step.action not in known:
            path = f"{step.path}.action"
            line = _line(blueprint, path)
            yield Problem(path, f"There is no action `{step.action}`.", "Map it to another.", line)


def _fields(blueprint: Blueprint, known: Set[str]) -> Iterable[Problem]:
    for page in blueprint.pages:
        for path, name in _values(page.schema, page.path):
            if path.endswith(".ui:field") and isinstance(name, str) and name not in known:
                line = _line(blueprint, path)
                yield Problem(path, f"There is no field `{name}`.", "A text field stands in.", line,
                              warning=True)  # fmt: skip


def _values(value: Any, path: str) -> Iterable[tuple[str, Any]]:
    """Every leaf below a value, with its dotted path."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _values(item, f"{path}.{key}")
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _values(item, f"{path}.{place}")
    else:
        yield path, value


def _texts(blueprint: Blueprint) -> Iterable[tuple[str, str]]:
    for step in blueprint.steps:
        parts = {"name": step.name, "if": step.condition, "each": step.each, "input": step.input}
        yield from _templates(parts, step.path)
    output = blueprint.output
    links = [{"url": link.url, "entityRef": link.entity_ref, "title": link.title,
              "if": link.condition} for link in output.links]  # fmt: skip
    texts = [{"title": text.title, "content": text.content, "if": text.condition}
             for text in output.texts]  # fmt: skip
    yield from _templates({"links": links, "text": texts, **output.values}, "spec.output")


def _templates(value: Any, path: str) -> Iterable[tuple[str, str]]:
    for place, text in _values(value, path):
        if isinstance(text, str) and has_template(text):
            yield place, text


def _expressions(blueprint: Blueprint, filters: Set[str]) -> Iterable[Problem]:
    for path, text in _texts(blueprint):
        line = _line(blueprint, path)
        try:
            used = uses(text)
        except TemplateFault as fault:
            yield Problem(path, f"`{fault.expression}` cannot be read: {fault.reason}.", "", line)
            continue
        for name in dict.fromkeys(use.name for use in used.filters if use.name not in filters):
            yield Problem(path, f"There is no filter `{name}`.", "", line)


def _options(blueprint: Blueprint) -> Iterable[Problem]:
    for step in blueprint.steps:
        if step.action not in _FETCHING:
            continue
        path = f"{step.path}.input"
        if "copyWithoutRender" in step.input:
            hint = "Write copyWithoutTemplating; it is taken to mean that."
            where = f"{path}.copyWithoutRender"
            line = _line(blueprint, where)
            yield Problem(where, "Backstage removed copyWithoutRender and renders these files.",
                          hint, line, warning=True)  # fmt: skip
        try:
            RenderOptions.from_input(step.input)
        except ValueError as error:
            yield Problem(path, str(error), "", _line(blueprint, path))


def _skeleton(step: Step, files: Tree, home: str, filters: Set[str]) -> Iterable[Problem]:
    url = step.input.get("url")
    if not isinstance(url, str) or "://" in url or has_template(url):
        return
    try:
        options = RenderOptions.from_input(step.input)
    except ValueError:
        return
    folder = posixpath.normpath(posixpath.join(home, url))
    prefix = f"{folder}/" if folder != "." else ""
    if not any(path.startswith(prefix) for path in files):
        where = f"{step.path}.input.url"
        yield Problem(where, f"There is no folder `{url}`.", warning=True)
    verbatim = matcher(options.copy_without_templating)
    for path, file in files.items():
        inner = path.removeprefix(prefix)
        extension = options.template_file_extension
        skipped = not inner.endswith(extension) if extension else verbatim(inner)
        if path.startswith(prefix) and not skipped and file.mode != SYMLINK:
            yield from _file(path, file, options, filters)


def _file(path: str, file: File, options: RenderOptions, filters: Set[str]) -> Iterable[Problem]:
    text = file.content.decode("utf-8", "replace")
    if is_binary(file.content) or not has_template(text, options.variable):
        return
    try:
        used = uses(text, variable=options.variable)
    except TemplateFault as fault:
        hint = _PROTECT if _looks_foreign(fault.expression) else ""
        yield Problem(
            path, f"`{fault.expression}` cannot be read: {fault.reason}.", hint, fault.line
        )
        return
    for use in used.filters:
        if use.name not in filters:
            yield Problem(path, f"There is no filter `{use.name}`.", "", use.tag.line)
    foreign = [use.tag for use in used.roots if use.name in _GITHUB]
    foreign += [use.tag for use in used.calls if use.name in _GITHUB_CALLS]
    for tag in dict.fromkeys(foreign):
        message = f"`{tag.source}` looks like GitHub Actions and would be rendered away."
        yield Problem(path, message, _PROTECT, tag.line, warning=True)


def _looks_foreign(expression: str) -> bool:
    return any(f"{name}." in expression for name in _GITHUB) or "&&" in expression
