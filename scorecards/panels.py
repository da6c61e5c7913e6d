"""The scorecard panel of an entity's page: level, next best step, each check with its remedy."""

from typing import Any

from accounts.models import User
from catalog import panels
from catalog.models import Entity, EntityQuerySet
from scorecards.models import EVALUATED_KINDS, Standing, Verdict


def scorecards(entity: Entity, user: User) -> dict[str, Any] | None:
    """`version` changes with every verdict, so that an open page is swapped only then."""
    if entity.kind not in EVALUATED_KINDS:
        return None
    mine = Standing.objects.visible_to(user).filter(entity=entity)
    standings = list(mine.order_by("scorecard_ref"))
    if not standings and entity.kind != "component":
        return None
    verdicts = list(Verdict.objects.visible_to(user).filter(entity=entity))
    titles = dict(Entity.objects.filter(kind="scorecard").values_list("ref", "title"))
    cards = [
        {
            "standing": standing,
            "title": titles.get(standing.scorecard_ref) or standing.scorecard_ref,
            "verdicts": [v for v in verdicts if v.scorecard_ref == standing.scorecard_ref],
            "next": next(
                (v for v in verdicts if v.scorecard_ref == standing.scorecard_ref
                 and v.check_id == standing.next_step), None),
        }
        for standing in standings
    ]  # fmt: skip
    version = "-".join(standing.inputs[:12] for standing in standings) or "none"
    return {"cards": cards, "version": version}


panels.register(panels.Panel("scorecards", 20, "scorecards/panel.html", scorecards))


def failing(entities: EntityQuerySet, user: User) -> EntityQuerySet:
    gaps = Verdict.objects.visible_to(user).gaps().order_by()
    return entities.filter(pk__in=gaps.values("entity"))


panels.register_gap(panels.Gap("failing", 50, "Failing checks", failing))
