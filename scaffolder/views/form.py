"""The form of a golden path, page by page. What is typed is kept as a draft."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from accounts.models import User
from scaffolder import services
from scaffolder.blocks import GoldenPath
from scaffolder.blueprint import Field
from scaffolder.fields.suggestions import Suggesting, options_html
from scaffolder.forms import PageForm
from scaffolder.forms.rows import with_row, without_row
from scaffolder.models import Draft
from scaffolder.views.opening import developer, opened, wizard


@require_http_methods(["GET", "POST"])
def form(request: HttpRequest, namespace: str, name: str, number: int = 1) -> HttpResponse:
    """One page of the form; the last page leads to the review."""
    user = developer(request)
    path = opened(user, namespace, name)
    if not path.pages:
        return redirect("scaffolder:review", namespace, name)
    if not 1 <= number <= len(path.pages):
        raise Http404
    answers = Draft.objects.of(user, path.release.block_ref).answers | _prefilled(request, path)
    if request.method == "GET":
        return _shown(request, path, number, PageForm(path, path.pages[number - 1], user, answers))
    if _is_change(request.POST):
        return _changed(request, path, number, user, answers)
    return _sent(request, path, number, user, answers)


def _sent(
    request: HttpRequest, path: GoldenPath, number: int, user: User, answers: dict[str, Any]
) -> HttpResponse:
    page_form = PageForm(path, path.pages[number - 1], user, answers, request.POST)
    names = wizard(path, number)
    if "_back" in request.POST:
        _keep(user, path, page_form.others | page_form.typed)
        return redirect("scaffolder:form-page", names["namespace"], names["name"], number - 1)
    if page_form.brought_more:  # nobody is blamed for what they have not seen
        page_form.left = frozenset(request.POST["_asked"].split())
        return _shown(request, path, number, page_form)
    if not page_form.is_valid():
        return _shown(request, path, number, page_form)
    _keep(user, path, page_form.others | page_form.cleaned_data)
    if number < len(path.pages):
        return redirect("scaffolder:form-page", names["namespace"], names["name"], number + 1)
    return redirect("scaffolder:review", names["namespace"], names["name"])


def _keep(user: User, path: GoldenPath, answers: dict[str, Any]) -> None:
    ref = path.release.block_ref
    services.save_draft(user=user, template_ref=ref, answers=path.known(answers))


def _is_change(data: QueryDict) -> bool:
    """Something was typed or left (htmx says which), or a row was added or taken away."""
    return not {"_left", "_typed", "_add", "_remove"}.isdisjoint(data)


def _changed(
    request: HttpRequest, path: GoldenPath, number: int, user: User, answers: dict[str, Any]
) -> HttpResponse:
    """The questions as they are now, and what is wrong with those that were left."""
    data: QueryDict = request.POST.copy()
    left = {*data.get("_touched", "").split(), data.get("_left", "")} - {""}
    if "_add" in data:
        data = with_row(data, str(data["_add"]))
    if "_remove" in data:
        data = without_row(data, str(data["_remove"]))
    page = path.pages[number - 1]
    page_form = PageForm(path, page, user, answers, data, left=frozenset(left))
    _keep(user, path, page_form.others | page_form.typed)
    if request.headers.get("HX-Request") and page_form.shape == request.POST.get("_shape"):
        return HttpResponse(status=204)
    return _shown(request, path, number, page_form)


def _shown(
    request: HttpRequest, path: GoldenPath, number: int, page_form: PageForm
) -> HttpResponse:
    complaints = (
        page_form.errors if page_form.left is not None or not page_form.brought_more else {}
    )
    context = wizard(path, number) | {
        "form": page_form,
        "page": page_form.page,
        "about_ref": Draft.objects.of(page_form.user, path.release.block_ref).about_ref,
        "has_draft": request.method == "POST" or bool(page_form.typed),
        "brought_more": "_asked" in request.POST and page_form.brought_more,
        "left_error": " ".join(map(str, complaints.get(request.POST.get("_left", ""), []))),
    }
    partial = "#questions" if request.headers.get("HX-Request") else ""
    template = f"scaffolder/form.html{partial}"
    return render(request, template, context, status=422 if complaints else 200)


def _prefilled(request: HttpRequest, path: GoldenPath) -> dict[str, Any]:
    """A link may prefill: `?name=booking-api`, or `?formData={"name": "booking-api"}` as Backstage
    has it."""
    fields = {field.name: field for page in path.pages for field in page.fields}
    given = {
        name: _typed(fields[name], str(text))
        for name, text in request.GET.items()
        if name in fields
    }
    return given | _form_data(request.GET.get("formData", ""))


def _form_data(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return dict(found) if isinstance(found, Mapping) else {}


def _typed(field: Field, text: str) -> Any:
    """A text of an address in the question's JSON type; the text where it has none."""
    if field.type in ("boolean", "integer", "number", "array", "object"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


@require_GET
def choices(request: HttpRequest, namespace: str, name: str, number: int) -> HttpResponse:
    """Suggestions for what is being typed into a question, as options of its list."""
    user = developer(request)
    path = opened(user, namespace, name)
    if not 1 <= number <= len(path.pages):
        raise Http404
    answers = Draft.objects.of(user, path.release.block_ref).answers
    asked = request.GET.get("field", "")
    field = PageForm(path, path.pages[number - 1], user, answers).fields.get(asked)
    if not isinstance(field, Suggesting):
        raise Http404
    return HttpResponse(options_html(field.suggestions(request.GET.get(asked, "").strip())))
