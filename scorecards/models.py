"""Tables of the scorecards: facts about entities, verdicts over them, and where each stands."""

from __future__ import annotations

from typing import Any, Self

from django.db import models
from django.db.models import Count, F, Q

from accounts.models import User
from catalog.models import Entity
from scorecards.rules import FAIL, PASS, UNKNOWN

# What scorecards can be about: things that somebody owns.
EVALUATED_KINDS = ("component", "api", "resource", "system", "domain")


class Fact(models.Model):
    """What one collector observed about one entity; `error` says why it could not."""

    entity = models.ForeignKey(Entity, models.CASCADE, related_name="facts")
    collector = models.CharField(max_length=63)
    data = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    commit = models.CharField(max_length=64, blank=True, help_text="The commit it was seen at")
    collected_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["entity", "collector"], name="one_fact_a_collector")
        ]

    def __str__(self) -> str:
        return f"{self.collector} of {self.entity}"


class VerdictQuerySet(models.QuerySet["Verdict"]):
    def visible_to(self, user: User) -> Self:
        """Verdicts of scorecards that the person may see."""
        cards = Entity.objects.visible_to(user).filter(kind="scorecard")
        return self.filter(scorecard_ref__in=cards.values("ref"))

    def gaps(self) -> Self:
        """Checks that fail, those of the lowest levels first."""
        return self.filter(verdict=FAIL).order_by("level_order", "entity__name", "order")

    def counts_by_check(self, scorecard_ref: str) -> dict[str, dict[str, int]]:
        """check id -> verdict -> number of entities."""
        rows = (
            self.filter(scorecard_ref=scorecard_ref)
            .values_list("check_id", "verdict")
            .annotate(count=Count("pk"))
        )
        counts: dict[str, dict[str, int]] = {}
        for check, verdict, count in rows:
            counts.setdefault(check, {})[verdict] = count
        return counts


class Verdict(models.Model):
    """What one check of one scorecard says about one entity."""

    entity = models.ForeignKey(Entity, models.CASCADE, related_name="verdicts")
    scorecard_ref = models.CharField(max_length=255)
    check_id = models.CharField(max_length=63)
    title = models.CharField(max_length=255)
    level = models.CharField(max_length=63)
    level_order = models.PositiveSmallIntegerField()
    order = models.PositiveSmallIntegerField()
    verdict = models.CharField(max_length=16)
    message = models.TextField(blank=True)
    why = models.TextField(blank=True)
    remedy = models.TextField(blank=True)
    changed_at = models.DateTimeField()

    objects = VerdictQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["entity", "scorecard_ref", "check_id"], name="one_verdict_a_check"
            ),
            models.CheckConstraint(
                condition=Q(verdict__in=[PASS, FAIL, UNKNOWN, "not applicable"]),
                name="known_verdict",
            ),
        ]
        ordering = ["level_order", "order"]

    def __str__(self) -> str:
        return f"{self.check_id} of {self.entity}: {self.verdict}"


class StandingQuerySet(models.QuerySet["Standing"]):
    def visible_to(self, user: User) -> Self:
        cards = Entity.objects.visible_to(user).filter(kind="scorecard")
        return self.filter(scorecard_ref__in=cards.values("ref"))

    def spread(self) -> dict[str, dict[str, int]]:
        """scorecard ref -> level -> number of entities."""
        rows = self.values_list("scorecard_ref", "level").annotate(count=Count("pk"))
        spread: dict[str, dict[str, int]] = {}
        for ref, level, count in rows:
            spread.setdefault(ref, {})[level] = count
        return spread

    def by_level(self, scorecard_ref: str) -> dict[str, int]:
        rows = self.filter(scorecard_ref=scorecard_ref).values_list("level")
        return dict(rows.annotate(count=Count("pk")))


class Standing(models.Model):
    """The level an entity has reached on a scorecard, and what was looked at to say so."""

    entity = models.ForeignKey(Entity, models.CASCADE, related_name="standings")
    scorecard_ref = models.CharField(max_length=255, db_index=True)
    level = models.CharField(max_length=63, blank=True)
    next_level = models.CharField(max_length=63, blank=True)
    passed = models.PositiveSmallIntegerField()
    total = models.PositiveSmallIntegerField()
    next_step = models.CharField(max_length=63, blank=True)
    inputs = models.CharField(max_length=64, help_text="Digest of facts and definition")
    evaluated_at = models.DateTimeField()

    objects = StandingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["entity", "scorecard_ref"], name="one_standing")
        ]

    def __str__(self) -> str:
        return f"{self.entity}: {self.level or 'no level'} of {self.scorecard_ref}"

    @property
    def percent(self) -> int:
        return round(100 * self.passed / self.total) if self.total else 0


class EvaluationQuerySet(models.QuerySet["Evaluation"]):
    def outdated(self) -> Self:
        """Entities that changed, or whose repository moved on, since they were evaluated."""
        return self.exclude(
            entity_digest=F("entity__digest"),
            commit=F("entity__location__repository__commit"),
        )


class Evaluation(models.Model):
    """When an entity was last looked at, and at which version of it: what finds lost tasks."""

    entity = models.OneToOneField(Entity, models.CASCADE, related_name="evaluation")
    entity_digest = models.CharField(max_length=64)
    commit = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField()

    objects = EvaluationQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.entity} at {self.at:%Y-%m-%d %H:%M}"


def entities_to_evaluate() -> models.QuerySet[Entity, Any]:
    """Entities never evaluated, and those that changed since."""
    entities = Entity.objects.filter(kind__in=EVALUATED_KINDS, orphaned_at=None)
    outdated = Evaluation.objects.outdated().values("entity_id")
    return entities.filter(Q(evaluation=None) | Q(pk__in=outdated))
