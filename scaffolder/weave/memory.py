"""The three-way merge of one text, by libgit2 in an object store that lives in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pygit2
from pygit2.enums import FileMode


class _Backend(pygit2.OdbBackend):
    """Git objects in a dictionary."""

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


def _repository() -> pygit2.Repository:
    repository = pygit2.Repository()
    store = pygit2.Odb()
    store.add_backend(_Backend(), 1)
    repository.set_odb(store)
    return repository


def merge_texts(base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """The merge by lines; None when it conflicts or is no text."""
    if ours == theirs or base == theirs:
        return ours
    if base == ours:
        return theirs
    if b"\0" in base + ours + theirs:
        return None
    repository = _repository()
    # pygit2 hands the result back as a str in UTF-8: through Latin-1 any bytes survive that.
    ancestor, mine, others = (
        pygit2.IndexEntry("file", repository.create_blob(_as_utf8(content)), FileMode.BLOB)
        for content in (base, ours, theirs)
    )
    result = repository.merge_file_from_index(ancestor, mine, others, use_deprecated=False)
    return result.contents.encode("latin-1") if result.automergeable else None


def _as_utf8(content: bytes) -> bytes:
    return content.decode("latin-1").encode("utf-8")
