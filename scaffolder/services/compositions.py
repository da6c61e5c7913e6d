"""What a repository would be made of today: releases composed with the answers that were recorded.

Answers that somebody chose stay; defaults that nobody chose follow the releases' new defaults.
"""

from __future__ import annotations

import dataclasses
import json
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from accounts.models import User
from catalog import refs
from catalog.groups import with_ancestors
from scaffolder import sandbox
from scaffolder.actions import actions
from scaffolder.blocks import WEAVE, GoldenPath, golden_path
from scaffolder.models import Release, load_tree
from scaffolder.services.lineage import LINEAGE_PATH, Answers, answers_of
from scaffolder.services.preview import preview
from scaffolder.weave.aspect import parse_aspect
from scaffolder.weave.compose import AspectLayer, CompositionError, Layer, compose
from scaffolder.weave.tree import Tree, TreeTooLarge, UnsafePath


class CannotCompose(Exception):
    """The releases do not make a tree with these answers; str() is a sentence."""


class NeedsAnswer(Exception):
    """A question of the new release has no answer and no default; str() names each."""


@dataclass(frozen=True, slots=True)
class Composed:
    tree: Tree
    answers: Answers


class _Bare(GoldenPath):
    """The golden path without weaving: that is done afterwards, with the releases given."""

    @property
    def steps(self) -> list[dict[str, Any]]:
        bare = dataclasses.replace(self.blueprint, weave=False)
        steps = GoldenPath(self.release, bare).steps
        return [step for step in steps if step["action"] != WEAVE]


def composed(releases: Sequence[Release], recorded: Answers, user: User) -> Composed:
    """The tree of a golden path's release and those of aspects, without the lineage file."""
    template = next((release for release in releases if release.kind == "template"), None)
    if template is None:
        raise CannotCompose("No golden path is in this repository's lineage.")
    try:
        path = golden_path(template)
    except ValueError as error:
        raise CannotCompose(f"{error}.") from error
    chosen = {name: a["value"] for name, a in recorded.items() if a["origin"] != "default"}
    values = _values(path, path.known(chosen))
    bare = _Bare(path.release, path.blueprint)
    _refuse_made_up(bare)
    made = preview(bare, values, set(chosen), user)
    if len(made.done) < len(bare.steps):
        raise CannotCompose(made.error)
    tree = _woven(template, made.files, releases, values)
    tree.pop(LINEAGE_PATH, None)
    return Composed(tree, answers_of(values, frozenset(chosen) & values.keys()))


def _refuse_made_up(path: GoldenPath) -> None:
    """A preview makes up what only a run knows. Raises CannotCompose where that would be in a file:
    what another step put out in the forge, and secrets."""
    outside = ["secrets"]
    for step in path.steps:
        text = json.dumps([step["input"], step.get("if")])
        if not actions()[step["action"]].in_preview:
            outside.append(f"steps.{step['id']}")
            outside.append(f"steps['{step['id']}']")
        elif known := next(
            (name for name in outside if re.search(rf"\b{re.escape(name)}", text)), ""
        ):
            raise CannotCompose(
                f"The step “{step['name']}” renders with {known}, which only a run knows."
            )


def _values(path: GoldenPath, chosen: dict[str, Any]) -> dict[str, Any]:
    values, errors = path.check(chosen)
    if errors:
        said = (f"{name}: {' '.join(texts)}" for name, texts in sorted(errors.items()))
        raise NeedsAnswer(f"{path.release} asks for more than was answered. {' '.join(said)}")
    return values


def _woven(
    template: Release, base: Tree, releases: Sequence[Release], values: dict[str, Any]
) -> dict[str, Any]:
    layers = [_layer(release, values) for release in releases if release.kind == "aspect"]
    try:
        return dict(sandbox.call(compose, Layer(str(template), dict(base)), layers).tree)
    except (CompositionError, UnsafePath, TreeTooLarge, *sandbox.STOPPED) as error:
        raise CannotCompose(str(error)) from error


def _layer(release: Release, values: dict[str, Any]) -> AspectLayer:
    aspect, problems = parse_aspect(release.descriptor)
    if aspect is None or problems:
        raise CannotCompose(f"{release} cannot be read.")
    folder = posixpath.dirname(release.path)
    prefix = f"{folder}/" if folder else ""
    files = {
        path.removeprefix(prefix): file
        for path, file in load_tree(release.tree).items()
        if path.startswith(prefix)
    }
    return AspectLayer(aspect, files, values, depth=_depth(release))


def _depth(release: Release) -> int:
    scope = release.descriptor["spec"].get("scope", "organisation")
    if scope == "organisation":
        return 0
    return len(with_ancestors([str(refs.parse(scope, default_kind="group"))]))
