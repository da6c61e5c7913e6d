"""Whether the repositories that a golden path would make can still have their names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from typing import Any

from catalog.forges import NotOurForge, connect, parse_repo_url
from forge import ForgeError
from scaffolder.actions import ActionFailed
from scaffolder.blocks import GoldenPath, evaluated
from scaffolder.expressions import ExpressionError, truthy

_PARAMETER = re.compile(r"parameters(?:\.(\w+)|\[\s*['\"]([^'\"]+)['\"]\s*\])")


def taken_names(path: GoldenPath, values: Mapping[str, Any], asked: Set[str]) -> dict[str, str]:
    """A sentence by the question (of those `asked`) whose answer names a repository that exists.
    A forge that does not answer is no reason to keep anybody: the run asks it again."""
    found = {}
    for step in path.steps:
        url = step["input"].get("repoUrl")
        if step["action"] != "publish:gitlab" or not isinstance(url, str):
            continue
        used = [one or other for one, other in _PARAMETER.findall(url)]
        if not used or used[-1] not in asked or not all(values.get(name) for name in used):
            continue
        if project := _existing(step, url, dict(values)):
            found[used[-1]] = f"The forge already has a project {project}: choose another name."
    return found


def _existing(step: Mapping[str, Any], url: str, values: dict[str, Any]) -> str:
    names = {"parameters": values, "steps": {}, "user": {}}
    try:
        if not truthy(evaluated(step.get("if", True), names, "if")):
            return ""
        project = parse_repo_url(str(evaluated(url, names, "repoUrl")))
        connect().project(project)
    except (ActionFailed, ExpressionError, NotOurForge, ValueError):
        return ""  # what is wrong with the template is said by the review
    except ForgeError:  # not found, which is good; or no answer
        return ""
    return project
