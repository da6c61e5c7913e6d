"""Actions: what a step of a golden path can do. One file an action, found by itself.

An action is a function of a Context and its rendered input that returns its output. It raises
ActionFailed with a sentence for people; a ForgeUnavailable is tried again by the run. What it does
outside the workspace must be safe to repeat: it looks before it makes, and notes what it began.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jsonschema import Draft7Validator

from accounts.models import User
from scaffolder.weave.tree import File, Tree

Json = dict[str, Any]


class ActionFailed(Exception):
    """The step cannot be done; str() is one sentence that says why and what to do."""


class Later(Exception):
    """The step wants to be begun again after some seconds; str() says what it waits for."""

    def __init__(self, reason: str, seconds: float) -> None:
        super().__init__(reason)
        self.seconds = seconds


class Waiting(Exception):
    """Somebody has to decide before the step can go on: the run is put aside until then."""


@dataclass
class Context:
    """What an action may use. `workspace` is the tree that the steps build up, path by path.

    In a preview there is no run: nothing outside the workspace may be touched then, and only
    actions that say so are called.
    """

    release_id: int
    template_ref: str
    template_version: str
    folder: str  # of template.yaml in its repository, "" or ending with a slash
    source: Tree  # files of the template's repository
    workspace: dict[str, File]
    values: Json
    chosen: frozenset[str]
    user: User
    log: Callable[[str], None]
    run_id: str = ""
    notes: Json = field(default_factory=dict)
    save_notes: Callable[[], None] = lambda: None
    made: Callable[[str, str], None] = lambda title, url: None
    hide: Callable[[str], None] = lambda secret: None  # in everything that the run leaves behind
    layers: dict[str, list[str]] = field(default_factory=dict)
    facts: Json = field(default_factory=dict)  # what later steps and the run want to know

    def note(self, key: str, value: Any) -> None:
        """Keeps a checkpoint before (or after) an effect; it survives a killed worker."""
        self.notes[key] = value
        self.save_notes()


@dataclass(frozen=True)
class Action:
    """An action and the schemas that document and check it."""

    id: str
    title: str
    run: Callable[[Context, Json], Json]
    input_schema: Json
    output_schema: Json
    in_preview: bool  # touches nothing but the workspace
    publishes: bool  # sends the workspace to the forge: aspects are woven in before
    refusal: Callable[[], str] = lambda: ""  # why it cannot be used in this installation
    notes: str = ""  # what differs from Backstage, for the actions page

    def check_input(self, given: Mapping[str, Any]) -> None:
        """Raises ActionFailed that names the first wrong input."""
        errors = sorted(Draft7Validator(self.input_schema).iter_errors(given), key=str)
        if errors:
            place = ".".join(["input", *map(str, errors[0].absolute_path)])
            raise ActionFailed(f"{place}: {errors[0].message}")


_ACTIONS: dict[str, Action] = {}


def action(
    name: str,
    *,
    title: str,
    properties: Json,
    required: tuple[str, ...] = (),
    output: Json | None = None,
    in_preview: bool = False,
    publishes: bool = False,
    refusal: Callable[[], str] = lambda: "",
    notes: str = "",
) -> Callable[[Callable[[Context, Json], Json]], Callable[[Context, Json], Json]]:
    """Registers the decorated function as the action `name`. A duplicate name fails at start."""

    def register(function: Callable[[Context, Json], Json]) -> Callable[[Context, Json], Json]:
        if name in _ACTIONS:
            raise RuntimeError(f"Two actions are called {name}")
        schema = {"type": "object", "properties": properties, "required": list(required)}
        outputs = {"type": "object", "properties": output or {}}
        _ACTIONS[name] = Action(
            name, title, function, schema, outputs, in_preview, publishes, refusal, notes
        )
        return function

    return register


@cache
def actions() -> dict[str, Action]:
    """Every action by its name."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return dict(sorted(_ACTIONS.items()))


STRING = {"type": "string", "minLength": 1}
BOOLEAN = {"type": "boolean"}
"""Schemas that many actions share."""
