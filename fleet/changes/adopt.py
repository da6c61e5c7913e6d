"""Brings repositories that this golden path did not make, or that nobody remembers, under lineage:
the merge request adds the lineage and nothing else."""

from __future__ import annotations

import dataclasses

from fleet.adopting import guessed
from fleet.changes import Candidate, Change, every_component, register
from fleet.outcomes import Outcome, Work, adopted
from scaffolder.models import Lineage, Release

LEAST = 0.5  # of the files that it makes must be the same; less is another thing


def candidates(release: Release) -> list[Candidate]:
    made = Lineage.objects.filter(release__kind="template")
    known = set(made.values_list("repository", flat=True))
    return [found for found in every_component(release) if found.repository not in known]


def outcome(work: Work) -> Outcome | None:
    if work.lineage:
        return None
    # Whoever chose the answers for this very repository has seen what is alike.
    least = 0.0 if work.given else LEAST
    guess = guessed(work.block, work.repository, work.descriptor)
    return adopted(dataclasses.replace(work, given={**guess, **work.given}), least)


register(
    Change("adopt", "Adopt what looks like it", "Adopt as made by", ("template",),
           candidates, outcome)
)  # fmt: skip
