"""Checks over the repository's files: file-exists and file-matches."""

from collections.abc import Mapping
from typing import Any

import re2

from scorecards.checks import Facts, check_type
from scorecards.facts.repository import READ
from scorecards.rules import FAIL, PASS, UNKNOWN, Verdict

NOT_COLLECTED = "The repository could not be read."


@check_type("file-exists")
def file_exists(entity: Mapping[str, Any], facts: Facts, given: Mapping[str, Any]) -> Verdict:
    """`path`, or one of the paths in `any`."""
    wanted = [str(path) for path in given.get("any", [given.get("path")])]
    if "repository" not in facts:
        return Verdict(UNKNOWN, NOT_COLLECTED)
    found = next((path for path in wanted if path in facts["repository"]["files"]), None)
    if found:
        return Verdict(PASS, f"{found} is there.")
    return Verdict(FAIL, f"There is no {' or '.join(wanted)} on the default branch.")


@check_type("file-matches")
def file_matches(entity: Mapping[str, Any], facts: Facts, given: Mapping[str, Any]) -> Verdict:
    """The file at `path` has a place that matches the regular expression `pattern` (RE2)."""
    path, pattern = str(given["path"]), str(given["pattern"])
    if "repository" not in facts:
        return Verdict(UNKNOWN, NOT_COLLECTED)
    if path not in facts["repository"]["files"]:
        return Verdict(FAIL, f"There is no {path} on the default branch.")
    if path not in facts["repository"]["texts"]:
        return Verdict(UNKNOWN, f"Only {', '.join(READ)} are read, not {path}.")
    if re2.search(pattern, facts["repository"]["texts"][path]):
        return Verdict(PASS, f"{path} has a line that matches {pattern}.")
    return Verdict(FAIL, f"{path} has no line that matches {pattern}.")
