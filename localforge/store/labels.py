"""Labels by name: a project's own, or those of the groups above it."""

from localforge.store import records
from localforge.store.database import Db, Row


def find(db: Db, project: Row, name: str) -> Row | None:
    """A label that an item of a project may carry."""
    own = records.find(db, "label", ("project", project["id"]), name)
    if own:
        return own
    above = records.of_groups_above(db, "label", project["namespace_id"])
    return next((row for row in above if row["key"] == name), None)
