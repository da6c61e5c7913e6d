"""Home, health, the component page and the error pages."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import signed_in
from catalog.models import Entity, Problem
from fleet.models import Target
from portal import health, samples
from portal.errors import request_id
from scaffolder.models import Approval, Run
from scaffolder.services import may_start
from scorecards.models import Verdict


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """What is mine: runs, entities that my groups own, and gaps in their scorecards."""
    user = signed_in(request)
    mine = Entity.objects.visible_to(user).owned_by(user.group_refs).filter(orphaned_at=None)
    gaps = Verdict.objects.visible_to(user).gaps()
    context = {
        "runs": Run.objects.filter(user=user).select_related("release")[:5],
        "owned": mine.exclude(kind__in=["group", "user"]).order_by("kind", "name")[:8],
        "owned_count": mine.exclude(kind__in=["group", "user"]).count(),
        "gaps": gaps.filter(entity__in=mine).select_related("entity")[:8],
        "requests": Target.objects.visible_to(user).of(user)[:5],
        "starred": Entity.objects.visible_to(user).starred_by(user).order_by("kind", "name")[:8],
        "entity_count": Entity.objects.visible_to(user).count(),
        "problem_count": Problem.objects.visible_to(user).count(),
        "may_start": may_start(user),
        "approval_count": Approval.objects.waiting_for(user).count(),
        "templates": Entity.objects.visible_to(user).filter(kind="template", orphaned_at=None)[:3],
    }
    return render(request, "portal/home.html", context)


@login_not_required
@require_GET
def healthz(request: HttpRequest) -> HttpResponse:
    """The process is up."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@require_GET
def readyz(request: HttpRequest) -> JsonResponse:
    """Whether every part answers: 200, or 503 with the parts that do not."""
    parts = health.readiness()
    ready = all(answer == "ok" for answer in parts.values())
    return JsonResponse({"ready": ready, "parts": parts}, status=200 if ready else 503)


@require_GET
def components(request: HttpRequest) -> HttpResponse:
    """Every component of the look on one page, for whoever writes templates."""
    return render(request, "portal/components.html", samples.context())


@login_not_required
@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Keeps light, dark or auto in a cookie and goes back to where the person was."""
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = "/"
    response = redirect(back)
    theme = request.POST.get("theme", "auto")
    if theme in ("light", "dark", "auto"):
        response.set_cookie("bespoke_theme", theme, max_age=31_536_000, samesite="Lax")
    return response


def _error(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        body = {"error": {"name": title, "message": text, "requestId": request_id()}}
        return JsonResponse(body, status=status)
    context = {"status": status, "title": title, "text": text, "request_id": request_id()}
    return render(request, "error.html", context, status=status)


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _error(request, 400, "Bad request", "The portal could not make sense of this request.")


def permission_denied(request: HttpRequest, exception: Any = None) -> HttpResponse:
    text = str(exception) if exception and str(exception) else "You may not do this."
    return _error(request, 403, "Not allowed", text)


def page_not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    text = "There is nothing at this address, or you may not see it."
    return _error(request, 404, "Not found", text)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    text = "The form was too old, or came from another page. Go back, reload, and send it again."
    return _error(request, 403, "The form has expired", text)


def server_error(request: HttpRequest) -> HttpResponse:
    text = "Something went wrong on our side. It is in the log under the id below."
    return _error(request, 500, "Unexpected error", text)
