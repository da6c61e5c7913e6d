"""Pages of the catalogue, and the door for the forge's webhooks."""

from __future__ import annotations

import json
import time

import structlog
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Role, User
from accounts.requests import signed_in
from catalog import forges, services
from catalog.forms import EntityFilter
from catalog.models import Entity, Problem, Relation, Repository, Source
from catalog.panels import panels_for
from catalog.services.sources import request_reading
from forge.webhooks import InvalidSignature, verify

log = structlog.get_logger(__name__)
PAGE_SIZE = 25


@require_GET
def entities(request: HttpRequest) -> HttpResponse:
    """The list with its facets; htmx asks for the results alone."""
    user = signed_in(request)
    chosen = EntityFilter(request.GET, Entity.objects.visible_to(user))
    page = Paginator(chosen.entities(), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "filter": chosen,
        "page": page,
        "facets": chosen.facets(),
        "problem_count": Problem.objects.visible_to(user).count(),
        "titles": _titles([entity.owner_ref for entity in page], user),
    }
    only = request.headers.get("HX-Request") and not request.headers.get(
        "HX-History-Restore-Request"
    )
    template = "catalog/entities.html#results" if only else "catalog/entities.html"
    return render(request, template, context)


def _titles(refs: list[str], user: User) -> dict[str, str]:
    """What visible entities are called, by reference."""
    rows = Entity.objects.visible_to(user).filter(ref__in=refs).values_list("ref", "title", "name")
    return {ref: title or name for ref, title, name in rows}


@require_GET
def entity(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """One entity: what it is, what it touches, what made it, how good it is, what is wrong."""
    user = signed_in(request)
    visible = Entity.objects.visible_to(user).with_place()
    ref = f"{kind}:{namespace}/{name}".lower()
    row = visible.filter(ref=ref).first()
    if row is None:
        return _never_good(request, ref)
    relations = list(row.relations())
    refs = [relation.target_ref for relation in relations]
    hidden = Entity.objects.filter(ref__in=refs).exclude(pk__in=visible)
    hidden_refs = set(hidden.values_list("ref", flat=True))
    repository = row.location.repository
    context = {
        "entity": row,
        "owner": visible.filter(ref=row.owner_ref).first(),
        "relations": _grouped([r for r in relations if r.target_ref not in hidden_refs]),
        "titles": _titles(refs, user),
        "problems": row.location.problems.visible_to(user).filter(entity_ref__in=["", row.ref]),
        "panels": panels_for(row, user),
        "source_url": forges.file_url(
            repository.path, repository.default_branch, row.location.path, row.line
        ),
        "repository_url": forges.project_url(repository.path),
        "raw": row.text,
    }
    return render(request, "catalog/entity.html", context)


def _grouped(relations: list[Relation]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for relation in relations:
        grouped.setdefault(relation.type, []).append(relation.target_ref)
    return grouped


def _never_good(request: HttpRequest, ref: str) -> HttpResponse:
    """An entity that was never read without an error is visible as such: it has problems only."""
    hidden = Entity.objects.filter(ref=ref).exists()
    problems = Problem.objects.visible_to(signed_in(request)).filter(entity_ref=ref)
    problems = problems.select_related("location__repository")
    if hidden or not problems:
        visible = Entity.objects.visible_to(signed_in(request))
        named = Relation.objects.filter(target_ref=ref, declared_by__in=visible)
        referrers = [] if hidden else sorted(set(named.values_list("source_ref", flat=True)))
        context = {"ref": ref, "referrers": referrers[:50]}
        return render(request, "catalog/unknown.html", context, status=404)
    return render(request, "catalog/never_good.html", {"ref": ref, "problems": problems})


@require_GET
def panel(request: HttpRequest, pk: int, panel_id: str) -> HttpResponse:
    """One panel of an entity's page, for pages that keep it fresh; 204 while nothing changed."""
    user = signed_in(request)
    row = get_object_or_404(Entity.objects.visible_to(user).with_place(), pk=pk)
    for found, context in panels_for(row, user):
        if found.id == panel_id:
            if context.get("version") and context["version"] == request.GET.get("version"):
                return HttpResponse(status=204)
            return render(request, found.template, context | {"entity": row})
    return HttpResponse(status=204)


@require_GET
def problems(request: HttpRequest) -> HttpResponse:
    """Everything that is wrong in the catalogue: descriptors, dangling references, repositories."""
    user = signed_in(request)
    visible = Entity.objects.visible_to(user)
    found = Problem.objects.visible_to(user).select_related("location__repository")
    dangling = Relation.objects.dangling().filter(declared_by__in=visible).order_by("source_ref")
    context = {
        "page": Paginator(found, PAGE_SIZE).get_page(request.GET.get("page")),
        "dangling": dangling[:100],
        "dangling_count": dangling.count(),
        "orphans": visible.exclude(orphaned_at=None)[:100],
        "repositories": Repository.objects.exclude(error="")[:100],
        "sources": Source.objects.all(),
        "may_read": Role.PLATFORM in user.roles,
    }
    return render(request, "catalog/problems.html", context)


@require_POST
def read_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks a worker to list a source now."""
    source = get_object_or_404(Source, pk=pk)
    request_reading(source=source, by=signed_in(request))
    messages.success(request, "A worker reads the source now.")
    return redirect("catalog:problems")


@csrf_exempt
@login_not_required
@require_POST
def gitlab_webhook(request: HttpRequest) -> HttpResponse:
    """Keeps a signed delivery and answers at once; a worker does the rest."""
    try:
        delivery_id = verify(
            settings.WEBHOOK_SECRET, request.headers, request.body, now=time.time()
        )
    except InvalidSignature as error:
        log.warning("webhook refused", reason=str(error))
        return HttpResponse("signature refused\n", status=401, content_type="text/plain")
    try:
        payload = json.loads(request.body)
    except ValueError:
        return HttpResponse("the body is not JSON\n", status=400, content_type="text/plain")
    event = request.headers.get("X-Gitlab-Event", "")[:60]
    if isinstance(payload, dict):
        services.receive_delivery(delivery_id=delivery_id, event=event, payload=payload)
    return HttpResponse(status=204)
