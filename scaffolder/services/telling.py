"""Who is told what about runs and approvals."""

from __future__ import annotations

from django.urls import reverse

from accounts.models import User
from accounts.services import notify
from scaffolder.models import Approval, Run

_ENDS = {
    Run.Status.COMPLETED: "is done",
    Run.Status.FAILED: "failed",
    Run.Status.CANCELLED: "was cancelled",
}


def _called(run: Run) -> str:
    return f"{run.release.title}{f' “{run.subject}”' if run.subject else ''}"


def tell_the_end(*, run: Run) -> None:
    notify(
        recipients=[run.user], topic="run", title=f"{_called(run)} {_ENDS[Run.Status(run.status)]}",
        link=reverse("scaffolder:run", args=[run.pk]),
    )  # fmt: skip


def tell_approvers(*, approval: Approval, again: bool = False) -> int:
    """Returns how many there are."""
    members = User.objects.members_of(approval.group_ref)
    people = list(members.exclude(pk=approval.requester_id))
    verb = "still waits" if again else "waits"
    notify(
        recipients=people, topic="approval",
        title=f"{_called(approval.run)} {verb} for your approval: {approval.title}",
        link=reverse("scaffolder:approval", args=[approval.pk]),
    )  # fmt: skip
    return len(people)


def tell_the_decision(*, approval: Approval) -> None:
    who = f" by {approval.decided_by.display_name}" if approval.decided_by else ""
    said = {"expired": "was not decided in time"}.get(approval.status, approval.status)
    notify(
        recipients=[approval.requester], topic="approval",
        title=f"{_called(approval.run)}: “{approval.title}” {said}{who}",
        link=reverse("scaffolder:run", args=[approval.run_id]),
    )  # fmt: skip
