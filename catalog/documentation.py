"""An entity's documentation out of its repository, at the commit that the catalogue has read.

A commit never changes, so what it holds is kept; only the forge's failures reach the caller.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.core.cache import cache

from catalog import documents, forges
from catalog.models import Entity
from forge import ForgeNotFound

TECHDOCS = "backstage.io/techdocs-ref"
KEPT_SECONDS = 86_400
MAX_KEPT = 500_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Site:
    """The documentation: its navigation, and what is wrong with mkdocs.yml."""

    project: str
    commit: str
    files: frozenset[str]
    pages: tuple[documents.Page, ...]
    problem: str

    def read(self, path: str) -> bytes:
        """Raises ForgeNotFound and the other ForgeErrors."""
        return _read(self.project, self.commit, path)

    @property
    def first(self) -> str:
        return next((page.path for page in self.pages if page.path), "")


def has_documentation(entity: Entity) -> bool:
    """Kinds that have a repository of their own, and what says where its documentation is."""
    return entity.kind in ("component", "template", "aspect") or TECHDOCS in entity.annotations


def site_of(entity: Entity) -> Site:
    """Raises ForgeError."""
    repository = entity.location.repository
    commit = repository.commit or repository.default_branch or "HEAD"
    files = _files(repository.path, commit)
    folder = posixpath.dirname(entity.location.path)
    root = documents.root_of(str(entity.annotations.get(TECHDOCS, "")), folder)
    config = posixpath.join(root, documents.CONFIG)
    content = _read(repository.path, commit, config) if config in files else b""
    pages, problem = documents.navigation(files, root, content.decode(errors="replace"))
    return Site(repository.path, commit, files, tuple(pages), problem)


def _files(project: str, commit: str) -> frozenset[str]:
    def wanted() -> frozenset[str]:
        try:
            tree = forges.connect().tree(project, commit)
        except ForgeNotFound:  # nothing was ever committed
            return frozenset()
        return frozenset(p for p in tree if documents.is_page(p) or documents.is_config(p))

    return _kept(("files", project, commit), wanted, lambda found: len(found) < 10_000)


def _read(project: str, commit: str, path: str) -> bytes:
    return _kept(
        ("file", project, commit, path),
        lambda: forges.connect().read_file(project, path, commit),
        lambda found: len(found) < MAX_KEPT,
    )


def _kept(key: tuple[str, ...], make: Callable[[], T], is_small: Callable[[T], bool]) -> T:
    name = "documentation:" + hashlib.sha256("\0".join(key).encode()).hexdigest()
    found: T | None = cache.get(name)
    if found is None:
        found = make()
        if is_small(found) and len(key[2]) >= 40:  # a branch moves on, a commit does not
            cache.set(name, found, KEPT_SECONDS)
    return found
