"""A tree as one file. The same commit gives the same bytes, every time."""

import bz2
import gzip
import io
import tarfile

from localforge.git.command import run
from localforge.git.errors import GitError
from localforge.git.repository import Repo

FORMATS = {
    "tar.gz": ("tar", "application/gzip"),
    "tgz": ("tar", "application/gzip"),
    "gz": ("tar", "application/gzip"),
    "tar.bz2": ("tar", "application/x-bzip2"),
    "tbz": ("tar", "application/x-bzip2"),
    "tbz2": ("tar", "application/x-bzip2"),
    "tb2": ("tar", "application/x-bzip2"),
    "bz2": ("tar", "application/x-bzip2"),
    "tar": ("tar", "application/x-tar"),
    "zip": ("zip", "application/zip"),
}


def build(repo: Repo, sha: str, ending: str, prefix: str, path: str) -> tuple[bytes, str]:
    """An archive of a commit, or of one path in it, and its media type."""
    kind, media_type = FORMATS[ending]
    if path and repo.entry(sha, path) is None:
        raise GitError("path does not exist")
    paths = ["--", path] if path else []
    data = run(repo.path, "archive", f"--format={kind}", f"--prefix={prefix}/", sha, *paths)
    if media_type == "application/gzip":
        data = gzip.compress(data, 6, mtime=0)
    elif media_type == "application/x-bzip2":
        data = bz2.compress(data)
    return data, media_type


def snapshot(repo: Repo) -> bytes:
    """The bare repository itself."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(repo.path, arcname=".")
    return buffer.getvalue()
