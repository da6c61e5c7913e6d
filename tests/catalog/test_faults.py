"""Bad days of the forge and of our workers: afterwards the catalogue equals the forge, and at no
moment was an entity missing that exists."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlsplit, urlunsplit

import pytest
from celery.exceptions import Retry
from django.db import connection
from django.test import Client

from catalog import forges, services, tasks
from catalog.models import Entity, Problem, Repository, Source
from forge import Change, Forge, ForgeUnavailable, Project
from tests.catalog.test_repositories import deliver
from tests.conftest import ROOT, component, entity

pytestmark = pytest.mark.django_db(transaction=True)
Fault = Callable[..., Callable[[], int]]


def push(forge: Forge, path: str, text: str, file: str = "catalog-info.yaml") -> None:
    change = Change("update", file, text.encode())
    forge.commit(path, branch="main", message="Change", changes=[change])


def orphans() -> int:
    return Entity.objects.exclude(orphaned_at=None).count()


@contextmanager
def never_missing(*refs: str) -> Iterator[None]:
    """Looks all the time, over a connection of its own, whether the entities are there."""
    done, missing, looks = threading.Event(), [], []

    def watch() -> None:
        while not done.is_set():
            found = Entity.objects.filter(ref__in=refs, orphaned_at=None)
            there = set(found.values_list("ref", flat=True))
            looks.append(1)
            missing.extend(set(refs) - there)
        connection.close()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    assert looks
    assert missing == []


def in_threads(*calls: Callable[[], object]) -> list[BaseException]:
    """Runs the calls at once, each over a connection of its own; returns what they raised."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], object]) -> None:
        try:
            barrier.wait(10)
            call()
        except Exception as error:  # noqa: BLE001  (the test judges it)
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return errors


# -- listings -----------------------------------------------------------------------------------
def test_a_listing_that_breaks_at_its_third_page_changes_nothing(
    project, forge: Forge, group: str, fault: Fault, monkeypatch
):
    for number in range(201):
        project(f"p-{number:03}")
    path = project("z-last", {"catalog-info.yaml": component("last")})
    source = Source.objects.create(group=group)
    services.read_source(source=source)
    services.read_repository(path=path)
    push(forge, path, component("last", owner="ledger"))
    whole = Forge.group_projects
    met: list[Callable[[], int]] = []

    def breaking(self: Forge, listed: str) -> Iterator[Project]:
        for number, found in enumerate(whole(self, listed)):
            if number == 150:  # in the middle of the second page
                met.append(fault("status", f"/groups/.*{group}/projects", status=502, times=1))
            yield found

    monkeypatch.setattr(Forge, "group_projects", breaking)
    with never_missing("component:default/last"):
        assert services.read_source(source=source, wait=True) == []
        assert [count() for count in met] == [1]
        source.refresh_from_db()
        assert "HTTP 502" in source.error
        assert not Repository.objects.exclude(missing_since=None).exists()
        monkeypatch.undo()
        assert path in services.read_source(source=source)
        services.read_repository(path=path)
    source.refresh_from_db()
    assert source.error == ""
    assert entity("component:default/last").owner_ref == "group:default/ledger"


# -- one repository -----------------------------------------------------------------------------
LOCATION = """apiVersion: backstage.io/v1alpha1
kind: Location
metadata: {name: all}
spec: {targets: ["./*/entity.yaml"]}
"""
FILES = {
    "catalog-info.yaml": LOCATION,
    "a/entity.yaml": component("a"),
    "b/entity.yaml": component("b"),
}
BOTH = ("component:default/a", "component:default/b")


@pytest.mark.parametrize(
    ("kind", "where", "more"),
    [
        ("status", "$", {"status": 503}),
        ("status", "/repository/branches/", {"status": 429, "retry_after": 7}),
        ("status", "/repository/tree", {"status": 500}),
        ("status", "/repository/files/b", {"status": 502}),
        ("status", "/repository/files/", {"status": 429, "retry_after": 0}),
        ("drop", "/repository/files/b", {"times": 2}),  # a dropped call is tried once more
        ("latency", "/repository/files/b", {"seconds": 2}),
    ],
)
def test_no_bad_answer_is_taken_for_a_file_that_is_gone(
    project, forge: Forge, fault: Fault, settings, kind: str, where: str, more: dict
):
    path = project(files=FILES)
    services.read_repository(path=path)
    push(forge, path, component("b", owner="ledger"), "b/entity.yaml")
    more = {"times": 1} | more
    met = fault(kind, f"/projects/{quote(path, safe='')}{where}", **more)  # others go on
    settings.GITLAB_TIMEOUT_SECONDS = 0.5
    forges._client.cache_clear()
    try:
        with never_missing(*BOTH):
            with pytest.raises(ForgeUnavailable):
                services.read_repository(path=path)
            assert met() == more["times"]
            assert Repository.objects.get(path=path).error
            assert orphans() == 0
            services.read_repository(path=path)
    finally:
        forges._client.cache_clear()
    assert entity("component:default/b").owner_ref == "group:default/ledger"
    assert Repository.objects.get(path=path).error == ""
    assert not Problem.objects.exists()


def test_a_429_puts_the_work_off_for_as_long_as_the_forge_says(project, fault: Fault):
    path = project(files=FILES)
    fault(
        "status",
        f"/projects/{quote(path, safe='')}/repository/files/",
        status=429,
        retry_after=7,
        times=1,
    )
    with pytest.raises(Retry) as retry:
        tasks.read_repository.apply(args=[path], throw=True)
    assert 7 <= retry.value.when <= 8
    assert tasks.read_repository.apply(args=[path]).successful()
    assert Entity.objects.count() == 3


# -- webhooks -----------------------------------------------------------------------------------
def test_doubled_webhooks_and_webhooks_out_of_order_end_at_the_newest_commit(
    project, forge: Forge, client: Client
):
    path = project(files={"catalog-info.yaml": component("a")})
    services.read_repository(path=path)
    for number, owner in enumerate(["x", "y", "z"]):
        push(forge, path, component("a", owner=owner))
        payload = {"object_kind": "push", "project": {"path_with_namespace": path}}
        for _ in range(2):
            assert deliver(client, payload, key=f"{path}-{number}").status_code == 204
    from catalog.models import WebhookDelivery

    pks = list(WebhookDelivery.objects.order_by("-pk").values_list("pk", flat=True))
    assert len(pks) == 3
    with never_missing("component:default/a"):
        errors = in_threads(*[lambda pk=pk: services.handle_delivery(pk=pk) for pk in pks * 2])
    assert errors == []
    assert entity("component:default/a").owner_ref == "group:default/z"
    assert not WebhookDelivery.objects.filter(handled_at=None).exists()


def test_a_lost_webhook_is_found_by_the_schedule(project, forge: Forge, group: str):
    path = project(files={"catalog-info.yaml": component("a")})
    source = services.add_source(group=group, by=None)
    services.read_source(source=source, wait=True)
    push(forge, path, component("a", owner="ledger"))  # nobody tells
    services.read_source(source=source, wait=True)
    assert entity("component:default/a").owner_ref == "group:default/ledger"


# -- workers ------------------------------------------------------------------------------------
def test_workers_that_race_on_one_repository_never_step_back(project, forge: Forge):
    path = project(files=FILES)
    services.read_repository(path=path)
    with never_missing(*BOTH):
        for owner in ("x", "y", "z"):
            push(forge, path, component("b", owner=owner), "b/entity.yaml")
            read = lambda: services.read_repository(path=path)  # noqa: E731
            assert in_threads(read, read, read) == []
            assert entity("component:default/b").owner_ref == f"group:default/{owner}"


def test_workers_that_race_for_one_name_leave_one_holder_and_one_problem(project):
    paths = [project(files={"catalog-info.yaml": component("a", owner=o)}) for o in "xyz"]
    for _ in range(2):
        errors = in_threads(*[lambda p=p: services.read_repository(path=p) for p in paths])
        assert errors == []
    holder = entity("component:default/a").location.repository.path
    assert Entity.objects.count() == 1
    losers = set(Problem.objects.values_list("location__repository__path", flat=True))
    assert losers == set(paths) - {holder}


READ = "import django; django.setup(); from catalog import services; services.read_repository(path={!r})"


def test_a_worker_killed_in_the_middle_leaves_no_half_and_blocks_nobody(
    project, forge: Forge, fault: Fault
):
    path = project(files=FILES)
    services.read_repository(path=path)
    push(forge, path, component("a", owner="ledger"), "a/entity.yaml")
    push(forge, path, component("b", owner="ledger"), "b/entity.yaml")
    where = f"/projects/{quote(path, safe='')}/repository/files/b"
    met = fault("latency", where, seconds=8, times=1)
    parts = urlsplit(os.environ["DATABASE_URL"])
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DATABASE_URL": urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}")),
    }
    with never_missing(*BOTH):
        worker = subprocess.Popen(
            [sys.executable, "-c", READ.format(path)], cwd=ROOT, env=environment
        )
        deadline = time.monotonic() + 60
        while not met():
            assert worker.poll() is None
            assert time.monotonic() < deadline
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)
        assert entity("component:default/a").owner_ref == "group:default/checkout"
        services.read_repository(path=path)
    for ref in BOTH:
        assert entity(ref).owner_ref == "group:default/ledger"
    assert orphans() == 0
