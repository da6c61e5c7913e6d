"""Groups and users' namespaces: one space of paths, shared with projects and with redirects."""

from typing import Any

from localforge import clock
from localforge.store.database import Db, Row

_BELOW = """
WITH RECURSIVE below(id) AS (
    SELECT ? UNION SELECT n.id FROM namespaces n JOIN below ON n.parent_id = below.id
)
SELECT id FROM below
"""


def get_namespace(db: Db, namespace_id: int) -> Row | None:
    """A namespace by id."""
    return db.one("SELECT * FROM namespaces WHERE id = ?", namespace_id)


def find_namespace(db: Db, ref: str) -> Row | None:
    """A namespace by id or full path."""
    if ref.isdecimal():
        found = get_namespace(db, int(ref))
        if found:
            return found
    return db.one("SELECT * FROM namespaces WHERE full_path = ?", ref)


def create_group(
    db: Db, *, path: str, name: str, parent: Row | None, visibility: str, description: str,
    data: dict[str, Any],
) -> Row:  # fmt: skip
    """A group; a redirect that was in the way gives way."""
    full_path = f"{parent['full_path']}/{path}" if parent else path
    db.run("DELETE FROM redirects WHERE path = ?", full_path)
    group_id = db.insert(
        "namespaces", kind="group", path=path, full_path=full_path, name=name,
        description=description, visibility=visibility,
        parent_id=parent["id"] if parent else None, created_at=clock.now(), data=data,
    )  # fmt: skip
    group = get_namespace(db, group_id)
    assert group is not None
    return group


def path_taken(db: Db, full_path: str) -> bool:
    """Whether a group, user or project has this path."""
    return bool(
        db.one("SELECT 1 FROM namespaces WHERE full_path = ?", full_path)
        or db.one("SELECT 1 FROM projects WHERE full_path = ?", full_path)
    )


def ancestors(db: Db, group: Row) -> list[Row]:
    """The groups above one, the nearest first."""
    found, parent_id = [], group["parent_id"]
    while parent_id:
        parent = get_namespace(db, parent_id)
        assert parent is not None
        found.append(parent)
        parent_id = parent["parent_id"]
    return found


def below(db: Db, group_id: int) -> list[int]:
    """The ids of a group and all groups below it."""
    return [row["id"] for row in db.all(_BELOW, group_id)]


def move_namespace(db: Db, group: Row, path: str, parent: Row | None) -> None:
    """Renames or transfers a group: everything below follows, old paths redirect."""
    old = group["full_path"]
    new = f"{parent['full_path']}/{path}" if parent else path
    db.update("namespaces", group["id"], path=path, parent_id=parent["id"] if parent else None)
    ids = below(db, group["id"])
    for namespace_id in ids:
        row = get_namespace(db, namespace_id)
        assert row is not None
        _repath(db, "namespaces", row, old, new)
        for project in db.all("SELECT * FROM projects WHERE namespace_id = ?", namespace_id):
            _repath(db, "projects", project, old, new)


def _repath(db: Db, table: str, row: Row, old: str, new: str) -> None:
    path = new + row["full_path"][len(old) :]
    if path == row["full_path"]:
        return
    db.update(table, row["id"], full_path=path)
    add_redirect(db, row["full_path"], table, row["id"])
    db.run("DELETE FROM redirects WHERE path = ?", path)


def add_redirect(db: Db, path: str, kind: str, target_id: int) -> None:
    """Remembers where something used to be."""
    db.run(
        "INSERT INTO redirects (path, kind, target_id) VALUES (?, ?, ?)"
        " ON CONFLICT (path) DO UPDATE SET kind = excluded.kind, target_id = excluded.target_id",
        path, kind, target_id,
    )  # fmt: skip
