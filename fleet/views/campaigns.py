"""Pages of the fleet: campaigns, one campaign, one target, and the releases of a block."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from accounts.requests import signed_in, template_for
from catalog.models import Entity
from fleet import exports, services, showing
from fleet.answering import target_form
from fleet.changes import Change, changes
from fleet.forms import CampaignForm, WaiverForm
from fleet.models import Campaign, Target
from scaffolder.models import Lineage, Release


@require_GET
def campaigns(request: HttpRequest) -> HttpResponse:
    """Every campaign, newest first, with how far it is."""
    user = signed_in(request)
    rows = Campaign.objects.visible_to(user).with_progress().select_related("release", "created_by")
    if (status := request.GET.get("status", "")) in Campaign.Status.values:
        rows = rows.filter(status=status)
    context = {
        "page": Paginator(rows, 25).get_page(request.GET.get("page")),
        "statuses": Campaign.Status.choices,
        "may_manage": services.may_manage(user),
        "kinds": [change for change in changes().values() if not change.block_kinds],
    }
    return render(request, "fleet/campaigns.html", context)


@require_GET
def block(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """A block's releases and who is on which."""
    user = signed_in(request)
    ref = f"{kind}:{namespace}/{name}".lower()
    entity = get_object_or_404(Entity.objects.visible_to(user), ref=ref)
    releases = Release.objects.filter(block_ref=ref).order_by("-current_since")
    page = Paginator(releases, 25).get_page(request.GET.get("page"))
    visible = Entity.objects.visible_to(user)
    users = Lineage.objects.filter(release__block_ref=ref).select_related("release")
    users = users.exclude(entity_ref__in=Entity.objects.exclude(pk__in=visible).values("ref"))
    context = {
        "entity": entity,
        "page": page,
        "newest": releases.first(),
        "counts": showing.users_by_release(users),
        "total": users.count(),
        "users": Paginator(users.order_by("repository"), 25).get_page(request.GET.get("users")),
        "may_manage": services.may_manage(user),
    }
    return render(request, "fleet/block.html", context)


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, release: int) -> HttpResponse:
    """A new campaign: what to do with a release, how fast, how careful."""
    made = get_object_or_404(Release, pk=release)
    title = f"{made.title} {made.version}"
    return _new(request, made, None, title)


@require_http_methods(["GET", "POST"])
def new_change(request: HttpRequest, kind: str) -> HttpResponse:
    """A new campaign that is about no block."""
    change = changes().get(kind)
    if change is None or change.block_kinds:
        raise Http404
    return _new(request, None, change, "")


def _new(
    request: HttpRequest, release: Release | None, change: Change | None, title: str
) -> HttpResponse:
    user = signed_in(request)
    if not services.may_manage(user):
        raise PermissionDenied("Campaigns are for platform engineers.")
    form = CampaignForm(release, change, request.POST or None, initial={"title": title[:200]})
    if request.method == "POST" and form.is_valid():
        try:
            campaign = services.create_campaign(
                release=release, kind=change.id if change else form.cleaned_data["kind"],
                title=form.cleaned_data["title"], notes=form.cleaned_data["notes"],
                roll=form.roll(), selection=form.selection(), settings=form.given_settings(),
                by=user,
            )  # fmt: skip
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return redirect("fleet:campaign", campaign.key)
    context = {"form": form, "release": release, "change": change}
    return render(request, "fleet/new.html", context, status=422 if form.errors else 200)


def _campaign(user: User, key: str) -> Campaign:
    rows = Campaign.objects.visible_to(user).select_related("release", "created_by")
    return get_object_or_404(rows, key=key)


@require_GET
def campaign(request: HttpRequest, key: str) -> HttpResponse:
    """How far it is, what waits for whom, and every target."""
    user = signed_in(request)
    found = _campaign(user, key)
    targets = found.targets.filter(pk__in=Target.objects.visible_to(user).values("pk"))
    context = showing.campaign(found, targets)
    rows = showing.filtered(targets, request.GET).select_related("wave")
    context |= {
        "page": Paginator(rows, 50).get_page(request.GET.get("page")),
        "may_manage": services.may_manage(user),
        "text": request.GET.get("q", ""),
        "is_filtered": any(
            request.GET.get(name) for name in ("state", "wave", "shape", "owner", "q")
        ),
    }
    response = render(request, template_for(request, "fleet/campaign.html", "progress"), context)
    if request.headers.get("HX-Request") and request.GET.get("seen") != found.status:
        response["HX-Refresh"] = "true"  # other buttons and other differences: the whole page
    return response


@require_GET
def targets_csv(request: HttpRequest, key: str) -> StreamingHttpResponse:
    """The targets that the page lists, with the same filters."""
    user = signed_in(request)
    rows = _campaign(user, key).targets.filter(pk__in=Target.objects.visible_to(user).values("pk"))
    lines = exports.as_csv(showing.filtered(rows, request.GET))
    response = StreamingHttpResponse(lines, content_type="text/csv")
    response["Content-Disposition"] = f'attachment; filename="campaign-{key}.csv"'
    return response


@require_http_methods(["GET", "POST"])
def target(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """One repository: its diff, its conflicts with three sides, and how to postpone it."""
    user = signed_in(request)
    _campaign(user, key)
    rows = Target.objects.visible_to(user).select_related("campaign__release", "wave", "waived_by")
    found = get_object_or_404(rows, campaign__key=key, pk=pk)
    form = WaiverForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.waive(target=found, by=user, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            found.refresh_from_db()
            asked = "Asked: a platform engineer has to agree."
            messages.success(request, asked if found.waiver_pending else "Postponed.")
            return redirect("fleet:target", key, pk)
    may_answer = found.state == "needs_answer" and services.may_waive(user, found)
    context = {
        "target": found,
        "campaign": found.campaign,
        "questions": target_form(found, user) if may_answer else None,
        "files": showing.files(found),
        "conflicts": showing.conflicts(found),
        "form": form,
        "may_waive": services.may_waive(user, found) and showing.is_postponable(found),
        "may_decide": found.waiver_pending and services.may_manage(user),
        "may_plan_again": services.may_manage(user) and showing.may_be_planned_again(found),
    }
    return render(request, "fleet/target.html", context, status=422 if form.errors else 200)


@require_POST
def answer(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """What an owner answers to the questions of a new release."""
    user = signed_in(request)
    rows = Target.objects.visible_to(user).select_related("campaign__release", "wave", "waived_by")
    found = get_object_or_404(rows, campaign__key=key, pk=pk)
    form = target_form(found, user, request.POST)
    if form is None or form.is_valid():
        try:
            given = form.cleaned_data if form else {}
            services.answer(target=found, answers=given, by=user)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, "Answered. A worker plans it again.")
        return redirect("fleet:target", key, pk)
    context = {"target": found, "campaign": found.campaign, "questions": form}
    return render(request, "fleet/target.html", context, status=422)


def _do(
    request: HttpRequest, key: str, verb: Callable[[Campaign, User], None], done: str
) -> HttpResponse:
    user = signed_in(request)
    found = _campaign(user, key)
    try:
        verb(found, user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, done)
    return redirect("fleet:campaign", key)


@require_POST
def start(request: HttpRequest, key: str) -> HttpResponse:
    return _do(request, key, lambda c, by: services.start_campaign(campaign=c, by=by), "Started.")


@require_POST
def pause(request: HttpRequest, key: str) -> HttpResponse:
    reason = request.POST.get("reason", "")
    return _do(
        request, key, lambda c, by: services.pause_campaign(campaign=c, reason=reason, by=by),
        "Paused: nothing more goes out.",
    )  # fmt: skip


@require_POST
def resume(request: HttpRequest, key: str) -> HttpResponse:
    text = request.POST.get("stop_percent", "")
    percent = int(text) if text.isdigit() else None

    def go_on(found: Campaign, by: User) -> None:
        services.resume_campaign(campaign=found, by=by, stop_percent=percent)

    return _do(request, key, go_on, "Resumed.")


@require_POST
def abort(request: HttpRequest, key: str) -> HttpResponse:
    reason = request.POST.get("reason", "")
    return _do(
        request, key, lambda c, by: services.abort_campaign(campaign=c, reason=reason, by=by),
        "Aborted: workers close what is open.",
    )  # fmt: skip


@require_POST
def decide(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """Agrees to a postponement, or refuses it."""
    user = signed_in(request)
    rows = Target.objects.visible_to(user).select_related("campaign", "waived_by")
    found = get_object_or_404(rows, campaign__key=key, pk=pk)
    agreed = request.POST.get("decision") == "agree"
    try:
        services.decide_waiver(target=found, agreed=agreed, by=user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, "Postponed." if agreed else "Refused: it goes on.")
    return redirect("fleet:target", key, pk)


@require_POST
def again(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """Plans a target again."""
    user = signed_in(request)
    found = get_object_or_404(Target.objects.visible_to(user), campaign__key=key, pk=pk)
    try:
        services.plan_again(target=found, by=user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, "A worker plans it again.")
    return redirect("fleet:target", key, pk)
