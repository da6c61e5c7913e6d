"""The import page: reports on the templates of a repository or a group, before they are known."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.models import Role, User
from accounts.requests import signed_in
from catalog.forges import file_url
from forge import ForgeError
from scaffolder import services
from scaffolder.services.imports import PAGE, Looked, Seen
from scaffolder.weave.problems import Problem

TONES = {"ready": "good", "needs a mapping": "warn", "cannot be started": "bad"}


class PlaceForm(forms.Form):
    place = forms.CharField(max_length=500, error_messages={"required": "Name a place."})
    page = forms.IntegerField(min_value=1, max_value=1_000, required=False)


@require_http_methods(["GET", "POST"])
def import_page(request: HttpRequest) -> HttpResponse:
    """GET with ?place= reports; POST registers the templates that were chosen."""
    user = signed_in(request)
    if not services.may_start(user):
        raise PermissionDenied("Your role cannot import golden paths.")
    if request.method == "POST":
        return _register(request, user)
    context: dict[str, Any] = {"place": request.GET.get("place", "")}
    status = 200
    if "place" in request.GET:
        context["error"], looked = _looked(request, user)
        status = 422 if context["error"] else 200
        context |= _shown(looked) if looked else {}
    context["may_register"] = Role.PLATFORM in user.roles
    return render(request, "scaffolder/import.html", context, status=status)


def _looked(request: HttpRequest, user: User) -> tuple[str, Looked | None]:
    form = PlaceForm(request.GET)
    if not form.is_valid():
        return " ".join(str(text) for texts in form.errors.values() for text in texts), None
    place, page = form.cleaned_data["place"], form.cleaned_data["page"] or 1
    try:
        return "", services.look_through(place=place, page=page, by=user)
    except ValidationError as error:
        return error.messages[0], None
    except ForgeError as error:
        return f"The forge could not be asked: {error}", None


def _shown(looked: Looked) -> dict[str, Any]:
    last = min(looked.first + PAGE - 1, looked.total)
    page = (looked.first - 1) // PAGE + 1
    return {
        "looked": looked,
        "repositories": [_repository(s) for s in looked.seen if s.reports or s.error],
        "without": [seen.project for seen in looked.seen if not (seen.reports or seen.error)],
        "last": last,
        "previous": page - 1 if page > 1 else None,
        "next": page + 1 if last < looked.total else None,
    }


def _repository(seen: Seen) -> dict[str, Any]:
    rows: list[dict[str, Any]] = [
        {
            "report": report,
            "url": seen.url(report),
            "tone": TONES[report.verdict],
            "is_known": report.ref in seen.known,
            "errors": [_finding(seen, report.path, problem) for problem in report.errors],
            "warnings": [_finding(seen, report.path, problem) for problem in report.warnings],
        }
        for report in seen.reports
    ]
    offered = [row for row in rows if row["report"].verdict == "ready" and not row["is_known"]]
    return {"seen": seen, "rows": rows, "offered": bool(offered) and seen.trusted}


def _finding(seen: Seen, path: str, problem: Problem) -> dict[str, Any]:
    """A problem with the address of its line. Paths of template.yaml are dotted."""
    own = problem.path.partition(".")[0] in ("", "spec", "metadata", "kind", "apiVersion")
    file = path if own else problem.path
    return {"problem": problem, "where": problem.path if own else file,
            "url": file_url(seen.project, seen.branch, file, problem.line or 0)}  # fmt: skip


def _register(request: HttpRequest, user: User) -> HttpResponse:
    project, paths = request.POST.get("project", ""), request.POST.getlist("path")
    try:
        count = services.register_templates(project=project, paths=paths, by=user)
    except ValidationError as error:
        messages.error(request, error.messages[0])
    except ForgeError as error:
        messages.error(request, f"The forge could not be asked: {error}")
    else:
        what = "golden path" if count == 1 else "golden paths"
        messages.success(request, f"{count} {what} registered. They appear under Create soon.")
        return redirect("scaffolder:golden-paths")
    return redirect("scaffolder:import")
