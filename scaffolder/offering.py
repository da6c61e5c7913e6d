"""Golden paths for what exists already: on which entities they are offered, and with which answers.

They are of day 2: the component is there, and something is to be added to it or changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

from catalog import forges, selectors
from catalog.models import Entity
from scaffolder.blueprint import Blueprint, Offer
from scaffolder.blueprint.conditions import asked_names


def problems(blueprint: Blueprint) -> Iterator[str]:
    """What is wrong with `spec.offeredOn`, a sentence each."""
    if blueprint.offer is None:
        return
    try:
        selectors.check(blueprint.offer.condition)
    except selectors.SelectorError as error:
        yield f"spec.offeredOn.condition cannot be read: {error}"
    known = {name for page in blueprint.pages for name in asked_names(page.schema)}
    for name in blueprint.offer.prefill:
        if name not in known:
            yield f"spec.offeredOn.prefill.{name} is no question of this golden path."


def fits(offer: Offer, entity: Entity) -> bool:
    """Whether everything that the offer asks for holds. A field that is missing does not fit."""
    if offer.kinds and entity.kind not in {kind.lower() for kind in offer.kinds}:
        return False
    if offer.types and entity.type not in offer.types:
        return False
    if offer.tags and not set(offer.tags) & set(entity.tags):
        return False
    try:
        return selectors.matches(offer.condition, entity=entity.descriptor)
    except selectors.SelectorError:
        return False  # neither true nor false for this one


def names(entity: Entity) -> dict[str, Any]:
    """What the expressions of `prefill` can see."""
    path = entity.location.repository.path
    owner, _, repo = path.rpartition("/")
    url = forges.project_url(path)
    host = urlsplit(url).netloc
    repository = {
        "path": path,
        "url": url,
        "repoUrl": f"{host}?owner={quote(owner, safe='')}&repo={quote(repo, safe='')}",
        "defaultBranch": entity.location.repository.default_branch,
    }
    return {"entity": entity.descriptor, "entityRef": entity.ref, "repository": repository}
