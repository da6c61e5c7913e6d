"""Aspects as the portal weaves them: what each applies to, and its parts as the engine takes
them."""

from __future__ import annotations

import posixpath
from typing import Any

from catalog import refs, relations, selectors
from catalog.groups import with_ancestors
from scaffolder.models import Release, load_tree
from scaffolder.weave.aspect import ORGANISATION, Aspect, parse_aspect
from scaffolder.weave.tree import File


def scopes_of(entity: dict[str, Any]) -> set[str]:
    """Where an entity is at home: the organisation, its owner, and every group above that."""
    owner = relations.owner_ref(entity)
    return {ORGANISATION, *with_ancestors([owner])} if owner else {ORGANISATION}


def applies(release: Release, entity: dict[str, Any], scopes: set[str]) -> bool:
    """Whether the aspect's scope and condition fit the entity. Raises SelectorError."""
    condition = release.descriptor["spec"].get("appliesTo")
    if _scope(release) not in scopes:
        return False
    return not condition or selectors.matches(condition, entity=entity)


def depth(release: Release) -> int:
    """How far down the group tree the aspect's scope is; the organisation is 0."""
    scope = _scope(release)
    return 0 if scope == ORGANISATION else len(with_ancestors([scope]))


def _scope(release: Release) -> str:
    scope = str(release.descriptor["spec"].get("scope", ORGANISATION))
    return scope if scope == ORGANISATION else str(refs.parse(scope, default_kind="group"))


def parts(release: Release) -> tuple[Aspect, dict[str, File]] | None:
    """The aspect and the files of its own folder, by paths relative to aspect.yaml; None where the
    release cannot be read."""
    aspect, problems = parse_aspect(release.descriptor)
    if aspect is None or problems:
        return None
    folder = posixpath.dirname(release.path)
    prefix = f"{folder}/" if folder else ""
    stored = {p.removeprefix(prefix): v for p, v in release.tree.items() if p.startswith(prefix)}
    return aspect, load_tree(stored)
