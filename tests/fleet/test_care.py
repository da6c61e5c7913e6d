"""What happens to open merge requests without people, and whom the portal turns to."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, Notification
from catalog.models import Entity, Repository
from fleet import services, showing
from fleet.models import Target
from forge import Change, Forge
from tests.fleet.conftest import edit, next_release, requests_of, state, work
from tests.fleet.test_campaigns import NEW

pytestmark = pytest.mark.django_db


@pytest.fixture
def opened(aspect, fleet, campaign):
    """One campaign with everything open."""

    def make(*names: str, **roll):
        repositories = fleet(*names)
        made = campaign(next_release(aspect, "1.1.0", NEW), **roll)
        services.start_campaign(campaign=made, by=made.created_by)
        work(made)
        return made, *repositories

    return make


def refresh(made, repository: str) -> Target:
    target = made.targets.get(repository=repository)
    services.refresh_target(pk=target.pk)
    target.refresh_from_db()
    return target


# -- the default branch moves on ----------------------------------------------------------------
def test_an_open_branch_follows_the_default_branch_without_force(opened, forge: Forge):
    made, repository = opened("svc")
    before = forge.tip(repository, made.branch).id
    readme = forge.read_file(repository, "README.md", "main").decode()
    edit(forge, repository, README__md=readme.replace("Line two.", "Line two, ours."))
    target = refresh(made, repository)
    tip = forge.tip(repository, made.branch)
    url = f"/projects/{target.project_id}/repository/commits/{tip.id}"
    parents = forge._get(url, "x")["parent_ids"]
    assert parents == [before, forge.tip(repository, "main").id]
    assert (target.pushed, target.state) == (tip.id, "open")
    assert "Line two, ours." in forge.read_file(repository, "README.md", made.branch).decode()
    (request,) = requests_of(forge, repository, made.branch)
    assert request["title"].startswith("Draft: "), "a conflict is for people"
    assert services.refresh_repository(repository=repository, commit=target.commit) == []
    assert refresh(made, repository).pushed == tip.id


def test_what_does_not_concern_the_change_is_left_to_git(opened, forge: Forge):
    made, repository = opened("svc")
    before = forge.tip(repository, made.branch).id
    edit(forge, repository, other__txt="x")
    row = Repository.objects.get(path=repository)
    main = forge.tip(repository, "main").id
    concerned = services.refresh_repository(repository=row.path, commit=main)
    assert concerned == [made.targets.get().pk]
    assert refresh(made, repository).commit == main
    assert forge.tip(repository, made.branch).id == before


def test_a_branch_with_a_persons_commit_is_never_touched(opened, forge: Forge):
    made, repository = opened("svc")
    edit(forge, repository, made.branch, mine__txt="x")
    tip = forge.tip(repository, made.branch).id
    edit(forge, repository, README__md="All new\n")
    refresh(made, repository)
    assert forge.tip(repository, made.branch).id == tip


def test_a_merge_request_that_has_become_pointless_is_closed(opened, forge: Forge):
    made, repository = opened("svc")
    for path in ("README.md",):
        content = forge.read_file(repository, path, made.branch)
        change = [Change("update", path, content)]
        forge.commit(repository, branch="main", message="By hand", changes=change)
    assert refresh(made, repository).state == "no_op"
    assert requests_of(forge, repository, made.branch)[0]["state"] == "closed"
    services.tick()
    made.refresh_from_db()
    assert made.status == "finished"


# -- merging by itself --------------------------------------------------------------------------
def pipeline(forge: Forge, target: Target, status: str) -> None:
    url = f"/projects/{target.project_id}/statuses/{target.pushed}"
    forge._post(url, "x", {"state": status, "name": "tests"})


def test_only_what_is_clean_green_and_ours_merges_by_itself(opened, forge: Forge):
    made, good, red, touched, risky = opened(
        "good", "red", "touched", "risky", auto_merge="not_production"
    )
    Target.objects.filter(repository=risky).update(risky=True)
    for repository in (good, red, touched, risky):
        target = made.targets.get(repository=repository)
        pipeline(forge, target, "failed" if repository == red else "success")
        Target.objects.filter(pk=target.pk).update(state="green")
    edit(forge, touched, made.branch, mine__txt="x")
    services.tick()
    for target in made.targets.all():
        services.merge_target(pk=target.pk)
    assert state(made, good) == "merged"
    assert [state(made, one) for one in (red, touched, risky)] == ["green"] * 3
    assert requests_of(forge, good, made.branch)[0]["state"] == "merged"


def test_nothing_merges_by_itself_unless_the_campaign_says_so(opened, forge: Forge):
    made, repository = opened("svc")
    target = made.targets.get()
    pipeline(forge, target, "success")
    Target.objects.update(state="green", risky=False)
    services.merge_target(pk=target.pk)
    assert state(made, repository) == "green"


# -- approvals ----------------------------------------------------------------------------------
def test_an_approval_shows_over_green_and_never_over_red(opened):
    made, repository = opened("svc")
    iid = made.targets.get().merge_request_iid

    def heard(action: str) -> str:
        services.note_merge_request(repository=repository, iid=iid, state="opened", action=action)
        return state(made, repository)

    def ran(status: str) -> str:
        services.note_pipeline(repository=repository, branch=made.branch, iid=iid, status=status)
        return state(made, repository)

    assert heard("approved") == "approved"
    assert ran("failed") == "red"
    assert ran("success") == "approved"
    assert heard("unapproved") == "open"
    assert ran("success") == "green"


# -- postponing with an approval ----------------------------------------------------------------
def test_where_the_campaign_says_so_a_postponement_needs_an_approval(
    opened, client: Client, person
):
    made, repository = opened("svc", approve_waivers=True)
    target = made.targets.get()
    owner = person("developer", "group:default/checkout")
    until = timezone.localdate() + timedelta(days=5)
    services.waive(target=target, reason="Busy", until=until, by=owner)
    assert state(made, repository) == "open"
    assert "asks to postpone" in Notification.objects.get(recipient=made.created_by).title
    url = f"/campaigns/{made.key}/{target.pk}/"
    client.force_login(owner)
    assert "Agree" not in client.get(url).content.decode()
    with pytest.raises(PermissionDenied):
        services.decide_waiver(target=target, agreed=True, by=owner)
    client.force_login(made.created_by)
    assert "Agree" in client.get(url).content.decode()
    client.post(f"{url}decide/", {"decision": "refuse"})
    target.refresh_from_db()
    assert (target.state, target.waived_until) == ("open", None)
    assert "refused" in Notification.objects.filter(recipient=owner).latest("pk").title
    with pytest.raises(ValidationError):
        services.decide_waiver(target=target, agreed=True, by=made.created_by)
    services.waive(target=target, reason="Busy", until=until, by=owner)
    client.post(f"{url}decide/", {"decision": "agree"})
    assert state(made, repository) == "waived"
    verbs = AuditEvent.objects.filter(object_type="campaign target").values_list("verb", flat=True)
    assert {"asked to postpone", "refused to postpone", "agreed to postpone"} <= set(verbs)


# -- people -------------------------------------------------------------------------------------
def test_an_owner_reviews_and_is_reminded_once_in_a_while(
    aspect, fleet, campaign, person, forge: Forge
):
    (repository,) = fleet("svc")
    owner = person("developer", "group:default/checkout")
    pk = forge.ensure_user(
        username=owner.username, name="O", email=f"{owner.username}@example.org",
        password="pass-1234-long",
    )  # fmt: skip
    made = campaign(next_release(aspect, "1.1.0", NEW))
    services.start_campaign(campaign=made, by=made.created_by)
    work(made)
    (request,) = requests_of(forge, repository, made.branch)
    assert [reviewer["id"] for reviewer in request["reviewers"]] == [pk]

    def told() -> int:
        services.follow()
        return Notification.objects.filter(recipient=owner).count()

    assert told() == 0
    Target.objects.update(opened_at=timezone.now() - timedelta(days=8))
    assert [told(), told()] == [1, 1]
    Target.objects.update(reminded_at=timezone.now() - timedelta(days=8))
    assert told() == 2


def test_the_page_says_who_it_waits_for_and_when_it_will_be_done(opened, client: Client, person):
    made, first, _ = opened("one", "two")
    Entity.objects.filter(ref="component:default/two").update(title="Two")
    Target.objects.filter(repository=first).update(state="closed", finished_at=timezone.now())
    made.started_at = timezone.now() - timedelta(hours=2)
    made.save()
    client.force_login(person())
    page = client.get(f"/campaigns/{made.key}/").content.decode()
    assert "Who it waits for" in page
    assert "?owner=group%3Adefault/checkout#targets" in page
    assert "if it goes on like this" in page


def test_the_forecast_goes_on_as_lately():
    now = timezone.now()
    start = now - timedelta(hours=10)
    times = [now - timedelta(hours=hours) for hours in (1, 2, 3, 4, 5)]
    ends = showing.forecast(times, 9, start, now)
    assert ends
    assert abs(ends - now - timedelta(hours=5)) < timedelta(seconds=1), "4 in 5 hours, 4 are left"
    assert showing.forecast([start], 9, start, now) is None
    assert showing.forecast(times, 5, start, now) is None
