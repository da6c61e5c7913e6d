"""Keeps repositories small and quick: when one has gathered many packs or loose objects, git rolls
them up in the background. No object is ever dropped by it."""

import logging
import os
import queue
import threading

from localforge.git.command import run
from localforge.git.errors import GitError
from localforge.git.repository import Repositories

log = logging.getLogger("localforge.maintenance")
_MOST_PACKS = 30


class Maintenance:
    """The packing thread."""

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories
        self._queue: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._loop, name="maintenance", daemon=True)

    def start(self) -> None:
        """Starts."""
        self._thread.start()

    def stop(self) -> None:
        """Ends after what is under way."""
        self._queue.put(None)
        self._thread.join()

    def request(self, project_id: int) -> None:
        """Asks for a repository to be packed."""
        self._queue.put(project_id)

    def consider(self, project_id: int) -> None:
        """Asks for it if the repository has gathered enough."""
        folder = self._repositories.path(project_id) / "objects" / "pack"
        if sum(name.endswith(".pack") for name in os.listdir(folder)) > _MOST_PACKS:
            self.request(project_id)

    def _loop(self) -> None:
        while (project_id := self._queue.get()) is not None:
            path = self._repositories.path(project_id)
            if not path.exists():
                continue
            try:
                run(path, "repack", "--geometric=2", "-d", "-q")
            except GitError:
                log.exception("packing of project %s", project_id)
