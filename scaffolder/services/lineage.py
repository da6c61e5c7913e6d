"""Lineage: what made a repository, kept in the portal (a row a block) and in the repository."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from ruamel.yaml import YAML

from catalog import refs
from scaffolder.models import Lineage, Release, Run, StoredTree
from scaffolder.weave.tree import NORMAL, File, Tree, digest

LINEAGE_PATH = ".bespoke/lineage.yaml"
HEADER = b"# What made this repository. The portal reads and writes this file; keep it.\n"

Answers = dict[str, dict[str, Any]]


def answers_of(values: dict[str, Any], chosen: frozenset[str]) -> Answers:
    """Each value with its origin: what the person gave, or a default that nobody changed."""
    return {
        name: {"value": value, "origin": "chosen" if name in chosen else "default"}
        for name, value in sorted(values.items())
    }


def lineage_file(releases: Sequence[Release], answers: Answers, tree: Tree) -> File:
    """The small readable file that survives moves of the repository."""
    content = {
        "apiVersion": "bespoke/v1alpha1",
        "kind": "Lineage",
        "blocks": [
            {
                "ref": release.block_ref,
                "version": release.version,
                "commit": release.commit,
                "digest": release.digest,
            }
            for release in releases
        ],
        "answers": answers,
        "base": digest(tree),
    }
    stream = io.BytesIO(HEADER)
    stream.seek(0, io.SEEK_END)
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.dump(content, stream)
    return File(stream.getvalue(), NORMAL)


def record_lineage(
    *, run: Run, repository: str, blocks: list[int], base: StoredTree
) -> list[Lineage]:
    """One row for each block. Safe to repeat."""
    answers = answers_of(run.values, frozenset(run.chosen))
    rows = [
        Lineage(repository=repository, release_id=pk, run=run, answers=answers, base=base,
                entity_ref=run.entity_ref)
        for pk in blocks
    ]  # fmt: skip
    return Lineage.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["repository", "release"],
        update_fields=["run", "answers", "base", "entity_ref"],
    )


def entity_became_known(*, repository: str, entity_ref: str) -> None:
    """Links a repository's lineage with the entity that its descriptor turned out to define."""
    if refs.parse(entity_ref).kind == "component":
        Lineage.objects.filter(repository=repository, entity_ref="").update(entity_ref=entity_ref)


@transaction.atomic
def record_upgrade(
    *, repository: str, releases: Sequence[Release], answers: Answers, base: StoredTree,
    ground: Mapping[str, Any] | None = None, entity_ref: str = "", taken_out: str = "",
) -> list[Lineage]:  # fmt: skip
    """The repository is made of these releases now, and of `taken_out` no more. Safe to repeat."""
    _rows(repository).filter(release__block_ref=taken_out).delete()
    rows = {row.release.block_ref: row for row in _rows(repository).select_for_update(of=("self",))}
    known = next(iter(rows.values()), None)
    for release in releases:
        row = rows.get(release.block_ref) or Lineage(repository=repository, entity_ref=entity_ref)
        row.release, row.answers, row.base, row.ground = release, answers, base, ground or {}
        if known is not None:
            row.entity_ref, row.run = known.entity_ref, row.run or known.run
        row.save()
    return list(_rows(repository))


def _rows(repository: str) -> QuerySet[Lineage]:
    return Lineage.objects.filter(repository=repository).select_related("release")
