"""The review: the values, and the files that will be made with the layer that each comes from."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from scaffolder import services
from scaffolder.blocks import GoldenPath
from scaffolder.blueprint import Field, fields_of
from scaffolder.models import Draft
from scaffolder.services.names import taken_names
from scaffolder.services.preview import Preview, preview
from scaffolder.trees import folder_rows
from scaffolder.views.opening import developer, opened, wizard


@require_http_methods(["GET", "POST"])
def review(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """The values, and the files that will be made with the layer that each comes from."""
    user = developer(request)
    path = opened(user, namespace, name)
    draft = Draft.objects.of(user, path.release.block_ref)
    answers = draft.answers
    values, errors = path.check(answers)
    if errors:
        messages.warning(request, "Some answers are missing or need another look.")
        return redirect("scaffolder:form-page", namespace, name, _page_of(path, errors))
    asked = path.secrets(answers)
    if request.method == "POST":
        try:
            secrets = {f.name: request.POST.get(f"secret-{f.name}", "") for f in asked}
            run = services.start_run(
                release=path.release, answers=answers, by=user, secrets=secrets,
                about_ref=draft.about_ref,
            )  # fmt: skip
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("scaffolder:review", namespace, name)
        return redirect("scaffolder:run", run.pk)
    shown = preview(path, values, path.chosen(answers), user)
    fields = reviewed(path, values)
    context = (
        wizard(path, len(path.pages) + 1)
        | {
            "fields": fields,
            "about_ref": draft.about_ref,
            "secrets": asked,
            "approvals": path.approvals(values),
            "taken": taken_names(path, values, values.keys()),
        }
        | files_context(request, shown)
    )
    return render(request, "scaffolder/review.html", context)


def files_context(request: HttpRequest, shown: Preview) -> dict[str, Any]:
    """A preview with its tree of files, and the content of the one that is chosen."""
    selected = request.GET.get("file", "")
    return {
        "preview": shown,
        "rows": folder_rows(shown.files, shown.layers),
        "layers": sorted({layer for layers in shown.layers.values() for layer in layers}),
        "selected": selected,
        "content": _text(shown.files[selected].content) if selected in shown.files else None,
    }


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


def reviewed(path: GoldenPath, values: dict[str, Any]) -> list[tuple[Field, Any]]:
    """The questions with their answers, as `ui:backstage.review` wants them shown."""
    asked = [field for page in path.pages for field in fields_of(path.schema(page, values))]
    found = []
    for field in asked:
        backstage = field.schema.get("ui:backstage")
        wanted = backstage.get("review") if isinstance(backstage, dict) else None
        wanted = wanted if isinstance(wanted, dict) else {}
        if wanted.get("show", True) and field.widget != "hidden":
            value = values.get(field.name)
            mask = wanted.get("mask")
            found.append(
                (field, mask if mask and value not in (None, "") else _label(field, value))
            )
    return found


def _label(field: Field, value: Any) -> Any:
    """What the person read when choosing."""
    return next((label for known, label in field.choices if known == value), value)
