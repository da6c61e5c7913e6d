"""Trees by Git: shallow fetches, without files that are too large, into cached bare repositories;
commits by push.

The token travels in an environment variable of the child process, never in a URL or in its
arguments. Repositories' own hooks and configuration are never run. Modes, symbolic links,
binaries and line ends survive byte for byte.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pygit2

from forge.errors import ForgeConflict, ForgeError, ForgeUnavailable

MAX_FILES = 10_000
MAX_BYTES = 100_000_000
CACHE_BYTES = 2_000_000_000
Files = dict[str, tuple[str, bytes]]


class GitCache:
    """Bare repositories below one folder, one a project; the least used go when it is too large.

    Safe for several processes: each repository is locked while it is used.
    """

    def __init__(
        self, folder: Path, url: str, token: str, *, timeout: float = 60, ca_bundle: str = "",
        proxy: str = "",
    ) -> None:  # fmt: skip
        self.folder = folder
        self.url = url.rstrip("/")
        self._token = token
        self._timeout = timeout
        self._ca_bundle = ca_bundle
        self._proxy = proxy

    def snapshot(self, project: str, commit: str) -> Files:
        """Every file of a commit: path to (Git mode, content). Submodules are left out.

        Raises ForgeUnavailable when the fetch fails, ForgeError when the tree is too large.
        """
        with self._repository(project) as repository:
            self._fetch(repository, project, commit)
            return _read(repository[commit].peel(pygit2.Tree), project)

    def push(
        self,
        project: str,
        *,
        branch: str,
        parent: str | None,
        message: str,
        files: Mapping[str, tuple[str, bytes]],
        author: tuple[str, str],
        removed: Iterable[str] = (),
        merged_into: str = "",
    ) -> str:
        """One commit on top of `parent` (None: the first) with `files` over its tree, without those
        `removed`; its id. With `merged_into`, the branch's tip, it merges `parent` into that.

        For what the commit API cannot say, such as symbolic links. Never forced: raises
        ForgeConflict when the branch has moved on meanwhile.
        """
        with self._repository(project) as repository:
            index = pygit2.Index()
            if parent:
                self._fetch(repository, project, parent)
                index.read_tree(repository[parent].peel(pygit2.Tree))
            for path in removed:
                index.remove(path)
            for path, (mode, content) in files.items():
                blob = repository.create_blob(content)
                index.add(pygit2.IndexEntry(path, blob, pygit2.enums.FileMode(int(mode, 8))))
            who = pygit2.Signature(*author)
            tree = index.write_tree(repository)
            if merged_into:
                self._fetch(repository, project, merged_into)
            parents = [one for one in (merged_into, parent) if one]
            commit = str(repository.create_commit(None, who, who, message, tree, parents))
            try:
                self._git(repository, "push", "--quiet", self._address(project),
                          f"{commit}:refs/heads/{branch}")  # fmt: skip
            except ForgeUnavailable as error:
                if "rejected" in str(error) or "fetch first" in str(error):
                    raise ForgeConflict(f"{branch} of {project} has moved on") from error
                raise
            return commit

    def _address(self, project: str) -> str:
        return f"{self.url}/{project}.git"

    @contextmanager
    def _repository(self, project: str) -> Iterator[pygit2.Repository]:
        name = hashlib.sha256(self._address(project).encode()).hexdigest()[:32]
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{name}.git"
        with (self.folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (path / "HEAD").is_file():
                shutil.rmtree(path, ignore_errors=True)
                pygit2.init_repository(path, bare=True)
                self._evict(keep=path)
            for left in path.glob("*.lock"):  # by a git that was killed: the lock is ours now
                left.unlink()
            os.utime(path)
            yield pygit2.Repository(path)

    def _fetch(self, repository: pygit2.Repository, project: str, commit: str) -> None:
        if commit not in repository:
            limits = ("--depth", "1", "--no-tags", f"--filter=blob:limit={MAX_BYTES}")
            self._git(repository, "fetch", "--quiet", *limits, self._address(project), commit)

    def _evict(self, *, keep: Path) -> None:
        """Takes the least recently used repositories until the rest fits."""
        found = [path for path in self.folder.glob("*.git") if path != keep]
        sizes = {path: _size(path) for path in found}
        for path in sorted(found, key=lambda path: path.stat().st_mtime):
            if sum(sizes.values()) <= CACHE_BYTES:
                return
            shutil.rmtree(path, ignore_errors=True)
            del sizes[path]

    def _git(self, repository: pygit2.Repository, *arguments: str) -> None:
        try:
            done = subprocess.run(
                ["git", "-C", repository.path, *arguments],
                env=_environment(self._token, self._ca_bundle, self._proxy),
                capture_output=True,
                timeout=self._timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ForgeUnavailable(f"git took longer than {self._timeout:.0f} s") from error
        if done.returncode:
            text = done.stderr.decode(errors="replace").strip() or "no message"
            raise ForgeUnavailable(f"git failed: {text[-300:]}")


_INHERITED = (
    "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy",
    "NO_PROXY", "no_proxy", "GIT_SSL_CAINFO",
)  # fmt: skip


def _environment(token: str, ca_bundle: str = "", proxy: str = "") -> dict[str, str]:
    credentials = base64.b64encode(f"oauth2:{token}".encode()).decode()
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    if ca_bundle:
        inherited["GIT_SSL_CAINFO"] = ca_bundle
    if proxy:
        inherited = {k: v for k, v in inherited.items() if not k.lower().endswith("_proxy")}
        inherited |= {"https_proxy": proxy, "http_proxy": proxy}
    return inherited | {
        "PATH": os.environ.get("PATH", ""),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {credentials}",
    }


def _read(tree: pygit2.Tree, project: str) -> Files:
    files: Files = {}
    size = 0
    for path, entry in _walk(tree):
        try:
            size += entry.size
        except KeyError:  # larger than the limit all by itself: not fetched
            size = MAX_BYTES + 1
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


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
