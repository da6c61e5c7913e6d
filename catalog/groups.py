"""Questions about the group tree that several apps ask."""

from collections.abc import Iterable

from catalog.models import Relation


def with_ancestors(refs: Iterable[str]) -> set[str]:
    """The given groups and every group above them; one query a level, cycles end by themselves."""
    found = set(refs)
    level = set(found)
    while level:
        edges = Relation.objects.filter(source_ref__in=level, type="childOf")
        level = set(edges.values_list("target_ref", flat=True)) - found
        found |= level
    return found
