"""What happened to the labels and the milestone of an issue or merge request."""

import json
from typing import Any

from localforge import clock
from localforge.context import Context
from localforge.store import labels, records
from localforge.store.database import Row

_COLOUR = "#6699cc"


def ensure_labels(ctx: Context, project: Row, names: list[str]) -> None:
    """A label that nobody has defined is defined by its first use."""
    for name in names:
        if labels.find(ctx.db, project, name) is None:
            data = {"color": _COLOUR, "description": None}
            records.add(ctx.db, "label", ("project", project["id"]), data, name)


def record(ctx: Context, project: Row, kind: str, row: Row, columns: Row) -> None:
    """Notes the label, milestone and weight events of a change."""
    if "labels" in columns:
        before, after = set(json.loads(row["labels"])), set(json.loads(columns["labels"]))
        for name in sorted(after - before):
            _add(ctx, f"{kind}_label", row, "add", label=_label(ctx, project, name))
        for name in sorted(before - after):
            _add(ctx, f"{kind}_label", row, "remove", label=_label(ctx, project, name))
    milestone_id = columns.get("milestone_id")
    if milestone_id and milestone_id != row["milestone_id"]:
        _add(ctx, f"{kind}_milestone", row, "add", milestone={"id": milestone_id})


def record_weight(ctx: Context, row: Row, weight: Any) -> None:
    """Notes that an issue was given a weight."""
    _add(ctx, "issue_weight", row, "weight", weight=weight)


def _label(ctx: Context, project: Row, name: str) -> Row:
    found = labels.find(ctx.db, project, name)
    return {
        "id": found["id"] if found else None,
        "name": name,
        "color": _COLOUR,
        "description": None,
    }


def _add(ctx: Context, kind: str, row: Row, action: str, **more: Any) -> None:
    user = ctx.need_user()
    who = {name: user[name] for name in ("id", "name", "username", "state")}
    data = {"user": who, "action": action, "created_at": clock.now(), **more}
    data |= {"resource_id": row["id"], "resource_type": kind.rsplit("_", 1)[0]}
    records.add(ctx.db, f"{kind}_event", ("item", row["id"]), data)
