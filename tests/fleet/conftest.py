"""A block with several releases, repositories made from it, and workers that run in the test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from django.utils import timezone

from catalog.models import Entity, Location, Repository
from fleet import services
from fleet.models import Campaign, Target
from fleet.services.selecting import EVERY_ONE
from forge import Change, Forge
from scaffolder.models import Lineage, Release, store_tree
from scaffolder.weave.tree import File, digest
from tests.scaffolder.conftest import publishing, release, run  # noqa: F401

NOTE = {"note.md": "Line one.\nLine two.\n", "files/SECURITY.md": "Mail us.\n"}
ADVICE = [{"region": "README.md", "from": "./note.md"}, {"files": "./files"}]


def next_release(old: Release, version: str, files: dict[str, str], **spec: Any) -> Release:
    """Another release of a block, with other files."""
    descriptor = old.descriptor | {
        "metadata": old.descriptor["metadata"] | {"annotations": {"bespoke/version": version}},
        "spec": old.descriptor["spec"] | spec,
    }
    tree = {path: File(text.encode()) for path, text in files.items()}
    tree["block.yaml"] = File(yaml.safe_dump(descriptor).encode())
    return Release.objects.create(
        block_ref=old.block_ref, kind=old.kind, version=version, commit="d" * 40,
        seen_commit="d" * 40, digest=digest(tree), repository=old.repository, path=old.path,
        descriptor=descriptor, tree=store_tree(tree), current_since=timezone.now(),
    )  # fmt: skip


@pytest.fixture
def fleet(release, run, forge: Forge, group: str) -> Callable[..., list[str]]:
    """Makes repositories by a golden path with everything woven in, merged; returns their paths."""
    path = release(publishing(group), name="path")

    def make(*names: str) -> list[str]:
        for name in names:
            done = run(path, name=name)
            assert done.error == ""
            known = done.merge_request
            forge.merge(known["project"], known["iid"])
            know(f"{group}/{name}", name)
        return [f"{group}/{name}" for name in names]

    return make


def know(repository: str, name: str, **columns: Any) -> Entity:
    """As if the catalogue had read the repository."""
    row, _ = Repository.objects.get_or_create(path=repository)
    place, _ = Location.objects.get_or_create(repository=row, path="catalog-info.yaml")
    ref = f"component:default/{name}"
    descriptor = {
        "apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": {"name": name},
        "spec": {"type": "service", "lifecycle": "experimental", "owner": "checkout"},
    }  # fmt: skip
    defaults = {
        "kind": "component", "namespace": "default", "name": name, "descriptor": descriptor,
        "location": place, "digest": "d", "owner_ref": "group:default/checkout",
    }  # fmt: skip
    entity, _ = Entity.objects.update_or_create(ref=ref, defaults=defaults | columns)
    Lineage.objects.filter(repository=repository).update(entity_ref=ref)
    return entity


@pytest.fixture
def aspect(release) -> Release:
    return release(kind="Aspect", name="sign", files=NOTE, weave=ADVICE, scope="organisation")


@pytest.fixture
def campaign(person) -> Callable[..., Campaign]:
    """Makes a campaign and plans it, as workers would."""

    def make(
        block: Release, kind: str = "upgrade_block",
        selection: services.Selection = EVERY_ONE, **roll: Any,
    ) -> Campaign:  # fmt: skip
        made = services.create_campaign(
            release=block, kind=kind, title=f"Sign {block.version}", by=person("platform"),
            notes="Because.", selection=selection, roll=services.Roll(**({"waves_text": "rest"} | roll)),
        )  # fmt: skip
        plan_all(made)
        return made

    return make


def plan_all(made: Campaign) -> None:
    for pk in made.targets.values_list("pk", flat=True):
        services.plan_target(pk=pk)
    made.refresh_from_db()


def work(made: Campaign) -> None:
    """A tick and the tasks it queues."""
    services.tick()
    for pk in made.targets.filter(state="scheduled").values_list("pk", flat=True):
        services.open_target(pk=pk)
    made.refresh_from_db()


def state(made: Campaign, repository: str) -> str:
    return Target.objects.get(campaign=made, repository=repository).state


def edit(forge: Forge, repository: str, branch: str = "main", **files: str) -> None:
    """A team's commit; `a__md` stands for a.md, None deletes."""
    present = forge.tree(repository, branch)
    changes = []
    for name, text in files.items():
        path = name.replace("__", ".")
        kind = "delete" if text is None else "update" if path in present else "create"
        changes.append(Change(kind, path, text.encode() if text is not None else None))
    forge.commit(repository, branch=branch, message="The team's", changes=changes)


def requests_of(forge: Forge, repository: str, branch: str) -> list[dict[str, Any]]:
    url = f"/projects/{repository.replace('/', '%2F')}/merge_requests"
    return list(forge._list(url, "x", state="all", source_branch=branch))
