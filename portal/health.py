"""What the portal needs to be of use, asked one by one."""

from collections.abc import Callable

from django.db import connection

from catalog.forges import connect
from portal.celery import app


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _broker() -> None:
    with app.connection_for_write(connect_timeout=2) as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, timeout=2)


def _worker() -> None:
    if not app.control.ping(timeout=1.5, limit=1):
        raise RuntimeError("no worker answered")


def _forge() -> None:
    connect().ping()


PARTS: dict[str, Callable[[], None]] = {
    "database": _database,
    "broker": _broker,
    "worker": _worker,
    "forge": _forge,
}


def readiness() -> dict[str, str]:
    """Each part's name to “ok”, or to what is wrong with it in one line, without secrets."""
    answer: dict[str, str] = {}
    for name, ask in PARTS.items():
        if name == "worker" and answer["broker"] != "ok":
            answer[name] = "not asked: the broker is down"
            continue
        try:
            ask()
            answer[name] = "ok"
        except Exception as error:  # noqa: BLE001  (whatever it is, this part is not ready)
            answer[name] = f"{type(error).__name__}"
    return answer
