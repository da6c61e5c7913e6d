"""Replaces a text with another in the files of every component that has it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fleet.changes import Change, Setting, every_component, register
from fleet.edits import replaced, text_pattern
from fleet.outcomes import Outcome, Work, edited


def problems(settings: Mapping[str, str]) -> dict[str, str]:
    try:
        pattern = text_pattern(settings)
        if settings.get("is_pattern"):
            pattern.sub(settings["replacement"], "")
    except (re.error, IndexError) as error:
        return {"find": f"This is no regular expression that can be used: {error}."}
    return {}


def outcome(work: Work) -> Outcome | None:
    return edited(work, replaced)


register(
    Change(
        "replace_text", "Replace a text", "Replace a text", (), every_component, outcome,
        settings=(
            Setting("paths", "In these files", "Patterns between blanks: *.md docs/**/*.md"),
            Setting("find", "Find", lines=2),
            Setting("replacement", "Put in its place", "Empty takes it out.", False, lines=2),
            Setting("is_pattern", "“Find” is a regular expression",
                    "Of Python; \\1 in the replacement is its first group.", False, is_yes_no=True),
        ),
        problems=problems,
    )
)  # fmt: skip
