"""Takes an aspect out of every repository that it was woven into; what a team made of it stays."""

from fleet.changes import Candidate, Change, register
from fleet.outcomes import Outcome, Work, remade
from scaffolder.models import Lineage, Release


def candidates(release: Release) -> list[Candidate]:
    rows = Lineage.objects.filter(release__block_ref=release.block_ref)
    return [
        Candidate(row.repository, row.entity_ref, row.release.version)
        for row in rows.select_related("release").order_by("repository")
    ]


def outcome(work: Work) -> Outcome | None:
    left = [block for block in work.blocks if block.block_ref != work.block.block_ref]
    return remade(work, left) if len(left) < len(work.blocks) else None


register(
    Change("unweave_aspect", "Take it out again", "Take out", ("aspect",),
           candidates, outcome, takes_out=True)
)  # fmt: skip
