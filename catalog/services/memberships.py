"""Who belongs to which groups, worked out from relations and written down into accounts."""

from collections import defaultdict
from collections.abc import Iterator

from django.db import transaction

from accounts import services as accounts
from catalog.models import Relation, lock_until_commit


@transaction.atomic
def rebuild_memberships() -> int:
    """Writes direct and inherited memberships; returns how many rows changed.

    One at a time: a rebuild that began before another's edges were there must not end after it.
    """
    lock_until_commit("memberships")
    edges = Relation.objects.filter(
        type__in=["memberOf", "childOf"], declared_by__orphaned_at=None
    ).values_list("source_ref", "type", "target_ref")
    members: set[tuple[str, str]] = set()
    parents: dict[str, set[str]] = defaultdict(set)
    for source, kind, target in edges:
        if kind == "memberOf":
            members.add((source, target))
        else:
            parents[source].add(target)
    return accounts.replace_memberships(rows=_closure(members, parents))


def _closure(
    members: set[tuple[str, str]], parents: dict[str, set[str]]
) -> Iterator[tuple[str, str, bool]]:
    for user in {user for user, _ in members}:
        direct = {group for member, group in members if member == user}
        above = _ancestors(direct, parents)
        yield from ((user, group, group in direct) for group in direct | above)


def _ancestors(groups: set[str], parents: dict[str, set[str]]) -> set[str]:
    """Every group above the given ones; a cycle ends where it began."""
    found: set[str] = set()
    todo = list(groups)
    while todo:
        for parent in parents.get(todo.pop(), ()):
            if parent not in found:
                found.add(parent)
                todo.append(parent)
    return found
