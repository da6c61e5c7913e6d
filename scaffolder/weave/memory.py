"""A Git object store that lives in memory: libgit2 merges texts and finds renames there, and no
disk is touched."""

from __future__ import annotations

from collections.abc import Iterator

import pygit2
from pygit2.enums import FileMode


class _Backend(pygit2.OdbBackend):
    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, tuple[int, bytes]] = {}

    def read_cb(self, oid: object) -> tuple[int, bytes]:
        return self.objects[str(oid)]

    def read_header_cb(self, oid: object) -> tuple[int, int]:
        kind, data = self.objects[str(oid)]
        return kind, len(data)

    def write_cb(self, oid: object, data: bytes, kind: int) -> None:
        self.objects[str(oid)] = (kind, bytes(data))

    def exists_cb(self, oid: object) -> bool:
        return str(oid) in self.objects

    def refresh_cb(self) -> None:
        """Nothing changes but by write_cb."""

    def __iter__(self) -> Iterator[pygit2.Oid]:
        return iter(())


def memory_repository() -> pygit2.Repository:
    """An empty repository without a folder."""
    repository = pygit2.Repository()
    store = pygit2.Odb()
    store.add_backend(_Backend(), 1)
    repository.set_odb(store)
    return repository


def merge_texts(base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """The three-way merge of one file by lines; None when it conflicts."""
    if ours == theirs or base == theirs:
        return ours
    if base == ours:
        return theirs
    repository = memory_repository()
    ancestor, mine, others = (
        pygit2.IndexEntry("file", repository.create_blob(content), FileMode.BLOB)
        for content in (base, ours, theirs)
    )
    result = repository.merge_file_from_index(ancestor, mine, others, use_deprecated=False)
    if not result.automergeable:
        return None
    merged: str = result.contents
    return merged.encode("utf-8", "surrogateescape")
