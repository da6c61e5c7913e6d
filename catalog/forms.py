"""Forms of the catalogue: what its lists can be narrowed by."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from catalog import refs
from catalog.counting import audience, kept
from catalog.models import Entity, EntityQuerySet, Problem, Relation, Repository, Revision, Star

FACETS = ("kind", "type", "lifecycle", "owner", "tag")
COLUMNS = {"kind": "kind", "type": "type", "lifecycle": "lifecycle", "owner": "owner_ref"}
SORTS = {
    sign + key: (sign + column, "name")
    for key, column in (("name", "name"), ("updated", "updated_at"), *COLUMNS.items())
    for sign in ("", "-")
}


class EntityFilter:
    """The list's state as its URL says it: a text, facets, only what is mine or starred,
    an order."""

    def __init__(self, query: Any, user: User) -> None:
        self.text = query.get("q", "").strip()[:200]
        self.chosen = {name: query.get(name, "") for name in FACETS}
        self.sort = query.get("sort", "") if query.get("sort") in SORTS else ""
        self.mine = query.get("mine") == "1"
        self.visible = Entity.objects.visible_to(user)
        mine = user.group_refs | ({user.entity_ref} if user.entity_ref else set())
        if self.mine:
            self.visible = self.visible.owned_by(mine)
        self.starred = query.get("starred") == "1"
        stars = Star.objects.refs_of(user) if self.starred else None
        if stars is not None:
            self.visible = self.visible.filter(ref__in=stars)
        revision = Revision.objects.current()
        asked = (self.text, *self.chosen.values(), mine if self.mine else None, stars)
        self._key = (revision, audience(user, revision), "list", asked)

    @property
    def is_narrowed(self) -> bool:
        return bool(self.text or self.mine or self.starred or any(self.chosen.values()))

    def entities(self, *, without: str = "") -> EntityQuerySet:
        """What the filter lets through; `without` leaves one facet out, for its own counts."""
        found = self.visible
        for name, value in self.chosen.items():
            if value and name != without:
                found = found.filter(tags__contains=[value]) if name == "tag" else found.filter(
                    **{COLUMNS[name]: value}
                )  # fmt: skip
        if self.text:
            found = found.search(self.text)
        if self.sort:
            found = found.order_by(*SORTS[self.sort])
        return found

    def count(self) -> int:
        """Kept until an entity changes, as the facets are."""
        return kept.get((*self._key, "count"), lambda: self.entities().order_by().count())

    def facets(self) -> list[tuple[str, str, list[tuple[str, int]]]]:
        """Name, chosen value and counted values of each facet."""
        counts = kept.get((*self._key, "facets"), lambda: [self._counts(name) for name in FACETS])
        return [
            (name, self.chosen[name], values) for name, values in zip(FACETS, counts, strict=True)
        ]

    def _counts(self, name: str) -> list[tuple[str, int]]:
        found = self.entities(without=name)
        return (found.tag_facets() if name == "tag" else found.facets(COLUMNS[name]))[:30]


class ProblemFilter:
    """What is wrong, as lists by kind; the same text, repository and owner narrow all of them."""

    def __init__(self, query: Any, user: User) -> None:
        self.text = query.get("q", "").strip()[:200]
        self.repository = query.get("repository", "").strip()[:255]
        self.owner = query.get("owner", "").strip()[:255]
        self.mine = query.get("mine") == "1"
        self._user = user

    @property
    def is_narrowed(self) -> bool:
        return bool(self.text or self.repository or self.owner or self.mine)

    def _owners(self) -> set[str]:
        """References; a person whom nothing can belong to gets one that nothing has."""
        owners = {_owner(self.owner)} if self.owner else set()
        if not self.mine:
            return owners
        mine = {ref for ref in (*self._user.group_refs, self._user.entity_ref) if ref}
        return (mine & owners if owners else mine) or {"nobody"}

    def lists(self) -> dict[str, Any]:
        """QuerySets by name, only of what the person may see."""
        visible = Entity.objects.visible_to(self._user)
        problems = Problem.objects.visible_to(self._user).select_related("location__repository")
        dangling = Relation.objects.dangling().filter(declared_by__in=visible)
        place = "declared_by__location__repository"
        found: dict[str, Any] = {
            "errors": problems.errors(),
            "claims": problems.claims(),
            "dangling": dangling.select_related(place).order_by("source_ref", "type", "target_ref"),
            "orphans": visible.orphans().with_place().order_by("orphaned_at", "ref"),
            "repositories": Repository.objects.unread(),
        }
        asked = (self.text, self.repository, self._owners())
        return {name: rows.narrowed(*asked) for name, rows in found.items()}


def _owner(text: str) -> str:
    """`checkout` as people write it to `group:default/checkout`."""
    try:
        return str(refs.parse(text, default_kind="group", default_namespace="default"))
    except refs.InvalidRef:
        return text
