"""What several pages need."""

from __future__ import annotations

from accounts.models import User
from catalog.models import Entity

PAGE_SIZE = 25


def titles_of(refs: list[str], user: User) -> dict[str, str]:
    """What visible entities are called, by reference."""
    rows = Entity.objects.visible_to(user).filter(ref__in=refs).values_list("ref", "title", "name")
    return {ref: title or name for ref, title, name in rows}
