"""Keeps what entities were, and which commit made them so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from accounts.models import User
from catalog.models import Entity, Location, Version
from forge import Commit

CommitOf = Callable[[Location], Commit | None]
Commits = Mapping[int, Commit | None]


def unknown(location: Location) -> Commit | None:
    """Where no commit was read: a file that was taken out by hand."""
    return None


def events(rows: Sequence[Entity], known: Mapping[str, Entity]) -> dict[str, str]:
    """What happened to each; a document that only moved within its file is no event."""
    found = {row.ref: _event(row, known.get(row.ref)) for row in rows}
    return {ref: event for ref, event in found.items() if event}


def _event(row: Entity, before: Entity | None) -> str:
    if before is None:
        return Version.Event.CREATED
    if before.orphaned_at:
        return Version.Event.RESTORED
    if before.digest != row.digest:
        return Version.Event.CHANGED
    return Version.Event.MOVED if before.location_id != row.location_id else ""


def note(events: Mapping[str, str], commits: Commits) -> None:
    """Writes one version for each; call it inside the transaction of the change."""
    if events:
        told = {
            pk: (commit.id, commit.author[:255], commit.title)
            for pk, commit in commits.items() if commit
        }  # fmt: skip
        Version.objects.keep(events, told)


def note_removal(*, entity: Entity, by: User | None) -> None:
    """Call it before the entity is deleted."""
    commit = Commit("", "", "", by.display_name if by else "")
    note({entity.ref: Version.Event.REMOVED}, {entity.location_id: commit})
