"""A descriptor for a repository that has none: choose it, answer, look at the YAML, send it."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.models import Role, User
from accounts.requests import signed_in
from catalog.descriptor_forms import NEW_KINDS, NewDescriptorForm
from catalog.editing import CannotEdit, document
from catalog.models import Entity, Proposal, Repository
from catalog.reading import DEFAULT_PATH
from catalog.services.descriptors import bare_project, may_propose, propose_descriptor
from catalog.views.pages import PAGE_SIZE
from forge import ForgeError, Project

NOT_YOURS = "Choose a group that you are in: only its members, or a platform engineer, may do this."


@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """Without `?project=`, what lacks a descriptor; with it, the form for that project."""
    user = signed_in(request)
    if not user.roles:
        raise PermissionDenied("Developers and platform engineers describe repositories.")
    path = request.GET.get("project", "").replace("\0", "").strip().strip("/")[:255]
    if not path:
        return render(request, "catalog/create.html", _bare(request, user))
    kind = request.GET.get("kind", "")
    kind = kind if kind in NEW_KINDS else NEW_KINDS[0]
    context: dict[str, Any] = {
        "path": path, "kind": kind, "kinds": NEW_KINDS, "file": DEFAULT_PATH,
        "titles": ["Fields", "Review"], "number": 1,
    }  # fmt: skip
    try:
        project = bare_project(path=path, by=user)
        context["proposals"] = Proposal.objects.filter(project=project.path, path=DEFAULT_PATH)
        data = request.POST if request.method == "POST" else None
        form = NewDescriptorForm(kind, _prefilled(project), user, data)
        context |= {"form": form, "path": project.path}
        if data is not None and form.is_valid() and _is_free(form, user):
            return _answer(request, project, form, context)
    except (ForgeError, CannotEdit) as error:
        context |= {"error": str(error)}
        return render(request, "catalog/create.html", context, status=422)
    return render(request, "catalog/create.html", context, status=422 if form.errors else 200)


def _bare(request: HttpRequest, user: User) -> dict[str, Any]:
    """The list is for platform engineers: it names private projects too. Others type the path."""
    if Role.PLATFORM not in user.roles:
        return {}
    bare = Repository.objects.without_descriptor()
    return {"page": Paginator(bare, PAGE_SIZE).get_page(request.GET.get("page"))}


def _prefilled(project: Project) -> dict[str, Any]:
    slug = project.path.rpartition("/")[2]
    topics = [re.sub(r"[^a-z0-9+#-]+", "-", topic.lower()).strip("-") for topic in project.topics]
    return {
        "name": slug,
        "title": project.name if project.name != slug else "",
        "tags": "\n".join(dict.fromkeys(topic for topic in topics if topic)),
    }


def _is_free(form: NewDescriptorForm, user: User) -> bool:
    """What only the catalogue knows: whether the name is taken, and who may own it."""
    name = form.entity["metadata"]["name"]
    if Entity.objects.filter(ref=f"{form.kind}:default/{name.lower()}").exists():
        form.add_error("name", f"The catalogue has a {form.kind} of this name already.")
    if not may_propose(form.described, user):
        form.add_error("owner" if "owner" in form.fields else None, NOT_YOURS)
    return not form.errors


def _answer(
    request: HttpRequest, project: Project, form: NewDescriptorForm, context: dict[str, Any]
) -> HttpResponse:
    step = request.POST.get("step")
    if step == "send":
        proposal = propose_descriptor(
            project=project.path, entity=form.described, by=signed_in(request)
        )
        messages.success(request, f"Merge request !{proposal.iid} asks for the descriptor.")
        return redirect(f"{reverse('catalog:create')}?project={project.path}")
    if step == "review":
        context |= {"yaml": document(form.described), "number": 2}
    return render(request, "catalog/create.html", context)
