"""What a repository would be made of today: releases composed with the answers that were recorded.

Answers that somebody chose stay; defaults that nobody chose follow the releases' new defaults.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from accounts.models import User
from scaffolder import aspects, sandbox
from scaffolder.actions import actions
from scaffolder.blocks import WEAVE, GoldenPath, checked, golden_path
from scaffolder.blueprint import with_defaults
from scaffolder.blueprint.conditions import asked_names
from scaffolder.models import Release, load_tree
from scaffolder.services.lineage import LINEAGE_PATH, Answers, answers_of
from scaffolder.services.preview import preview
from scaffolder.weave.compose import AspectLayer, CompositionError, Layer, compose
from scaffolder.weave.tree import Tree, TreeTooLarge, UnsafePath


class CannotCompose(Exception):
    """The releases do not make a tree with these answers; str() is a sentence."""


class NeedsAnswer(Exception):
    """Questions of the new release have no answer and no default; str() names each."""

    def __init__(self, release: str, errors: Mapping[str, Sequence[str]]) -> None:
        super().__init__(release, errors)
        self.release, self.errors = release, errors

    @property
    def names(self) -> list[str]:
        """The questions, those inside an object by its name."""
        return sorted({path.partition(".")[0] for path in self.errors})

    def __str__(self) -> str:
        said = (f"{path}: {' '.join(texts)}" for path, texts in sorted(self.errors.items()))
        return f"{self.release} asks for more than was answered. {' '.join(said)}"


@dataclass(frozen=True, slots=True)
class Composed:
    tree: Tree
    answers: Answers


class _Bare(GoldenPath):
    """The golden path without weaving: that is done afterwards, with the releases given."""

    @cached_property
    def steps(self) -> list[dict[str, Any]]:
        bare = dataclasses.replace(self.blueprint, weave=False)
        steps = GoldenPath(self.release, bare).steps
        return [step for step in steps if step["action"] != WEAVE]


class Composer:
    """Composes for many repositories in a row and reads each release once. What belongs to the
    same releases shares a sandbox; other releases never meet it."""

    def __init__(self) -> None:
        self._paths: dict[int, tuple[_Bare, Tree]] = {}
        self._layers: dict[int, AspectLayer] = {}
        self._last: list[int] = []

    def compose(self, releases: Sequence[Release], recorded: Answers, user: User) -> Composed:
        """The tree of a golden path's release and those of aspects, without the lineage file.
        Raises CannotCompose or NeedsAnswer."""
        template = next((release for release in releases if release.kind == "template"), None)
        if template is None:
            raise CannotCompose("No golden path is in this repository's lineage.")
        keys = [release.pk for release in releases]
        if keys != self._last:
            sandbox.part()
            self._last = keys
        path, source = self._path(template)
        chosen = {name: a["value"] for name, a in recorded.items() if a["origin"] != "default"}
        values = _values(path, path.known(chosen))
        made = preview(path, values, set(chosen), user, source=source)
        if made.away:
            raise made.away
        if len(made.done) < len(path.steps):
            raise CannotCompose(made.error)
        layers = [self._layer(release) for release in releases if release.kind == "aspect"]
        tree = _woven(str(template), made.files, layers, values)
        tree.pop(LINEAGE_PATH, None)
        return Composed(tree, answers_of(values, frozenset(chosen) & values.keys()))

    def weave(
        self, below: Tree, releases: Sequence[Release], recorded: Answers, entity: dict[str, Any]
    ) -> Composed:
        """Aspects over a repository as it is. They see the answers to their own questions, and
        what the catalogue says of the entity. Raises CannotCompose or NeedsAnswer."""
        sandbox.part()
        self._last = []
        chosen = {name: a["value"] for name, a in recorded.items() if a["origin"] == "chosen"}
        layers = [self._layer(release) for release in releases]
        asked: dict[str, Any] = {}
        for release, layer in zip(releases, layers, strict=True):
            for page in layer.aspect.parameters:
                given = with_defaults(page, chosen)
                if errors := checked(dict(page), given):
                    raise NeedsAnswer(str(release), errors)
                asked |= {name: given[name] for name in asked_names(page) if name in given}
        values = facts_of(entity) | asked
        tree = _woven("the repository", below, layers, values)
        return Composed(tree, answers_of(asked, frozenset(chosen)))

    def _path(self, template: Release) -> tuple[_Bare, Tree]:
        if template.pk not in self._paths:
            try:
                path = golden_path(template)
            except ValueError as error:
                raise CannotCompose(f"{error}.") from error
            bare = _Bare(path.release, path.blueprint)
            _refuse_made_up(bare)
            self._paths[template.pk] = bare, load_tree(template.tree)
        return self._paths[template.pk]

    def _layer(self, release: Release) -> AspectLayer:
        if release.pk not in self._layers:
            parts = aspects.parts(release)
            if parts is None:
                raise CannotCompose(f"{release} cannot be read.")
            self._layers[release.pk] = AspectLayer(*parts, depth=aspects.depth(release))
        return self._layers[release.pk]


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
        raise NeedsAnswer(str(path.release), errors)
    return values


def facts_of(entity: dict[str, Any]) -> dict[str, Any]:
    """What the catalogue knows that templates often ask for, by the names they use."""
    metadata, spec = entity.get("metadata") or {}, entity.get("spec") or {}
    name = metadata.get("name")
    found = {
        "name": name, "component_id": name, "title": metadata.get("title"),
        "description": metadata.get("description"), "owner": spec.get("owner"),
        "system": spec.get("system"), "type": spec.get("type"),
        "lifecycle": spec.get("lifecycle"),
    }  # fmt: skip
    return {key: value for key, value in found.items() if isinstance(value, str)}


def _woven(
    below: str, base: Tree, layers: Sequence[AspectLayer], values: dict[str, Any]
) -> dict[str, Any]:
    answered = [dataclasses.replace(layer, values=values) for layer in layers]
    try:
        return dict(sandbox.call(compose, Layer(below, dict(base)), answered).tree)
    except (CompositionError, UnsafePath, TreeTooLarge, *sandbox.STOPPED) as error:
        raise CannotCompose(str(error)) from error
