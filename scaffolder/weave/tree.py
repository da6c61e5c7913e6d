"""A tree is files by path: what a template folder, a workspace and a commit all are. Here are its
safety rules and its digest, so that nothing downstream meets a path that could leave it."""

from __future__ import annotations

import hashlib
import posixpath
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

NORMAL, EXECUTABLE, SYMLINK = "100644", "100755", "120000"
MODES = frozenset({NORMAL, EXECUTABLE, SYMLINK})


@dataclass(frozen=True, slots=True)
class File:
    """The content of one path; a symlink's content is its target."""

    content: bytes
    mode: str = NORMAL


Tree = Mapping[str, File]


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest tree that is worked on."""

    files: int = 5_000
    bytes: int = 50_000_000
    file_bytes: int = 10_000_000


class UnsafePath(ValueError):
    """A path that could lead out of the tree, or that some systems cannot hold."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"The path {self.path!r} is refused: {self.reason}."


class TreeTooLarge(ValueError):
    """A tree beyond the limits; its text is a sentence."""


# Characters that HFS+ leaves out when it compares names (git, utf8.c: next_hfs_char).
_IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
_SHORT_NAME = re.compile(r"(?:git|gi[0-9a-f]+)~\d+")


def is_git_folder(part: str) -> bool:
    """Whether any file system takes this name for `.git` (git, path.c: is_ntfs_dotgit)."""
    name = _IGNORED.sub("", unicodedata.normalize("NFC", part)).casefold()
    name = name.split(":")[0].rstrip(" .")
    return name == ".git" or bool(_SHORT_NAME.fullmatch(name))


def check_path(path: str) -> str:
    """The path itself. Raises UnsafePath."""
    if not path:
        raise UnsafePath(path, "it is empty")
    if "\0" in path:
        raise UnsafePath(path, "it contains a NUL character")
    if "\\" in path:
        raise UnsafePath(path, "it contains a backslash, which Windows takes for a folder")
    if path.startswith("/") or re.match(r"[A-Za-z]:", path):
        raise UnsafePath(path, "it is absolute")
    for part in path.split("/"):
        _check_part(path, part)
    return path


def _check_part(path: str, part: str) -> None:
    if part in ("", "."):
        raise UnsafePath(path, "it contains an empty folder name or `.`")
    if part == "..":
        raise UnsafePath(path, "it leads out of its folder with `..`")
    if is_git_folder(part):
        raise UnsafePath(path, "`.git` belongs to Git")
    if len(part.encode("utf-8", "surrogateescape")) > 255:
        raise UnsafePath(path, "a name in it is longer than 255 bytes")
    if not part.isprintable() and any(ord(char) < 32 for char in part):
        raise UnsafePath(path, "it contains a control character")


def check_symlink(path: str, target: str) -> None:
    """Raises UnsafePath when the link leads out of the tree or to Git's own folder."""
    if not target or "\0" in target or "\\" in target:
        raise UnsafePath(path, "its link has no proper target")
    if target.startswith("/") or re.match(r"[A-Za-z]:", target):
        raise UnsafePath(path, f"its link goes to the absolute path {target!r}")
    depth = path.count("/")
    for part in target.split("/"):
        depth += -1 if part == ".." else part not in ("", ".")
        if depth < 0:
            raise UnsafePath(path, f"its link to {target!r} leads out of the tree")
        if is_git_folder(part):
            raise UnsafePath(path, f"its link to {target!r} leads to Git's own folder")


def check_tree(tree: Tree, limits: Limits = Limits()) -> None:
    """Every path, link, mode, collision and limit. Raises UnsafePath or TreeTooLarge."""
    check_limits(tree, limits)
    seen: dict[str, str] = {}
    for path, file in tree.items():
        check_path(path)
        if file.mode not in MODES:
            raise UnsafePath(path, f"{file.mode!r} is no mode of a file")
        if file.mode == SYMLINK:
            check_symlink(path, file.content.decode("utf-8", "surrogateescape"))
        other = seen.setdefault(folded(path), path)
        if other != path:
            raise UnsafePath(path, f"it differs from {other!r} only in capitals")
    _check_folders(tree, seen)


def folded(path: str) -> str:
    """The path as a file system sees it that does not tell capitals apart."""
    return unicodedata.normalize("NFC", path).casefold()


def _check_folders(tree: Tree, seen: Mapping[str, str]) -> None:
    spelled: dict[str, str] = {}
    for path in tree:
        for folder in parents(path):
            if folded(folder) in seen:
                file = seen[folded(folder)]
                raise UnsafePath(path, f"{file!r} would be a file and a folder at once")
            other = spelled.setdefault(folded(folder), folder)
            if other != folder:
                raise UnsafePath(path, f"its folder differs from {other!r} only in capitals")


def check_limits(tree: Tree, limits: Limits) -> None:
    """Raises TreeTooLarge."""
    if len(tree) > limits.files:
        raise TreeTooLarge(f"There are {len(tree):,} files; at most {limits.files:,} are allowed.")
    total = 0
    for path, file in tree.items():
        total += len(file.content)
        if len(file.content) > limits.file_bytes:
            most = f"at most {limits.file_bytes:,} are allowed"
            raise TreeTooLarge(f"{path} has {len(file.content):,} bytes; {most}.")
    if total > limits.bytes:
        raise TreeTooLarge(f"The files have {total:,} bytes; at most {limits.bytes:,} are allowed.")


def parents(path: str) -> Iterable[str]:
    """Every folder above a path, nearest first."""
    folder = posixpath.dirname(path)
    while folder:
        yield folder
        folder = posixpath.dirname(folder)


def blob_id(content: bytes) -> str:
    """Git's name for a content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def digest(tree: Tree) -> str:
    """SHA-256 over paths, modes and contents, the same whatever the order."""
    total = hashlib.sha256()
    for path in sorted(tree):
        file = tree[path]
        content = hashlib.sha256(file.content).hexdigest()
        name = path.encode("utf-8", "surrogateescape")
        total.update(b"%s %s %d\0%s\0" % (file.mode.encode(), content.encode(), len(name), name))
    return total.hexdigest()
