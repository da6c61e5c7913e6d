"""Pages of the scorecards: the list, and one scorecard with everything it is about."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from accounts.requests import signed_in
from catalog.models import Entity
from scorecards.models import Standing, Verdict
from scorecards.rules import parse_scorecard


@require_GET
def scorecards(request: HttpRequest) -> HttpResponse:
    """Every scorecard with how its entities are spread over the levels."""
    visible = Entity.objects.visible_to(signed_in(request))
    rows = []
    spreads = Standing.objects.filter(entity__in=visible).spread()
    for entity in visible.filter(kind="scorecard", orphaned_at=None):
        scorecard, problems = parse_scorecard(entity.descriptor)
        spread = spreads.get(entity.ref, {})
        rows.append({"entity": entity, "scorecard": scorecard, "problems": problems,
                     "spread": spread, "total": sum(spread.values())})  # fmt: skip
    return render(request, "scorecards/scorecards.html", {"rows": rows})


@require_GET
def scorecard(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """One scorecard: its checks with counts, and its entities, worst first."""
    visible = Entity.objects.visible_to(signed_in(request))
    entity = get_object_or_404(visible, ref=f"scorecard:{namespace}/{name}".lower())
    definition, problems = parse_scorecard(entity.descriptor)
    standings = Standing.objects.filter(scorecard_ref=entity.ref, entity__in=visible)
    if level := request.GET.get("level"):
        standings = standings.filter(level="" if level == "none" else level)
    rows = standings.select_related("entity").order_by("passed", "entity__name")
    page = Paginator(rows, 25).get_page(request.GET.get("page"))
    verdicts = Verdict.objects.filter(
        scorecard_ref=entity.ref, entity__in=[standing.entity_id for standing in page]
    )
    by_entity: dict[int, dict[str, Verdict]] = {}
    for verdict in verdicts:
        by_entity.setdefault(verdict.entity_id, {})[verdict.check_id] = verdict
    spread = Standing.objects.filter(entity__in=visible).by_level(entity.ref)
    context = {
        "entity": entity,
        "scorecard": definition,
        "problems": problems,
        "page": page,
        "verdicts": by_entity,
        "counts": Verdict.objects.filter(entity__in=visible).counts_by_check(entity.ref),
        "spread": spread,
        "total": sum(spread.values()),
    }
    return render(request, "scorecards/scorecard.html", context)
