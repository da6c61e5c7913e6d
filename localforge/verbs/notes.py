"""Notes on anything that can be talked about."""

import secrets
from typing import Any

from localforge import clock
from localforge.context import Context
from localforge.store.database import Row


def add(
    ctx: Context, kind: str, item_id: int, body: str, *, discussion: str | None = None,
    threaded: bool = False, system: bool = False, position: Any = None,
) -> Row:  # fmt: skip
    """A note; alone, as the start of a thread, or as an answer in one."""
    now = clock.now()
    resolvable = threaded and kind == "merge_request" and not system
    note_id = ctx.db.insert(
        "notes", kind=kind, item_id=item_id, discussion=discussion or secrets.token_hex(20),
        individual=int(not threaded), author_id=ctx.need_user()["id"], body=body,
        system=int(system), resolvable=int(resolvable), position=position,
        created_at=now, updated_at=now,
    )  # fmt: skip
    row = ctx.db.one("SELECT * FROM notes WHERE id = ?", note_id)
    assert row is not None
    return row


def system(ctx: Context, kind: str, item_id: int, body: str) -> Row:
    """What the forge itself has to say, in somebody's name."""
    return add(ctx, kind, item_id, body, system=True)


def every(ctx: Context, kind: str, item_id: int) -> list[Row]:
    """All notes on a thing, oldest first."""
    return ctx.db.all(
        "SELECT * FROM notes WHERE kind = ? AND item_id = ? ORDER BY id", kind, item_id
    )


def unresolved(ctx: Context, item_id: int) -> bool:
    """Whether a merge request has a discussion that waits for an answer."""
    return bool(
        ctx.db.one(
            "SELECT 1 FROM notes WHERE kind = 'merge_request' AND item_id = ?"
            " AND resolvable = 1 AND resolved = 0",
            item_id,
        )
    )
