"""The merge checks: like GitLab, the forge finds out in the background whether a merge request can
be merged, and says `checking` until it knows."""

import logging
import threading
import time

from localforge.context import Context
from localforge.forge import Forge
from localforge.store import projects, users
from localforge.store.database import Db, Row
from localforge.verbs import merge_requests, pushes

log = logging.getLogger("localforge.checks")
_WAITING = """
SELECT id, check_due FROM merge_requests
WHERE merge_status IN ('preparing', 'checking') AND state = 'opened' ORDER BY check_due LIMIT 50
"""


class Checks:
    """The checking thread."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        self._stop = False
        self._thread = threading.Thread(target=self._loop, name="checks", daemon=True)

    def start(self) -> None:
        """Starts; what an earlier run left undone goes first."""
        self._thread.start()
        self._forge.checks_due.set()

    def stop(self) -> None:
        """Ends after what is under way."""
        self._stop = True
        self._forge.checks_due.set()
        self._thread.join()

    def _loop(self) -> None:
        wait: float | None = None
        while not self._stop:
            self._forge.checks_due.wait(wait)
            self._forge.checks_due.clear()
            if not self._stop:
                wait = self._round()

    def _note_asked(self) -> None:
        due = time.time() + self._forge.settings.merge_check_delay
        with self._forge.database.write() as db:
            while not self._forge.checks_asked.empty():
                db.run(
                    "UPDATE merge_requests SET merge_status = 'checking', check_due = ?"
                    " WHERE id = ? AND merge_status = 'unchecked'",
                    due, self._forge.checks_asked.get(),
                )  # fmt: skip

    def _round(self) -> float | None:
        if not self._forge.checks_asked.empty():
            self._note_asked()
        now = time.time()
        for row in self._forge.database.read().all(_WAITING):
            if row["check_due"] > now:
                return float(max(0.005, row["check_due"] - now))
            self._check_safely(row["id"])
        more = self._forge.database.read().one(_WAITING)
        return max(0.005, more["check_due"] - time.time()) if more else None

    def _check_safely(self, row_id: int) -> None:
        try:
            with self._forge.database.write() as db:
                row = db.one("SELECT * FROM merge_requests WHERE id = ?", row_id)
                project = projects.get_project(db, row["project_id"]) if row else None
                if row is None or project is None:
                    return
                if self._forge.faults.take("stuck_checking", project["full_path"]):
                    db.update("merge_requests", row_id, check_due=time.time() + 0.2)
                    return
                context = Context(forge=self._forge, db=db, base=own_address(self._forge))
                merge_requests.check(context, project, row)
        except Exception:
            log.exception("merge request %s", row_id)
            with self._forge.database.write() as db:
                db.update("merge_requests", row_id, merge_status="cannot_be_merged")


def own_address(forge: Forge) -> str:
    """The forge's address when nobody has asked under one."""
    settings = forge.settings
    return settings.public_url or f"http://{settings.host}:{settings.port}"


def recover(forge: Forge) -> None:
    """Puts right what a killed process left: stray repositories, and merge requests whose branch
    moved although the call that moved it was never acknowledged."""
    with forge.database.write() as db:
        rows = db.all("SELECT id FROM projects")
        forge.repositories.sweep({row["id"] for row in rows})
        for row in db.all("SELECT * FROM merge_requests WHERE state = 'opened'"):
            source = projects.get_project(db, row["source_project_id"])
            if source:
                _catch_up(forge, db, source, row)


def _catch_up(forge: Forge, db: Db, source: Row, row: Row) -> None:
    tip = forge.repositories.open(source["id"]).branch(row["source_branch"])
    if tip is None or tip == row["sha"]:
        return
    author = users.get_user(db, row["author_id"])
    context = Context(forge=forge, db=db, base=own_address(forge), user=author)
    update = pushes.Update(pushes.HEADS + row["source_branch"], row["sha"], tip)
    pushes.follow(context, source, [update])
