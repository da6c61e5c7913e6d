"""Approvals: what waits for me, one request with its values and files, and the decision."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import signed_in
from scaffolder import services
from scaffolder.blocks import golden_path
from scaffolder.forms.decision import DecisionForm
from scaffolder.models import Approval
from scaffolder.services.preview import preview
from scaffolder.views.review import files_context, reviewed


@require_GET
def approvals(request: HttpRequest) -> HttpResponse:
    """What waits for me; with `?all=1` everything that I can see, decided or not."""
    user = signed_in(request)
    seen = Approval.objects.visible_to(user)
    found = seen if request.GET.get("all") else seen.waiting_for(user)
    rows = found.select_related("run__release", "requester")
    page = Paginator(rows, 25).get_page(request.GET.get("page"))
    return render(request, "scaffolder/approvals.html", {"page": page})


def _found(request: HttpRequest, pk: int) -> Approval:
    seen = Approval.objects.visible_to(signed_in(request))
    rows = seen.select_related("run__release", "run__user", "requester", "decided_by")
    return get_object_or_404(rows, pk=pk)


@require_GET
def approval(request: HttpRequest, pk: int) -> HttpResponse:
    found = _found(request, pk)
    services.look_at(approval=found, by=signed_in(request))
    return _shown(request, found, DecisionForm(), 200)


def _shown(request: HttpRequest, found: Approval, form: DecisionForm, status: int) -> HttpResponse:
    run = found.run
    path = golden_path(run.release)
    context = {
        "approval": found,
        "run": run,
        "form": form,
        "fields": reviewed(path, run.values),
        "may_decide": services.may_decide(found, signed_in(request)),
    } | files_context(request, preview(path, run.values, set(run.chosen), run.user))
    return render(request, "scaffolder/approval.html", context, status=status)


@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    user, found, form = signed_in(request), _found(request, pk), DecisionForm(request.POST)
    approve = request.POST.get("decision") == "approve"
    if not form.is_valid():
        return _shown(request, found, form, 422)
    try:
        reason = form.cleaned_data["reason"]
        services.decide(approval=found, approve=approve, reason=reason, by=user)
    except ValidationError as error:
        form.add_error(None if not hasattr(error, "error_dict") else "reason", error.messages)
        return _shown(request, found, form, 422)
    messages.success(request, "Approved: the run goes on." if approve else "Refused.")
    return redirect("scaffolder:approvals")
