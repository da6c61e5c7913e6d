"""The SQLite file: one writer at a time behind a lock (so that nobody spins on SQLITE_BUSY), a
reading connection per thread. `synchronous=NORMAL` in WAL mode keeps every acknowledged write over
a kill of the process."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from localforge.store.schema import SCHEMA

Row = dict[str, Any]


class Db:
    """A connection with the few verbs that the stores need."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._after: list[Callable[[], None]] = []

    def all(self, sql: str, *args: Any) -> list[Row]:
        """All rows of a query."""
        return self.connection.execute(sql, args).fetchall()

    def one(self, sql: str, *args: Any) -> Row | None:
        """The first row of a query, or None."""
        row: Row | None = self.connection.execute(sql, args).fetchone()
        return row

    def value(self, sql: str, *args: Any) -> Any:
        """The first column of the first row, or None."""
        row = self.one(sql, *args)
        return next(iter(row.values())) if row else None

    def run(self, sql: str, *args: Any) -> int:
        """Runs a statement; how many rows it changed."""
        return self.connection.execute(sql, args).rowcount

    def insert(self, table: str, **values: Any) -> int:
        """Adds a row; its id."""
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - names are ours
        return self.connection.execute(sql, _encode(values)).lastrowid or 0

    def update(self, table: str, row_id: int, **values: Any) -> int:
        """Changes the row with an id."""
        if not values:
            return 0
        sets = ", ".join(f"{name} = ?" for name in values)
        sql = f"UPDATE {table} SET {sets} WHERE id = ?"  # noqa: S608 - names are ours
        return self.connection.execute(sql, [*_encode(values), row_id]).rowcount

    def after_commit(self, action: Callable[[], None]) -> None:
        """Something to do once the transaction is safe."""
        self._after.append(action)

    def run_after_commit(self) -> None:
        """Called by the database when the transaction is safe."""
        actions, self._after = self._after, []
        for action in actions:
            action()

    def forget_after_commit(self) -> None:
        """Called by the database when the transaction was given up."""
        self._after = []


def _encode(values: dict[str, Any]) -> list[Any]:
    return [
        json.dumps(v, ensure_ascii=False) if isinstance(v, dict | list) else v
        for v in values.values()
    ]


def _row(cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, values, strict=True)}


class Database:
    """The file and who may write to it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._local = threading.local()
        self._writer = Db(self._connect())
        with self._lock:
            self._writer.connection.executescript(SCHEMA)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        connection.row_factory = _row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA busy_timeout = 10000")
        return connection

    def read(self) -> Db:
        """This thread's reading connection."""
        db: Db | None = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = Db(self._connect())
            db.connection.execute("PRAGMA query_only = ON")
        return db

    @contextmanager
    def write(self) -> Iterator[Db]:
        """A transaction: all of it or nothing."""
        with self._lock:
            self._writer.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
            except BaseException:
                self._writer.connection.execute("ROLLBACK")
                self._writer.forget_after_commit()
                raise
            self._writer.connection.execute("COMMIT")
            self._writer.run_after_commit()

    def close(self) -> None:
        """Ends the writing connection, which also folds the WAL back into the file."""
        with self._lock:
            self._writer.connection.close()


class Query:
    """A SELECT that grows by conditions, for listings with many filters."""

    def __init__(self, table: str, columns: str = "*") -> None:
        self.table = table
        self.columns = columns
        self.clauses: list[str] = []
        self.args: list[Any] = []
        self.ordering = ""
        self.prefix = ""
        self.prefix_args: list[Any] = []

    def where(self, clause: str, *args: Any) -> "Query":
        """One more condition."""
        self.clauses.append(clause)
        self.args.extend(args)
        return self

    def order(self, clause: str) -> "Query":
        """The order of the rows."""
        self.ordering = clause
        return self

    def _tail(self) -> str:
        return " WHERE " + " AND ".join(f"({c})" for c in self.clauses) if self.clauses else ""

    def rows(self, db: Db, limit: int | None = None, offset: int = 0) -> list[Row]:
        """The rows, or a page of them."""
        parts = [self.prefix, "SELECT", self.columns, "FROM", self.table, self._tail()]
        if self.ordering:
            parts += ["ORDER BY", self.ordering]
        if limit is not None:
            parts += ["LIMIT", str(limit), "OFFSET", str(offset)]
        return db.all(" ".join(parts), *self.prefix_args, *self.args)

    def count(self, db: Db) -> int:
        """How many rows there are in all."""
        sql = " ".join([self.prefix, "SELECT count(*) FROM", self.table, self._tail()])
        return int(db.value(sql, *self.prefix_args, *self.args))
