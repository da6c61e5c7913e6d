"""Trees by Git: a shallow fetch of one commit over smart HTTP, read with pygit2.

The token travels in an environment variable of the child process, never in a URL or in its
arguments. Repositories' own hooks and configuration are never run.
"""

from __future__ import annotations

import base64
import os
import subprocess
import tempfile
from collections.abc import Iterator

import pygit2

from forge.errors import ForgeError, ForgeUnavailable

MAX_FILES = 10_000
MAX_BYTES = 100_000_000


def _environment(token: str) -> dict[str, str]:
    credentials = base64.b64encode(f"oauth2:{token}".encode()).decode()
    return {
        "PATH": os.environ.get("PATH", ""),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {credentials}",
    }


def _git(*arguments: str, token: str, timeout: float) -> None:
    try:
        done = subprocess.run(
            ["git", *arguments],
            env=_environment(token),
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ForgeUnavailable(f"git did not end within {timeout:.0f} seconds") from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise ForgeUnavailable(f"git failed: {lines[-1][:300]}")


def snapshot(
    url: str, project: str, commit: str, *, token: str, timeout: float = 60
) -> dict[str, tuple[str, bytes]]:
    """Every file of a commit: path to (Git mode, content). Submodules are left out.

    Raises ForgeUnavailable when the fetch fails, ForgeError when the tree is too large.
    """
    with tempfile.TemporaryDirectory(prefix="bespoke-git-") as folder:
        _git("init", "--quiet", "--bare", folder, token=token, timeout=timeout)
        _git(
            "-C", folder, "fetch", "--quiet", "--depth", "1", "--no-tags",
            f"{url}/{project}.git", commit, token=token, timeout=timeout,
        )  # fmt: skip
        repository = pygit2.Repository(folder)
        tree = repository[commit].peel(pygit2.Tree)
        files: dict[str, tuple[str, bytes]] = {}
        size = 0
        for path, entry in _walk(tree):
            size += entry.size
            if len(files) >= MAX_FILES or size > MAX_BYTES:
                raise ForgeError(
                    f"{project} is too large to read: more than {MAX_FILES:,} files "
                    f"or {MAX_BYTES:,} bytes"
                )
            files[path] = (f"{entry.filemode:06o}", entry.data)
        return files


def _walk(tree: pygit2.Tree, prefix: str = "") -> Iterator[tuple[str, pygit2.Blob]]:
    for entry in tree:
        path = f"{prefix}{entry.name}"
        if isinstance(entry, pygit2.Tree):
            yield from _walk(entry, f"{path}/")
        elif isinstance(entry, pygit2.Blob):
            yield path, entry
