"""The demo organisation: the folders of demo/ become projects of the embedded forge."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings

from accounts import services as accounts
from catalog import services as catalog
from catalog.models import Repository, Source
from forge import Change, Forge, ForgeConflict
from scaffolder import services as scaffolder

FOLDER = settings.BASE_DIR / "demo"
LEVELS = {"guest": 10, "reporter": 20, "developer": 30, "maintainer": 40, "owner": 50}
ROOT_GROUP = "tidewater"
LOGINS = ("dana", "paul", "sam", "vera")
IGNORED = {".DS_Store", "__pycache__"}


def load(forge: Forge, password: str) -> None:
    """Fills the forge and the catalogue; what is there already is left alone."""
    organisation = yaml.safe_load((FOLDER / "organisation.yaml").read_text())
    load_people(forge, organisation, password)
    for path, folder in projects():
        load_project(forge, path, folder)
    load_portal(organisation, password)


def load_people(forge: Forge, organisation: dict[str, Any], password: str) -> None:
    for group in organisation["groups"]:
        forge.ensure_group(
            group["path"],
            name=group.get("name", ""),
            description=group.get("description", ""),
            visibility=group.get("visibility", "internal"),
        )
    for user in organisation["users"]:
        user_id = forge.ensure_user(
            username=user["username"], name=user["name"], email=user["email"], password=password
        )
        for group, level in user.get("access", {}).items():
            forge.ensure_member(group, user_id, LEVELS[level])


def projects() -> Iterator[tuple[str, Path]]:
    """Each project's path in the forge and its folder: the first level that holds files."""

    def below(folder: Path) -> Iterator[Path]:
        if any(entry.is_file() for entry in folder.iterdir()):
            yield folder
            return
        for entry in sorted(folder.iterdir()):
            yield from below(entry)

    root = FOLDER / "projects"
    for folder in below(root):
        yield folder.relative_to(root).as_posix(), folder


def load_project(forge: Forge, path: str, folder: Path) -> None:
    try:
        project = forge.create_project(path, visibility="internal", default_branch="main")
    except ForgeConflict:
        project = forge.project(path)
    if not project.empty and project.default_branch:
        return
    files = (entry for entry in sorted(folder.rglob("*")) if entry.is_file())
    changes = [
        Change(
            "create",
            file.relative_to(folder).as_posix(),
            file.read_bytes(),
            executable=os.access(file, os.X_OK),
        )
        for file in files
        if not IGNORED & set(file.relative_to(folder).parts)
    ]
    forge.commit(path, branch="main", message="Begin the repository", changes=changes)


def load_portal(organisation: dict[str, Any], password: str) -> None:
    """The people who sign in, and a first reading of every repository."""
    for user in organisation["users"]:
        if user["username"] in LOGINS:
            accounts.create_user(
                username=user["username"],
                password=password,
                name=user["name"],
                email=user["email"],
                entity_ref=f"user:default/{user['username']}",
                by=None,
            )
    catalog.add_source(group=ROOT_GROUP, by=None)
    catalog.read_source(source=Source.objects.get(group=ROOT_GROUP), wait=True)
    for repository in Repository.objects.filter(path__in=scaffolder.outdated_repositories()):
        scaffolder.release_blocks(repository=repository.path)
