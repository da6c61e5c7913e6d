"""Runs that wait for somebody: who is asked, who may decide, and what a decision does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, Notification, User
from scaffolder import services
from scaffolder.models import Approval, Run
from scaffolder.services.execution import execute_run
from scaffolder.services.runs import start_run
from tests.scaffolder.conftest import FETCH, PAGE

pytestmark = pytest.mark.django_db
SECURITY = "group:default/security"
GROUP = "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: security}\nspec: {type: team, children: []}\n---\napiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: checkout}\nspec: {type: team, children: []}\n"
CLASSES = {"type": "string", "enum": ["public", "cardholder"], "default": "public"}
FORM = {**PAGE, "properties": {**PAGE["properties"], "dataClass": CLASSES}}
ASKED = {"group": "security", "condition": "parameters.dataClass == 'cardholder'",
         "title": "Security agrees", "expires": "7d"}  # fmt: skip
GOOD = {"name": "svc", "owner": "group:default/checkout", "dataClass": "cardholder"}


@pytest.fixture
def people(person, ingest) -> tuple[User, User]:
    """A developer who asks, and somebody of the group that is asked."""
    ingest(GROUP)
    return person(), person("approver")


@pytest.fixture
def path(release) -> Any:
    return lambda *asked, **spec: release(
        parameters=[FORM], approvals=list(asked or [ASKED]), **spec
    )


def begin(release: Any, by: User, **answers: Any) -> Run:
    run = start_run(release=release, answers=GOOD | answers, by=by)
    execute_run(pk=run.pk)
    run.refresh_from_db()
    return run


def go_on(run: Run) -> Run:
    execute_run(pk=run.pk)
    run.refresh_from_db()
    return run


# -- waiting --------------------------------------------------------------------------------------
def test_a_run_waits_as_a_row_and_goes_on_when_somebody_has_agreed(path, people):
    developer, approver = people
    run = begin(path(), developer)
    assert (run.status, run.lease) == ("waiting", None)
    assert go_on(run).status == "waiting"  # no worker takes it
    asked = Approval.objects.get()
    assert (asked.group_ref, asked.requester) == (SECURITY, developer)
    assert asked.expires_at - asked.enqueued_at > timedelta(days=6, hours=23)
    services.decide(approval=asked, approve=True, reason="Fine.", by=approver)
    run.refresh_from_db()
    assert run.status == "queued"
    assert go_on(run).status == "completed"
    step = run.steps.get(index=0)
    assert step.output == {"needed": True, "approvedBy": approver.username, "reason": "Fine."}
    asked.refresh_from_db()
    assert asked.enqueued_at <= asked.started_at <= asked.finished_at
    assert AuditEvent.objects.filter(verb="approved", actor=approver.username).exists()


def test_no_approval_where_the_condition_does_not_hold(path, people):
    run = begin(path(), people[0], dataClass="public")
    assert run.status == "completed"
    assert run.steps.get(index=0).output == {"needed": False}
    assert not Approval.objects.exists()


def test_a_step_may_ask_in_the_middle(path, release, people):
    step = {"id": "ask", "action": "bespoke:approval", "input": ASKED}
    run = begin(release(steps=[FETCH, step], parameters=[FORM]), people[0])
    assert run.status == "waiting"
    states = list(run.steps.values_list("action", "status"))
    assert states[0] == ("fetch:template", "completed")
    assert ("bespoke:approval", "waiting") in states


def test_every_stage_knows_when_it_was_enqueued_begun_and_finished(path, people):
    run = begin(path(), people[0], dataClass="public")
    for step in run.steps.all():
        assert step.enqueued_at <= step.started_at <= step.finished_at


# -- deciding -------------------------------------------------------------------------------------
def test_a_refusal_ends_the_run_with_its_reason_and_a_retry_asks_again(path, people):
    developer, approver = people
    run = begin(path(), developer)
    with pytest.raises(ValidationError):
        services.decide(approval=run.approvals.get(), approve=False, reason=" ", by=approver)
    services.decide(approval=run.approvals.get(), approve=False, reason="Not here.", by=approver)
    run = go_on(run)
    assert run.status == "failed"
    assert "Not here." in run.error
    told = Notification.objects.filter(recipient=developer).values_list("title", flat=True)
    assert any("refused by" in title for title in told)
    services.retry_run(run=run, by=developer)
    assert go_on(run).status == "waiting"
    assert [a.status for a in run.approvals.order_by("pk")] == ["refused", "waiting"]


def test_nobody_decides_their_own_not_even_by_the_back_door(path, ingest, person):
    ingest(GROUP)
    both = person("developer", SECURITY)
    run = begin(path(), both)
    asked = run.approvals.get()
    with pytest.raises(PermissionDenied):
        services.decide(approval=asked, approve=True, reason="", by=both)
    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.update(status="approved", decided_by=both)


def test_others_cannot_decide(path, people, person):
    asked = begin(path(), people[0]).approvals.get()
    for role in ("developer", "platform"):
        with pytest.raises(PermissionDenied):
            services.decide(approval=asked, approve=True, reason="", by=person(role))


def test_a_decision_is_final(path, people):
    asked = begin(path(), people[0]).approvals.get()
    services.decide(approval=asked, approve=True, reason="", by=people[1])
    with pytest.raises(ValidationError):
        services.decide(approval=asked, approve=False, reason="x", by=people[1])


def test_who_decides_before_the_run_is_put_aside_is_heard(path, people, monkeypatch):
    """The request is there a moment before the run is parked."""
    from scaffolder.services import execution

    parked = execution.park

    def quick(*, run: Run) -> None:
        services.decide(approval=run.approvals.get(), approve=True, reason="", by=people[1])
        parked(run=run)

    monkeypatch.setattr(execution, "park", quick)
    run = begin(path(), people[0])
    assert run.status == "queued"
    assert go_on(run).status == "completed"


def test_a_waiting_run_can_be_cancelled(path, people):
    run = begin(path(), people[0])
    services.cancel_run(run=run, by=people[0])
    assert run.status == "cancelled"
    assert run.approvals.get().status == "cancelled"
    with pytest.raises(ValidationError):
        services.decide(approval=run.approvals.get(), approve=True, reason="", by=people[1])


# -- time -----------------------------------------------------------------------------------------
def test_what_nobody_decides_expires(path, people):
    run = begin(path(), people[0])
    services.look_after_approvals()
    assert run.approvals.get().status == "waiting"
    Approval.objects.update(expires_at=timezone.now())
    services.look_after_approvals()
    assert go_on(run).status == "failed"
    assert "in time" in run.error


def test_approvers_are_reminded_once_a_day(path, people):
    begin(path(), people[0])
    told = Notification.objects.filter(recipient=people[1])
    assert told.count() == 1
    services.look_after_approvals()
    assert told.count() == 1
    Approval.objects.update(remind_at=timezone.now())
    services.look_after_approvals()
    services.look_after_approvals()
    assert told.count() == 2
    assert "still waits" in told[0].title


# -- templates ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"condition": "parameters.dataClass =="}, "cannot be read"),
        ({"condition": "parameters.dataclass == 'cardholder'"}, "no question"),
        ({"expires": "soon"}, "7d"),
        ({"group": "user:default/x"}, "no reference to a group"),
    ],
)
def test_what_is_wrong_with_an_approval_is_a_problem_of_the_template(path, people, changes, words):
    asked = ASKED | changes
    step = {"id": "ask", "action": "bespoke:approval", "input": asked}
    for made in (path(asked), path({"group": "security"}, steps=[step])):
        assert any(words in problem for problem in made.problems), made.problems
        with pytest.raises(ValidationError):
            begin(made, people[0])


def test_a_group_that_nobody_knows_keeps_a_path_from_being_started(path, people, client: Client):
    made = path(ASKED | {"group": "secruity"})
    with pytest.raises(ValidationError, match="secruity"):
        begin(made, people[0])
    client.force_login(people[0])
    assert "secruity" in client.get("/create/").content.decode()


def test_a_condition_that_makes_no_sense_of_the_values_asks_somebody(path, people):
    run = begin(path(ASKED | {"condition": "parameters.dataClass > 3"}), people[0])
    assert run.status == "waiting"


# -- pages ----------------------------------------------------------------------------------------
def test_the_pages_of_an_approval(path, people, client: Client, person):
    developer, approver = people
    run = begin(path(), developer)
    address = f"/approvals/{run.approvals.get().pk}/"
    client.force_login(developer)
    assert "Nobody decides their own" in client.get(address).content.decode()
    assert client.post(f"{address}decide/", {"decision": "approve"}).status_code == 403
    assert "Waiting for an approval" in client.get(f"/runs/{run.pk}/").content.decode()

    client.force_login(person())
    assert client.get(address).status_code == 404

    client.force_login(approver)
    assert "1 run waits for your approval" in client.get("/").content.decode()
    assert "Security agrees: svc" in client.get("/approvals/").content.decode()
    page = client.get(f"{address}?file=README.md").content.decode()
    assert "cardholder" in page
    assert "# svc" in page
    assert Approval.objects.get().started_at is not None
    assert client.post(f"{address}decide/", {"decision": "refuse"}).status_code == 422
    response = client.post(f"{address}decide/", {"decision": "approve", "reason": "ok"})
    assert response["Location"] == "/approvals/"
    assert "Nothing waits for you" in client.get("/approvals/").content.decode()
    assert "approved" in client.get("/approvals/?all=1").content.decode()
    client.force_login(developer)
    assert "1 unread" in client.get("/notifications/").content.decode()


def test_the_review_says_who_will_be_asked(path, people, client: Client):
    made = path()
    client.force_login(people[0])
    services.save_draft(user=people[0], template_ref=made.block_ref, answers=GOOD)
    address = f"/create/default/{made.block_ref.rpartition('/')[2]}/review/"
    assert "security has to agree" in client.get(address).content.decode()


@pytest.mark.parametrize("count", [1, 8])
def test_queries_do_not_grow(path, people, client: Client, django_assert_max_num_queries, count):
    made = path()
    for number in range(count):
        begin(made, people[0], name=f"s{number}")
    client.force_login(people[1])
    for page, limit in (("/approvals/", 8), ("/approvals/?all=1", 8), ("/notifications/", 7)):
        with django_assert_max_num_queries(limit):
            assert client.get(page).status_code == 200


# -- notifications --------------------------------------------------------------------------------
def test_who_started_a_run_hears_how_it_ended(path, people, client: Client, person):
    run = begin(path(), people[0], dataClass="public")
    told = Notification.objects.get(recipient=people[0])
    assert "is done" in told.title
    client.force_login(person())
    assert client.post(f"/notifications/{told.pk}/").status_code == 404
    client.force_login(people[0])
    assert client.post(f"/notifications/{told.pk}/")["Location"] == f"/runs/{run.pk}/"
    assert "0 unread" in client.get("/").content.decode()
    assert told.title in client.get("/notifications/").content.decode()
    assert told.title not in client.get("/notifications/?unread=1").content.decode()
    Notification.objects.update(read_at=None)
    client.post("/notifications/read/")
    assert not Notification.objects.unread().exists()


def test_runs_are_narrowed_down(path, people, client: Client):
    run = begin(path(), people[0], dataClass="public", name="first-run")
    client.force_login(people[0])
    assert "first-run" in client.get(f"/runs/?path={run.template_ref}").content.decode()
    assert "first-run" not in client.get("/runs/?path=template:default/other").content.decode()
    assert "first-run" in client.get(f"/runs/?user={people[0].username}").content.decode()
    assert "first-run" not in client.get("/runs/?user=somebody").content.decode()
