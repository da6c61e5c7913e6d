"""Every project below a forge group: found by one keyset listing, read at every push."""

from __future__ import annotations

from catalog.forges import connect
from catalog.models import Source
from catalog.services.projects import note_gone, note_projects
from catalog.sources import source_kind


@source_kind(
    "group",
    title="Projects of a group",
    text="Reads the descriptors of every project below the group.",
    has_projects=True,
)
def read(source: Source) -> list[str]:
    projects = list(connect().group_projects(source.group))
    changed = note_projects(source, projects)
    note_gone(source, projects)
    return changed
