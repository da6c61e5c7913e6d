"""Which files of a repository are its documentation, in which order, and where links lead."""

from __future__ import annotations

import posixpath
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

CONFIG = "mkdocs.yml"
ENDINGS = (".md", ".markdown")
IMAGES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}
MAX_DEPTH = 5


class _Loader(yaml.SafeLoader):
    """Reads MkDocs' own tags (`!ENV`, `!!python/name:…`) as nothing at all."""


for _prefix in ("!", "tag:yaml.org,2002:python/"):
    _Loader.add_multi_constructor(_prefix, lambda loader, suffix, node: None)


@dataclass(frozen=True, slots=True)
class Page:
    """An entry of the navigation; without a path it is the title of those below it."""

    title: str
    path: str = ""
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Address:
    """Where a link leads inside the repository."""

    path: str
    fragment: str = ""


def is_page(path: str) -> bool:
    return path.lower().endswith(ENDINGS)


def is_config(path: str) -> bool:
    return posixpath.basename(path) == CONFIG


def root_of(annotation: str, folder: str) -> str:
    """The folder that `backstage.io/techdocs-ref: dir:…` names, seen from the descriptor's."""
    path = annotation.removeprefix("dir:") if annotation.startswith("dir:") else "."
    return inside(posixpath.join(folder, path)) or ""


def inside(path: str) -> str | None:
    """The path without dots; None when it leads out of the repository."""
    found = posixpath.normpath(path.lstrip("/") or ".")
    if found.startswith(".."):
        return None
    return "" if found == "." else found


def navigation(files: Collection[str], root: str, config: str) -> tuple[list[Page], str]:
    """README first, then what mkdocs.yml says, or every page by path; and what is wrong in it."""
    try:
        settings = yaml.load(config, _Loader) if config else {}  # noqa: S506  (a safe loader)
        problem = "" if isinstance(settings, dict) else "It is no mapping."
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        settings, problem = {}, str(error)
    settings = settings if isinstance(settings, dict) else {}
    folder = posixpath.join(root, str(settings.get("docs_dir") or "docs"))
    pages = sorted(path for path in files if is_page(path))
    here = [path for path in pages if posixpath.dirname(path) == root]
    readmes = [path for path in here if posixpath.basename(path).lower().startswith("readme.")]
    found = [Page("README", path) for path in readmes[:1]]
    below = [path for path in pages if path.startswith(f"{folder}/")]
    listed = list(_listed(settings.get("nav"), folder, set(below), 0))
    return found + (listed or [_by_path(path, folder) for path in _indexes_first(below)]), problem


def _listed(nav: Any, folder: str, pages: Collection[str], depth: int) -> list[Page]:
    found: list[Page] = []
    for item in nav if isinstance(nav, list) and depth < MAX_DEPTH else []:
        pairs = item.items() if isinstance(item, dict) else [("", item)]
        for title, value in pairs:
            if isinstance(value, list):
                below = _listed(value, folder, pages, depth + 1)
                found += [Page(str(title), depth=depth), *below] if below else []
            elif isinstance(value, str):
                path = posixpath.normpath(posixpath.join(folder, value))
                if path in pages:
                    found.append(Page(str(title or _title(path)), path, depth))
    return found


def _indexes_first(paths: list[str]) -> list[str]:
    def place(path: str) -> tuple[str, bool, str]:
        name = posixpath.basename(path)
        return posixpath.dirname(path), not name.lower().startswith("index."), name

    return sorted(paths, key=place)


def _by_path(path: str, folder: str) -> Page:
    return Page(_title(path), path, min(path[len(folder) + 1 :].count("/"), MAX_DEPTH))


def _title(path: str) -> str:
    name = posixpath.splitext(posixpath.basename(path))[0]
    if name.lower() == "index":
        name = posixpath.basename(posixpath.dirname(path))
    return name.replace("-", " ").replace("_", " ").capitalize()


def address_of(page: str, link: str) -> Address | None:
    """What a link on a page means inside the repository; None when it leads elsewhere."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return None
    if parts.scheme or parts.netloc:
        return None
    path = unquote(parts.path)
    base = "" if path.startswith("/") else posixpath.dirname(page)
    found = inside(posixpath.join(base, path.lstrip("/"))) if path else page
    return None if found is None or "\0" in found else Address(found, parts.fragment)


def media_type(path: str) -> str:
    """The type of an image that pages may show; empty for every other file."""
    return IMAGES.get(posixpath.splitext(path)[1].lower(), "")
