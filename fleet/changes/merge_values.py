"""Merges names and values into the YAML, JSON and TOML files of every component that has them."""

from __future__ import annotations

from collections.abc import Mapping

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from fleet.changes import Change, Setting, every_component, register
from fleet.edits import merged
from fleet.outcomes import Outcome, Work, edited

KINDS = (".yaml", ".yml", ".json", ".toml")


def problems(settings: Mapping[str, str]) -> dict[str, str]:
    if wrong := [path for path in settings["paths"].split() if not path.endswith(KINDS)]:
        return {"paths": f"{', '.join(wrong)}: only YAML, JSON and TOML files have values."}
    only_toml = all(path.endswith(".toml") for path in settings["paths"].split())
    try:
        found = None if only_toml else YAML(typ="safe", pure=True).load(settings["fragment"])
    except YAMLError as error:
        return {"fragment": f"This cannot be read: {' '.join(str(error).split())[:300]}"}
    if not only_toml and not isinstance(found, Mapping):
        return {"fragment": "Write names and values, as in the files themselves."}
    return {}


def outcome(work: Work) -> Outcome | None:
    return edited(work, merged)


register(
    Change(
        "merge_values", "Set values", "Set values", (), every_component, outcome,
        settings=(
            Setting("paths", "In these files", "Patterns between blanks: .gitlab-ci.yml *.toml"),
            Setting("fragment", "Names and values", "As in the files themselves. Comments and "
                    "order there stay; {$delete: true} as a value takes a name out.", lines=6),
        ),
        problems=problems,
    )
)  # fmt: skip
