"""The client on bad days, by the embedded forge's fault injection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from catalog import services as catalog
from catalog.forges import git
from catalog.models import Entity, Repository, Source
from forge import (
    Change,
    Forge,
    ForgeConflict,
    ForgeForbidden,
    ForgeNotFound,
    ForgeRefused,
    ForgeUnavailable,
)
from scaffolder import services as scaffolder
from scaffolder.models import Run
from tests.conftest import component
from tests.scaffolder.conftest import publishing, release, run  # noqa: F401  (fixtures)

Fault = Callable[..., None]


@pytest.fixture
def fault(forge: Forge) -> Iterator[Fault]:
    """Sets a fault for calls whose path matches; they are all cleared at the end."""
    ids: list[int] = []

    def add(kind: str, path: str, **more: object) -> None:
        data = {"kind": kind, "path": path} | more
        ids.append(forge._post("/localforge/faults", "set a fault", data)["id"])

    yield add
    for pk in ids:
        forge._api.http_delete(f"/localforge/faults/{pk}")


def test_errors_are_typed_and_say_what_was_tried(forge: Forge, project):
    path = project(files={"a": "1"})
    with pytest.raises(ForgeNotFound, match="find the project no/such"):
        forge.project("no/such")
    with pytest.raises(ForgeConflict, match="already"):
        forge.create_project(path)
    with pytest.raises(ForgeRefused):
        forge.commit(path, branch="main", message="x", changes=[Change("delete", "missing")])
    with pytest.raises(ForgeForbidden):
        Forge(forge.url, "wrong").version()
    with pytest.raises(ForgeUnavailable, match="did not answer"):
        Forge("http://127.0.0.1:1", "x").version()


def test_a_429_carries_how_long_to_wait(forge: Forge, project, fault: Fault):
    path = project()
    fault("status", path.replace("/", "(/|%2F)"), status=429, retry_after=7)
    with pytest.raises(ForgeUnavailable) as caught:
        forge.project(path)
    assert caught.value.retry_after == 7


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_error_is_unavailable_and_not_missing(forge, project, fault: Fault, status: int):
    path = project()
    fault("status", path.replace("/", "(/|%2F)"), status=status)
    with pytest.raises(ForgeUnavailable):
        forge.project(path)


def test_a_listing_that_breaks_off_is_an_error_and_never_a_shorter_list(
    forge: Forge, group: str, project, fault: Fault, db
):
    for number in range(5):
        project(f"p{number}", {"catalog-info.yaml": component(f"{group}-{number}")})
    source = catalog.add_source(group=group, by=None)
    catalog.read_source(source=source, wait=True)
    assert Entity.objects.filter(name__startswith=group).count() == 5
    fault("page", f"groups/{group}/projects", page=2)
    with pytest.raises(ForgeUnavailable):
        list(forge._list(f"/groups/{group}/projects", "list", per_page=2))
    fault("status", f"groups/{group}/projects", status=502)
    catalog.read_source(source=source, wait=True)
    source.refresh_from_db()
    assert "502" in source.error
    assert not Repository.objects.exclude(missing_since=None).exists()
    assert not Entity.objects.exclude(orphaned_at=None).exists()


def test_a_dropped_connection_repeats_a_read_and_never_a_create(forge, project, fault: Fault):
    path = project()
    fault("drop", path.replace("/", "(/|%2F)"), times=1)
    with pytest.raises(ForgeUnavailable):
        forge.project(path)
    assert forge.project(path).path == path


def test_ensuring_twice_makes_one(forge: Forge, project):
    path = project(files={"a": "1"})
    change = [Change("update", "a", b"2")]
    forge.commit(path, branch="b", start_branch="main", message="x", changes=change)
    first = forge.ensure_merge_request(path, source_branch="b", target_branch="main", title="T")
    again = forge.ensure_merge_request(path, source_branch="b", target_branch="main", title="T")
    assert first == again


def test_a_groups_merge_requests_are_listed_by_label(forge: Forge, group: str, project):
    path = project(files={"a": "1"})
    change = [Change("update", "a", b"2")]
    forge.commit(path, branch="b", start_branch="main", message="x", changes=change)
    forge.ensure_merge_request(
        path, source_branch="b", target_branch="main", title="T", labels="campaign::one"
    )
    ((project_id, found),) = forge.group_merge_requests(group, labels="campaign::one")
    assert project_id == forge.project(path).id
    assert found.title == "T"
    assert list(forge.group_merge_requests(group, labels="campaign::two")) == []
    tomorrow = timezone.now() + timedelta(days=1)
    assert (
        list(forge.group_merge_requests(group, labels="campaign::one", updated_after=tomorrow))
        == []
    )


# -- git ----------------------------------------------------------------------------------------
def test_a_push_lays_files_over_a_commit_and_refuses_a_branch_that_moved(forge: Forge, project):
    path = project(files={"a": "1", "b": "2"})
    tip = forge.tip(path, "main").id
    pushed = git().push(
        path, branch="main", parent=tip, message="x", author=("A", "a@b"),
        files={"a": ("100755", b"new"), "link": ("120000", b"b")},
    )  # fmt: skip
    assert git().snapshot(path, pushed) == {
        "a": ("100755", b"new"), "b": ("100644", b"2"), "link": ("120000", b"b"),
    }  # fmt: skip
    with pytest.raises(ForgeConflict, match="has moved on"):
        git().push(path, branch="main", parent=tip, message="y", author=("A", "a@b"),
                   files={"a": ("100644", b"x")})  # fmt: skip


def test_the_cache_forgets_what_was_used_least(
    forge: Forge, project, monkeypatch, settings, tmp_path
):
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr("forge.git.CACHE_BYTES", 1)
    for _ in range(3):
        path = project(files={"a": "1"})
        git().snapshot(path, forge.tip(path, "main").id)
    assert len(list((tmp_path / "git").glob("*.git"))) == 1


def test_the_token_is_in_no_file_of_the_cache(forge: Forge, project, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    path = project(files={"a": "1"})
    git().snapshot(path, forge.tip(path, "main").id)
    contents = b"".join(f.read_bytes() for f in tmp_path.rglob("*") if f.is_file())
    assert settings.GITLAB_TOKEN.encode() not in contents


# -- runs that wait -----------------------------------------------------------------------------
def test_a_run_that_is_asked_to_wait_is_queued_for_then(
    release,
    run,
    group: str,
    fault: Fault,
    forge: Forge,
):
    fault("status", f"/namespaces/{group}", status=429, retry_after=60, times=1)
    waiting = run(release(publishing(group)))
    assert waiting.status == Run.Status.QUEUED
    assert (waiting.resume_at - timezone.now()).total_seconds() > 50
    assert list(Run.objects.claimable(timezone.now())) == []
    assert "going on in 60 s" in waiting.log.last().text
    Run.objects.update(resume_at=timezone.now())
    scaffolder.execute_run(pk=waiting.pk)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.error) == (Run.Status.COMPLETED, "")
    assert len(list(forge.group_projects(group))) == 1


def test_a_merge_whose_webhook_was_lost_is_found(release, run, group: str, forge: Forge):
    done = run(release(publishing(group)))
    assert scaffolder.check_merge_requests() == 0
    import time

    for _ in range(100):  # the forge looks at the merge request first
        if (
            forge._get(f"/projects/{group}%2Fsvc/merge_requests/1", "x")["detailed_merge_status"]
            == "mergeable"
        ):
            break
        time.sleep(0.05)
    forge.merge(f"{group}/svc", 1)
    assert scaffolder.check_merge_requests() == 1
    done.refresh_from_db()
    assert done.merge_request["state"] == "merged"


# -- forge_check --------------------------------------------------------------------------------
def test_forge_check_tells_what_works_and_what_is_missing(
    db, group: str, project, capsys, settings
):
    project(files={"a": "1"})
    Source.objects.create(group=group)
    call_command("forge_check")
    said = capsys.readouterr().out
    for words in (
        "version",
        "scopes: ",
        f"rights in {group}: owner",
        "the group tells",
        "1 files of",
    ):
        assert words in said
    Source.objects.create(group="no-such-group")
    with pytest.raises(CommandError, match="need your attention"):
        call_command("forge_check")
    assert "missing" in capsys.readouterr().out
