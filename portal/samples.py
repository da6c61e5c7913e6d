"""What the component page shows: made-up values, one of every kind."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.utils import timezone

from scaffolder.models import RunStep
from scorecards.models import Standing, Verdict
from scorecards.rules import Level

STATES = [
    "queued", "pending", "running", "completed", "failed", "cancelled", "skipped",
    "pass", "fail", "unknown", "not applicable", "opened", "merged", "closed",
]  # fmt: skip
CODE = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: checkout\n"


class SampleForm(forms.Form):
    """One field of each look."""

    name = forms.CharField(help_text="3 to 40 lower-case letters, digits and hyphens.")
    description = forms.CharField(widget=forms.Textarea(attrs={"rows": 2}), required=False)
    owner = forms.ChoiceField(choices=[("", "Choose one"), ("platform", "Platform")])
    database = forms.ChoiceField(
        choices=[("none", "No database"), ("postgresql", "PostgreSQL")],
        widget=forms.RadioSelect,
        help_text="It can be added later.",
    )
    public = forms.BooleanField(
        label="Reachable from the internet", required=False, help_text="Adds security headers."
    )


def context() -> dict[str, Any]:
    wrong = SampleForm({"name": "Not A Name", "database": "none"}, auto_id="wrong_%s")
    wrong.add_error("name", "Use lower-case letters, digits and hyphens.")
    return {
        "states": STATES,
        "titles": ["The service", "Choices", "Review"],
        "form": SampleForm(auto_id="sample_%s"),
        "wrong": wrong,
        "steps": _steps(),
        "card": _card(),
        "levels": [Level("bronze", "Bronze"), Level("silver", "Silver"), Level("gold", "Gold")],
        "spread": {"": 4, "bronze": 12, "silver": 9, "gold": 5},
        "page": Paginator(range(30), 10).get_page(2),
        "code": CODE,
    }


def _steps() -> list[RunStep]:
    now = timezone.now()
    times = {"started_at": now - timedelta(seconds=0.8), "finished_at": now}
    return [
        RunStep(name="Render the skeleton", action="fetch:template", status="completed", **times),
        RunStep(name="Tell the team", action="notification:send", status="skipped"),
        RunStep(name="Create the repository", action="publish:gitlab", status="failed", attempts=3,
                error="There is a project of this name already.", **times),
        RunStep(name="Open the merge request", action="publish:gitlab:merge-request",
                status="running", started_at=now),
        RunStep(name="Register in the catalogue", action="catalog:register", status="pending"),
    ]  # fmt: skip


def _card() -> SimpleNamespace:
    remedy = "Add docs/runbook.md: who is called, what to look at first, how to roll back."
    verdicts = [
        Verdict(pk=1, title="Has an owner", level="bronze", verdict="pass", message="Payments"),
        Verdict(pk=2, title="Has a runbook", level="silver", verdict="fail", remedy=remedy,
                message="There is no docs/runbook.md.", why="Somebody is woken by it at night."),
        Verdict(pk=3, title="Pipeline is green", level="silver", verdict="unknown",
                message="No pipeline has run yet."),
        Verdict(pk=4, title="Has a backup", level="gold", verdict="not applicable",
                message="It keeps no data."),
    ]  # fmt: skip
    standing = Standing(pk=1, level="bronze", next_level="silver", passed=1, total=3)
    return SimpleNamespace(title="Production readiness", standing=standing, verdicts=verdicts,
                           next=verdicts[1])  # fmt: skip
