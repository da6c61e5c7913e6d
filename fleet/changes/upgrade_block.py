"""Brings every repository that was made with another release of a block to this one."""

from fleet.changes import Candidate, Change, register
from scaffolder.models import Lineage, Release


def candidates(release: Release) -> list[Candidate]:
    rows = Lineage.objects.filter(release__block_ref=release.block_ref).exclude(release=release)
    return [
        Candidate(row.repository, row.entity_ref, row.release.version)
        for row in rows.select_related("release").order_by("repository")
    ]


def releases(release: Release, lineage: list[Lineage]) -> list[Release] | None:
    blocks = [row.release for row in lineage]
    if release in blocks or all(block.block_ref != release.block_ref for block in blocks):
        return None
    return [release if block.block_ref == release.block_ref else block for block in blocks]


register(
    Change("upgrade_block", "Upgrade to this release", "Upgrade", ("template", "aspect"),
           candidates, releases)
)  # fmt: skip
