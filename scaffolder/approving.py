"""Which approvals a golden path needs: who has to agree, when, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from catalog import refs, selectors
from scaffolder.blueprint import Approval, Blueprint
from scaffolder.blueprint.conditions import asked_names

ACTION = "bespoke:approval"
DAYS = 14  # how long a request waits when the template does not say
_UNITS = {"m": 60, "h": 3_600, "d": 86_400}
_PARAMETER = re.compile(r"\bparameters\.(\w+)")


def definition(asked: Approval, number: int) -> dict[str, Any]:
    """An entry of `spec.approvals` as the step that it is."""
    given = {"group": asked.group, "condition": asked.condition, "title": asked.title}
    return {
        "id": f"approval-{number + 1}",
        "name": asked.title or f"Approval by {asked.group}",
        "action": ACTION,
        "input": given | ({"expires": asked.expires} if asked.expires else {}),
        "if": True,
        "each": None,
        "path": f"spec.approvals.{number}",
    }


def requests(blueprint: Blueprint) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every place that asks for an approval, and what it says."""
    for number, asked in enumerate(blueprint.approvals):
        yield f"spec.approvals.{number}", definition(asked, number)["input"]
    for step in blueprint.steps:
        if step.action == ACTION:
            yield step.path, step.input


def problems(blueprint: Blueprint) -> Iterator[str]:
    """What is wrong, a sentence each. A condition that cannot hold is never a silent pass."""
    known = {name for page in blueprint.pages for name in asked_names(page.schema)}
    for path, given in requests(blueprint):
        condition = given.get("condition")
        if isinstance(condition, str):
            yield from _condition_problems(path, condition, known)
        if "expires" in given and seconds(given["expires"]) is None:
            yield f"{path}.expires: write a number and m, h or d, such as 7d."
        if not _has_expression(given.get("group")) and not group_ref(given.get("group")):
            yield f"{path}.group: “{given.get('group')}” is no reference to a group."


def _condition_problems(path: str, condition: str, known: Iterable[str]) -> Iterator[str]:
    try:
        selectors.check(condition)
    except selectors.SelectorError as error:
        yield f"{path}.condition cannot be read: {error}"
        return
    for name in dict.fromkeys(_PARAMETER.findall(condition)):
        if name not in known:
            yield f"{path}.condition asks for `{name}`, which is no question of this golden path."


def _has_expression(value: Any) -> bool:
    return isinstance(value, str) and "${{" in value


def group_refs(blueprint: Blueprint) -> set[str]:
    """The groups that are named, as far as that can be told before a run."""
    return {ref for _, given in requests(blueprint) if (ref := group_ref(given.get("group")))}


def group_ref(text: Any) -> str:
    """The full reference of a group; empty when the text is none."""
    if not isinstance(text, str) or _has_expression(text):
        return ""
    try:
        found = refs.parse(text, default_kind="group")
    except refs.InvalidRef:
        return ""
    return str(found) if found.kind == "group" else ""


def seconds(text: Any) -> int | None:
    """`30m`, `12h` or `7d` in seconds; None for anything else."""
    found = re.fullmatch(r"(\d{1,5})\s*([mhd])", text.strip()) if isinstance(text, str) else None
    return int(found[1]) * _UNITS[found[2]] if found and int(found[1]) else None


def is_needed(given: Mapping[str, Any], values: Mapping[str, Any], known: Iterable[str]) -> bool:
    """Whether the condition holds for these values. Questions that were not asked are null; where
    the condition makes no sense of the values, somebody is asked.

    Raises selectors.SelectorError when it gives something else than true or false.
    """
    asked = dict.fromkeys(known) | dict(values)
    condition = str(given.get("condition") or "true")
    return selectors.matches(condition, otherwise=True, parameters=asked)
