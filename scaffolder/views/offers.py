"""The beginning of a golden path on an entity's page."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from catalog.models import Entity
from scaffolder import services
from scaffolder.views.opening import developer, opened


@require_POST
def begin(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    """Opens the form about the entity, with the answers that follow from it."""
    user = developer(request)
    path = opened(user, namespace, name)
    seen = Entity.objects.visible_to(user).with_place().filter(orphaned_at=None)
    entity = get_object_or_404(seen, ref=request.POST.get("entity", ""))
    try:
        services.begin_on(path=path, entity=entity, by=user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("catalog:entity", entity.kind, entity.namespace, entity.name)
    return redirect("scaffolder:form", namespace, name)
