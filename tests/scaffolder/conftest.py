"""Blocks for the scaffolder's tests: golden paths and aspects straight into releases."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from django.utils import timezone

from catalog.models import Entity, Location
from scaffolder import reports
from scaffolder.models import Release, Run, store_tree
from scaffolder.services.execution import execute_run
from scaffolder.services.runs import start_run
from scaffolder.weave.tree import File, digest

CATALOG_INFO = """apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: ${{ values.name }}
spec:
  type: service
  lifecycle: experimental
  owner: ${{ values.owner }}
"""
SKELETON = {
    "skeleton/catalog-info.yaml": CATALOG_INFO,
    "skeleton/README.md": "# ${{ values.name }}\n",
    "skeleton/run.sh": "echo ${{ values.name }}\n",
}
PAGE = {
    "title": "The service",
    "required": ["name", "owner"],
    "properties": {
        "name": {"type": "string", "title": "Name", "pattern": "^[a-z][a-z0-9-]*$"},
        "owner": {"type": "string", "title": "Owner", "ui:field": "OwnerPicker"},
        "tier": {"type": "string", "enum": ["one", "two"], "default": "two"},
    },
}
FETCH = {
    "id": "fetch",
    "name": "Render",
    "action": "fetch:template",
    "input": {
        "url": "./skeleton",
        "values": {"name": "${{ parameters.name }}", "owner": "${{ parameters.owner }}"},
    },
}


def publishing(group: str) -> list[dict[str, Any]]:
    """The steps from an empty workspace to a registered merge request in `group`."""
    url = f"forge.example?owner={group}&repo=${{{{ parameters.name }}}}"
    return [
        FETCH,
        {
            "id": "publish", "name": "Create the repository", "action": "publish:gitlab",
            "input": {"repoUrl": url, "sourcePath": False, "repoVisibility": "internal"},
        },
        {
            "id": "review", "name": "Open the merge request",
            "action": "publish:gitlab:merge-request",
            "input": {"repoUrl": url, "title": "Begin", "branchName": "golden-path/x"},
        },
        {
            "id": "register", "name": "Register", "action": "catalog:register",
            "input": {"repoContentsUrl": "${{ steps.publish.output.repoContentsUrl }}",
                      "optional": True},
        },
    ]  # fmt: skip


@pytest.fixture
def release(location: Location) -> Callable[..., Release]:
    """Makes a golden path (or, with kind, an aspect) and its release."""

    def make(
        steps: list[dict[str, Any]] | None = None,
        files: dict[str, str] | None = None,
        *,
        kind: str = "Template",
        name: str = "",
        **spec: Any,
    ) -> Release:
        name = name or f"path-{uuid.uuid4().hex[:6]}"
        version = "scaffolder.backstage.io/v1beta3" if kind == "Template" else "bespoke/v1alpha1"
        if kind == "Template":
            spec = {"type": "service", "parameters": [PAGE], "steps": steps or [FETCH]} | spec
        descriptor = {
            "apiVersion": version,
            "kind": kind,
            "metadata": {"name": name, "annotations": {"bespoke/version": "1.0.0"}},
            "spec": {"owner": "group:default/platform"} | spec,
        }
        texts = SKELETON if files is None else files
        tree = {path: File(text.encode()) for path, text in texts.items()}
        tree["block.yaml"] = File(yaml.safe_dump(descriptor).encode())
        tree = {path: tree[path] for path in sorted(tree)}
        if "skeleton/run.sh" in tree:
            tree["skeleton/run.sh"] = File(tree["skeleton/run.sh"].content, "100755")
        ref = f"{kind.lower()}:default/{name}"
        Entity.objects.create(
            ref=ref, kind=kind.lower(), namespace="default", name=name, descriptor=descriptor,
            location=location, digest="d",
        )  # fmt: skip
        return Release.objects.create(
            block_ref=ref, kind=kind.lower(), version="1.0.0", commit="c" * 40,
            seen_commit="c" * 40, digest=digest(tree), repository=location.repository.path,
            path="block.yaml", descriptor=descriptor, tree=store_tree(tree),
            current_since=timezone.now(), rules=reports.rules(),
            problems=reports.problems(kind.lower(), descriptor, tree, "block.yaml"),
        )  # fmt: skip

    return make


@pytest.fixture
def run(person) -> Callable[..., Run]:
    """Starts a run of a release and does it here, as a worker would; returns it as it ended."""

    def go(release: Release, user: Any = None, **answers: Any) -> Run:
        values = {"name": "svc", "owner": "group:default/checkout"} | answers
        started = start_run(release=release, answers=values, by=user or person())
        execute_run(pk=started.pk)
        started.refresh_from_db()
        return started

    return go
