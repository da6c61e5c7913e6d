"""Writes Git objects without a subprocess. A handful goes out as loose files; more than that as one
pack with its index, which is two files instead of dozens."""

import hashlib
import os
import struct
import tempfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_TYPES = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
_LOOSE_AT_MOST = 2
TreeEntry = tuple[bytes, int, str]


@dataclass(frozen=True)
class Signature:
    """Who and when, as Git writes it."""

    name: str
    email: str
    seconds: int
    offset: int = 0

    def line(self) -> str:
        """The signature in a commit's header."""
        sign, minutes = ("-" if self.offset < 0 else "+"), abs(self.offset)
        zone = f"{sign}{minutes // 60:02d}{minutes % 60:02d}"
        return f"{_clean(self.name) or 'Unknown'} <{_clean(self.email)}> {self.seconds} {zone}"


def _clean(text: str) -> str:
    return "".join(c for c in text if c not in "<>\n\r\0").strip(" .,:;\"'")


class Sink:
    """Collects new objects; `flush` makes them durable, all before any ref points to them."""

    def __init__(self, git_dir: Path) -> None:
        self._objects = git_dir / "objects"
        self._new: dict[str, tuple[str, bytes]] = {}

    def add(self, kind: str, data: bytes) -> str:
        """One object; its id."""
        header = f"{kind} {len(data)}\0".encode()
        oid = hashlib.sha1(header + data, usedforsecurity=False).hexdigest()
        self._new[oid] = (kind, data)
        return oid

    def tree(self, entries: Iterable[TreeEntry]) -> str:
        """A tree of (name, mode, id), put into Git's order."""
        ordered = sorted(entries, key=lambda e: e[0] + (b"/" if e[1] == 0o040000 else b""))
        parts = [b"%o %s\0%s" % (mode, name, bytes.fromhex(oid)) for name, mode, oid in ordered]
        return self.add("tree", b"".join(parts))

    def commit(
        self,
        tree: str,
        parents: list[str],
        author: Signature,
        committer: Signature,
        message: str,
    ) -> str:
        """A commit."""
        lines = [f"tree {tree}", *(f"parent {p}" for p in parents)]
        lines += [f"author {author.line()}", f"committer {committer.line()}", "", message]
        return self.add("commit", "\n".join(lines).encode("utf-8", "surrogateescape"))

    def tag(self, target: str, name: str, tagger: Signature, message: str) -> str:
        """An annotated tag of a commit."""
        lines = [f"object {target}", "type commit", f"tag {name}", f"tagger {tagger.line()}", ""]
        return self.add("tag", "\n".join([*lines, message + "\n"]).encode())

    def flush(self) -> None:
        """Writes what was collected."""
        if len(self._new) > _LOOSE_AT_MOST:
            self._write_pack()
        else:
            for oid, (kind, data) in self._new.items():
                self._write_loose(oid, kind, data)
        self._new = {}

    def _write_loose(self, oid: str, kind: str, data: bytes) -> None:
        target = self._objects / oid[:2] / oid[2:]
        if target.exists():
            return
        target.parent.mkdir(exist_ok=True)
        body = zlib.compress(f"{kind} {len(data)}\0".encode() + data, 1)
        _write_beside(target, body)

    def _write_pack(self) -> None:
        pack, index = build_pack(self._new)
        name = hashlib.sha1(b"".join(map(bytes.fromhex, sorted(self._new))), usedforsecurity=False)
        folder = self._objects / "pack"
        folder.mkdir(exist_ok=True)
        # The index goes last: a pack without one is not seen by any reader.
        _write_beside(folder / f"pack-{name.hexdigest()}.pack", pack)
        _write_beside(folder / f"pack-{name.hexdigest()}.idx", index)


def _write_beside(target: Path, data: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix="tmp_")
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        os.fchmod(file.fileno(), 0o444)
    os.replace(temporary, target)


def build_pack(objects: dict[str, tuple[str, bytes]]) -> tuple[bytes, bytes]:
    """A pack (version 2) of the objects and its index (version 2)."""
    chunks = [b"PACK" + struct.pack(">II", 2, len(objects))]
    offset, places = 12, []
    for oid, (kind, data) in objects.items():
        chunk = _entry_header(_TYPES[kind], len(data)) + zlib.compress(data, 6)
        places.append((oid, zlib.crc32(chunk), offset))
        chunks.append(chunk)
        offset += len(chunk)
    body = b"".join(chunks)
    checksum = hashlib.sha1(body, usedforsecurity=False).digest()
    return body + checksum, _build_index(sorted(places), checksum)


def _entry_header(kind: int, size: int) -> bytes:
    byte, size, out = (kind << 4) | (size & 15), size >> 4, bytearray()
    while size:
        out.append(byte | 0x80)
        byte, size = size & 0x7F, size >> 7
    out.append(byte)
    return bytes(out)


def _build_index(places: list[tuple[str, int, int]], checksum: bytes) -> bytes:
    counts = [0] * 256
    for oid, _, _ in places:
        counts[int(oid[:2], 16)] += 1
    fanout, total = [], 0
    for count in counts:
        total += count
        fanout.append(total)
    large = [place for _, _, place in places if place >= 1 << 31]
    short = [p if p < 1 << 31 else (1 << 31) | large.index(p) for _, _, p in places]
    body = b"".join(
        [
            b"\377tOc" + struct.pack(">I", 2),
            struct.pack(">256I", *fanout),
            b"".join(bytes.fromhex(oid) for oid, _, _ in places),
            struct.pack(f">{len(places)}I", *(crc for _, crc, _ in places)),
            struct.pack(f">{len(places)}I", *short),
            struct.pack(f">{len(large)}Q", *large),
            checksum,
        ]
    )
    return body + hashlib.sha1(body, usedforsecurity=False).digest()
