"""Blocks as the portal uses them: a release's descriptor read into a golden path or an aspect."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from accounts.models import User
from catalog.models import Entity
from catalog.selectors import SelectorError
from scaffolder import approving, sandbox
from scaffolder.actions import ActionFailed, actions
from scaffolder.blueprint import (
    Blueprint,
    Field,
    Page,
    Step,
    active_schema,
    fields_of,
    parse_blueprint,
    validate,
    with_defaults,
)
from scaffolder.blueprint.conditions import asked_names
from scaffolder.expressions import evaluate
from scaffolder.models import Release

WEAVE = "bespoke:weave"
_ASKS = re.compile(r"\b(?:always|failure)\s*\(")


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
        asked = [approving.definition(one, n) for n, one in enumerate(self.blueprint.approvals)]
        steps = [*asked, *(_definition(step) for step in self.blueprint.steps)]
        if not self.blueprint.weave or any(step["action"] == WEAVE for step in steps):
            return steps
        published = (i for i, step in enumerate(steps) if actions()[step["action"]].publishes)
        place = next(published, len(steps))
        weave = {"id": "weave", "name": "Weave in the aspects", "action": WEAVE, "input": {}}
        return [*steps[:place], weave, *steps[place:]]

    def schema(self, page: Page, answers: dict[str, Any]) -> dict[str, Any]:
        """The page's schema with the conditions resolved for these answers. Secrets are left out:
        no draft and no row of values may hold them, so they are asked for at the very end."""
        schema = dict(active_schema(page.schema, answers))
        hidden = {field.name for field in fields_of(schema) if is_secret(field)}
        properties = schema.get("properties")
        if hidden and isinstance(properties, dict):
            schema["properties"] = {k: v for k, v in properties.items() if k not in hidden}
            schema["required"] = [n for n in schema.get("required") or [] if n not in hidden]
        return schema

    def secrets(self, answers: dict[str, Any]) -> list[Field]:
        """The secrets that are asked for, given the answers, and those of `spec.secrets`."""
        schemas = [active_schema(page.schema, answers) for page in self.pages]
        found = [f for schema in schemas for f in fields_of(schema) if is_secret(f)]
        names = {field.name for field in found}
        declared = fields_of(self.blueprint.secrets or {})
        return [*found, *(field for field in declared if field.name not in names)]

    def check_secrets(
        self, answers: dict[str, Any], secrets: dict[str, str]
    ) -> dict[str, list[str]]:
        """Messages by `secrets.name`."""
        errors = {}
        for field in self.secrets(answers):
            given = secrets.get(field.name)
            one = {"properties": {field.name: {**field.schema, "type": "string"}}}
            if not given and field.required:
                errors[f"secrets.{field.name}"] = ["This secret is needed."]
            elif given and (wrong := checked(one, {field.name: given})):
                errors[f"secrets.{field.name}"] = [w for found in wrong.values() for w in found]
        return errors

    @cached_property
    def question_names(self) -> set[str]:
        """The names of all questions, under whatever conditions they are asked."""
        return {name for page in self.pages for name in asked_names(page.schema)}

    def approvals(self, values: dict[str, Any]) -> list[dict[str, Any]]:
        """The inputs of the steps that will wait for somebody, given these values."""
        asked = [step["input"] for step in self.steps if step["action"] == approving.ACTION]
        return [one for one in asked if self._is_needed(one, values)]

    def _is_needed(self, asked: dict[str, Any], values: dict[str, Any]) -> bool:
        """A condition that gives neither true nor false fails its step: better said early."""
        try:
            return approving.is_needed(asked, values, self.question_names)
        except SelectorError:
            return True

    def filled(self, answers: dict[str, Any]) -> dict[str, Any]:
        """The answers with the defaults of the questions that nobody has answered."""
        filled = dict(answers)
        for page in self.pages:
            filled = with_defaults(page.schema, filled)
        return filled

    def known(self, answers: dict[str, Any]) -> dict[str, Any]:
        """The answers to questions that are still asked, given the other answers."""
        filled = self.filled(answers)
        names = {
            name for page in self.pages for name in self.schema(page, filled).get("properties", {})
        }
        return {name: value for name, value in answers.items() if name in names}

    def check(self, answers: dict[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
        """The values of a run, defaults filled in, and messages by field."""
        values: dict[str, Any] = {}
        errors: dict[str, list[str]] = {}
        known: set[str] = set()
        filled = self.filled(answers)
        for page in self.pages:
            schema = self.schema(page, filled)
            names = set(schema.get("properties", {}))
            known |= names
            given = {name: value for name, value in filled.items() if name in names}
            errors |= checked(schema, given)
            values |= given
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


def is_secret(field: Field) -> bool:
    return field.ui_field == "Secret" or field.widget == "password"


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
    if not has_expressions(value):
        return value
    try:
        return sandbox.call(partial(evaluate, value, names, where=where), seconds=5)
    except sandbox.STOPPED as error:
        raise ActionFailed(f"{where}: {error}") from error


def has_expressions(value: Any) -> bool:
    text = str(value)
    return "${{" in text or "{%" in text or "{#" in text


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
        "each": step.each,
        "path": step.path,
    }


def asks_about_failure(condition: Any) -> bool:
    """Whether a step's `if` calls always() or failure(): such a step runs after a failure too."""
    return isinstance(condition, str) and bool(_ASKS.search(condition))


def names_for(user: User, values: dict[str, Any], task: str) -> dict[str, Any]:
    """What expressions can see from the first step on."""
    entity = Entity.objects.filter(ref=user.entity_ref).first() if user.entity_ref else None
    name = (user.entity_ref or "").rpartition("/")[2] or user.username
    return {
        "parameters": values,
        "user": {
            "ref": user.entity_ref,
            "entity": entity.descriptor if entity else {"metadata": {"name": name}},
        },
        "context": {"task": {"id": task}},
    }
