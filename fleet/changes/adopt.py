"""Brings repositories that this golden path did not make, or that nobody remembers, under lineage:
the merge request adds the lineage and nothing else."""

from __future__ import annotations

import dataclasses

from catalog.models import Entity
from fleet.adopting import guessed
from fleet.changes import Candidate, Change, register
from fleet.outcomes import Outcome, Work, adopted
from scaffolder.models import Lineage, Release

LEAST = 0.5  # of the files that it makes must be the same; less is another thing


def candidates(release: Release) -> list[Candidate]:
    made = Lineage.objects.filter(release__kind="template").values("repository")
    entities = Entity.objects.filter(kind="component", orphaned_at=None).with_place()
    entities = entities.exclude(location__repository__path__in=made).order_by("ref")
    found: dict[str, Candidate] = {}
    for entity in entities:
        path = entity.location.repository.path
        found.setdefault(path, Candidate(path, entity.ref))
    return list(found.values())


def outcome(work: Work) -> Outcome | None:
    if work.lineage:
        return None
    # Whoever chose the answers for this very repository has seen what is alike.
    least = 0.0 if work.given else LEAST
    guess = guessed(work.release, work.repository, work.descriptor)
    return adopted(dataclasses.replace(work, given={**guess, **work.given}), least)


register(
    Change("adopt", "Adopt what looks like it", "Adopt as made by", ("template",),
           candidates, outcome)
)  # fmt: skip
