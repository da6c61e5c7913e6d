"""Applies the files in migrations/ that were not applied yet, in the order of their names."""

import logging
import os
from pathlib import Path

import psycopg

from ${{ values.package }} import logs
from ${{ values.package }}.config import Config
from ${{ values.package }}.database import Database

log = logging.getLogger(__name__)

# Any number will do, as long as nothing else uses it: two migrations at once would collide.
LOCK = 7106443

CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS applied_migration (
    name text PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


def migrate(connection: psycopg.Connection, folder: Path) -> list[str]:
    """Everything happens in the caller's transaction: all of it is applied, or nothing."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    connection.execute(CREATE_TABLE)
    rows = connection.execute("SELECT name FROM applied_migration").fetchall()
    applied = {name for (name,) in rows}
    new = [file for file in sorted(folder.glob("*.sql")) if file.name not in applied]
    for file in new:
        connection.execute(file.read_text(encoding="utf-8"))
        connection.execute("INSERT INTO applied_migration (name) VALUES (%s)", [file.name])
        log.info("migration applied", extra={"fields": {"name": file.name}})
    return [file.name for file in new]


def main() -> None:
    config = Config.from_environment(os.environ)
    logs.configure(config.log_level)
    with Database(config.database_url).connect() as connection:
        migrate(connection, Path("migrations"))


if __name__ == "__main__":
    main()
