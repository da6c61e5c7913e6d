"""Reports on golden paths: which can be started here, and what keeps the others from it."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from catalog.forges import NotOurForge, parse_file_url
from scaffolder import approving, offering, sandbox
from scaffolder.actions import actions
from scaffolder.blocks import is_secret
from scaffolder.blueprint import Blueprint, Page, parse_blueprint, report, with_includes
from scaffolder.fields import field_types
from scaffolder.weave.aspect import parse_aspect
from scaffolder.weave.dialect import has_template, known_filters
from scaffolder.weave.documents import Lines, load_documents
from scaffolder.weave.migration import migration_problems
from scaffolder.weave.problems import Problem
from scaffolder.weave.tree import Tree

_VERSION = "2"  # of the rules in this file and in blueprint/report.py
_OURS = ("scaffolder.backstage.io/", "backstage.io/")
_FIELDS = frozenset({"MultiEntityPicker", "Secret"})
_TAGS = (
    "backstage:permissions.tags hides this from some people in Backstage. Here whoever may start a "
    "golden path sees all of it: remove the tags, or make the template's entity private."
)


@dataclass(frozen=True, slots=True)
class Report:
    """What is to be said about one template of a repository."""

    path: str
    name: str
    namespace: str
    title: str
    problems: tuple[Problem, ...]
    needs_setting: bool = False  # every error goes away when an administrator switches it on
    is_readable: bool = True

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if not problem.warning)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.warning)

    @property
    def ref(self) -> str:
        return f"template:{self.namespace}/{self.name}".lower()

    @property
    def verdict(self) -> str:
        if not self.errors:
            return "ready"
        return "needs a mapping" if self.needs_setting else "cannot be started"


def problems(kind: str, descriptor: Mapping[str, Any], tree: Tree, path: str = "") -> list[str]:
    """Everything that keeps a block from being used, a sentence each."""
    spec = descriptor.get("spec")
    past = migration_problems(spec) if isinstance(spec, Mapping) else []
    if kind == "aspect":
        _, found = parse_aspect(descriptor)
        return [str(problem) for problem in [*found, *past]]
    blueprint, findings = parse_blueprint(descriptor, _lines(descriptor, tree, path))
    findings += past
    if blueprint is None:
        return [str(problem) for problem in findings] or ["The template cannot be read."]
    findings += examine(blueprint, tree, posixpath.dirname(path))
    return [str(problem) for problem in findings if not problem.warning]


def rules() -> str:
    """A digest of what the problems depend on besides the block: when it changes, they are found
    anew."""
    refusals = {name: action.refusal() for name, action in actions().items()}
    known = [_VERSION, refusals, sorted(field_types()), sorted(known_filters())]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()


def template_reports(tree: Tree, project: str = "") -> list[Report]:
    """A report on every golden path in a tree; what a skeleton makes templates of is left out."""
    found: list[Report] = []
    for path in sorted(tree):
        content = tree[path].content
        if path.endswith((".yaml", ".yml")) and b"Template" in content:
            found += _in_file(tree, path, content.decode(errors="replace"), project)
    homes = {posixpath.dirname(report.path) for report in found if report.is_readable}
    return [report for report in found if report.is_readable or not _is_below(report.path, homes)]


def _is_below(path: str, folders: set[str]) -> bool:
    """Whether a file that is no YAML lies in a template's skeleton: then it is none yet."""
    home = posixpath.dirname(path)
    return any(
        home != folder and home.startswith(f"{folder}/" if folder else "") for folder in folders
    )


def _in_file(tree: Tree, path: str, text: str, project: str) -> Iterator[Report]:
    loaded = load_documents(text)
    if loaded.error and f"apiVersion: {_OURS[0]}" in text:
        problem = Problem("", loaded.error, line=loaded.error_line)
        name = posixpath.basename(path)
        yield Report(path, name, "default", path, (problem,), is_readable=False)
    for document, lines in loaded.documents:
        if _is_template(document):
            yield _report(tree, path, document, lines, project)


def _is_template(document: Any) -> bool:
    if not isinstance(document, Mapping) or document.get("kind") != "Template":
        return False
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else ""
    ours = str(document.get("apiVersion")).startswith(_OURS)
    return ours and not has_template(str(name)) and not has_template(str(name), "{{")


def _report(
    tree: Tree, path: str, document: Mapping[str, Any], lines: Lines, project: str
) -> Report:
    def read(target: str) -> str | None:
        place = included_path(project, path, target)
        return tree[place].content.decode(errors="replace") if place in tree else None

    entity, found = with_includes(document, lines, read)
    blueprint, more = parse_blueprint(entity, lines)
    found += more
    if blueprint is None:
        return Report(path, posixpath.basename(path), "default", path, tuple(found))
    closer = examine(blueprint, tree, posixpath.dirname(path))
    every = [*found, *closer]
    errors = [problem for problem in every if not problem.warning]
    settable = {problem.message for problem in _refused(blueprint)}
    title = blueprint.title or blueprint.name
    return Report(
        path, blueprint.name, blueprint.namespace or "default", title, tuple(every),
        needs_setting=all(problem.message in settable for problem in errors),
    )  # fmt: skip


def examine(blueprint: Blueprint, tree: Tree, folder: str) -> list[Problem]:
    """What only this portal's actions, fields, filters and settings can tell."""
    look = partial(
        report, blueprint, actions=frozenset(actions()),
        fields=frozenset(field_types()) | _FIELDS, filters=frozenset(known_filters()),
        files=dict(tree), folder=folder,
    )  # fmt: skip
    try:
        found = sandbox.call(look, seconds=20)
    except (RecursionError, *sandbox.STOPPED) as error:
        found = [Problem("", f"The files of this template cannot be looked through: {error}")]
    found += _refused(blueprint)
    found += _elsewhere(blueprint)
    found += [
        Problem(step.path, _TAGS, "", blueprint.lines.get(step.path))
        for step in blueprint.steps
        if step.tags
    ]
    for page in blueprint.pages:
        found += _page(blueprint, page)
    sentences = [*approving.problems(blueprint), *offering.problems(blueprint)]
    found += [Problem("", sentence) for sentence in sentences]
    return found


def _refused(blueprint: Blueprint) -> Iterator[Problem]:
    """Steps whose action an administrator has not switched on."""
    for step in blueprint.steps:
        action = actions().get(step.action)
        if action and (reason := action.refusal()):
            line = blueprint.lines.get(f"{step.path}.action")
            yield Problem(step.path, f"`{step.action}`: {reason}", "", line)


def _elsewhere(blueprint: Blueprint) -> Iterator[Problem]:
    """Steps that fetch from where the portal does not go."""
    for step in blueprint.steps:
        url = step.input.get("url")
        if not step.action.startswith("fetch:") or not isinstance(url, str):
            continue
        if "://" not in url or has_template(url):
            continue
        try:
            parse_file_url(url)
        except (NotOurForge, ValueError) as error:
            line = blueprint.lines.get(f"{step.path}.input.url")
            hint = "Copy the files into a repository of the forge."
            yield Problem(f"{step.path}.input.url", f"{error}.", hint, line)


def _page(blueprint: Blueprint, page: Page) -> Iterator[Problem]:
    line = blueprint.lines.get(page.path)
    if page.tags:
        yield Problem(page.path, _TAGS, "", line)
    for inner in (inside for field in page.fields for inside in field.fields):
        if is_secret(inner):
            sentence = f"the secret “{inner.name}” must be a question of its own."
            yield Problem(page.path, sentence, "", line)


def _lines(descriptor: Mapping[str, Any], tree: Tree, path: str) -> Lines:
    """The lines of a descriptor in its file."""
    if path not in tree:
        return {}
    name = (descriptor.get("metadata") or {}).get("name")
    text = tree[path].content.decode(errors="replace")
    for document, lines in load_documents(text).documents:
        metadata = document.get("metadata") if isinstance(document, Mapping) else None
        if isinstance(metadata, Mapping) and metadata.get("name") == name:
            return lines
    return {}


def included_path(project: str, path: str, target: str) -> str:
    """Where in the same repository an include leads; empty when it leads out of it."""
    if "://" not in target:
        return posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    try:
        other, _, place = parse_file_url(target)
    except (NotOurForge, ValueError):
        return ""
    return place if other == project else ""
