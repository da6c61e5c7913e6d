"""The only place that talks to PostgreSQL."""

import logging
from collections.abc import Callable

import psycopg

log = logging.getLogger(__name__)


class Database:
    def __init__(
        self, url: str, connect: Callable[..., psycopg.Connection] = psycopg.connect
    ) -> None:
        self.url = url
        self._connect = connect

    def connect(self) -> psycopg.Connection:
        """A connection that commits when its `with` block ends well, and rolls back when not."""
        return self._connect(self.url, connect_timeout=3)

    def is_reachable(self) -> bool:
        try:
            with self.connect() as connection:
                connection.execute("SELECT 1")
        except psycopg.Error as error:
            log.warning("database is not reachable", extra={"fields": {"error": str(error)}})
            return False
        return True
