"""Tables of the scaffolder: releases of blocks, runs with their steps, lineage, and file contents.

File contents are stored once each, by SHA-256: trees of releases, workspaces and bases share them.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.models import Role, User
from catalog.fields import OrderedJSONField
from catalog.models import Entity
from scaffolder.weave.tree import File, Tree

HEARTBEAT = timedelta(seconds=2)
STALE = timedelta(seconds=10)


class BlobQuerySet(models.QuerySet["Blob"]):
    def contents(self, digests: Iterable[str]) -> dict[str, bytes]:
        rows = self.filter(digest__in=set(digests)).values_list("digest", "content")
        return {digest: bytes(content) for digest, content in rows}


class Blob(models.Model):
    """One content, whatever files have it."""

    digest = models.CharField(max_length=64, primary_key=True)
    content = models.BinaryField()

    objects = BlobQuerySet.as_manager()

    def __str__(self) -> str:
        return self.digest


# path -> [mode, digest of its Blob]
StoredTree = dict[str, list[str]]


def store_tree(tree: Tree) -> StoredTree:
    """Writes the contents that are not there yet; returns what to keep in a row."""
    blobs = {hashlib.sha256(file.content).hexdigest(): file.content for file in tree.values()}
    known = set(Blob.objects.filter(digest__in=blobs).values_list("digest", flat=True))
    Blob.objects.bulk_create(
        [Blob(digest=d, content=c) for d, c in blobs.items() if d not in known],
        ignore_conflicts=True,
    )
    return {
        path: [file.mode, hashlib.sha256(file.content).hexdigest()] for path, file in tree.items()
    }


def store_ground(ground: Mapping[str, File | None]) -> dict[str, list[str] | None]:
    """The same for paths where there may be nothing."""
    there = {path: file for path, file in ground.items() if file}
    return dict.fromkeys(ground) | store_tree(there)


def load_tree(stored: Mapping[str, list[str]]) -> dict[str, File]:
    contents = Blob.objects.contents(digest for _, digest in stored.values())
    return {path: File(contents[digest], mode) for path, (mode, digest) in stored.items()}


class ReleaseQuerySet(models.QuerySet["Release"]):
    def newest(self, block_ref: str) -> Release | None:
        """The content that the block's repository has now, also after a step back."""
        return self.filter(block_ref=block_ref).order_by("-current_since").first()

    def newest_of_each(self, kind: str) -> Self:
        """The same for every block of a kind that the catalogue still has."""
        alive = Entity.objects.filter(kind=kind, orphaned_at=None).values("ref")
        blocks = self.filter(kind=kind, block_ref__in=alive)
        newest = blocks.order_by("block_ref", "-current_since").distinct("block_ref")
        return self.filter(pk__in=newest.values("pk"))

    def offered(self) -> Self:
        """The newest golden paths that are offered on the pages of entities."""
        paths = self.newest_of_each("template")
        return paths.filter(descriptor__spec__offeredOn__isnull=False).order_by("block_ref")


class Release(models.Model):
    """One immutable version of a block: semantic version, Git commit and content digest."""

    block_ref = models.CharField(max_length=255)
    kind = models.CharField(max_length=63)
    version = models.CharField(max_length=64)
    commit = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    repository = models.CharField(max_length=255, help_text="Project path in the forge")
    path = models.CharField(max_length=500, help_text="Of the block's descriptor")
    descriptor = OrderedJSONField()
    tree = models.JSONField(help_text="Files of the block by path in the repository")
    problems = models.JSONField(default=list)
    rules = models.CharField(
        max_length=64, default="", help_text="Actions and settings by which the problems were found"
    )
    seen_commit = models.CharField(
        max_length=64, help_text="The newest commit that has this content"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    current_since = models.DateTimeField(help_text="When the repository last came to this content")

    objects = ReleaseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["block_ref", "digest"], name="one_release_a_content")
        ]

    def __str__(self) -> str:
        return f"{self.block_ref}@{self.version}"

    @property
    def title(self) -> str:
        metadata = self.descriptor["metadata"]
        return str(metadata.get("title") or metadata["name"])

    @property
    def namespace(self) -> str:
        return self.block_ref.partition(":")[2].partition("/")[0]

    @property
    def name(self) -> str:
        return self.block_ref.rpartition("/")[2]

    @property
    def startable(self) -> bool:
        return not self.problems


class RunQuerySet(models.QuerySet["Run"]):
    def visible_to(self, user: User) -> Self:
        """One's own, and those about nothing that is hidden, so that a link can be shared."""
        if user.sees_everything:
            return self.all()
        visible = Entity.objects.visible_to(user)
        hidden = Entity.objects.exclude(pk__in=visible.values("pk")).values("ref")
        open_to_all = ~Q(template_ref__in=hidden) & ~Q(entity_ref__in=hidden)
        open_to_all &= ~Q(about_ref__in=hidden)
        asked = Approval.objects.filter(group_ref__in=user.group_refs).values("run")
        return self.filter(Q(user=user) | Q(pk__in=asked) | open_to_all)

    def of(self, user: User) -> Self:
        return self.filter(user=user)

    def about(self, ref: str) -> Self:
        """Those that made the entity, and those that were begun on its page."""
        return self.filter(Q(entity_ref=ref) | Q(about_ref=ref))

    def golden_paths(self) -> list[str]:
        """What the runs are of, for a filter."""
        refs = self.order_by("template_ref").values_list("template_ref", flat=True)
        return list(refs.distinct()[:200])

    def people(self) -> list[str]:
        """Who began them, for a filter."""
        names = self.order_by("user__username").values_list("user__username", flat=True)
        return list(names.distinct()[:200])

    def claimable(self, now: datetime) -> Self:
        """Queued, or running for a worker that has not been heard of for a while."""
        lost = Q(status=Run.Status.RUNNING, heartbeat_at__lt=now - STALE)
        due = Q(resume_at=None) | Q(resume_at__lte=now)
        return self.filter(Q(due, status=Run.Status.QUEUED) | lost)

    def with_open_merge_request(self) -> Self:
        """Those asked about longest ago first."""
        return self.filter(merge_request__state="opened").order_by(
            F("merge_request__checked").asc(nulls_first=True), "created_at"
        )

    def forgotten(self, now: datetime) -> Self:
        """Claimable for some time: the broker must have lost their task."""
        return self.claimable(now).filter(queued_at__lt=now - timedelta(seconds=4))


class Run(models.Model):
    """One execution of a golden path: what was asked, by whom, and what came of it."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        WAITING = "waiting", "Waiting for approval"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    template_ref = models.CharField(max_length=255, db_index=True)
    release = models.ForeignKey(Release, models.PROTECT, related_name="runs")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="runs")
    values = OrderedJSONField()
    chosen = models.JSONField(default=list, help_text="Names of the values that the person chose")
    secrets = models.TextField(blank=True, help_text="Sealed; empty once the run is over")
    secret_names = models.JSONField(default=list, help_text="What a retry must be given again")
    status = models.CharField(max_length=16, choices=Status, default=Status.QUEUED, db_index=True)
    error = models.TextField(blank=True)
    made = models.JSONField(default=list, help_text="What exists because of this run: title, url")
    output = models.JSONField(default=dict)
    workspace = models.JSONField(default=dict)
    merge_request = models.JSONField(null=True, help_text="project, iid, url and state")
    entity_ref = models.CharField(max_length=255, blank=True, db_index=True)
    about_ref = models.CharField(
        max_length=255, blank=True, db_index=True, help_text="The entity it was begun on"
    )
    cancel_requested = models.BooleanField(default=False)
    lease = models.UUIDField(null=True, help_text="Of the worker that has this run")
    heartbeat_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    queued_at = models.DateTimeField(auto_now_add=True)
    resume_at = models.DateTimeField(null=True, help_text="Not before: the forge asked us to wait")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="running") | Q(lease__isnull=False), name="running_has_lease"
            )
        ]

    def __str__(self) -> str:
        return f"{self.template_ref} by {self.user}"

    @property
    def is_over(self) -> bool:
        over = (self.Status.COMPLETED, self.Status.FAILED, self.Status.CANCELLED)
        return self.status in over

    @property
    def subject(self) -> str:
        """What this run is about, for lists: the name that was asked for."""
        return str(self.values.get("name") or self.values.get("component_id") or "")

    def may_be_changed_by(self, user: User) -> bool:
        return user.pk == self.user_id or Role.PLATFORM in user.roles


class RunStep(models.Model):
    """One step of a run. `notes` are checkpoints: what must not be done twice."""

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        RUNNING = "running", "Running"
        WAITING = "waiting", "Waiting for approval"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"
        SKIPPED = "skipped", "Skipped"

    run = models.ForeignKey(Run, models.CASCADE, related_name="steps")
    index = models.PositiveSmallIntegerField()
    step_id = models.CharField(max_length=255)
    name = models.CharField(max_length=500)
    action = models.CharField(max_length=255)
    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING)
    definition = OrderedJSONField()
    output = OrderedJSONField(default=dict)
    notes = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    enqueued_at = models.DateTimeField(null=True, help_text="When the step's turn came")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["index"]
        constraints = [models.UniqueConstraint(fields=["run", "index"], name="one_step_an_index")]

    def __str__(self) -> str:
        return f"{self.index}. {self.name}"

    @property
    def seconds(self) -> float | None:
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


class RunLog(models.Model):
    """One line of a run's log."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="log")
    step_index = models.PositiveSmallIntegerField(null=True)
    at = models.DateTimeField(auto_now_add=True)
    text = models.TextField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.text


class ApprovalQuerySet(models.QuerySet["Approval"]):
    def visible_to(self, user: User) -> Self:
        """For those who asked, those who are asked, and those who see everything."""
        if user.sees_everything:
            return self.all()
        return self.filter(Q(requester=user) | Q(group_ref__in=user.group_refs))

    def waiting_for(self, user: User) -> Self:
        """What the person may decide now."""
        waiting = self.filter(status=Approval.Status.WAITING, group_ref__in=user.group_refs)
        return waiting.exclude(requester=user)

    def expired(self, now: datetime) -> Self:
        return self.filter(status=Approval.Status.WAITING, expires_at__lte=now)

    def to_be_reminded(self, now: datetime) -> Self:
        return self.filter(status=Approval.Status.WAITING, remind_at__lte=now, expires_at__gt=now)


class Approval(models.Model):
    """One request to agree to a run, and what came of it. Nobody decides their own."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        APPROVED = "approved", "Approved"
        REFUSED = "refused", "Refused"
        EXPIRED = "expired", "Expired"
        CANCELLED = "cancelled", "Cancelled"

    run = models.ForeignKey(Run, models.CASCADE, related_name="approvals")
    group_ref = models.CharField(max_length=255, db_index=True)
    title = models.CharField(max_length=500)
    condition = models.TextField(blank=True)
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    status = models.CharField(max_length=16, choices=Status, default=Status.WAITING)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    reason = models.TextField(blank=True)
    enqueued_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, help_text="When an approver first looked")
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(db_index=True)
    remind_at = models.DateTimeField(help_text="When the approvers are told again")

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        ordering = ["-enqueued_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["run"], condition=Q(status="waiting"), name="one_waiting_approval_a_run"
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("requester")),
                name="nobody_decides_their_own",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["approved", "refused"]) | Q(decided_by__isnull=False),
                name="decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(status="refused") | ~Q(reason=""), name="refused_for_a_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.group_ref})"


class Lineage(models.Model):
    """What made a repository: one row for each block that was woven into it."""

    repository = models.CharField(max_length=255, help_text="Project path in the forge")
    entity_ref = models.CharField(max_length=255, blank=True, db_index=True)
    release = models.ForeignKey(Release, models.PROTECT, related_name="lineages")
    run = models.ForeignKey(Run, models.SET_NULL, null=True, related_name="lineages")
    answers = models.JSONField(
        help_text="name -> {value, origin}; origin: chosen, default, derived"
    )
    base = models.JSONField(help_text="The tree that was rendered then; never made again")
    ground = models.JSONField(
        default=dict,
        help_text="Where only aspects were woven: what the woven paths were before; null: nothing",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "release"], name="one_lineage_a_block")
        ]
        ordering = ["release__kind", "release__block_ref"]

    def __str__(self) -> str:
        return f"{self.repository} from {self.release}"


class DraftQuerySet(models.QuerySet["Draft"]):
    def of(self, user: User, template_ref: str) -> Draft:
        """The form as it was left, or an empty one."""
        found = self.filter(user=user, template_ref=template_ref).first()
        return found or Draft(user=user, template_ref=template_ref)

    def listed_for(self, user: User, titles: Mapping[str, str]) -> list[Draft]:
        """The forms that the person has begun, of golden paths that still exist, newest first."""
        drafts = list(self.filter(user=user, template_ref__in=titles).order_by("-updated_at")[:20])
        for draft in drafts:
            draft.title = titles[draft.template_ref]
        return drafts


class Draft(models.Model):
    """A form that was begun: survives a reload and a lost login."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="drafts")
    template_ref = models.CharField(max_length=255)
    answers = OrderedJSONField(default=dict)
    about_ref = models.CharField(max_length=255, blank=True, help_text="The entity it was begun on")
    updated_at = models.DateTimeField(auto_now=True)

    objects = DraftQuerySet.as_manager()
    title = ""  # of the golden path, where a list needs it

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "template_ref"], name="one_draft_a_form")
        ]

    def __str__(self) -> str:
        return f"{self.template_ref} by {self.user}"

    @property
    def subject(self) -> str:
        return str(self.answers.get("name") or self.answers.get("component_id") or "")

    @property
    def namespace(self) -> str:
        return self.template_ref.partition(":")[2].partition("/")[0]

    @property
    def name(self) -> str:
        return self.template_ref.rpartition("/")[2]
