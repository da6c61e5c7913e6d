"""README and documentation of an entity's repository, and the images in them."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.requests import signed_in
from catalog import documents, forges, markdown
from catalog.documentation import Site, site_of
from catalog.models import Entity
from catalog.views.tabs import tabs_of
from forge import ForgeError, ForgeNotFound

MAX_PAGE, MAX_IMAGE = 1_000_000, 5_000_000
# An image that is opened by itself is a document: nothing in it may run or be fetched.
IMAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


def _entity(request: HttpRequest, kind: str, namespace: str, name: str) -> Entity:
    visible = Entity.objects.visible_to(signed_in(request)).with_place()
    return get_object_or_404(visible, ref=f"{kind}:{namespace}/{name}".lower())


@require_GET
def docs(
    request: HttpRequest, kind: str, namespace: str, name: str, path: str = ""
) -> HttpResponse:
    """One page and the navigation; a forge that does not answer is said, never an error page."""
    row = _entity(request, kind, namespace, name)
    context = {"entity": row, "tabs": tabs_of(row, "docs")}
    try:
        site = site_of(row)
        context |= {"site": site, "path": path or site.first}
        status = 200
        if path and path not in site.files:
            context["missing"] = path
            status = 404
        elif context["path"]:
            context |= _page(row, site, path or site.first)
    except ForgeError as error:
        context["unavailable"] = str(error)
        status = 503
    return render(request, "catalog/docs.html", context, status=status)


def _page(entity: Entity, site: Site, path: str) -> dict[str, str]:
    content = site.read(path)
    source = forges.file_url(site.project, site.commit, path)
    if len(content) > MAX_PAGE:
        return {"source": source, "html": ""}
    args = [entity.kind, entity.namespace, entity.name]

    def link(address: str) -> str | None:
        found = documents.address_of(path, address)
        if found is None:
            return address
        anchor = f"#{markdown.PREFIX}{found.fragment}" if found.fragment else ""
        if found.path in site.files:
            return reverse("catalog:docs-page", args=[*args, found.path]) + anchor
        return forges.file_url(site.project, site.commit, found.path)

    def image(address: str) -> str | None:
        found = documents.address_of(path, address)
        if found is None or not documents.media_type(found.path):
            return None
        return reverse("catalog:docs-image", args=[*args, found.path])

    text = content.decode(errors="replace")
    return {"source": source, "html": markdown.render(text, link=link, image=image)}


@require_GET
def image(request: HttpRequest, kind: str, namespace: str, name: str, path: str) -> HttpResponse:
    """An image out of the repository, for who may see the entity; no other kind of file."""
    row = _entity(request, kind, namespace, name)
    media = documents.media_type(path)
    if not media or documents.inside(path) != path:
        raise Http404
    try:
        content = site_of(row).read(path)
    except ForgeNotFound:
        raise Http404 from None
    except ForgeError as error:
        return HttpResponse(f"{error}\n", status=503, content_type="text/plain")
    if len(content) > MAX_IMAGE:
        raise Http404
    answer = HttpResponse(content, content_type=media)
    answer["Content-Security-Policy"] = IMAGE_POLICY
    answer["Cache-Control"] = "private, max-age=3600"
    return answer
