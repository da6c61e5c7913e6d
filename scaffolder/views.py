"""Pages of the scaffolder: golden paths, the form, the review, runs."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from accounts.requests import signed_in, template_for
from catalog import refs
from catalog.models import Entity
from scaffolder import services
from scaffolder.blocks import GoldenPath, golden_path
from scaffolder.forms import PageForm
from scaffolder.models import Draft, Release, Run
from scaffolder.services.preview import preview
from scaffolder.trees import folder_rows


@require_GET
def golden_paths(request: HttpRequest) -> HttpResponse:
    """Every golden path that the person can see, those with problems too."""
    user = signed_in(request)
    entities = Entity.objects.visible_to(user).filter(kind="template", orphaned_at=None)
    if text := request.GET.get("q", "").strip():
        entities = entities.search(text)
    releases = {r.block_ref: r for r in Release.objects.newest_of_each("template")}
    rows = [(entity, releases.get(entity.ref)) for entity in entities]
    context = {"rows": rows, "query": text, "may_start": services.may_start(user)}
    return render(request, "scaffolder/golden_paths.html", context)


def _developer(request: HttpRequest) -> User:
    """The user, if the role allows to run golden paths."""
    user = signed_in(request)
    if not services.may_start(user):
        raise PermissionDenied("Your role cannot run golden paths: ask for a developer's role.")
    return user


def _path(user: User, namespace: str, name: str) -> GoldenPath:
    ref = f"template:{namespace}/{name}".lower()
    get_object_or_404(Entity.objects.visible_to(user), ref=ref, orphaned_at=None)
    release = Release.objects.newest(ref)
    if release is None:
        raise Http404("This golden path has not been released yet.")
    return golden_path(release)


@require_http_methods(["GET", "POST"])
def form(request: HttpRequest, namespace: str, name: str, number: int = 1) -> HttpResponse:
    """One page of the form. Answers are kept as a draft; the last page leads to the review."""
    user = _developer(request)
    path = _path(user, namespace, name)
    ref = path.release.block_ref
    if not 1 <= number <= max(len(path.pages), 1):
        raise Http404
    answers = Draft.objects.values_of(user, ref) or _prefilled(request, path)
    if not path.pages:
        return redirect("scaffolder:review", namespace, name)
    page = path.pages[number - 1]
    data = request.POST if request.method == "POST" else None
    page_form = PageForm(path, page, user, answers, data)
    if request.method == "POST" and page_form.is_valid():
        kept = {key: value for key, value in answers.items() if key not in page_form.fields}
        given = path.known(kept | page_form.cleaned_data)
        services.save_draft(user=user, template_ref=ref, answers=given)
        if number < len(path.pages):
            return redirect("scaffolder:form-page", namespace, name, number + 1)
        return redirect("scaffolder:review", namespace, name)
    context = _wizard(path, number) | {"form": page_form, "page": page, "has_draft": bool(answers)}
    return render(request, "scaffolder/form.html", context, status=422 if page_form.errors else 200)


def _prefilled(request: HttpRequest, path: GoldenPath) -> dict[str, Any]:
    """A link may prefill: `?name=booking-api`."""
    names = {field.name for page in path.pages for field in page.fields}
    return {name: value for name, value in request.GET.items() if name in names}


def _wizard(path: GoldenPath, number: int) -> dict[str, Any]:
    ref = path.release.block_ref.partition(":")[2]
    namespace, _, name = ref.partition("/")
    titles = [page.title or f"Page {i}" for i, page in enumerate(path.pages, 1)]
    return {
        "path": path,
        "release": path.release,
        "namespace": namespace,
        "name": name,
        "number": number,
        "titles": [*titles, "Review"],
    }


@require_http_methods(["GET", "POST"])
def review(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """The values, and the files that will be made with the layer that each comes from."""
    user = _developer(request)
    path = _path(user, namespace, name)
    answers = Draft.objects.values_of(user, path.release.block_ref)
    values, errors = path.check(answers)
    if errors:
        messages.warning(request, "Some answers are missing or need another look.")
        return redirect("scaffolder:form-page", namespace, name, _page_of(path, errors))
    asked = path.secrets(answers)
    if request.method == "POST":
        try:
            secrets = {f.name: request.POST.get(f"secret-{f.name}", "") for f in asked}
            run = services.start_run(
                release=path.release, answers=answers, by=user, secrets=secrets
            )
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("scaffolder:review", namespace, name)
        return redirect("scaffolder:run", run.pk)
    shown = preview(path, values, path.chosen(answers), user)
    fields = [(field, values.get(field.name)) for page in path.pages for field in page.fields]
    selected = request.GET.get("file", "")
    context = _wizard(path, len(path.pages) + 1) | {
        "fields": fields,
        "secrets": asked,
        "preview": shown,
        "rows": folder_rows(shown.files, shown.layers),
        "layers": sorted({layer for layers in shown.layers.values() for layer in layers}),
        "selected": selected,
        "content": _text(shown.files[selected].content) if selected in shown.files else None,
    }
    return render(request, "scaffolder/review.html", context)


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return f"(binary, {len(content):,} bytes)"


def _page_of(path: GoldenPath, errors: dict[str, list[str]]) -> int:
    for number, page in enumerate(path.pages, 1):
        if any(field.name in errors for field in page.fields):
            return number
    return 1


@require_POST
def discard(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    services.discard_draft(
        user=signed_in(request), template_ref=f"template:{namespace}/{name}".lower()
    )
    messages.success(request, "The draft is gone.")
    return redirect("scaffolder:form", namespace, name)


@require_GET
def runs(request: HttpRequest) -> HttpResponse:
    """All runs, newest first; `?mine=1` and `?status=` narrow the list."""
    user = signed_in(request)
    found = Run.objects.visible_to(user).select_related("release", "user")
    if request.GET.get("mine"):
        found = found.of(user)
    if status := request.GET.get("status"):
        found = found.filter(status=status)
    page = Paginator(found, 25).get_page(request.GET.get("page"))
    return render(request, "scaffolder/runs.html", {"page": page, "statuses": Run.Status.choices})


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
        return 1
    waiting = row.merge_request and row.merge_request.get("state") in ("opened", "merged")
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
    services.save_draft(user=user, template_ref=row.template_ref, answers=row.values)
    namespace, _, name = row.template_ref.partition(":")[2].partition("/")
    return redirect("scaffolder:form", namespace, name)
