"""What a golden path will make: the steps that only touch the workspace, done without a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from accounts.models import User
from scaffolder.actions import ActionFailed, Context, actions
from scaffolder.blocks import GoldenPath, evaluated
from scaffolder.expressions import ExpressionError, truthy
from scaffolder.models import load_tree
from scaffolder.weave.tree import File


@dataclass
class Preview:
    """The tree that will be published, and for every path the layers that made it."""

    files: dict[str, File] = field(default_factory=dict)
    layers: dict[str, list[str]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    error: str = ""


def preview(path: GoldenPath, values: dict[str, Any], chosen: set[str], user: User) -> Preview:
    """Never raises on a template's faults: they are in `error`, in the words of the run."""
    result = Preview()
    release = path.release
    context = Context(
        release_id=release.pk,
        template_ref=release.block_ref,
        template_version=release.version,
        folder=release.path.rpartition("/")[0] + "/" if "/" in release.path else "",
        source=load_tree(release.tree),
        workspace=result.files,
        values=values,
        chosen=frozenset(chosen),
        user=user,
        log=result.log.append,
        layers=result.layers,
    )
    names = {"parameters": values, "steps": {}, "user": {"ref": user.entity_ref}}
    for step in path.steps:
        action = actions()[step["action"]]
        if not action.in_preview:
            result.skipped.append(step["name"])
            continue
        try:
            if truthy(evaluated(step.get("if", True), names, step["id"])):
                given = evaluated(step["input"], names, step["id"])
                action.check_input(given)
                names["steps"] |= {step["id"]: {"output": action.run(context, given)}}
        except (ActionFailed, ExpressionError) as error:
            result.error = f"The step “{step['name']}” would fail: {error}"
            break
    return result
