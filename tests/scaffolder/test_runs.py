"""Runs on the real forge: what they make, what they refuse, and that no effect is doubled."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from accounts.models import AuditEvent
from catalog.models import Location
from forge import Forge
from scaffolder import services
from scaffolder.actions import actions
from scaffolder.models import Lineage, Run, RunStep, load_tree
from tests.scaffolder.conftest import FETCH, publishing

pytestmark = pytest.mark.django_db


def step(action: str, **given: object) -> dict[str, object]:
    return {"id": "step", "name": "The step", "action": action, "input": given}


def branches(forge: Forge, path: str) -> list[str]:
    return [
        b["name"]
        for b in forge._list(f"/projects/{path.replace('/', '%2F')}/repository/branches", "x")
    ]


def open_requests(forge: Forge, path: str) -> int:
    url = f"/projects/{path.replace('/', '%2F')}/merge_requests"
    return len(list(forge._list(url, "x", state="opened")))


# -- the whole way ------------------------------------------------------------------------------
def test_a_run_makes_project_branch_merge_request_lineage_and_location(
    release, run, forge: Forge, group: str
):
    done = run(release(publishing(group)), name="svc")
    assert (done.status, done.error) == (Run.Status.COMPLETED, "")
    path = f"{group}/svc"
    assert forge.read_file(path, "README.md", "golden-path/x") == b"# svc\n"
    modes = forge.tree(path, "golden-path/x")
    assert modes["run.sh"][0] == "100755"
    assert modes["README.md"][0] == "100644"
    assert open_requests(forge, path) == 1
    assert done.merge_request["state"] == "opened"
    assert [entry["title"] for entry in done.made] == [
        f"Repository {path}", f"Merge request !1 of {path}",
    ]  # fmt: skip
    assert Location.objects.filter(repository__path=path).exists()
    assert AuditEvent.objects.filter(object_type="run", verb="completed").exists()


def test_lineage_is_in_the_repository_and_in_the_portal(release, run, forge: Forge, group: str):
    done = run(release(publishing(group)), name="svc", tier="one")
    text = forge.read_file(f"{group}/svc", ".bespoke/lineage.yaml", "golden-path/x").decode()
    assert done.template_ref in text
    assert "version: 1.0.0" in text
    row = Lineage.objects.get(repository=f"{group}/svc")
    assert row.answers["tier"] == {"value": "one", "origin": "chosen"}
    assert load_tree(row.base)["README.md"].content == b"# svc\n"


def test_a_default_that_nobody_chose_says_so(release, run, group: str):
    run(release(publishing(group)), name="svc", tier="two")
    row = Lineage.objects.get(repository=f"{group}/svc")
    assert row.answers["tier"] == {"value": "two", "origin": "default"}


def test_an_aspect_is_woven_in_where_it_applies(release, run, forge: Forge, group: str):
    advice = [{"region": "README.md", "from": "./note.md"}, {"files": "./files"}]
    files = {"note.md": "Signed.\n", "files/SECURITY.md": "Mail us.\n"}
    release(kind="Aspect", name="sign", files=files, weave=advice, scope="organisation")
    release(
        kind="Aspect", name="other", files=files, weave=advice,
        appliesTo="entity.spec.type == 'website'",
    )  # fmt: skip
    release(
        kind="Aspect", name="elsewhere", files=files, weave=advice, scope="group:default/ledger"
    )
    path = f"{group}/svc"
    done = run(release(publishing(group)))
    assert done.error == ""
    woven = RunStep.objects.get(run=done, step_id="weave")
    assert woven.output == {"aspects": ["aspect:default/sign@1.0.0"]}
    readme = forge.read_file(path, "README.md", "golden-path/x").decode()
    assert "Signed." in readme
    assert forge.read_file(path, "SECURITY.md", "golden-path/x") == b"Mail us.\n"
    assert Lineage.objects.filter(repository=path).count() == 2


def test_a_template_may_opt_out_of_weaving(release, run, group: str):
    release(kind="Aspect", name="x", files={"f/a": "b"}, weave=[{"files": "./f"}])
    done = run(release(publishing(group), weave=False))
    assert "weave" not in done.steps.values_list("step_id", flat=True)


# -- bad input ----------------------------------------------------------------------------------
def test_answers_that_break_the_schema_start_nothing(release, person):
    made = release()
    with pytest.raises(ValidationError) as caught:
        services.start_run(release=made, answers={"name": "Not Good", "tier": "3"}, by=person())
    assert set(caught.value.message_dict) == {"name", "owner", "tier"}
    assert not Run.objects.exists()


def test_an_answer_nobody_asked_for_is_refused(release, person):
    with pytest.raises(ValidationError) as caught:
        services.start_run(
            release=release(), answers={"name": "a", "owner": "x", "admin": True}, by=person()
        )
    assert set(caught.value.message_dict) == {"admin"}


def test_who_only_looks_cannot_start(release, person):
    with pytest.raises(PermissionDenied):
        services.start_run(release=release(), answers={}, by=person("viewer"))


def test_a_golden_path_with_an_unknown_action_cannot_be_started(release, person):
    made = release([step("publish:carrier-pigeon")])
    assert "There is no action `publish:carrier-pigeon`" in made.problems[0]
    with pytest.raises(ValidationError, match="has problems"):
        services.start_run(release=made, answers={"name": "a", "owner": "x"}, by=person())


def test_a_taken_path_fails_with_a_sentence_and_touches_nothing(
    release, run, project, forge: Forge, group: str
):
    project("svc", {"README.md": "mine"})
    done = run(release(publishing(group)))
    assert done.status == Run.Status.FAILED
    assert "“Create the repository” failed" in done.error
    assert f"already has a project at {group}/svc" in done.error
    assert done.made == []
    assert branches(forge, f"{group}/svc") == ["main"]


def test_a_missing_group_is_named(release, run):
    done = run(release(publishing("no-such-group")))
    assert "no group “no-such-group”" in done.error


def test_a_dead_forge_fails_the_run_and_a_retry_finishes_it(
    release, run, forge: Forge, group: str, settings, monkeypatch
):
    url = settings.GITLAB_URL
    monkeypatch.setattr("scaffolder.services.execution.PAUSE_SECONDS", 0)
    settings.GITLAB_URL = "http://127.0.0.1:1"
    done = run(release(publishing(group)))
    assert done.status == Run.Status.FAILED
    assert "did not answer" in done.error
    settings.GITLAB_URL = url
    services.retry_run(run=done, by=done.user)
    services.execute_run(pk=done.pk)
    done.refresh_from_db()
    assert (done.status, done.error) == (Run.Status.COMPLETED, "")
    assert open_requests(forge, f"{group}/svc") == 1


BAD_SKELETONS = {
    "an unknown function": ("a.txt", "${{ values.name }}\n${{ nothing() }}", "line 2"),
    "python internals": ("a.txt", "${{ ''.__class__.__mro__ }}", "a.txt"),
    "a path outside": ("${{ '../' + values.name }}", "x", "../"),
    "a path into .git": ("${{ '.git' }}/hooks/pre-push", "x", ".git"),
    "an absolute path is skipped by name, dots are not": ("a/${{ '..' }}/../b", "x", ".."),
}


@pytest.mark.parametrize("case", BAD_SKELETONS)
def test_a_bad_skeleton_fails_the_step_and_names_the_place(release, run, case: str):
    path, content, words = BAD_SKELETONS[case]
    done = run(release(files={f"skeleton/{path}": content}))
    assert done.status == Run.Status.FAILED, done.workspace
    assert "“Render” failed" in done.error
    assert words in done.error
    assert done.workspace == {}


@pytest.mark.parametrize("url", ["../other", "/etc", "./missing"])
def test_only_folders_of_the_templates_own_repository_can_be_read(release, run, url: str):
    done = run(release([FETCH | {"input": {"url": url}}]))
    assert done.status == Run.Status.FAILED
    assert url in done.error


def test_another_host_is_refused_when_it_is_released_and_when_it_is_run(release, run):
    written = release([FETCH | {"input": {"url": "https://elsewhere.example/x"}}])
    assert any("https://elsewhere.example/x" in problem for problem in written.problems)
    done = run(release([FETCH | {"input": {"url": "https://${{ parameters.name }}.example/x"}}]))
    assert done.status == Run.Status.FAILED
    assert "https://svc.example/x" in done.error


def test_another_forge_is_refused(release, run):
    done = run(release([step("publish:gitlab", repoUrl="evil.example?owner=a&repo=b")]))
    assert "“evil.example” is not the configured forge" in done.error


def test_a_wrong_input_names_the_field(release, run):
    done = run(release([step("publish:gitlab", repoUrl="forge.example?owner=a&repo=b",
                             repoVisibility="secret")]))  # fmt: skip
    assert "input.repoVisibility" in done.error


def test_a_condition_that_is_false_skips_the_step(release, run):
    made = release(
        [FETCH, step("debug:log", message="x") | {"if": "${{ parameters.tier === 'one' }}"}]
    )
    done = run(made, tier="two")
    assert done.steps.get(step_id="step").status == RunStep.Status.SKIPPED
    assert run(made, tier="one").steps.get(step_id="step").status == RunStep.Status.COMPLETED


# -- workers that die ---------------------------------------------------------------------------
def died_at(run: Run, step_id: str) -> Run:
    """The run as a worker that was killed in the middle of that step leaves it."""
    index = run.steps.get(step_id=step_id).index
    run.steps.filter(index__gte=index).update(status=RunStep.Status.PENDING, output={})
    run.steps.filter(step_id=step_id).update(status=RunStep.Status.RUNNING)
    Run.objects.filter(pk=run.pk).update(
        status=Run.Status.RUNNING, lease=uuid.uuid4(), finished_at=None,
        heartbeat_at=timezone.now() - timedelta(minutes=1),
    )  # fmt: skip
    return run


@pytest.mark.parametrize("step_id", ["fetch", "weave", "publish", "review", "register"])
def test_a_run_goes_on_after_a_worker_died_and_doubles_nothing(
    release, run, forge: Forge, group: str, step_id: str
):
    done = died_at(run(release(publishing(group))), step_id)
    services.execute_run(pk=done.pk)
    done.refresh_from_db()
    assert (done.status, done.error) == (Run.Status.COMPLETED, "")
    path = f"{group}/svc"
    assert open_requests(forge, path) == 1
    assert sorted(branches(forge, path)) == ["golden-path/x", "main"]
    assert len(list(forge.group_projects(group))) == 1
    commits = list(forge._list(f"/projects/{path.replace('/', '%2F')}/repository/commits", "x",
                               ref_name="golden-path/x"))  # fmt: skip
    assert len(commits) == 2
    assert Lineage.objects.filter(repository=path).count() == 1


def test_a_run_that_another_worker_has_is_left_alone(release, person):
    started = services.start_run(
        release=release(), answers={"name": "a", "owner": "x"}, by=person()
    )
    Run.objects.update(status="running", lease=uuid.uuid4(), heartbeat_at=timezone.now())
    services.execute_run(pk=started.pk)
    assert Run.objects.get().status == Run.Status.RUNNING
    assert list(Run.objects.claimable(timezone.now())) == []
    assert list(Run.objects.claimable(timezone.now() + timedelta(seconds=11))) == [started]


def test_a_worker_that_lost_its_lease_stops(release, person, monkeypatch):
    """Only one of two workers may go on, and it is the one that took over."""
    import dataclasses

    started = services.start_run(
        release=release(), answers={"name": "a", "owner": "x"}, by=person()
    )
    real = actions()["fetch:template"]

    def slow(context, given):
        Run.objects.update(lease=uuid.uuid4())
        return real.run(context, given)

    monkeypatch.setitem(actions(), "fetch:template", dataclasses.replace(real, run=slow))
    services.execute_run(pk=started.pk)
    assert Run.objects.get().status == Run.Status.RUNNING
    assert Run.objects.get().workspace == {}


# -- cancel and retry ---------------------------------------------------------------------------
def test_a_queued_run_is_cancelled_at_once(release, person):
    user = person()
    started = services.start_run(release=release(), answers={"name": "a", "owner": "x"}, by=user)
    services.cancel_run(run=started, by=user)
    services.execute_run(pk=started.pk)
    assert Run.objects.get().status == Run.Status.CANCELLED
    with pytest.raises(ValidationError, match="over already"):
        services.cancel_run(run=started, by=user)


def test_a_running_run_stops_before_its_next_step(release, person):
    user = person()
    started = services.start_run(release=release(), answers={"name": "a", "owner": "x"}, by=user)
    Run.objects.update(cancel_requested=True)
    services.execute_run(pk=started.pk)
    assert Run.objects.get().status == Run.Status.CANCELLED


def test_only_its_owner_or_a_platform_engineer_changes_a_run(release, run, person):
    done = run(release(files={"skeleton/a": "${{ x() }}"}))
    with pytest.raises(PermissionDenied):
        services.retry_run(run=done, by=person("developer"))
    assert services.retry_run(run=done, by=person("platform")).status == Run.Status.QUEUED


def test_a_completed_run_cannot_be_retried(release, run):
    done = run(release())
    with pytest.raises(ValidationError, match="failed or was cancelled"):
        services.retry_run(run=done, by=done.user)


def test_the_state_of_the_merge_request_is_kept(release, run, group: str):
    done = run(release(publishing(group)))
    assert services.note_merge_request(project=f"{group}/svc", iid=1, state="merged") == 1
    done.refresh_from_db()
    assert done.merge_request["state"] == "merged"


# -- bytes --------------------------------------------------------------------------------------
@pytest.mark.parametrize("empty", [True, False], ids=["merge request", "first commit"])
def test_links_modes_binaries_and_line_ends_survive(
    release, run, forge: Forge, group: str, empty: bool
):
    from catalog.forges import git
    from scaffolder.models import store_tree
    from scaffolder.weave.tree import File

    steps = publishing(group)
    steps[1]["input"]["sourcePath"] = False if empty else "./"
    made = release(steps if empty else steps[:2])
    tree = load_tree(made.tree) | {
        "skeleton/docs": File(b"README.md", "120000"),
        "skeleton/logo.bin": File(bytes(range(256))),
        "skeleton/dos.txt": File(b"one\r\ntwo\r\n"),
    }
    made.tree = store_tree(tree)
    made.save()
    done = run(made)
    assert done.error == ""
    branch = "golden-path/x" if empty else "main"
    files = git().snapshot(f"{group}/svc", forge.tip(f"{group}/svc", branch).id)
    assert files["docs"] == ("120000", b"README.md")
    assert files["logo.bin"] == ("100644", bytes(range(256)))
    assert files["dos.txt"] == ("100644", b"one\r\ntwo\r\n")
    assert files["run.sh"][0] == "100755"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"steps": [FETCH | {"backstage:permissions": {"tags": ["x"]}}]}, "permissions.tags"),
        (
            {
                "parameters": [
                    {
                        "properties": {
                            "in": {
                                "type": "object",
                                "properties": {"key": {"type": "string", "ui:field": "Secret"}},
                            }
                        }
                    }
                ]
            },
            "must be a question of its own",
        ),
    ],
    ids=str,
)
def test_what_is_not_understood_is_refused_and_never_left_out(release, person, spec, words: str):
    made = release(**spec)
    assert any(words in problem for problem in made.problems), made.problems
    with pytest.raises(ValidationError, match="has problems"):
        services.start_run(release=made, answers={"name": "a", "owner": "x"}, by=person())


def test_a_retry_never_takes_over_somebody_elses_repository(
    release, run, group: str, forge: Forge, monkeypatch
):
    """Refused at the first attempt for another reason; then somebody makes that very project."""
    from forge import ForgeUnavailable

    real = Forge.create_project
    monkeypatch.setattr("scaffolder.services.execution.PAUSE_SECONDS", 0)

    def down(self, *args, **kwargs):
        raise ForgeUnavailable("down")

    monkeypatch.setattr(Forge, "create_project", down)
    made = release(publishing(group))
    first = run(made)
    assert first.status == Run.Status.FAILED
    monkeypatch.setattr(Forge, "create_project", real)
    assert run(made).status == Run.Status.COMPLETED
    services.retry_run(run=first, by=first.user)
    services.execute_run(pk=first.pk)
    first.refresh_from_db()
    assert "already has a project" in first.error
    assert forge.project(f"{group}/svc").topics == ()


def test_merged_stays_merged(release, run, group: str):
    done = run(release(publishing(group)))
    for state in ("merged", "opened"):
        services.note_merge_request(project=f"{group}/svc", iid=1, state=state)
    services.execute_run(pk=died_at(done, "register").pk)
    done.refresh_from_db()
    assert (done.status, done.merge_request["state"]) == (Run.Status.COMPLETED, "merged")


def test_a_fault_of_ours_ends_the_run(release, person, monkeypatch):
    monkeypatch.setattr("scaffolder.services.execution.load_tree", None)
    started = services.start_run(
        release=release(), answers={"name": "a", "owner": "x"}, by=person()
    )
    services.execute_run(pk=started.pk)
    started.refresh_from_db()
    assert started.status == Run.Status.FAILED
    assert "Unexpected error" in started.error


def test_an_answer_with_a_nul_is_refused(release, person):
    with pytest.raises(ValidationError, match="NUL"):
        services.start_run(release=release(), answers={"name": "a\0", "owner": "x"}, by=person())


def test_lineage_of_a_repository_that_was_made_anew_is_the_new_one(
    release, run, group: str, forge: Forge
):
    made = release(publishing(group))
    run(made)
    forge.delete_project(f"{group}/svc")
    second = run(made, owner="group:default/other")
    row = Lineage.objects.get(repository=f"{group}/svc")
    assert row.run == second
    assert row.answers["owner"]["value"] == "group:default/other"
