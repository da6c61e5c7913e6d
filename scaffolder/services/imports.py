"""Golden paths that an organisation has already: what the templates of a repository or a group
would do here, and registering those that are ready."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction

from accounts.models import Role, User
from catalog.forges import connect, file_url, git, hosts
from catalog.models import Entity
from catalog.reading import is_trusted
from catalog.services.locations import may_see_project
from catalog.services.repositories import register
from forge import ForgeError, ForgeNotFound, ForgeUnavailable
from forge.results import Project
from scaffolder.reports import Report, template_reports
from scaffolder.weave.tree import File, Tree

PAGE = 10  # repositories that one request looks through
MOST = 1_000


@dataclass(frozen=True, slots=True)
class Seen:
    """A repository and the reports on its templates, or why it could not be read."""

    project: str
    branch: str
    commit: str = ""
    reports: tuple[Report, ...] = ()
    error: str = ""
    trusted: bool = True
    known: frozenset[str] = frozenset()  # refs that the catalogue has already

    def url(self, report: Report, line: int = 0) -> str:
        return file_url(self.project, self.branch, report.path, line)


@dataclass(frozen=True, slots=True)
class Looked:
    seen: tuple[Seen, ...]
    first: int
    total: int
    is_group: bool


def look_through(*, place: str, page: int, by: User) -> Looked:
    """Reports on every template of a repository, or of a page of a group's repositories.

    Raises ValidationError for what is no place in the forge, ForgeUnavailable when it is away.
    """
    path, folder = _place(place)
    projects, is_group = _projects(path)
    visible = [p for p in projects if may_see_project(p.visibility, by)]
    first = (page - 1) * PAGE
    if not visible or first >= len(visible):
        raise ValidationError(f"There is no repository to look through in “{place}”.")
    seen = tuple(_seen(project, folder) for project in visible[first : first + PAGE])
    return Looked(seen, first + 1, len(visible), is_group)


def _place(text: str) -> tuple[str, str]:
    """The path of a project or group, and the folder in it that the address names."""
    text = text.strip()
    if "://" in text:
        parts = urlsplit(text)
        if parts.netloc not in hosts():
            known = ", ".join(sorted(hosts()))
            raise ValidationError(f"“{parts.netloc}” is not the configured forge ({known}).")
        text = parts.path
    path, _, rest = text.strip("/").partition("/-/")
    kind, _, place = rest.partition("/")
    folder = place.partition("/")[2].strip("/") if kind == "tree" else ""
    path = path.removesuffix(".git").removeprefix("groups/")
    if not path:
        raise ValidationError("Name a repository or a group: group/project, or its address.")
    return path, folder


def _projects(path: str) -> tuple[list[Project], bool]:
    try:
        return [connect().project(path)], False
    except ForgeNotFound:
        pass  # then it may be a group
    try:
        return list(islice(connect().group_projects(path), MOST)), True
    except ForgeNotFound as error:
        raise ValidationError(f"The forge has no repository or group “{path}”.") from error


def _seen(project: Project, folder: str) -> Seen:
    branch = project.default_branch
    if not branch:
        return Seen(project.path, "", error="This repository is empty.")
    try:
        commit = connect().tip(project.path, branch).id
        tree = tree_of(project.path, commit)
    except ForgeUnavailable:
        raise
    except ForgeError as error:
        return Seen(project.path, branch, error=str(error))
    prefix = f"{folder}/" if folder else ""
    reports = [r for r in template_reports(tree, project.path) if r.path.startswith(prefix)]
    refs = Entity.objects.filter(ref__in=[r.ref for r in reports], orphaned_at=None)
    return Seen(
        project.path, branch, commit, tuple(reports),
        trusted=is_trusted(project.path, settings.TRUSTED_REPOSITORIES),
        known=frozenset(refs.values_list("ref", flat=True)),
    )  # fmt: skip


def tree_of(project: str, commit: str) -> Tree:
    files = git().snapshot(project, commit)
    return {path: File(content, mode) for path, (mode, content) in files.items()}


@transaction.atomic
def register_templates(*, project: str, paths: Iterable[str], by: User) -> int:
    """Makes templates known to the catalogue, which releases them; returns how many."""
    if Role.PLATFORM not in by.roles:
        raise PermissionDenied("Only a platform engineer imports golden paths.")
    found = connect().project(project)
    if not may_see_project(found.visibility, by):
        raise PermissionDenied("This repository is private.")
    seen = _seen(found, "")
    ready = {report.path for report in seen.reports if report.verdict == "ready"}
    wanted = sorted(set(paths))
    if not wanted or not ready.issuperset(wanted):
        raise ValidationError("Choose templates that are ready.")
    for path in wanted:
        register(project=found.path, path=path, branch=seen.branch, by=by)
    return len(wanted)
