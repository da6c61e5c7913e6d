"""Where the catalogue looks for entities: seen by everybody, managed by platform engineers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.requests import signed_in
from catalog import services
from catalog.models import Source
from catalog.services.sources import EVERY, request_reading
from catalog.sources import kinds
from catalog.views.pages import PAGE_SIZE


class SourceForm(forms.Form):
    kind = forms.ChoiceField(label="What to read")
    group = forms.CharField(
        label="Group in the forge", max_length=255,
        help_text="Its full path, such as acme/payments.",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["kind"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(kind.id, kind.title) for kind in kinds().values()]

    def clean(self) -> dict[str, Any]:
        kind, group = self.cleaned_data.get("kind"), self.cleaned_data.get("group")
        if kind and group:
            try:
                group = kinds()[kind].tidy(group)
            except ValueError as error:
                self.add_error("group", str(error))
            if Source.objects.filter(kind=kind, group=group).exists():
                self.add_error("group", "This is a source already.")
        return self.cleaned_data


@require_http_methods(["GET", "POST"])
def sources(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    form = SourceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        services.add_source(group=data["group"], kind=data["kind"], by=user)
        messages.success(request, f"{data['group']} is a source now; a worker reads it.")
        return redirect("catalog:sources")
    found = Source.objects.with_counts()
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [(row, kinds().get(row.kind), row.read_at and row.read_at + EVERY) for row in page],
        "kinds": kinds().values(),
        "form": form,
        "may_manage": services.may_manage_sources(user),
    }
    return render(request, "catalog/sources.html", context, status=422 if form.errors else 200)


@require_POST
def read_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks a worker to read a source now."""
    request_reading(source=get_object_or_404(Source, pk=pk), by=signed_in(request))
    messages.success(request, "A worker reads the source now.")
    return redirect("catalog:sources")


@require_POST
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Pauses, resumes or removes a source; the query says which, as a dialog has no fields."""
    user, source = signed_in(request), get_object_or_404(Source, pk=pk)
    if request.GET.get("to") == "removed":
        services.remove_source(source=source, by=user)
        messages.success(request, f"{source} is no source any more. Add it again to undo this.")
    else:
        services.pause_source(source=source, by=user, paused=request.GET.get("to") == "paused")
    return redirect("catalog:sources")
