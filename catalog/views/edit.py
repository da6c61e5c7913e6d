"""Edit an entity in a form, look at the difference, send it as a merge request."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.requests import signed_in
from catalog import services
from catalog.descriptor_forms import DescriptorForm
from catalog.editing import CannotEdit, diff, entities_of
from catalog.editing import edit as edited
from catalog.models import Entity
from catalog.services.proposals import Draft
from forge import ForgeError

MEANWHILE = (
    "The descriptor has changed meanwhile. Your answers are kept: the review shows what they"
    " change in the file as it is now."
)
TITLES = ["Fields", "Review"]


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Three steps in one address: the form, the review of a valid form, and sending it."""
    user = signed_in(request)
    ref = f"{kind}:{namespace}/{name}".lower()
    row = get_object_or_404(Entity.objects.visible_to(user).with_place(), ref=ref)
    if not services.may_edit(row, user):
        raise PermissionDenied("Only the owners of an entity, or a platform engineer, edit it.")
    context: dict[str, Any] = {"entity": row, "titles": TITLES, "number": 1}
    try:
        draft = services.read_draft(entity=row, by=user)
        now = entities_of(draft.text).get(ref)
        if now is None:
            raise CannotEdit(f"{row.location} does not describe {ref} without an error.")
        form = DescriptorForm(now, user, request.POST if request.method == "POST" else None)
        context |= {"form": form, "draft": draft}
        if request.method == "POST" and form.is_valid():
            return _answer(request, row, draft, form, context)
    except (ForgeError, CannotEdit) as error:
        context |= {"error": str(error)}
        return render(request, "catalog/edit.html", context, status=422)
    return render(request, "catalog/edit.html", context, status=422 if form.errors else 200)


def _answer(
    request: HttpRequest, row: Entity, draft: Draft, form: DescriptorForm, context: dict[str, Any]
) -> HttpResponse:
    """What a valid form leads to; `step` names the button that was pressed."""
    step = request.POST.get("step")
    if request.POST.get("digest") != draft.digest:
        form.add_error(None, MEANWHILE)
        return render(request, "catalog/edit.html", context, status=422)
    if step == "change":
        return render(request, "catalog/edit.html", context)
    if not form.changes:
        form.add_error(None, "Nothing differs from what the file says already.")
        return render(request, "catalog/edit.html", context, status=422)
    if step == "send":
        proposal = services.propose_edit(
            entity=row, changes=form.changes, digest=request.POST.get("digest", ""),
            by=signed_in(request),
        )  # fmt: skip
        messages.success(request, f"Merge request !{proposal.iid} asks for your change.")
        return redirect("catalog:entity", row.kind, row.namespace, row.name)
    text = edited(draft.text, row.ref, form.changes)
    lines = diff(draft.text, text, row.location.path)
    return render(request, "catalog/edit.html", context | {"lines": lines, "number": 2})
