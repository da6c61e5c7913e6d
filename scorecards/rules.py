"""The rules of scorecards: definitions out of a descriptor, verdicts to a level. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PASS, FAIL, UNKNOWN, NOT_APPLICABLE = "pass", "fail", "unknown", "not applicable"


@dataclass(frozen=True, slots=True)
class Level:
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a scorecard. `type` names the kind of check, `parameters` what it asks."""

    id: str
    title: str
    level: str
    type: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Levels from the lowest to the highest, and the checks that each of them asks for."""

    name: str
    title: str
    filter: str
    levels: tuple[Level, ...]
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check found. `message` says what was seen, for people."""

    verdict: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an entity stands. `level` is empty below the lowest one."""

    level: str
    next_level: str
    passed: int
    total: int
    next_step: str


def parse_scorecard(descriptor: Mapping[str, Any]) -> tuple[Scorecard | None, list[str]]:
    """Reads a Scorecard entity; None with sentences when it cannot be used."""
    metadata, spec = descriptor["metadata"], descriptor.get("spec") or {}
    problems: list[str] = []
    levels = tuple(_levels(spec.get("levels"), problems))
    checks = tuple(_checks(spec.get("checks"), {level.name for level in levels}, problems))
    if not isinstance(spec.get("filter", ""), str):
        problems.append("spec.filter must be a CEL expression, as text.")
    if problems:
        return None, problems
    title = metadata.get("title") or metadata["name"]
    return Scorecard(metadata["name"], title, spec.get("filter", ""), levels, checks), []


def _levels(given: Any, problems: list[str]) -> list[Level]:
    if not isinstance(given, list) or not given:
        problems.append("spec.levels must list at least one level.")
        return []
    levels = []
    for index, item in enumerate(given):
        if not isinstance(item, dict) or not item.get("name"):
            problems.append(f"spec.levels.{index} must have a name.")
            continue
        levels.append(Level(str(item["name"]), str(item.get("title", item["name"]))))
    return levels


def _checks(given: Any, levels: set[str], problems: list[str]) -> list[Check]:
    if not isinstance(given, list) or not given:
        problems.append("spec.checks must list at least one check.")
        return []
    checks: list[Check] = []
    for index, item in enumerate(given):
        where = f"spec.checks.{index}"
        if isinstance(item, dict) and not isinstance(item.get("with", {}), dict):
            problems.append(f"{where}.with must be names and values.")
            continue
        missing = [
            k for k in ("id", "level", "check") if not isinstance(item, dict) or not item.get(k)
        ]
        if missing:
            problems.append(f"{where} must have {', '.join(missing)}.")
        elif item["level"] not in levels:
            problems.append(f"{where}: there is no level “{item['level']}”.")
        elif any(check.id == item["id"] for check in checks):
            problems.append(f"{where}: the id “{item['id']}” stands twice.")
        else:
            checks.append(_check(item))
    return checks


def _check(item: Mapping[str, Any]) -> Check:
    return Check(
        id=str(item["id"]),
        title=str(item.get("title", item["id"])),
        level=str(item["level"]),
        type=str(item["check"]),
        parameters=item.get("with") or {},
        why=str(item.get("why", "")),
        remedy=str(item.get("remedy", "")),
    )


def standing(scorecard: Scorecard, verdicts: Mapping[str, Verdict]) -> Standing:
    """The highest level whose checks, and those of every level below, all pass.

    Unknown never counts as a pass; a check that does not apply asks for nothing.
    """
    reached, next_level = "", ""
    for level in scorecard.levels:
        if _all_pass([c for c in scorecard.checks if c.level == level.name], verdicts):
            reached = level.name
        else:
            next_level = level.name
            break
    asked = [c for c in scorecard.checks if verdicts[c.id].verdict != NOT_APPLICABLE]
    gaps = [c for c in asked if verdicts[c.id].verdict != PASS]
    order = {level.name: index for index, level in enumerate(scorecard.levels)}
    first = min(gaps, key=lambda check: order[check.level], default=None)
    return Standing(
        level=reached,
        next_level=next_level,
        passed=len(asked) - len(gaps),
        total=len(asked),
        next_step=first.id if first else "",
    )


def _all_pass(checks: Sequence[Check], verdicts: Mapping[str, Verdict]) -> bool:
    return all(verdicts[check.id].verdict in (PASS, NOT_APPLICABLE) for check in checks)
