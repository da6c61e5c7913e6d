"""A tree that is being changed: loads folders only where a path leads through them, and writes only
the folders that differ."""

import re
from dataclasses import dataclass

import pygit2

from localforge.git.errors import GitError
from localforge.git.objects import Sink

FOLDER = 0o040000
FILE = 0o100644
EXECUTABLE = 0o100755
SYMLINK = 0o120000
_FORBIDDEN = re.compile(r"^(\.{1,2}|\.git|git~1)$", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """A file, link or submodule in a tree."""

    mode: int
    oid: str


class _Folder:
    def __init__(self, oid: str | None) -> None:
        self.oid = oid
        self.loaded = oid is None
        self.changed = oid is None
        self.entries: dict[bytes, Entry | _Folder] = {}

    def holds_something(self) -> bool:
        """Whether a file is left in it or below it; Git knows no empty folders."""
        return not self.loaded or any(
            isinstance(entry, Entry) or entry.holds_something() for entry in self.entries.values()
        )


def check_path(path: str) -> str:
    """The path if Git may hold it; refuses everything that could lead out of a work tree."""
    parts = path.split("/")
    if not path or len(path) > 4096 or "\0" in path or "\\" in path or "\n" in path:
        raise GitError("file_path should be a valid file path")
    for part in parts:
        plain = part.rstrip(" .") if part.strip(".") else part
        if not part or len(part.encode()) > 255 or _FORBIDDEN.match(plain):
            raise GitError("path cannot include directory traversal")
    return path


class TreeEditor:
    """Changes to one tree."""

    def __init__(self, repo: pygit2.Repository, tree_oid: str | None) -> None:
        self._repo = repo
        self._root = _Folder(tree_oid)

    def get(self, path: str) -> Entry | None:
        """The file at a path, or None (also where a folder is)."""
        folder, name = self._descend(path, make=False)
        entry = folder.entries.get(name) if folder else None
        return entry if isinstance(entry, Entry) else None

    def is_folder(self, path: str) -> bool:
        """Whether a folder is at a path."""
        folder, name = self._descend(path, make=False)
        found = folder.entries.get(name) if folder else None
        return isinstance(found, _Folder) and found.holds_something()

    def put(self, path: str, entry: Entry) -> None:
        """Sets the file at a path, with the folders that lead there."""
        check_path(path)
        if self.is_folder(path):
            raise GitError("A directory with this name already exists")
        folder, name = self._descend(path, make=True)
        assert folder is not None
        folder.entries[name] = entry

    def remove(self, path: str) -> None:
        """Takes the file at a path out; folders left empty vanish on write."""
        folder, name = self._descend(path, make=False)
        if folder is None or not isinstance(folder.entries.get(name), Entry):
            raise GitError("A file with this name doesn't exist")
        self._descend(path, make=True)
        del folder.entries[name]

    def _descend(self, path: str, *, make: bool) -> tuple[_Folder | None, bytes]:
        *folders, last = path.encode("utf-8", "surrogateescape").split(b"/")
        here = self._load(self._root)
        here.changed = here.changed or make
        for part in folders:
            below = here.entries.get(part)
            if isinstance(below, Entry) and make:
                raise GitError("A file with this name already exists")
            if not isinstance(below, _Folder):
                if not make:
                    return None, last
                below = here.entries[part] = _Folder(None)
            here = self._load(below)
            here.changed = here.changed or make
        return here, last

    def _load(self, folder: _Folder) -> _Folder:
        if not folder.loaded and folder.oid:
            for name, mode, oid in parse_tree(self._repo.read(folder.oid)[1]):
                folder.entries[name] = _Folder(oid) if mode == FOLDER else Entry(mode, oid)
            folder.loaded = True
        return folder

    def write(self, sink: Sink) -> str:
        """The id of the changed tree; its new folders are in the sink."""
        return _write(self._root, sink) or sink.tree([])


def _write(folder: _Folder, sink: Sink) -> str | None:
    if not folder.changed:
        return folder.oid
    entries = []
    for name, entry in folder.entries.items():
        if isinstance(entry, Entry):
            entries.append((name, entry.mode, entry.oid))
            continue
        oid = _write(entry, sink)
        if oid:
            entries.append((name, FOLDER, oid))
    return sink.tree(entries) if entries else None


def parse_tree(data: bytes) -> list[tuple[bytes, int, str]]:
    """The entries of a raw tree object."""
    entries, at = [], 0
    while at < len(data):
        space = data.index(b" ", at)
        end = data.index(b"\0", space)
        oid = data[end + 1 : end + 21].hex()
        entries.append((data[space + 1 : end], int(data[at:space], 8), oid))
        at = end + 21
    return entries
