"""Blocks as the portal uses them: a release's descriptor read into a golden path or an aspect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from scaffolder import sandbox
from scaffolder.actions import ActionFailed, actions
from scaffolder.blueprint import (
    Blueprint,
    Page,
    Step,
    active_schema,
    parse_blueprint,
    validate,
    with_defaults,
)
from scaffolder.expressions import evaluate
from scaffolder.models import Release
from scaffolder.weave.aspect import parse_aspect
from scaffolder.weave.tree import Tree

WEAVE = "bespoke:weave"


def problems(kind: str, descriptor: dict[str, Any], tree: Tree) -> list[str]:
    """Everything that keeps a block from being used, a sentence each."""
    if kind == "aspect":
        _, found = parse_aspect(descriptor)
        return [str(problem) for problem in found]
    blueprint, findings = parse_blueprint(descriptor)
    sentences = [str(problem) for problem in findings]
    if blueprint is None:
        return sentences or ["The template cannot be read."]
    return sentences + list(_not_understood(blueprint))


def _not_understood(blueprint: Blueprint) -> Iterator[str]:
    """What we do not do yet: better refused than done without it."""
    for index, step in enumerate(blueprint.steps):
        if step.action not in actions():
            yield f"spec.steps.{index}: there is no action “{step.action}”."
        if step.each is not None:
            yield f"spec.steps.{index}.each is not supported yet."
        if any(name in str(step.condition) for name in ("always()", "failure()")):
            yield f"spec.steps.{index}.if: always() and failure() are not supported yet."
    for field in (field for page in blueprint.pages for field in page.fields):
        if field.ui_field == "Secret" or field.widget == "password":
            yield f"The question “{field.name}” asks for a secret: secrets are not supported yet."
    if blueprint.secrets:
        yield "spec.secrets is not supported yet."
    if blueprint.approvals:
        yield "spec.approvals is not supported yet."


@dataclass(frozen=True)
class GoldenPath:
    """A startable release: its form, and its steps with the weaving in its place."""

    release: Release
    blueprint: Blueprint

    @property
    def pages(self) -> tuple[Page, ...]:
        return self.blueprint.pages

    @cached_property
    def steps(self) -> list[dict[str, Any]]:
        """Steps as rows keep them. Aspects are woven in before anything is published, unless the
        template says where (a bespoke:weave step) or opts out (spec.weave: false).
        """
        steps = [_definition(step) for step in self.blueprint.steps]
        if not self.blueprint.weave or any(step["action"] == WEAVE for step in steps):
            return steps
        published = (i for i, step in enumerate(steps) if actions()[step["action"]].publishes)
        place = next(published, len(steps))
        weave = {"id": "weave", "name": "Weave in the aspects", "action": WEAVE, "input": {}}
        return [*steps[:place], weave, *steps[place:]]

    def schema(self, page: Page, answers: dict[str, Any]) -> dict[str, Any]:
        """The page's schema with the conditions resolved for these answers."""
        return dict(active_schema(page.schema, answers))

    def known(self, answers: dict[str, Any]) -> dict[str, Any]:
        """The answers to questions that are still asked, given the other answers."""
        names = {
            name for page in self.pages for name in self.schema(page, answers).get("properties", {})
        }
        return {name: value for name, value in answers.items() if name in names}

    def check(self, answers: dict[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
        """The values of a run, defaults filled in, and messages by field."""
        values: dict[str, Any] = {}
        errors: dict[str, list[str]] = {}
        known: set[str] = set()
        for page in self.pages:
            schema = self.schema(page, answers)
            names = set(schema.get("properties", {}))
            known |= names
            given = {name: value for name, value in answers.items() if name in names}
            filled = with_defaults(schema, given)
            errors |= checked(schema, filled)
            values |= filled
        for name in answers.keys() - known:
            errors[name] = ["This golden path does not ask for it."]
        return values, errors

    def chosen(self, answers: dict[str, Any]) -> set[str]:
        """The names whose values somebody chose: not those that equal the default."""
        return {name for name, value in answers.items() if not self._is_default(name, value)}

    def _is_default(self, name: str, value: Any) -> bool:
        fields = (field for page in self.pages for field in page.fields if field.name == name)
        field = next(fields, None)
        return field is not None and field.has_default and field.default == value


def checked(schema: dict[str, Any], values: dict[str, Any]) -> dict[str, list[str]]:
    """Messages by field. In the sandbox: a template's pattern may take for ever to match."""
    try:
        return dict(sandbox.call(validate, schema, values, seconds=3))
    except sandbox.STOPPED as error:
        return {name: [f"This could not be checked: {error}"] for name in values}


def evaluated(value: Any, names: dict[str, Any], where: str) -> Any:
    """The value with its expressions evaluated, in the sandbox: a regular expression in one of
    them may take for ever. Raises ExpressionError, or ActionFailed when it was stopped.
    """
    if "${{" not in str(value):
        return value
    try:
        return sandbox.call(partial(evaluate, value, names, where=where), seconds=5)
    except sandbox.STOPPED as error:
        raise ActionFailed(f"{where}: {error}") from error


def golden_path(release: Release) -> GoldenPath:
    """Raises ValueError when the release's template cannot be read at all."""
    blueprint, _ = parse_blueprint(release.descriptor)
    if blueprint is None:
        raise ValueError(f"{release} cannot be read")
    return GoldenPath(release, blueprint)


def _definition(step: Step) -> dict[str, Any]:
    return {
        "id": step.id,
        "name": step.name,
        "action": step.action,
        "input": dict(step.input),
        "if": step.condition,
    }
