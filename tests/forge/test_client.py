"""The client on bad days, by the embedded forge's fault injection."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from catalog import services as catalog
from catalog.forges import git
from catalog.models import Entity, Repository, Source
from catalog.services.projects import STALE_ACTIVITY
from catalog.services.sources import read_changes
from forge import (
    Change,
    Forge,
    ForgeConflict,
    ForgeError,
    ForgeForbidden,
    ForgeNotFound,
    ForgeRefused,
    ForgeUnavailable,
)
from scaffolder import services as scaffolder
from scaffolder.models import Run
from tests.conftest import component
from tests.scaffolder.conftest import publishing, release, run  # noqa: F401  (fixtures)

Fault = Callable[..., Callable[[], int]]


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


def test_a_read_whose_connection_broke_is_repeated_once(forge, project, fault: Fault):
    path = project()
    once = fault("drop", path.replace("/", "(/|%2F)"), times=1)
    assert forge.project(path).path == path
    assert once() == 1
    always = fault("drop", path.replace("/", "(/|%2F)"))
    with pytest.raises(ForgeUnavailable):
        forge.project(path)
    assert (once(), always()) == (1, 2)


def test_a_create_whose_answer_was_lost_is_not_repeated_blindly(forge, group: str, fault: Fault):
    met = fault("lost_answer", "/projects$", method="POST")
    with pytest.raises(ForgeUnavailable):
        forge.create_project(f"{group}/once")
    assert met() == 1
    assert [found.path for found in forge.group_projects(group)] == [f"{group}/once"]


def test_a_slow_forge_is_given_up_once_and_not_waited_for_again(forge, project, fault: Fault):
    path = project()
    met = fault("latency", path.replace("/", "(/|%2F)"), seconds=1)
    impatient = Forge(forge.url, forge._token, timeout=0.1)
    with pytest.raises(ForgeUnavailable, match="did not answer"):
        impatient.project(path)
    assert met() == 1


def test_what_changed_is_listed_across_groups_and_found_without_a_webhook(
    forge: Forge, group: str, project, fault: Fault, db
):
    path = project("p", {"catalog-info.yaml": component(group)})
    recently, tomorrow = timezone.now() - STALE_ACTIVITY, timezone.now() + timedelta(days=1)
    assert [found.path for found in forge.changed_projects(group, recently)] == [path]
    assert list(forge.changed_projects(group, tomorrow)) == []
    source = catalog.add_source(group=group, by=None)
    assert read_changes() == []  # a source that was never listed in full is left alone
    catalog.read_source(source=source, wait=True)
    later = project("later", {"catalog-info.yaml": component(f"{group}-later")})
    Source.objects.create(group=f"{group}/none", read_at=timezone.now())
    assert later in read_changes()  # although another source cannot be asked
    assert Repository.objects.get(path=later).source == source
    forge.delete_project(later)
    assert later not in read_changes()
    assert Repository.objects.get(path=later).missing_since is None  # only a full listing tells
    catalog.read_source(source=source)
    assert Repository.objects.get(path=later).missing_since is not None
    fault("status", "/projects$", method="GET", status=502)
    assert read_changes() == []


def test_what_changed_is_told_to_a_token_whose_holder_is_no_member(forge, group: str, project):
    path = project()
    person = f"m-{group}"
    user = forge.ensure_user(
        username=person, name="M", email=f"{person}@example.com", password="long enough to be"
    )
    data = {"name": "t", "scopes": ["api"]}
    made = forge._post(f"/users/{user}/personal_access_tokens", "make a token", data)
    client = Forge(forge.url, made["token"])
    recently = timezone.now() - STALE_ACTIVITY
    assert [found.path for found in client.changed_projects(group, recently)] == [path]


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


def test_a_file_that_is_too_large_is_refused_and_not_even_fetched(
    forge: Forge, project, monkeypatch, settings, tmp_path
):
    settings.DATA_DIR = tmp_path
    noise = "".join(uuid.uuid4().hex for _ in range(20_000))
    path = project(files={"large": noise, "small": "1"})
    tip = forge.tip(path, "main").id
    monkeypatch.setattr("forge.git.MAX_BYTES", 100_000)
    with pytest.raises(ForgeError, match="too large"):
        git().snapshot(path, tip)
    assert sum(f.stat().st_size for f in tmp_path.rglob("*") if f.is_file()) < 100_000


def test_a_lock_that_a_killed_git_left_behind_stops_nobody(
    forge: Forge, project, settings, tmp_path
):
    settings.DATA_DIR = tmp_path
    path = project(files={"a": "1"})
    git().snapshot(path, forge.tip(path, "main").id)
    (cached,) = (tmp_path / "git").glob("*.git")
    (cached / "shallow.lock").touch()
    forge.commit(path, branch="main", message="x", changes=[Change("update", "a", b"2")])
    assert git().snapshot(path, forge.tip(path, "main").id) == {"a": ("100644", b"2")}


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


@pytest.mark.parametrize("call", ["/projects$", "/repository/commits$", "/merge_requests$"])
def test_a_run_whose_create_was_done_but_not_answered_makes_nothing_twice(
    release,
    run,
    group: str,
    fault: Fault,
    forge: Forge,
    call: str,
):
    where = call if call == "/projects$" else f"{group}(/|%2F)[^/]+{call}"
    met = fault("lost_answer", where, method="POST", times=1)
    done = run(release(publishing(group)))
    Run.objects.update(resume_at=timezone.now())
    scaffolder.execute_run(pk=done.pk)
    done.refresh_from_db()
    assert met() == 1
    assert (done.status, done.error) == (Run.Status.COMPLETED, "")
    (made,) = forge.group_projects(group)
    requests = f"/projects/{made.id}/merge_requests"
    assert len(list(forge._list(requests, "list"))) == 1


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


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"GITLAB_URL": "http://no-such-host.invalid"}, "nobody knows its host name"),
        ({"GITLAB_PROXY": "http://me:hush@127.0.0.1:1"}, "see GITLAB_PROXY"),
        ({"GITLAB_CA_BUNDLE": "/no/such/file"}, "/no/such/file, which is no file"),
        ({"GITLAB_TOKEN": "wrong"}, "(HTTP 401)"),
    ],
)
def test_forge_check_names_the_setting_that_is_wrong(
    db, settings, capsys, changes: dict[str, str], words: str
):
    for name, value in changes.items():
        setattr(settings, name, value)
    with pytest.raises(CommandError, match="need your attention"):
        call_command("forge_check")
    said = capsys.readouterr().out
    assert words in said
    assert "hush" not in said


def test_a_project_that_a_listing_missed_is_not_called_gone(
    forge: Forge, group: str, project, db, monkeypatch
):
    kept, deleted = project("kept"), project("deleted")
    source = catalog.add_source(group=group, by=None)
    catalog.read_source(source=source, wait=True)
    forge.delete_project(deleted)
    # what offset pages do when a project before the page's border goes while they are listed
    monkeypatch.setattr(Forge, "group_projects", lambda self, group: iter(()))
    catalog.read_source(source=source, wait=True)
    gone = Repository.objects.exclude(missing_since=None)
    assert set(gone.values_list("path", flat=True)) == {deleted}
    assert Repository.objects.get(path=kept).error == ""
