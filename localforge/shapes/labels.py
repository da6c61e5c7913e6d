"""Labels as webhooks tell of them."""

from typing import Any

from localforge.context import Context
from localforge.store import labels
from localforge.store.database import Row

Json = dict[str, Any]


def hook_labels(ctx: Context, project: Row, names: list[str]) -> list[Json]:
    """The labels of an item; one that was deleted since is left out."""
    found = [(name, labels.find(ctx.db, project, name)) for name in names]
    return [_hook_label(name, row) for name, row in found if row]


def _hook_label(name: str, row: Row) -> Json:
    of_group = row["scope"] == "group"
    return {
        "id": row["id"],
        "title": name,
        "color": row["data"].get("color"),
        "project_id": None if of_group else row["scope_id"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "template": False,
        "description": row["data"].get("description"),
        "type": "GroupLabel" if of_group else "ProjectLabel",
        "group_id": row["scope_id"] if of_group else None,
    }
