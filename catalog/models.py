"""Tables of the catalogue: repositories, locations in them, entities, relations and problems.

All SQL of the catalogue is here, as named QuerySet methods.
"""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import TrigramWordSimilarity
from django.db import connection, models
from django.db.models import Count, F, Q
from django.db.models.functions import Greatest

from accounts.models import User


def lock_until_commit(name: str) -> None:
    """Waits for the advisory lock `name` and holds it to the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def try_lock_until_commit(name: str) -> bool:
    """Takes the advisory lock `name` unless another transaction holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        return bool(cursor.fetchone()[0])


class Source(models.Model):
    """Where the catalogue looks for descriptors: every project of a forge group."""

    group = models.CharField(max_length=255, unique=True, help_text="Full path of a forge group")
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.group


class RepositoryQuerySet(models.QuerySet["Repository"]):
    def of_path(self, path: str) -> Self:
        return self.filter(path=path.strip("/"))


class Repository(models.Model):
    """A project in the forge, and the commit of its default branch that was read last."""

    path = models.CharField(max_length=255, unique=True)
    source = models.ForeignKey(Source, models.SET_NULL, null=True, related_name="repositories")
    default_branch = models.CharField(max_length=255, blank=True)
    commit = models.CharField(max_length=64, blank=True)
    last_activity_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    missing_since = models.DateTimeField(null=True)
    error = models.TextField(blank=True, help_text="Why the last reading failed")

    objects = RepositoryQuerySet.as_manager()

    class Meta:
        ordering = ["path"]
        verbose_name_plural = "repositories"

    def __str__(self) -> str:
        return self.path


class Location(models.Model):
    """A descriptor file. Children are files that a `Location` entity in this one names."""

    repository = models.ForeignKey(Repository, models.CASCADE, related_name="locations")
    path = models.CharField(max_length=500)
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")
    registered_by = models.CharField(max_length=150, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    read_at = models.DateTimeField(null=True)
    missing_since = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "path"], name="one_location_a_file")
        ]
        ordering = ["repository__path", "path"]

    def __str__(self) -> str:
        return f"{self.repository.path}/{self.path}"


class EntityQuerySet(models.QuerySet["Entity"]):
    def visible_to(self, user: User) -> Self:
        """Private entities are for their owner's members and for those who see everything."""
        if user.sees_everything:
            return self.all()
        return self.filter(Q(private=False) | Q(owner_ref__in=user.group_refs | {user.entity_ref}))

    def search(self, text: str) -> Self:
        """Every word is in the text, or close to a word of it; best matches first."""
        found = self
        for word in text.lower().split()[:8]:
            found = found.filter(
                Q(search_text__contains=word) | Q(search_text__trigram_word_similar=word)
            )
        rank = Greatest(
            TrigramWordSimilarity(text.lower(), "name"),
            TrigramWordSimilarity(text.lower(), "title"),
        )
        return found.order_by(rank.desc(), "name")

    def facets(self, field: str) -> list[tuple[str, int]]:
        """The field's values with their counts, most frequent first; tags count one by one."""
        rows = self.order_by().values_list(field).annotate(count=Count("pk"))
        return sorted(((v, n) for v, n in rows if v), key=lambda row: (-row[1], row[0]))

    def tag_facets(self) -> list[tuple[str, int]]:
        tags = self.order_by().annotate(tag=models.Func(F("tags"), function="unnest"))
        rows = tags.values_list("tag").annotate(count=Count("pk"))
        return sorted(rows, key=lambda row: (-row[1], row[0]))

    def owned_by(self, group_refs: frozenset[str]) -> Self:
        return self.filter(owner_ref__in=group_refs)

    def groups(self) -> Self:
        return self.filter(kind="group", orphaned_at=None)

    def with_place(self) -> Self:
        return self.select_related("location__repository")


class Entity(models.Model):
    """One thing in the catalogue: the last good version of its descriptor, and columns of it."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    ref = models.CharField(max_length=255, unique=True)
    kind = models.CharField(max_length=63)
    namespace = models.CharField(max_length=63)
    name = models.CharField(max_length=63)
    descriptor = models.JSONField(help_text="As in the file, placeholders resolved")
    title = models.CharField(max_length=500, blank=True)
    description = models.TextField(blank=True)
    type = models.CharField(max_length=255, blank=True)
    lifecycle = models.CharField(max_length=255, blank=True)
    owner_ref = models.CharField(max_length=255, blank=True)
    tags = ArrayField(models.CharField(max_length=63), default=list)
    private = models.BooleanField(default=False)
    location = models.ForeignKey(Location, models.PROTECT, related_name="entities")
    line = models.PositiveIntegerField(default=1)
    text = models.TextField(blank=True, help_text="The document as it stands in its file")
    digest = models.CharField(max_length=64)
    search_text = models.TextField(blank=True)
    orphaned_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = EntityQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "namespace", "name"]
        indexes = [
            models.Index(fields=["kind", "type"]),
            models.Index(fields=["owner_ref"]),
            GinIndex(fields=["tags"], name="entity_tags"),
            GinIndex(fields=["search_text"], name="entity_search", opclasses=["gin_trgm_ops"]),
        ]
        verbose_name_plural = "entities"

    def __str__(self) -> str:
        return self.ref

    @property
    def label(self) -> str:
        return self.title or self.name

    @property
    def metadata(self) -> dict[str, Any]:
        return dict(self.descriptor["metadata"])

    @property
    def spec(self) -> dict[str, Any]:
        return dict(self.descriptor.get("spec") or {})

    @property
    def annotations(self) -> dict[str, str]:
        return dict(self.metadata.get("annotations") or {})

    def relations(self) -> models.QuerySet[Relation]:
        """Both directions: what this entity declares, and what others declare about it."""
        return Relation.objects.filter(source_ref=self.ref).distinct_edges()


class RelationQuerySet(models.QuerySet["Relation"]):
    def distinct_edges(self) -> Self:
        """An edge that two descriptors declare (members and memberOf) counts once."""
        return self.order_by("source_ref", "type", "target_ref").distinct(
            "source_ref", "type", "target_ref"
        )

    def dangling(self) -> Self:
        known = Entity.objects.filter(ref=models.OuterRef("target_ref"))
        declared = Q(source_ref=F("declared_by__ref"))
        return self.filter(declared).exclude(models.Exists(known))


class Relation(models.Model):
    """A directed edge. Each declaring field makes two rows, one in each direction."""

    declared_by = models.ForeignKey(Entity, models.CASCADE, related_name="declared")
    source_ref = models.CharField(max_length=255)
    type = models.CharField(max_length=63)
    target_ref = models.CharField(max_length=255)

    objects = RelationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["declared_by", "source_ref", "type", "target_ref"], name="one_edge"
            )
        ]
        indexes = [
            models.Index(fields=["source_ref", "type"]),
            models.Index(fields=["target_ref", "type"]),
        ]

    def __str__(self) -> str:
        return f"{self.source_ref} {self.type} {self.target_ref}"


class Problem(models.Model):
    """Something wrong in a descriptor file, where and why; gone when the file is read without."""

    location = models.ForeignKey(Location, models.CASCADE, related_name="problems")
    entity_ref = models.CharField(max_length=255, blank=True, db_index=True)
    line = models.PositiveIntegerField(default=0)
    column = models.PositiveIntegerField(default=0)
    message = models.TextField()
    hint = models.TextField(blank=True)
    seen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["location__repository__path", "location__path", "line"]

    def __str__(self) -> str:
        return f"{self.location}:{self.line}: {self.message}"


class WebhookDelivery(models.Model):
    """A signed message from the forge, kept until it is handled; its id makes repeats harmless."""

    delivery_id = models.CharField(max_length=255, unique=True)
    event = models.CharField(max_length=60)
    payload = models.JSONField()
    received_at = models.DateTimeField(auto_now_add=True, db_index=True)
    handled_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"

    def __str__(self) -> str:
        return f"{self.event} {self.delivery_id}"
