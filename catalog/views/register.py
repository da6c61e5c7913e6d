"""Register a descriptor file: name it, see what would come, agree."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.requests import signed_in
from catalog import services
from catalog.forges import parse_target
from catalog.models import Location
from catalog.reading import DEFAULT_PATH
from catalog.services.outcomes import outcomes
from forge import ForgeError

TITLES = ["File", "What would come"]
NOT_THERE = "There is no such file on the default branch, or you may not see it."


class RegisterForm(forms.Form):
    target = forms.CharField(
        label="Address of a file or a project",
        max_length=1_000,
        help_text="As in the browser's address bar at the forge, or group/project. Of a project,"
        f" {DEFAULT_PATH} is read.",
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "none"}),
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_target(self) -> str:
        """Also reads the file: `preview`, `project` and `path` say what is there."""
        text = str(self.cleaned_data["target"])
        try:
            self.project, path = parse_target(text)
            self.path = path or DEFAULT_PATH
            self.preview = services.preview(project=self.project, path=self.path, by=self.user)
        except (ValueError, ForgeError) as error:
            raise forms.ValidationError(str(error)) from None
        if not self.preview.found:
            raise forms.ValidationError(NOT_THERE)
        return text


@require_http_methods(["GET", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """Three steps in one address; `step` names the button that was pressed."""
    user = signed_in(request)
    if not services.may_register(user):
        raise PermissionDenied("Only developers and platform engineers register files.")
    form = RegisterForm(user, request.POST if request.method == "POST" else None)
    if request.method == "POST" and request.POST.get("step") == "change":
        form = RegisterForm(user, initial={"target": request.POST.get("target", "")})
    elif form.is_valid():
        return _answer(request, user, form)
    context = {"form": form, "titles": TITLES, "number": 1}
    return render(request, "catalog/register.html", context, status=422 if form.is_bound else 200)


def _answer(request: HttpRequest, user: User, form: RegisterForm) -> HttpResponse:
    if request.POST.get("step") == "register":
        location = services.register(
            project=form.project, path=form.path, branch=form.preview.branch, by=user
        )
        return redirect("catalog:location", location.pk)
    found = outcomes(form.preview, project=form.project, by=user)
    known = Location.objects.filter(repository__path=form.project, path=form.path, removed_at=None)
    context = {
        "form": form,
        "titles": TITLES,
        "number": 2,
        "outcomes": found,
        "problems": [
            (path, problem)
            for path, reading in form.preview.readings
            for problem in reading.problems
        ],
        "coming": sum(o.state in ("new", "changed") for o in found),
        "known": known.visible_to(user).first(),
    }
    return render(request, "catalog/register.html", context)
