"""Releases: a block whose files changed in its repository becomes a new immutable version."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from accounts import audit
from catalog.descriptor import read
from catalog.forges import git
from catalog.models import Entity, Location, Repository
from scaffolder import reports
from scaffolder.blueprint import with_includes
from scaffolder.models import Release, load_tree, store_tree
from scaffolder.weave.tree import File, Tree, digest

log = structlog.get_logger(__name__)
VERSION = "bespoke/version"
BLOCK_KINDS = ("template", "aspect")


def outdated_repositories() -> list[str]:
    """Paths of repositories that hold a block whose files nobody has compared yet."""
    entities = Entity.objects.filter(kind__in=BLOCK_KINDS, orphaned_at=None).with_place()
    seen = dict(
        Release.objects.order_by("block_ref", "current_since").values_list(
            "block_ref", "seen_commit"
        )
    )
    return sorted(
        {
            entity.location.repository.path
            for entity in entities
            if seen.get(entity.ref) != entity.location.repository.commit
        }
    )


def release_blocks(*, repository: str) -> list[Release]:
    """Makes releases of the repository's blocks that changed; returns the new ones."""
    row = Repository.objects.of_path(repository).first()
    if row is None or not row.commit:
        return []
    entities = Entity.objects.filter(
        kind__in=BLOCK_KINDS, orphaned_at=None, location__repository=row
    ).with_place()
    if not entities:
        return []
    files = git().snapshot(row.path, row.commit)
    tree = {path: File(content, mode) for path, (mode, content) in files.items()}
    made = [_release(row, entity, tree) for entity in entities]
    return [release for release in made if release]


@transaction.atomic
def judge_again() -> list[str]:
    """Finds the problems of blocks anew whose actions or settings are not those of their release;
    returns the refs of blocks that have others now."""
    rules, changed = reports.rules(), []
    for kind in BLOCK_KINDS:
        stale = Release.objects.newest_of_each(kind).exclude(rules=rules)
        for release in stale.select_for_update(skip_locked=True)[:100]:
            entity = Entity.objects.with_place().get(ref=release.block_ref)
            tree = load_tree(release.tree)
            _, missing = _as_written(entity, tree)
            found = missing + reports.problems(kind, release.descriptor, tree, release.path)
            if found != release.problems:
                changed.append(release.block_ref)
                audit.record(by=None, verb="judged again", object_type="block",
                             object_id=release.block_ref, problems=found[:20])  # fmt: skip
            Release.objects.filter(pk=release.pk).update(problems=found, rules=rules)
    return changed


@transaction.atomic
def _release(repository: Repository, entity: Entity, tree: Tree) -> Release | None:
    folders = block_folders(entity.location.path, entity.descriptor)
    included = set(_include_paths(entity.location, entity.descriptor))
    own = {p: file for p, file in tree.items() if p.startswith(folders) or p in included}
    content = digest(own)
    known = Release.objects.filter(block_ref=entity.ref, digest=content)
    newest = Release.objects.newest(entity.ref)
    if newest and newest.digest == content:
        known.update(seen_commit=repository.commit)
        return None
    now = timezone.now()
    if known.update(seen_commit=repository.commit, current_since=now):
        audit.record(by=None, verb="went back", object_type="block", object_id=entity.ref,
                     commit=repository.commit, digest=content)  # fmt: skip
        return None
    descriptor, missing = _as_written(entity, tree)
    release, created = Release.objects.get_or_create(
        block_ref=entity.ref,
        digest=content,
        defaults={
            "kind": entity.kind,
            "version": str(entity.annotations.get(VERSION, "0.0.0")),
            "commit": repository.commit,
            "seen_commit": repository.commit,
            "current_since": now,
            "repository": repository.path,
            "path": entity.location.path,
            "descriptor": descriptor,
            "tree": store_tree(own),
            "problems": missing
            + reports.problems(entity.kind, descriptor, own, entity.location.path),
            "rules": reports.rules(),
        },
    )
    if created:
        audit.record(by=None, verb="released", object_type="block", object_id=entity.ref,
                     label=str(release), commit=release.commit, digest=content)  # fmt: skip
        log.info("release made", block=entity.ref, version=release.version)
    return release


def _as_written(entity: Entity, tree: Tree) -> tuple[dict[str, Any], list[str]]:
    """The descriptor with its keys in their order, which is the order of the form's questions, and
    with its includes filled in; and the includes that could not be."""
    file = tree.get(entity.location.path)
    text = file.content.decode(errors="replace") if file else ""
    found = (parsed.entity for parsed in read(text).entities if str(parsed.ref) == entity.ref)
    written = next(found, entity.descriptor)

    def included(target: str) -> str | None:
        path = reports.included_path(entity.location.repository.path, entity.location.path, target)
        return tree[path].content.decode(errors="replace") if path in tree else None

    filled, problems = with_includes(written, {}, included)
    return filled, [str(problem) for problem in problems]


def _include_paths(location: Location, value: Any) -> Iterator[str]:
    """Files that the descriptor includes: they belong to the block, wherever they are."""
    if isinstance(value, list):
        for item in value:
            yield from _include_paths(location, item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in ("$yaml", "$json", "$text") and isinstance(item, str):
                yield reports.included_path(location.repository.path, location.path, item)
            else:
                yield from _include_paths(location, item)


def block_folders(path: str, descriptor: dict[str, Any]) -> tuple[str, ...]:
    """Prefixes of the files that belong to a block: its own folder, and those its steps name."""
    own = posixpath.dirname(path)
    folders = {own}
    for step in (descriptor.get("spec") or {}).get("steps", []):
        url = (step.get("input") or {}).get("url", "") if isinstance(step, dict) else ""
        if isinstance(url, str) and url.startswith("..") and "${{" not in url:
            folders.add(posixpath.normpath(posixpath.join(own, url)))
    return tuple(f"{folder}/" if folder not in ("", ".") else "" for folder in sorted(folders))
