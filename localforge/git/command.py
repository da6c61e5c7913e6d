"""Runs the git program, where libgit2 has no answer: smart HTTP, archives, packing, other people's
repositories. Never with hooks, nor with anybody's configuration."""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from localforge.git.errors import GitError

_SAFE = [
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.fsmonitor=false",
    "-c", "gc.auto=0",
    "-c", "maintenance.auto=false",
    "-c", "receive.autogc=false",
    "-c", "receive.fsckObjects=true",
    "-c", "receive.unpackLimit=1",
    "-c", "transfer.hideRefs=refs/keep",
    "-c", "uploadpack.allowFilter=true",
    "-c", "uploadpack.allowAnySHA1InWant=true",
    "-c", "protocol.ext.allow=never",
]  # fmt: skip


def command(*arguments: str, config: Iterable[str] = ()) -> list[str]:
    """A git command line; `config` holds further settings, `name=value`."""
    extra = [part for setting in config for part in ("-c", setting)]
    return ["git", *_SAFE, *extra, *arguments]


def environment(protocol: str = "") -> dict[str, str]:
    """The environment that git gets: no home, no configuration, no prompts."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        **({"GIT_PROTOCOL": protocol} if protocol else {}),
    }


def run(git_dir: Path, *arguments: str, timeout: float = 120, protocol: str = "") -> bytes:
    """Runs git in a repository and returns what it printed."""
    done = subprocess.run(
        command(*arguments),
        cwd=git_dir,
        env=environment(protocol),
        capture_output=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode:
        raise GitError(done.stderr.decode("utf-8", "replace").strip() or "git failed")
    return done.stdout
