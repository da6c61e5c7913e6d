"""What happens to an entity that no file declares any more."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from accounts.requests import signed_in
from catalog import services
from catalog.models import Entity


@require_POST
def keep(request: HttpRequest, pk: int) -> HttpResponse:
    """Keeps an orphan, or (with `release`) lets it go after all."""
    user = signed_in(request)
    entity = get_object_or_404(Entity.objects.visible_to(user), pk=pk)
    if "release" in request.POST:
        services.release_orphan(entity=entity, by=user)
        messages.success(request, "It goes when its time of grace is over.")
    else:
        services.keep_orphan(entity=entity, by=user)
        messages.success(request, "It stays until you let it go, or a file declares it again.")
    return redirect("catalog:entity", entity.kind, entity.namespace, entity.name)
