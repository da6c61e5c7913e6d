"""Campaigns on the real forge: what is planned, what is sent, what happens to it, and that
nothing is doubled or lost when it is done again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from accounts.models import AuditEvent
from fleet import services, showing
from fleet.models import Campaign, Target
from forge import Forge, ForgeUnavailable, GitCache
from scaffolder.models import Lineage, Release, load_tree
from tests.fleet.conftest import (
    ADVICE,
    NOTE,
    edit,
    next_release,
    plan_all,
    requests_of,
    state,
    work,
)
from tests.scaffolder.conftest import PAGE, SKELETON, publishing

pytestmark = pytest.mark.django_db
NEW = {"note.md": "Line one.\nLine two, better.\n", "files/SECURITY.md": "Mail us.\n"}


# -- the story ----------------------------------------------------------------------------------
def test_a_new_release_reaches_the_fleet_and_nothing_is_lost(
    aspect: Release, fleet, campaign, forge: Forge, person
):
    clean, edited, clash, same, human = fleet("clean", "edited", "clash", "same", "human")
    edit(
        forge,
        edited,
        README__md=forge.read_file(edited, "README.md", "main").decode() + "Ours.\n",
        own__txt="own\n",
    )
    readme = forge.read_file(clash, "README.md", "main").decode()
    edit(forge, clash, README__md=readme.replace("Line two.", "Line two, ours."))
    new = next_release(aspect, "1.1.0", NEW)
    edit(
        forge,
        same,
        README__md=forge.read_file(same, "README.md", "main")
        .decode()
        .replace("Line two.", "Line two, better."),
    )
    made = campaign(new)
    assert made.status == Campaign.Status.READY
    states = {t.repository.rpartition("/")[2]: t.state for t in made.targets.all()}
    assert states == {"clean": "planned", "edited": "planned", "clash": "conflict", "same": "no_op", "human": "planned"}  # fmt: skip
    shapes = made.targets.shapes()
    assert sorted(count for _, count, _ in shapes) == [1, 3]
    for repository in (clean, edited, clash):
        assert requests_of(forge, repository, made.branch) == []

    forge.commit(human, branch=made.branch, start_branch="main", message="People's", changes=[])
    services.start_campaign(campaign=made, by=made.created_by)
    work(made)
    assert made.targets.counts() == {"open": 4, "no_op": 1}
    for target in made.targets.all():
        services.open_target(pk=target.pk)
    work(made)
    for repository in (clean, edited, clash, human):
        (request,) = requests_of(forge, repository, made.branch)
        assert {"bespoke", made.label} <= set(request["labels"])
    assert requests_of(forge, same, made.branch) == []
    assert forge.tip(human, made.branch).message == "People's"

    text = forge.read_file(edited, "README.md", made.branch).decode()
    assert "Line two, better." in text
    assert "Ours." in text
    assert forge.read_file(edited, "own.txt", made.branch) == b"own\n"
    assert "1.1.0" in forge.read_file(edited, ".bespoke/lineage.yaml", made.branch).decode()
    (shown,) = [
        f for f in showing.files(made.targets.get(repository=edited)) if "lineage" in f["path"]
    ]
    assert not [line for line in shown["lines"] if "ref:" in line.text and line.kind != "same"]
    kept = forge.read_file(clash, "README.md", made.branch).decode()
    assert "Line two, ours." in kept
    assert "<<<<" not in kept
    draft = requests_of(forge, clash, made.branch)[0]
    assert draft["title"] == "Draft: Sign 1.1.0"
    assert "`README.md`" in draft["description"]
    assert "Because." in draft["description"]

    for target in made.targets.open():
        url = f"/projects/{target.project_id}/merge_requests/{target.merge_request_iid}"
        if target.repository == clash:
            forge._put(url, "x", {"title": "Sign 1.1.0"})
        forge.merge(
            target.repository, target.merge_request_iid
        ) if target.repository != human else forge.close_merge_request(
            human, target.merge_request_iid, "no"
        )
    services.follow()
    made.refresh_from_db()
    assert made.status == Campaign.Status.FINISHED
    assert made.targets.counts() == {"merged": 3, "no_op": 1, "closed": 1}
    rows = Lineage.objects.filter(release__block_ref=new.block_ref)
    on = dict(rows.values_list("repository", "release__version"))
    assert on == {clean: "1.1.0", edited: "1.1.0", clash: "1.1.0", same: "1.1.0", human: "1.0.0"}
    base = load_tree(rows.get(repository=clean).base)
    assert b"Line two, better." in base["README.md"].content
    assert AuditEvent.objects.filter(object_type="campaign", verb="finished").count() == 1


def test_a_golden_path_is_upgraded_with_new_defaults_and_kept_choices(
    fleet, campaign, forge: Forge, group: str
):
    (repository,) = fleet("svc")
    old = Release.objects.get(block_ref="template:default/path")
    page = PAGE | {
        "properties": PAGE["properties"] | {"port": {"type": "integer", "default": 8080}}
    }
    files = {k: v for k, v in SKELETON.items() if k != "skeleton/run.sh"} | {
        "skeleton/README.md": "# ${{ values.name }}\nPort ${{ values.port }}\n"
    }
    steps = publishing(group)
    steps[0] = steps[0] | {
        "input": steps[0]["input"]
        | {"values": steps[0]["input"]["values"] | {"port": "${{ parameters.port }}"}}
    }
    made = campaign(next_release(old, "2.0.0", files, parameters=[page], steps=steps))
    target = made.targets.get()
    assert (target.state, target.problem) == ("planned", "")
    assert target.answers["port"] == {"value": 8080, "origin": "default"}
    assert target.answers["name"]["origin"] == "chosen"
    services.start_campaign(campaign=made, by=made.created_by)
    work(made)
    assert forge.read_file(repository, "README.md", made.branch) == b"# svc\nPort 8080\n"
    assert "run.sh" not in forge.tree(repository, made.branch)


def test_a_question_without_an_answer_stops_only_that_target(fleet, campaign):
    fleet("svc")
    old = Release.objects.get(block_ref="template:default/path")
    page = PAGE | {
        "required": [*PAGE["required"], "cost"],
        "properties": PAGE["properties"] | {"cost": {"type": "string"}},
    }
    made = campaign(next_release(old, "2.0.0", SKELETON, parameters=[page]))
    assert made.status == Campaign.Status.READY
    assert made.targets.get().state == "needs_answer"
    assert "cost" in made.targets.get().problem


@pytest.mark.parametrize("known", ["steps.publish.output.remoteUrl", "secrets.token"])
def test_what_only_a_run_knows_is_never_made_up(fleet, campaign, group: str, known: str):
    fleet("svc")
    old = Release.objects.get(block_ref="template:default/path")
    steps = publishing(group)
    values = steps[0]["input"]["values"] | {"url": f"${{{{ {known} }}}}"}
    again = steps[0] | {"id": "more", "input": steps[0]["input"] | {"values": values}}
    made = campaign(next_release(old, "2.0.0", SKELETON, steps=[*steps, again]))
    target = made.targets.get()
    assert target.state == "failed"
    assert "which only a run knows" in target.problem


def test_an_aspect_is_woven_into_what_it_applies_to(fleet, campaign, release, forge: Forge):
    (repository,) = fleet("svc")
    fits = release(kind="Aspect", name="sign", files=NOTE, weave=ADVICE, scope="organisation")
    other = release(
        kind="Aspect", name="other", files=NOTE, weave=ADVICE,
        appliesTo="entity.spec.type == 'website'",
    )  # fmt: skip
    with pytest.raises(ValidationError, match="No repository"):
        campaign(other, "weave_aspect")
    made = campaign(fits, "weave_aspect")
    services.start_campaign(campaign=made, by=made.created_by)
    work(made)
    assert forge.read_file(repository, "SECURITY.md", made.branch) == b"Mail us.\n"
    target = made.targets.get()
    forge.merge(repository, target.merge_request_iid)
    services.note_merge_request(repository=repository, iid=target.merge_request_iid, state="merged")
    blocks = Lineage.objects.filter(repository=repository).values_list(
        "release__block_ref", flat=True
    )
    assert set(blocks) == {"template:default/path", "aspect:default/sign"}
    made.refresh_from_db()
    assert made.status == Campaign.Status.FINISHED


def test_a_plan_downloads_only_what_differs(aspect, fleet, campaign, forge: Forge, monkeypatch):
    (repository,) = fleet("svc")
    readme = forge.read_file(repository, "README.md", "main").decode()
    edit(forge, repository, README__md=readme + "Ours.\n", own__txt="own\n")
    read: list[str] = []
    blob = Forge.blob
    monkeypatch.setattr(Forge, "blob", lambda f, p, sha: read.append(sha) or blob(f, p, sha))
    monkeypatch.delattr(GitCache, "snapshot")
    made = campaign(next_release(aspect, "1.1.0", NEW))
    assert state(made, repository) == "planned"
    assert len(read) == 2, "README.md, and the lineage whose difference is shown"


def test_a_file_that_the_team_moved_is_looked_for_in_all_of_its_files(
    aspect, fleet, campaign, forge: Forge
):
    (repository,) = fleet("svc")
    text = forge.read_file(repository, "SECURITY.md", "main").decode()
    edit(forge, repository, SECURITY__md=None, SAFE__md=text)
    made = campaign(next_release(aspect, "1.1.0", NEW | {"files/SECURITY.md": text + "Or call.\n"}))
    (finding,) = made.targets.get().findings
    assert (finding["kind"], finding["path"]) == ("renamed", "SAFE.md")


# -- killed in the middle -----------------------------------------------------------------------
@pytest.mark.parametrize("method", ["ensure_merge_request", "pipeline_status"])
def test_a_worker_that_dies_between_push_and_merge_request_doubles_nothing(
    aspect, fleet, campaign, forge: Forge, monkeypatch, method: str
):
    (repository,) = fleet("svc")
    made = campaign(next_release(aspect, "1.1.0", NEW))
    services.start_campaign(campaign=made, by=made.created_by)
    services.tick()
    pk = made.targets.get().pk
    with monkeypatch.context() as patch:

        def dies(*args, **kwargs):
            raise ForgeUnavailable("gone")

        patch.setattr(Forge, method, dies)
        with pytest.raises(ForgeUnavailable):
            services.open_target(pk=pk)
    assert state(made, repository) == "scheduled"
    pushed = forge.tip(repository, made.branch).id
    services.open_target(pk=pk)
    assert state(made, repository) == "open"
    assert forge.tip(repository, made.branch).id == pushed
    assert len(requests_of(forge, repository, made.branch)) == 1


def test_a_worker_that_dies_before_it_can_note_the_merge_request_doubles_nothing(
    aspect, fleet, campaign, forge: Forge
):
    (repository,) = fleet("svc")
    made = campaign(next_release(aspect, "1.1.0", NEW))
    services.start_campaign(campaign=made, by=made.created_by)
    work(made)
    iid = made.targets.get().merge_request_iid
    forge.close_merge_request(repository, iid, "no")
    forgotten = {"state": "scheduled", "merge_request_iid": None, "opened_at": None}
    Target.objects.filter(campaign=made).update(**forgotten)
    work(made)
    assert len(requests_of(forge, repository, made.branch)) == 1
    services.follow()
    assert state(made, repository) == "closed"


def test_a_target_that_another_campaign_has_brought_there_is_superseded(aspect, fleet, campaign):
    (repository,) = fleet("svc")
    new = next_release(aspect, "1.1.0", NEW)
    made = campaign(new)
    Lineage.objects.filter(repository=repository, release=aspect).update(release=new)
    services.plan_again(target=made.targets.get(), by=made.created_by)
    plan_all(made)
    assert state(made, repository) == "superseded"


def test_what_changed_since_the_plan_is_not_sent_without_a_look(
    aspect, fleet, campaign, forge: Forge
):
    moved, still = fleet("moved", "still")
    made = campaign(next_release(aspect, "1.1.0", NEW))
    readme = forge.read_file(moved, "README.md", "main").decode()
    edit(forge, moved, README__md=readme.replace("Line two.", "Line two, ours."))
    edit(forge, still, other__txt="x")
    services.start_campaign(campaign=made, by=made.created_by)
    work(made)
    assert state(made, moved) == "drifted"
    assert requests_of(forge, moved, made.branch) == []
    assert state(made, still) == "open"
    assert forge.read_file(still, "other.txt", made.branch) == b"x"
    services.plan_again(target=made.targets.get(repository=moved), by=made.created_by)
    plan_all(made)
    work(made)
    assert state(made, moved) == "open"


# -- careful ------------------------------------------------------------------------------------
def test_a_red_pipeline_pauses_and_the_next_wave_waits(aspect, fleet, campaign):
    first, second = fleet("a", "b")
    made = campaign(next_release(aspect, "1.1.0", NEW), waves_text="1, rest", stop_percent=10)
    services.start_campaign(campaign=made, by=made.created_by)
    work(made)
    assert (state(made, first), state(made, second)) == ("open", "planned")
    assert "Wave 1" in made.waiting_for
    services.note_pipeline(repository=first, branch=made.branch, iid=None, status="failed")
    work(made)
    assert made.status == Campaign.Status.PAUSED
    assert "1 of 1 pipelines are red" in made.reason
    services.resume_campaign(campaign=made, by=made.created_by, stop_percent=100)
    iid = made.targets.get(repository=first).merge_request_iid
    services.note_pipeline(repository=first, branch="x", iid=iid, status="success")
    services.note_merge_request(repository=first, iid=iid, state="merged")
    work(made)
    assert (state(made, first), state(made, second)) == ("merged", "open")


def test_abort_closes_what_is_open_with_the_reason(aspect, fleet, campaign, forge: Forge):
    first, second = fleet("a", "b")
    made = campaign(next_release(aspect, "1.1.0", NEW), waves_text="1, rest")
    services.start_campaign(campaign=made, by=made.created_by)
    work(made)
    with pytest.raises(ValidationError, match="Say why"):
        services.abort_campaign(campaign=made, reason=" ", by=made.created_by)
    services.abort_campaign(campaign=made, reason="A mistake in it.", by=made.created_by)
    target = made.targets.get(repository=first)
    services.close_target(pk=target.pk)
    services.close_target(pk=target.pk)
    (request,) = requests_of(forge, first, made.branch)
    assert request["state"] == "closed"
    url = f"/projects/{target.project_id}/merge_requests/{request['iid']}/notes"
    said = [note["body"] for note in forge._list(url, "x") if not note["system"]]
    assert said == ["The campaign was aborted: A mistake in it."]
    work(made)
    assert requests_of(forge, second, made.branch) == []


def test_an_owner_postpones_and_it_comes_back(aspect, fleet, campaign, forge: Forge, person):
    (repository,) = fleet("a")
    made = campaign(next_release(aspect, "1.1.0", NEW))
    services.start_campaign(campaign=made, by=made.created_by)
    work(made)
    target = made.targets.get()
    tomorrow = timezone.localdate() + timedelta(days=1)
    with pytest.raises(PermissionDenied):
        services.waive(target=target, reason="Busy", until=tomorrow, by=person())
    owner = person("developer", "group:default/checkout")
    with pytest.raises(ValidationError):
        services.waive(target=target, reason="Busy", until=timezone.localdate(), by=owner)
    services.waive(target=target, reason="Busy", until=tomorrow, by=owner)
    services.close_target(pk=target.pk)
    assert requests_of(forge, repository, made.branch)[0]["state"] == "closed"
    work(made)
    assert (state(made, repository), made.status) == ("waived", "running")
    Target.objects.update(waived_until=timezone.localdate() - timedelta(days=1))
    services.tick()
    plan_all(made)
    work(made)
    (request,) = requests_of(forge, repository, made.branch)
    assert (request["state"], state(made, repository)) == ("opened", "open")


def test_only_platform_engineers_manage(aspect, fleet, campaign, person):
    fleet("a")
    new = next_release(aspect, "1.1.0", NEW)
    with pytest.raises(PermissionDenied):
        services.create_campaign(release=new, kind="upgrade_block", title="x", by=person())
    made = campaign(new)
    for verb in (services.start_campaign, services.resume_campaign):
        with pytest.raises(PermissionDenied):
            verb(campaign=made, by=person())


def test_what_is_wrong_in_a_plan_is_said_at_the_field(aspect, fleet, campaign):
    fleet("a")
    with pytest.raises(ValidationError) as caught:
        campaign(
            next_release(aspect, "1.1.0", NEW), waves_text="two", windows="always", freezes="x"
        )
    assert set(caught.value.message_dict) == {"waves_text", "windows", "freezes"}
    assert not Campaign.objects.exists()


def test_a_release_that_renames_files_and_answers_takes_them_along(fleet, campaign, forge: Forge):
    (repository,) = fleet("svc")
    old = Release.objects.get(block_ref="template:default/path")
    text = forge.read_file(repository, "README.md", "main").decode()
    edit(forge, repository, README__md=text + "\nOurs, and nothing like it.\n" * 3)
    Lineage.objects.update(
        answers=Lineage.objects.get(release=old).answers
        | {"tier": {"value": "one", "origin": "chosen"}}
    )
    files = {p: t for p, t in SKELETON.items() if p != "skeleton/README.md"}
    files["skeleton/docs/index.md"] = "---\ntitle: ${{ values.name }}\n---\nNothing of the old.\n"
    page = PAGE | {"properties": {k: v for k, v in PAGE["properties"].items() if k != "tier"}}
    page["properties"] |= {"level": {"type": "string", "enum": ["one", "two"], "default": "two"}}
    past = [
        {"version": "2.0.0", "files": {"README.md": "docs/index.md"}, "answers": {"tier": "level"}}
    ]
    made = campaign(next_release(old, "2.0.0", files, parameters=[page], migrations=past))
    target = made.targets.get()
    assert target.answers["level"] == {"value": "one", "origin": "chosen"}
    found = {(finding["path"], finding["kind"]) for finding in target.findings}
    assert found == {("docs/index.md", "renamed"), ("docs/index.md", "conflict")}
    assert "README.md" not in {p for p, stored in target.after.items() if stored}
