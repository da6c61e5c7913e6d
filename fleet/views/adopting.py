"""The page on which a repository without lineage is adopted."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.requests import signed_in
from catalog.models import Entity
from fleet import services, showing
from fleet.adopting import Proposal, Trace, compared, proposals
from fleet.answering import release_form
from forge import ForgeError
from scaffolder import sandbox
from scaffolder.blocks import golden_path
from scaffolder.forms import PageForm
from scaffolder.models import Release
from scaffolder.services.compositions import CannotCompose, NeedsAnswer


@require_http_methods(["GET", "POST"])
def adopt(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """What may have made it, with which answers, and what differs from that."""
    user = signed_in(request)
    if not services.may_manage(user):
        raise PermissionDenied("Repositories are adopted by platform engineers.")
    visible = Entity.objects.visible_to(user).with_place()
    entity = get_object_or_404(visible, ref=f"{kind}:{namespace}/{name}".lower())
    trace, found, problem = _proposals(entity, user)
    chosen = _chosen(found, (request.POST or request.GET).get("release", ""))
    context: dict[str, Any] = {
        "entity": entity, "repository": entity.location.repository.path, "trace": trace,
        "proposals": found, "problem": problem,
    }  # fmt: skip
    if chosen is None:
        return render(request, "fleet/adopt.html", context)
    form = release_form(chosen.release, user, chosen.answers, request.POST or None)
    context |= {"chosen": chosen.release, "form": form}
    valid = form.is_valid() if request.method == "POST" else not chosen.missing
    sent = request.method == "POST" and valid and "_show" not in request.POST
    if sent and (key := _planned(entity, chosen.release, form, user)):
        return redirect("fleet:campaign", key)
    if valid:
        answers = form.cleaned_data if request.method == "POST" else dict(chosen.answers)
        context["compared"] = _compared(entity, chosen.release, answers, user)
    return render(request, "fleet/adopt.html", context, status=422 if form.errors else 200)


def _proposals(entity: Entity, user: User) -> tuple[Trace | None, list[Proposal], str]:
    try:
        return *proposals(entity, user), ""
    except (CannotCompose, ForgeError) as error:
        return None, [], str(error)


def _chosen(found: list[Proposal], text: str) -> Proposal | None:
    wanted = (one for one in found if str(one.release.pk) == text)
    return next(wanted, next(iter(found), None))


def _planned(entity: Entity, release: Release, form: PageForm, user: User) -> str:
    """The key of the campaign; empty when the form now says what is wrong."""
    answers = form.cleaned_data
    try:
        campaign = services.create_campaign(
            release=release, kind="adopt", title=f"Lineage of {entity.name}"[:200], by=user,
            selection=services.Selection(repositories=entity.location.repository.path),
            given={name: answers[name] for name in golden_path(release).chosen(answers)},
        )  # fmt: skip
    except ValidationError as error:
        form.add_error(None, ValidationError(error.messages))
        return ""
    return campaign.key


def _compared(
    entity: Entity, release: Release, answers: dict[str, Any], user: User
) -> dict[str, Any] | None:
    try:
        same, differing = compared(entity.location.repository.path, release, answers, user)
    except (CannotCompose, NeedsAnswer, ForgeError, *sandbox.STOPPED):
        return None
    return {"same": same, "made": same + len(differing), "files": showing.differences(differing)}
