"""Brings every repository that was made with another release of a block to this one."""

from fleet.changes import Candidate, Change, register
from fleet.outcomes import Outcome, Work, remade
from scaffolder.models import Lineage, Release


def candidates(release: Release) -> list[Candidate]:
    rows = Lineage.objects.filter(release__block_ref=release.block_ref).exclude(release=release)
    return [
        Candidate(row.repository, row.entity_ref, row.release.version)
        for row in rows.select_related("release").order_by("repository")
    ]


def outcome(work: Work) -> Outcome | None:
    new, blocks = work.block, work.blocks
    if new in blocks or all(block.block_ref != new.block_ref for block in blocks):
        return None
    return remade(work, [new if block.block_ref == new.block_ref else block for block in blocks])


register(
    Change("upgrade_block", "Upgrade to this release", "Upgrade", ("template", "aspect"),
           candidates, outcome)
)  # fmt: skip
