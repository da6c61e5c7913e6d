"""Runs: the list, one run while it goes on, and what can be done with it."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import signed_in, template_for
from catalog import refs
from catalog.models import Entity
from scaffolder import services
from scaffolder.models import Run


@require_GET
def runs(request: HttpRequest) -> HttpResponse:
    """All runs, newest first; `?mine=1`, `?status=`, `?path=` and `?user=` narrow the list."""
    user = signed_in(request)
    found = Run.objects.visible_to(user).select_related("release", "user")
    if request.GET.get("mine"):
        found = found.of(user)
    if who := request.GET.get("user"):
        found = found.filter(user__username=who)
    if path := request.GET.get("path"):
        found = found.filter(template_ref=path)
    if ref := request.GET.get("entity"):
        found = found.about(ref)
    if status := request.GET.get("status"):
        found = found.filter(status=status)
    context = {
        "page": Paginator(found, 25).get_page(request.GET.get("page")),
        "statuses": Run.Status.choices,
        "paths": Run.objects.visible_to(user).golden_paths(),
        "people": Run.objects.visible_to(user).people(),
    }
    return render(request, "scaffolder/runs.html", context)


@require_GET
def run(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """A run; while it goes on, htmx asks again for the part that changes."""
    user = signed_in(request)
    row = get_object_or_404(Run.objects.visible_to(user).select_related("release", "user"), pk=pk)
    steps, lines = list(row.steps.all()), list(row.log.order_by("-pk")[:500])[::-1]
    entity = Entity.objects.visible_to(user).filter(ref=row.entity_ref).first()
    version = _version(
        row, [step.status for step in steps], lines[-1].pk if lines else 0, entity is not None
    )
    if request.headers.get("HX-Request") and request.GET.get("version") == version:
        return HttpResponse(status=204)
    context = {
        "run": row,
        "steps": steps,
        "log": lines,
        "version": version,
        "poll_seconds": _poll_seconds(row, entity),
        "may_change": row.may_be_changed_by(user),
        "links": _links(row),
        "texts": _texts(row),
        "entity": entity,
        "approvals": (asked := list(row.approvals.select_related("decided_by"))),
        "may_decide": any(services.may_decide(one, user) for one in asked),
    }
    template = template_for(request, "scaffolder/run.html", "progress")
    return render(request, template, context)


def _version(row: Run, steps: list[str], lines: int, known: bool) -> str:
    """Changes with everything that the page shows, so that it is swapped only then."""
    merge_request = (row.merge_request or {}).get("state", "")
    parts = [row.status, *steps, lines, len(row.made), merge_request, known, row.cancel_requested]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def _poll_seconds(row: Run, entity: Entity | None) -> int:
    """How often an open page asks again: never (0) when nothing more is going to happen."""
    if not row.is_over:
        return 10 if row.status == Run.Status.WAITING else 1
    awaited = ("opened", "merged") if row.entity_ref else ("opened",)
    waiting = row.merge_request and row.merge_request.get("state") in awaited
    return 5 if waiting and entity is None else 0


def _links(row: Run) -> list[dict[str, str]]:
    """The output links of a completed run: addresses, and entities of the catalogue."""
    links = row.output.get("links") or []
    return [shown for link in links if isinstance(link, dict) and (shown := _link(link))]


def _link(link: dict[str, Any]) -> dict[str, str] | None:
    title, url, ref = (str(link.get(key) or "") for key in ("title", "url", "entityRef"))
    if ref:
        try:
            known = str(refs.parse(ref, default_kind="component"))
        except refs.InvalidRef:
            return None
        return {"title": title or ref, "ref": known}
    return {"title": title, "url": url} if url.startswith(("http://", "https://")) else None


def _texts(row: Run) -> list[dict[str, str]]:
    texts = row.output.get("text") or []
    return [
        {"title": str(text.get("title") or ""), "content": str(text.get("content") or "")}
        for text in texts
        if isinstance(text, dict)
    ]


@require_POST
def cancel(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    row = get_object_or_404(Run.objects.visible_to(signed_in(request)), pk=pk)
    try:
        services.cancel_run(run=row, by=signed_in(request))
        messages.info(request, "The run stops before its next step.")
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("scaffolder:run", pk)


@require_POST
def retry(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    row = get_object_or_404(Run.objects.visible_to(signed_in(request)), pk=pk)
    try:
        secrets = {name: request.POST.get(f"secret-{name}", "") for name in row.secret_names}
        services.retry_run(run=row, by=signed_in(request), secrets=secrets)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("scaffolder:run", pk)


@require_POST
def again(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Start again with these values: an earlier run's answers become the draft of a new form."""
    user = signed_in(request)
    row = get_object_or_404(Run.objects.visible_to(user), pk=pk)
    services.save_draft(user=user, template_ref=row.template_ref, answers=row.values,
                        about_ref=row.about_ref)  # fmt: skip
    namespace, _, name = row.template_ref.partition(":")[2].partition("/")
    return redirect("scaffolder:form", namespace, name)
