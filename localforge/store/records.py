"""The long tail: small things that a client makes, changes, lists and deletes, and that the forge
itself hardly looks at (labels, badges, variables, protected branches, settings)."""

import json
from typing import Any

from localforge import clock
from localforge.store.database import Db, Row

Scope = tuple[str, int]
INSTANCE: Scope = ("instance", 0)


def add(db: Db, kind: str, scope: Scope, data: dict[str, Any], key: str | None = None) -> Row:
    """One more record."""
    now = clock.now()
    record_id = db.insert(
        "records", kind=kind, scope=scope[0], scope_id=scope[1], key=key, data=data,
        created_at=now, updated_at=now,
    )  # fmt: skip
    found = by_id(db, kind, record_id)
    assert found is not None
    return found


def by_id(db: Db, kind: str, record_id: int) -> Row | None:
    """A record by id."""
    return _open(db.one("SELECT * FROM records WHERE kind = ? AND id = ?", kind, record_id))


def find(db: Db, kind: str, scope: Scope, key: str) -> Row | None:
    """A record by its key."""
    return _open(
        db.one(
            "SELECT * FROM records WHERE kind = ? AND scope = ? AND scope_id = ? AND key = ?",
            kind, *scope, key,
        )
    )  # fmt: skip


def by_key(db: Db, kind: str, key: str) -> Row | None:
    """A record by a key that is unique wherever it lives."""
    return _open(db.one("SELECT * FROM records WHERE kind = ? AND key = ?", kind, key))


def every(db: Db, kind: str, scope: Scope | None = None) -> list[Row]:
    """All records of a kind, in one place or everywhere."""
    if scope is None:
        rows = db.all("SELECT * FROM records WHERE kind = ? ORDER BY id", kind)
    else:
        rows = db.all(
            "SELECT * FROM records WHERE kind = ? AND scope = ? AND scope_id = ? ORDER BY id",
            kind, *scope,
        )  # fmt: skip
    return [row for row in map(_open, rows) if row]


_OF_GROUPS = """
WITH RECURSIVE up(id) AS (
    SELECT ?2 UNION
    SELECT n.parent_id FROM namespaces n JOIN up ON n.id = up.id WHERE n.parent_id IS NOT NULL
)
SELECT * FROM records WHERE kind = ?1 AND scope = 'group' AND scope_id IN up ORDER BY id
"""


def of_groups_above(db: Db, kind: str, group_id: int) -> list[Row]:
    """All records of a kind in a group and the groups above it."""
    return [row for row in map(_open, db.all(_OF_GROUPS, kind, group_id)) if row]


def change(db: Db, record: Row, data: dict[str, Any], key: str | None = None) -> Row:
    """Merges values into a record."""
    record["data"] = {**record["data"], **data}
    record["updated_at"] = clock.now()
    record["key"] = key if key is not None else record["key"]
    db.update(
        "records", record["id"], data=record["data"], key=record["key"],
        updated_at=record["updated_at"],
    )  # fmt: skip
    return record


def remove(db: Db, record: Row) -> None:
    """Deletes a record."""
    db.run("DELETE FROM records WHERE id = ?", record["id"])


def put(db: Db, kind: str, scope: Scope, key: str, data: dict[str, Any]) -> Row:
    """The record with a key, made or changed."""
    found = find(db, kind, scope, key)
    return change(db, found, data) if found else add(db, kind, scope, data, key)


def _open(row: Row | None) -> Row | None:
    if row is not None:
        row["data"] = json.loads(row["data"])
    return row
