"""What the pages of a form share: who may open it, which golden path, and where one is in it."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from accounts.models import User
from accounts.requests import signed_in
from catalog.models import Entity
from scaffolder import services
from scaffolder.blocks import GoldenPath, golden_path
from scaffolder.models import Release


def developer(request: HttpRequest) -> User:
    """The user, if the role allows to run golden paths."""
    user = signed_in(request)
    if not services.may_start(user):
        raise PermissionDenied("Your role cannot run golden paths: ask for a developer's role.")
    return user


def opened(user: User, namespace: str, name: str) -> GoldenPath:
    ref = f"template:{namespace}/{name}".lower()
    get_object_or_404(Entity.objects.visible_to(user), ref=ref, orphaned_at=None)
    release = Release.objects.newest(ref)
    if release is None:
        raise Http404("This golden path has not been released yet.")
    if not release.startable:
        raise PermissionDenied("This golden path has problems and cannot be started.")
    return golden_path(release)


def wizard(path: GoldenPath, number: int) -> dict[str, Any]:
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
