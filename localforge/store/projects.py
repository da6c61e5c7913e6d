"""Projects: their rows, and where their old paths lead."""

import json
from typing import Any

from localforge import clock
from localforge.store.database import Db, Row


def get_project(db: Db, project_id: int | None) -> Row | None:
    """A project by id."""
    if not project_id:
        return None
    return db.one("SELECT * FROM projects WHERE id = ?", project_id)


def find_project(db: Db, ref: str) -> Row | None:
    """A project by id or by its present full path."""
    if ref.isdecimal():
        return get_project(db, int(ref))
    return db.one("SELECT * FROM projects WHERE full_path = ?", ref)


def redirected_project(db: Db, path: str) -> Row | None:
    """The project that used to have a path."""
    return db.one(
        "SELECT p.* FROM projects p JOIN redirects r ON r.kind = 'projects' AND r.target_id = p.id"
        " WHERE r.path = ?",
        path,
    )


def settings(row: Row) -> dict[str, Any]:
    """The settings that are only kept and given back."""
    found: dict[str, Any] = json.loads(row["data"])
    return found


def change_data(db: Db, table: str, row: Row, **values: Any) -> None:
    """Merges values into a row's JSON."""
    data = {**json.loads(row["data"]), **values}
    db.update(table, row["id"], data=data)
    row["data"] = json.dumps(data)


def create_project(db: Db, namespace: Row, *, path: str, name: str, **columns: Any) -> Row:
    """A project row; its repository is made by the caller in the same transaction."""
    full_path = f"{namespace['full_path']}/{path}"
    db.run("DELETE FROM redirects WHERE path = ?", full_path)
    now = clock.now()
    project_id = db.insert(
        "projects", namespace_id=namespace["id"], path=path, full_path=full_path, name=name,
        created_at=now, updated_at=now, last_activity_at=now, **columns,
    )  # fmt: skip
    project = get_project(db, project_id)
    assert project is not None
    return project


def touch(db: Db, project: Row) -> None:
    """Notes that something happened in a project."""
    now = clock.now()
    db.update("projects", project["id"], last_activity_at=now, updated_at=now)
