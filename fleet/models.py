"""Tables of the fleet: campaigns, their waves, and a target for each repository.

The targets are a snapshot: they are made once, with the campaign, and never added to. What a plan
found is kept with its file contents (in the scaffolder's blobs), so that what people reviewed is
what is pushed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from secrets import token_hex
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Count, ExpressionWrapper, F, Q
from django.db.models.functions import Coalesce
from django.utils.text import slugify

from accounts.models import User
from catalog.models import Entity
from scaffolder.models import Release


def new_key() -> str:
    """Names a campaign in addresses, branches and labels, also after a move of the database."""
    return token_hex(4)


def _hidden_from(user: User) -> models.QuerySet[Entity, str]:
    visible = Entity.objects.visible_to(user)
    return Entity.objects.exclude(pk__in=visible.values("pk")).values_list("ref", flat=True)


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def visible_to(self, user: User) -> Self:
        """Those about a block that the person may see."""
        if user.sees_everything:
            return self.all()
        return self.exclude(release__block_ref__in=_hidden_from(user))

    def with_progress(self) -> Self:
        finished = Q(targets__state__in=Target.FINISHED)
        counts = {
            "target_count": Count("targets"),
            "finished_count": Count("targets", filter=finished),
        }
        return self.annotate(**counts).order_by("-created_at")

    def rolling(self) -> Self:
        return self.filter(status=Campaign.Status.RUNNING)


class Campaign(models.Model):
    """A change to many repositories: what, how fast, and how careful."""

    class Status(models.TextChoices):
        PLANNING = "planning", "Planning"
        READY = "ready", "Ready to start"
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        FINISHED = "finished", "Finished"
        ABORTED = "aborted", "Aborted"

    class AutoMerge(models.TextChoices):
        NEVER = "never", "Never: people merge"
        NOT_PRODUCTION = "not_production", "What is clean, green and not in production"
        EVERYTHING = "everything", "Everything that is clean and green"

    key = models.CharField(max_length=16, unique=True, default=new_key, editable=False)
    title = models.CharField(max_length=200)
    notes = models.TextField(blank=True, help_text="Markdown for every merge request")
    kind = models.CharField(max_length=63, help_text="A name of fleet.changes")
    release = models.ForeignKey(
        Release, models.PROTECT, null=True, related_name="campaigns", help_text="None: no block"
    )
    options = models.JSONField(default=dict, help_text="What a change without a block is told")
    selection = models.JSONField(default=dict, help_text="Which of the possible targets, and why")
    status = models.CharField(max_length=16, choices=Status, default=Status.PLANNING)
    reason = models.TextField(blank=True, help_text="Why it is paused or was aborted")
    waiting_for = models.CharField(max_length=300, blank=True, help_text="Why nothing goes out now")
    waves_text = models.CharField(max_length=200, default="1, 10 %, rest")
    windows = models.TextField(blank=True)
    freezes = models.TextField(blank=True)
    per_hour = models.PositiveIntegerField(default=60)
    per_group = models.PositiveIntegerField(default=10)
    proceed_percent = models.PositiveSmallIntegerField(default=80)
    stop_percent = models.PositiveSmallIntegerField(default=10)
    auto_merge = models.CharField(max_length=16, choices=AutoMerge, default=AutoMerge.NEVER)
    approve_waivers = models.BooleanField(default=False)
    ask_reviewers = models.BooleanField(default=True)
    remind_days = models.PositiveSmallIntegerField(default=7)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="campaigns"
    )
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    listed_at = models.DateTimeField(null=True, help_text="Merge requests were last listed")

    objects = CampaignQuerySet.as_manager()
    target_count = finished_count = 0  # where with_progress() has counted

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    status__in=["planning", "ready", "running", "paused", "finished", "aborted"]
                ),
                name="campaign_status_known",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["paused", "aborted"]) | ~Q(reason=""),
                name="paused_or_aborted_for_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(proceed_percent__lte=100, stop_percent__lte=100),
                name="campaign_percentages",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def label(self) -> str:
        """By which its merge requests are found again."""
        return f"bespoke-campaign-{self.key}"

    @property
    def branch(self) -> str:
        name = self.release.block_ref.rpartition("/")[2] if self.release else slugify(self.kind)
        return f"bespoke/{name.replace('_', '-')}-{self.key}"

    @property
    def subject(self) -> str:
        """What it brings, in a few words."""
        if self.release is None:
            return self.kind.replace("_", " ").capitalize()
        return f"{self.release.title} {self.release.version}"

    @property
    def is_over(self) -> bool:
        return self.status in (self.Status.FINISHED, self.Status.ABORTED)


class Wave(models.Model):
    """A slice of a campaign that goes out together."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="waves")
    index = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=63)

    class Meta:
        ordering = ["index"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "index"], name="one_wave_an_index")
        ]

    def __str__(self) -> str:
        return self.name


class TargetQuerySet(models.QuerySet["Target"]):
    def visible_to(self, user: User) -> Self:
        """Those whose entity is not hidden from the person, in campaigns that are not either."""
        if user.sees_everything:
            return self.all()
        campaigns = Campaign.objects.visible_to(user)
        return self.filter(campaign__in=campaigns).exclude(entity_ref__in=_hidden_from(user))

    def counts(self) -> dict[str, int]:
        rows = self.order_by().values_list("state").annotate(Count("pk"))
        return dict(rows.values_list("state", "pk__count"))

    def by_wave(self) -> dict[int, dict[str, int]]:
        rows = self.order_by().values_list("wave_id", "state").annotate(Count("pk"))
        found: dict[int, dict[str, int]] = {}
        for wave, state, count in rows.values_list("wave_id", "state", "pk__count"):
            found.setdefault(wave, {})[state] = count
        return found

    def shapes(self) -> list[tuple[str, int, int]]:
        """Groups of alike diffs: shape, how many targets, and one of them; the largest first."""
        rows = self.exclude(shape="").order_by().values("shape")
        counted = rows.annotate(count=Count("pk"), example=models.Min("pk"))
        return list(counted.order_by("-count", "shape").values_list("shape", "count", "example"))

    def open(self) -> Self:
        return self.filter(state__in=Target.OPEN)

    def by_owner(self) -> list[tuple[str, dict[str, int]]]:
        """Owner and counts by state, those with the most left first."""
        rows = self.order_by().values_list("owner_ref", "state").annotate(Count("pk"))
        found: dict[str, dict[str, int]] = {}
        for owner, state, count in rows.values_list("owner_ref", "state", "pk__count"):
            found.setdefault(owner, {})[state] = count
        left = {
            owner: sum(n for state, n in counts.items() if state not in Target.FINISHED)
            for owner, counts in found.items()
        }
        return sorted(found.items(), key=lambda pair: (-left[pair[0]], pair[0]))

    def due_for_reminder(self, now: datetime) -> Self:
        """Those that have waited since before their campaign's pause, asked for last then too."""
        day = timedelta(days=1)
        last = Coalesce("reminded_at", "opened_at", "planned_at")
        due = ExpressionWrapper(
            last + F("campaign__remind_days") * day, output_field=models.DateTimeField()
        )
        return self.alias(due=due).filter(due__lte=now).select_related("campaign").order_by("pk")

    def active(self) -> Self:
        """Those that their campaign still waits for."""
        return self.exclude(state__in=Target.FINISHED | Target.STUCK)

    def of(self, user: User) -> Self:
        """What waits for the person's groups: open merge requests, and questions of a release."""
        waiting = Q(state__in=Target.OPEN) | Q(state=Target.State.NEEDS_ANSWER)
        mine = self.filter(waiting, owner_ref__in=user.group_refs)
        return mine.select_related("campaign").order_by("opened_at")

    def unlisted(self) -> Self:
        """Open ones, those asked about longest ago first."""
        return self.open().order_by(F("checked_at").asc(nulls_first=True), "pk")

    def waiver_over(self, today: date) -> Self:
        return self.filter(state=Target.State.WAIVED, waived_until__lt=today)

    def finish_times(self) -> list[datetime]:
        done = self.filter(finished_at__isnull=False).order_by("finished_at")
        return [moment for moment in done.values_list("finished_at", flat=True) if moment]


class Target(models.Model):
    """One repository in a campaign: what the plan found, and what became of it."""

    class State(models.TextChoices):
        UNPLANNED = "unplanned", "Not planned yet"
        PLANNED = "planned", "Planned"
        NO_OP = "no_op", "Nothing to change"
        CONFLICT = "conflict", "Planned with conflicts"
        NEEDS_ANSWER = "needs_answer", "Needs an answer"
        SCHEDULED = "scheduled", "Going out"
        OPEN = "open", "Open"
        RED = "red", "Pipeline red"
        GREEN = "green", "Pipeline green"
        APPROVED = "approved", "Approved"
        MERGED = "merged", "Merged"
        CLOSED = "closed", "Closed"
        WAIVED = "waived", "Postponed"
        DRIFTED = "drifted", "Changed since the plan"
        SUPERSEDED = "superseded", "Superseded"
        FAILED = "failed", "Cannot be planned"

    OPEN = frozenset({State.OPEN, State.RED, State.GREEN, State.APPROVED})
    FINISHED = frozenset({State.NO_OP, State.MERGED, State.CLOSED, State.SUPERSEDED})
    STUCK = frozenset({State.NEEDS_ANSWER, State.FAILED})
    READY = frozenset({State.PLANNED, State.CONFLICT})

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="targets")
    wave = models.ForeignKey(Wave, models.PROTECT, related_name="targets")
    repository = models.CharField(max_length=255, help_text="Project path in the forge")
    entity_ref = models.CharField(max_length=255, blank=True)
    owner_ref = models.CharField(max_length=255, blank=True)
    from_version = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=16, choices=State, default=State.UNPLANNED)
    problem = models.TextField(blank=True)
    # what the plan found
    commit = models.CharField(max_length=64, blank=True, help_text="Of the default branch")
    releases = models.JSONField(default=list, help_text="Ids of what the new tree is made of")
    answers = models.JSONField(default=dict)
    base = models.JSONField(default=dict, help_text="The new composition: the next upgrade's base")
    ground = models.JSONField(default=dict, help_text="What woven paths were before, where kept")
    given = models.JSONField(default=dict, help_text="Answers that somebody gave for this change")
    asked = models.JSONField(default=list, help_text="Names of the questions without an answer")
    before = models.JSONField(default=dict, help_text="Changed paths as they are: mode, digest")
    after = models.JSONField(default=dict, help_text="The same as they will be; null: deleted")
    findings = models.JSONField(default=list, help_text="path, kind, text and three sides")
    summary = models.JSONField(default=dict, help_text="files, plus and minus")
    shape = models.CharField(max_length=64, blank=True, help_text="The same for alike diffs")
    planned_at = models.DateTimeField(null=True)
    # what became of it
    project_id = models.PositiveBigIntegerField(null=True)
    merge_request_iid = models.PositiveIntegerField(null=True)
    merge_request_url = models.CharField(max_length=500, blank=True)
    pushed = models.CharField(max_length=64, blank=True, help_text="Our newest commit there")
    risky = models.BooleanField(default=True, help_text="In production, or nobody knows")
    approved = models.BooleanField(default=False)
    reminded_at = models.DateTimeField(null=True)
    red_before = models.BooleanField(default=False, help_text="The default branch was red already")
    opened_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    scheduled_at = models.DateTimeField(null=True)
    waiver_pending = models.BooleanField(default=False, help_text="Asked for, not agreed to yet")
    waiver_reason = models.TextField(blank=True)
    waived_until = models.DateField(null=True)
    waived_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )

    objects = TargetQuerySet.as_manager()

    class Meta:
        ordering = ["wave__index", "repository"]
        indexes = [
            models.Index(fields=["campaign", "state"]),
            models.Index(fields=["repository", "merge_request_iid"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "repository"], name="one_target_a_repository"
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "unplanned", "planned", "no_op", "conflict", "needs_answer", "scheduled",
                        "open", "red", "green", "approved", "merged", "closed", "waived", "drifted",
                        "superseded", "failed",
                    ]
                ),
                name="target_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["open", "red", "green", "approved", "merged"])
                | Q(merge_request_iid__isnull=False),
                name="open_has_a_merge_request",
            ),
            models.CheckConstraint(
                condition=~Q(state="waived")
                | (Q(waived_until__isnull=False) & ~Q(waiver_reason="")),
                name="waived_for_a_reason_until",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["failed", "needs_answer"]) | ~Q(problem=""),
                name="stuck_says_why",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.repository

    @property
    def group(self) -> str:
        return self.repository.rpartition("/")[0]

    @property
    def conflicts(self) -> list[dict[str, Any]]:
        """The findings that want a person's attention."""
        return [finding for finding in self.findings if finding["kind"] != "renamed"]


def top_groups(repositories: Iterable[str]) -> set[str]:
    return {repository.partition("/")[0] for repository in repositories}
