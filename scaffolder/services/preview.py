"""What a golden path will make: the steps that only touch the workspace, done without a run.

Other steps are checked and left out; so that later steps can use what they would have put out,
their outputs are made up from their schemas.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.models import User
from forge import ForgeError
from scaffolder.actions import Action, ActionFailed, Context, Later, actions
from scaffolder.blocks import GoldenPath, evaluated, names_for
from scaffolder.expressions import ExpressionError, each_of, shown_output, status_functions, truthy
from scaffolder.models import load_tree
from scaffolder.vault import HIDDEN, Vault
from scaffolder.weave.tree import File, Tree

_EXAMPLES: dict[str, Any] = {"integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}


@dataclass
class Preview:
    """The tree that will be published, and for every path the layers that made it."""

    files: dict[str, File] = field(default_factory=dict)
    layers: dict[str, list[str]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    error: str = ""
    away: ForgeError | None = None  # what the forge said when it could not be asked
    lines: list[tuple[str, str]] = field(default_factory=list)  # step id and line of the log
    done: list[str] = field(default_factory=list)  # ids of the steps that were got through
    output: dict[str, Any] = field(default_factory=dict)


def preview(
    path: GoldenPath,
    values: dict[str, Any],
    chosen: set[str],
    user: User,
    *,
    source: Tree | None = None,
    secrets: dict[str, str] | None = None,
) -> Preview:
    """Never raises on a template's faults: they are in `error`, in the words of the run."""
    result = Preview()
    go = _Preview(path, values, chosen, user, result, source, secrets or {})
    for step in path.steps:
        try:
            go.step(step)
        except (ActionFailed, ExpressionError) as error:
            result.error = go.vault.hide(f"The step “{step['name']}” would fail: {error}")
            return result
        except ForgeError as error:
            result.away = error
            result.error = f"The step “{step['name']}” cannot be shown now: {error}"
            return result
        result.done.append(step["id"])
    try:
        wanted = path.release.descriptor["spec"].get("output") or {}
        result.output = go.vault.hide(shown_output(evaluated(wanted, go.names, "spec.output")))
    except (ActionFailed, ExpressionError) as error:
        result.error = go.vault.hide(f"The output cannot be shown: {error}")
    return result


class _Preview:
    """One go through the steps of a golden path."""

    def __init__(
        self, path: GoldenPath, values: dict[str, Any], chosen: set[str], user: User,
        result: Preview, source: Tree | None, secrets: dict[str, str],
    ) -> None:  # fmt: skip
        self.result, self.vault = result, Vault(given=secrets)
        self.names = names_for(user, values, "preview") | {"steps": {}}
        self.secrets = {field.name: HIDDEN for field in path.secrets(values)} | secrets
        self.current = ""
        release = path.release
        self.context = Context(
            release_id=release.pk,
            template_ref=release.block_ref,
            template_version=release.version,
            folder=release.path.rpartition("/")[0] + "/" if "/" in release.path else "",
            source=load_tree(release.tree) if source is None else source,
            workspace=result.files,
            values=values,
            chosen=frozenset(chosen),
            user=user,
            log=self.say,
            layers=result.layers,
            hide=self.vault.add,
        )

    def say(self, text: str) -> None:
        hidden = self.vault.hide(text)
        self.result.log.append(hidden)
        self.result.lines.append((self.current, hidden))

    def step(self, step: dict[str, Any]) -> None:
        self.current, place = step["id"], step.get("path") or step["id"]
        names = self.names | status_functions(failed=False)
        if not truthy(evaluated(step.get("if", True), names, f"{place}.if")):
            return self.say("Skipped: its condition is not met")
        action = actions().get(step["action"])
        if action is None:
            raise ActionFailed(f"there is no action “{step['action']}”")
        if not action.in_preview:
            self.result.skipped.append(step["name"])
        if step.get("each") is None:
            output = self._call(action, step, place, {})
        else:
            rounds = each_of(evaluated(step["each"], self.names, f"{place}.each"), place)
            every = [self._call(action, step, place, {"each": each}) for each in rounds]
            keys = dict.fromkeys(key for output in every for key in output)
            output = {key: [o[key] for o in every if key in o] for key in keys}
        self.names["steps"] |= {step["id"]: {"output": output}}
        return None

    def _call(
        self, action: Action, step: dict[str, Any], place: str, extra: dict[str, Any]
    ) -> dict[str, Any]:
        names = self.names | extra | {"secrets": self.secrets}
        given = evaluated(step["input"], names, f"{place}.input")
        action.check_input(given)
        if not action.in_preview:
            self.say(f"{action.id} is left out of a preview")
            made: dict[str, Any] = example(action.output_schema)
            return made
        try:
            return action.run(self.context, given)
        except Later:
            return {}


def example(schema: Mapping[str, Any], name: str = "value") -> Any:
    """Something of the schema's type, for the steps that follow."""
    if "properties" in schema:
        return {key: example(part, key) for key, part in schema["properties"].items()}
    kind = schema.get("type", "object" if not schema else "string")
    if isinstance(kind, list):
        kind = kind[0]
    return _EXAMPLES.get(kind, f"example-{name}")
