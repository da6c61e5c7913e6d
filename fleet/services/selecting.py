"""Which of the repositories that a change is about are in a campaign: by a rule over the catalogue,
by what they are made of, by a check that fails, or by a list."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.core.exceptions import ValidationError

from catalog import selectors
from catalog.models import Entity
from fleet.changes import Candidate
from scaffolder.models import Lineage
from scorecards.models import Verdict
from scorecards.rules import FAIL


@dataclass(frozen=True, slots=True)
class Selection:
    """What somebody wrote; all that is not empty has to hold."""

    query: str = ""  # CEL over the entity
    made_with: str = ""  # a block's ref, or ref@version
    failing: str = ""  # a check of a scorecard: ref/check
    repositories: str = ""  # a line each: a repository's path or an entity's ref

    def as_kept(self) -> dict[str, str]:
        return {name: value for name, value in asdict(self).items() if value}


EVERY_ONE = Selection()


def selected(candidates: list[Candidate], wanted: Selection) -> list[Candidate]:
    """Raises ValidationError with messages by field."""
    found = candidates
    if wanted.query.strip():
        found = _by_query(found, wanted.query.strip())
    if wanted.made_with.strip():
        found = _by_lineage(found, wanted.made_with.strip())
    if wanted.failing.strip():
        found = _by_check(found, wanted.failing.strip())
    if wanted.repositories.strip():
        found = _by_list(found, wanted.repositories.split())
    return found


def _by_query(candidates: list[Candidate], query: str) -> list[Candidate]:
    refs = [candidate.entity_ref for candidate in candidates]
    rows = Entity.objects.filter(ref__in=refs, orphaned_at=None)
    entities = dict(rows.values_list("ref", "descriptor"))
    try:
        selectors.check(query)
        fitting = {r for r, one in entities.items() if selectors.matches(query, entity=one)}
    except selectors.SelectorError as error:
        raise ValidationError({"query": f"This rule cannot be used: {error}."}) from error
    return [candidate for candidate in candidates if candidate.entity_ref in fitting]


def _by_lineage(candidates: list[Candidate], block: str) -> list[Candidate]:
    ref, _, version = block.partition("@")
    rows = Lineage.objects.filter(release__block_ref=ref)
    if not rows.exists():
        raise ValidationError({"made_with": f"No repository is made with “{ref}”."})
    if version:
        rows = rows.filter(release__version=version)
    made = set(rows.values_list("repository", flat=True))
    return [candidate for candidate in candidates if candidate.repository in made]


def _by_check(candidates: list[Candidate], check: str) -> list[Candidate]:
    card, _, name = check.rpartition("/")
    rows = Verdict.objects.filter(scorecard_ref=card, check_id=name)
    if not rows.exists():
        raise ValidationError(
            {"failing": f"Nothing was evaluated by “{check}”: write scorecard:default/name/check."}
        )
    failing = set(rows.filter(verdict=FAIL).values_list("entity__ref", flat=True))
    return [candidate for candidate in candidates if candidate.entity_ref in failing]


def _by_list(candidates: list[Candidate], names: list[str]) -> list[Candidate]:
    known = {candidate.repository for candidate in candidates}
    known |= {candidate.entity_ref for candidate in candidates}
    if unknown := [name for name in names if name not in known]:
        said = ", ".join(unknown[:10]) + (" and others" if len(unknown) > 10 else "")
        raise ValidationError(
            {"repositories": f"This change is not about {said}, or the rest leaves it out."}
        )
    wanted = set(names)
    return [c for c in candidates if wanted & {c.repository, c.entity_ref}]
