"""Kinds of sources: where the catalogue looks for entities. One file a kind, found by itself.

A kind names its `place` and reads it. Reading raises ForgeError as soon as one question has no
answer: nothing is written from half of the answers.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from catalog.models import Source

Read = Callable[[Source], list[str]]


@dataclass(frozen=True, slots=True)
class Kind:
    """`read` returns the paths of repositories that must be read now; it may write by services.

    `tidy` gives a place as it is kept; it raises ValueError with a sentence for people.
    """

    id: str
    title: str
    text: str
    read: Read
    tidy: Callable[[str], str]
    has_projects: bool


_KINDS: dict[str, Kind] = {}


def tidy_group(text: str) -> str:
    path = text.strip().strip("/")
    if not path or "://" in path or " " in path:
        raise ValueError("Name the full path of a group, such as acme/payments.")
    return path


def source_kind(
    name: str, *, title: str, text: str, has_projects: bool = False,
    tidy: Callable[[str], str] = tidy_group,
) -> Callable[[Read], Read]:  # fmt: skip
    """Makes the function the reader of a kind of source."""

    def register(read: Read) -> Read:
        if name in _KINDS:
            raise RuntimeError(f"Two kinds of sources are called {name}")
        _KINDS[name] = Kind(name, title, text, read, tidy, has_projects)
        return read

    return register


@cache
def kinds() -> dict[str, Kind]:
    """Every kind by its id."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return dict(sorted(_KINDS.items()))
