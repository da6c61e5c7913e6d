"""The star of an entity: a form of one button."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from accounts.requests import signed_in
from catalog.models import Entity
from catalog.services.stars import set_star


@require_POST
def star(request: HttpRequest, pk: int) -> HttpResponse:
    """`starred=1` puts it on; htmx gets the button back, others the page where they were."""
    user = signed_in(request)
    entity = get_object_or_404(Entity.objects.visible_to(user), pk=pk)
    starred = request.POST.get("starred") == "1"
    set_star(entity=entity, starred=starred, by=user)
    if request.headers.get("HX-Request"):
        small = request.POST.get("small", "")
        context = {"entity": entity, "starred": starred, "small": small}
        return render(request, "ui/star.html", context)
    back = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        return redirect(back)
    return redirect("catalog:entity", entity.kind, entity.namespace, entity.name)
