"""These tests need no database: a stand-in plays the connection."""

from pathlib import Path

import psycopg

from ${{ values.package }}.database import Database
from ${{ values.package }}.database.migrate import migrate

MIGRATIONS = Path(__file__).parents[2] / "migrations"


class FakeConnection:
    def __init__(self, applied=()):
        self.applied = [(name,) for name in applied]
        self.statements = []

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False

    def execute(self, statement, parameters=()):
        self.statements.append(statement)
        return self

    def fetchall(self):
        return self.applied


def test_reachable_database():
    assert Database("postgresql://x", connect=lambda *_, **__: FakeConnection()).is_reachable()


def test_unreachable_database_is_no_exception():
    def refuse(*_, **__):
        raise psycopg.OperationalError("connection refused")

    assert not Database("postgresql://x", connect=refuse).is_reachable()


def test_new_migrations_are_applied_in_order(tmp_path):
    for name in ("0002_b.sql", "0001_a.sql"):
        (tmp_path / name).write_text(f"SELECT '{name}'")
    connection = FakeConnection()
    assert migrate(connection, tmp_path) == ["0001_a.sql", "0002_b.sql"]
    assert "SELECT '0001_a.sql'" in connection.statements


def test_applied_migrations_are_left_alone():
    files = sorted(file.name for file in MIGRATIONS.glob("*.sql"))
    assert files
    assert migrate(FakeConnection(applied=files), MIGRATIONS) == []
