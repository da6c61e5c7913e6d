"""Which names and paths are allowed, by GitLab's rules."""

import re

import pygit2

from localforge.errors import bad_request
from localforge.git.errors import GitError

_PATH = re.compile(r"^[a-zA-Z0-9_][a-zA-Z0-9_\-.]*$")
_SLUG = re.compile(r"[^a-zA-Z0-9_.-]+")
_NAME = re.compile(r"^[\w\u00A9-\U0001F9FF][\w\u00A9-\U0001F9FF .,+\-()]*$")
_PROJECT_WORDS = """
- badges blame blob builds commits create create_dir edit files find_file new preview raw refs tree
update wikis
"""
_TOP_WORDS = """
- admin api assets autocomplete dashboard deploy explore files groups health_check help import jwt
login oauth profile projects public s search sitemap snippets unsubscribe uploads users v2
"""
_RESERVED_PROJECTS = set(_PROJECT_WORDS.split())
_RESERVED_TOP = set(_TOP_WORDS.split())
_PATH_HELP = (
    "can contain only letters, digits, '_', '-' and '.'. "
    "Cannot start with '-', end in '.git' or end in '.atom'"
)


def slug(name: str) -> str:
    """A path made from a name."""
    return _SLUG.sub("-", name.strip()).strip("-.").lower()


def _bad_path(path: str) -> bool:
    return (
        not _PATH.match(path)
        or len(path) > 255
        or path.endswith((".git", ".atom", ".", "-"))
        or ".." in path
    )


def check_project(name: str, path: str) -> None:
    """400 with the reasons, field by field, if a project may not be called so."""
    problems: dict[str, list[str]] = {}
    if not _NAME.match(name) or len(name) > 255:
        problems["name"] = [
            "can contain only letters, digits, emoji, '_', '.', '+', dashes, or spaces."
            " It must start with a letter, digit, emoji, or '_'."
        ]
    if _bad_path(path):
        problems["path"] = [_PATH_HELP]
    elif path.lower() in _RESERVED_PROJECTS:
        problems["path"] = [f"'{path}' is a reserved name and cannot be used as a project path"]
    if problems:
        raise bad_request(problems)


def check_group(name: str, path: str, *, top: bool) -> None:
    """400 with the reasons, field by field, if a group may not be called so."""
    if _bad_path(path):
        raise bad_request({"path": [_PATH_HELP]})
    reserved = _RESERVED_TOP | _RESERVED_PROJECTS if top else _RESERVED_PROJECTS
    if path.lower() in reserved:
        raise bad_request({"path": [f"{path} is a reserved name"]})
    if not name.strip() or len(name) > 255:
        raise bad_request({"name": ["can't be blank"]})


def check_branch(name: str) -> str:
    """The name if a branch may be called so."""
    if not is_branch(name):
        raise GitError("Branch name is invalid")
    return name


def is_branch(name: str) -> bool:
    """Whether a branch may be called so."""
    forbidden = name.startswith(("-", "refs/heads/", "refs/remotes/", "refs/tags/"))
    hexadecimal = re.fullmatch(r"[0-9a-f]{40}", name) is not None
    right = valid_ref(f"refs/heads/{name}") and name != "HEAD"
    return right and not forbidden and not hexadecimal


def valid_ref(name: str) -> bool:
    """Whether Git takes a full ref name."""
    return len(name.encode()) < 240 and bool(pygit2.reference_is_valid_name(name))
