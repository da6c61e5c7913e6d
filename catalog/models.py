"""Tables of the catalogue: repositories, locations in them, entities, relations and problems.

All SQL of the catalogue is here, as named QuerySet methods.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import reduce
from operator import and_, or_
from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import TrigramWordSimilarity
from django.db import connection, models
from django.db.models import Case, Count, Exists, F, Func, OuterRef, Q, Value, When
from django.db.models.functions import Coalesce, Greatest, Lower

from accounts.models import Membership, User
from catalog import predicates
from catalog.conditions import (
    ALWAYS_THERE,
    COUNTED_BY,
    SORTED_BY,
    Order,
    after,
    condition_of,
    same,
    value_of,
)
from catalog.copying import COPIED_FROM, copy_rows, fields_of, values_of
from catalog.stitching import MAX_VALUE, ORIGINAL, term


def lock_until_commit(name: str) -> None:
    """Waits for the advisory lock `name` and holds it to the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def try_lock_until_commit(name: str) -> bool:
    """Takes the advisory lock `name` unless another transaction holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        return bool(cursor.fetchone()[0])


TAKEN = "is already defined by"  # says which problems are two files' claims of one name


def _with_text(text: str, *fields: str) -> Q:
    """One of the fields has the text in it; all rows where there is no text."""
    return reduce(or_, [Q(**{f"{field}__icontains": text}) for field in fields]) if text else Q()


def _among(field: str, values: Collection[str]) -> Q:
    return Q(**{f"{field}__in": values}) if values else Q()


class SourceQuerySet(models.QuerySet["Source"]):
    def active(self) -> Self:
        return self.filter(paused_at=None)

    def with_counts(self) -> Self:
        """How many repositories came from each, and entities out of those."""
        repositories = Repository.objects.filter(source=OuterRef("pk")).order_by()
        entities = Entity.objects.filter(location__repository__source=OuterRef("pk")).order_by()
        found = {"repository_count": repositories.values("source"), "entity_count": entities.values(
            "location__repository__source")}  # fmt: skip
        return self.annotate(
            **{
                name: Coalesce(models.Subquery(rows.annotate(n=Count("pk")).values("n")), 0)
                for name, rows in found.items()
            }
        )


class Source(models.Model):
    """Where the catalogue looks for entities; `catalog.sources` says what each kind does."""

    kind = models.CharField(max_length=32, default="group")
    group = models.CharField(max_length=255, help_text="Full path of a forge group")
    paused_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    objects = SourceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "group"], name="one_source_a_kind_and_place")
        ]
        ordering = ["group", "kind"]

    def __str__(self) -> str:
        return self.group


class RepositoryQuerySet(models.QuerySet["Repository"]):
    def of_path(self, path: str) -> Self:
        return self.filter(path=path.strip("/"))

    def without_descriptor(self) -> Self:
        """Read, there, and with no file that describes anything."""
        described = Location.objects.filter(repository=OuterRef("pk"), removed_at=None)
        found = self.exclude(read_at=None).filter(missing_since=None)
        return found.exclude(Exists(described.filter(missing_since=None)))

    def unread(self) -> Self:
        """Those whose last reading failed."""
        return self.exclude(error="")

    def narrowed(self, text: str, repository: str, owners: Collection[str]) -> Self:
        held = Entity.objects.filter(owner_ref__in=owners).values("location__repository")
        return self.filter(
            _with_text(text, "path", "error"),
            _with_text(repository, "path"),
            Q(pk__in=held) if owners else Q(),
        )


class Repository(models.Model):
    """A project in the forge, and the commit of its default branch that was read last."""

    path = models.CharField(max_length=255, unique=True)
    forge_id = models.BigIntegerField(null=True, db_index=True, help_text="Stays when it moves")
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


class LocationQuerySet(models.QuerySet["Location"]):
    def visible_to(self, user: User) -> Self:
        """All but the files whose every entity is hidden from the person."""
        if user.sees_everything:
            return self.all()
        held = Entity.objects.filter(location=OuterRef("pk"))
        return self.filter(Exists(held.visible_to(user)) | ~Exists(held))

    def registered(self) -> Self:
        """Files that somebody or a source made known, not those that other files name."""
        return self.filter(parent=None, removed_at=None).select_related("repository")

    def of_entity(self, ref: str) -> Self:
        return self.filter(entities__ref=ref).select_related("repository")

    def text_digests(self) -> dict[str, str]:
        """By path, of the files whose entities are all there."""
        known = self.filter(missing_since=None).exclude(digest="").exclude(text_digest="")
        return dict(known.values_list("path", "text_digest"))


class Location(models.Model):
    """A descriptor file. Children are files that a `Location` entity in this one names."""

    repository = models.ForeignKey(Repository, models.CASCADE, related_name="locations")
    path = models.CharField(max_length=500)
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")
    registered_by = models.CharField(max_length=150, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    text_digest = models.CharField(
        max_length=64, blank=True,
        help_text="Of a text that need not be read again; empty where that depends on other files",
    )  # fmt: skip
    read_at = models.DateTimeField(null=True)
    missing_since = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True, help_text="Taken out by hand: not read any more")

    objects = LocationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "path"], name="one_location_a_file")
        ]
        ordering = ["repository__path", "path"]

    def __str__(self) -> str:
        return f"{self.repository.path}/{self.path}"


class RevisionQuerySet(models.QuerySet["Revision"]):
    def current(self) -> int:
        """Asked with every request, so in as few words as possible."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT max(id) FROM catalog_revision")
            return int(cursor.fetchone()[0] or 0)

    def advance(self) -> None:
        """Call it inside the transaction of the write, under `lock_until_commit(STITCHING)`."""
        old = list(self.values_list("pk", flat=True))
        self.create()
        self.filter(pk__in=old).delete()


class Revision(models.Model):
    """One row, whose number grows with every change of an entity; what is counted is kept by it."""

    objects = RevisionQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.pk)


STITCHING = "catalog:stitching"


class EntityQuerySet(models.QuerySet["Entity"]):
    def visible_to(self, user: User) -> Self:
        """Private entities are for their owner's members and for those who see everything."""
        if user.sees_everything:
            return self.all()
        return self.filter(Q(private=False) | Q(owner_ref__in=user.group_refs | {user.entity_ref}))

    def search(self, text: str) -> Self:
        """Every word is in the text; best matches first. If that finds nothing, words close to it.

        The name itself comes first, then names and titles that begin so, then those it is in.
        """
        words = text.lower().split()[:8]
        found = self.filter(*[Q(search_text__contains=word) for word in words])
        if words and not found.order_by().exists():
            return self._search_typos(words)
        if not words:
            return found.order_by("name", "ref")
        whole, name = " ".join(words), "-".join(words)
        rank = Case(
            When(name__lower=name, then=0),
            When(name__lower__startswith=name, then=1),
            When(title__lower__startswith=whole, then=2),
            When(reduce(and_, [Q(name__lower__contains=word) for word in words], Q()), then=3),
            When(reduce(and_, [Q(title__lower__contains=word) for word in words], Q()), then=4),
            default=5,
            output_field=models.IntegerField(),
        )
        return found.order_by(rank, "name", "ref")

    def for_search(self) -> Self:
        """Only what a result shows: the long columns stay where they are."""
        return self.only(
            "ref", "kind", "kind_label", "namespace", "name", "title", "description", "type",
            "lifecycle", "owner_label",
        )  # fmt: skip

    def _search_typos(self, words: Sequence[str]) -> Self:
        """Every word is close to a word of the text."""
        similar = [Q(search_text__trigram_word_similar=word) for word in words]
        text = " ".join(words)
        rank = Greatest(TrigramWordSimilarity(text, "name"), TrigramWordSimilarity(text, "title"))
        return self.filter(*similar).order_by(rank.desc(), "name", "ref")

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

    def add(self, rows: Sequence[Entity]) -> None:
        """Inserts rows whose `ref` nobody has yet (hold the lock STITCHING); sets their keys."""
        if len(rows) < COPIED_FROM:
            self.bulk_create(rows)
            return
        fields = [f for f in Entity._meta.concrete_fields if f.name != "id"]
        copy_rows("catalog_entity", fields, (values_of(row, fields) for row in rows))
        keys = dict(self.filter(ref__in=[row.ref for row in rows]).values_list("ref", "pk"))
        for row in rows:
            row.pk = keys[row.ref]

    def upsert(self, rows: Sequence[Entity], *, update: Sequence[str]) -> None:
        """Inserts rows, or updates those fields of rows whose `ref` is there; sets their keys."""
        names = [f.name for f in Entity._meta.concrete_fields if f.name != "id"]
        if len(rows) < COPIED_FROM:
            self.bulk_create(
                rows, update_conflicts=True, unique_fields=["ref"], update_fields=update
            )
            return
        columns = ", ".join(f'"{field.column}"' for field in fields_of(Entity, names))
        changes = ", ".join(
            f'"{field.column}" = excluded."{field.column}"' for field in fields_of(Entity, update)
        )
        with connection.cursor() as cursor:
            cursor.execute(
                f"CREATE TEMP TABLE incoming AS SELECT {columns} FROM catalog_entity WITH NO DATA"  # noqa: S608
            )
            fields = fields_of(Entity, names)
            copy_rows("incoming", fields, (values_of(row, fields) for row in rows))
            cursor.execute(
                f"INSERT INTO catalog_entity ({columns}) SELECT {columns} FROM incoming"  # noqa: S608
                f" ON CONFLICT (ref) DO UPDATE SET {changes} RETURNING ref, id"
            )
            keys = dict(cursor.fetchall())
            cursor.execute("DROP TABLE incoming")
        for row in rows:
            row.pk = keys[row.ref]

    # -- the REST API ---------------------------------------------------------------------------
    def matching(
        self, predicate: predicates.Predicate, private: frozenset[str] = frozenset()
    ) -> Self:
        """`private`: see `private_refs`; of hidden edges, only those to these count."""
        return self.filter(condition_of(predicate, private))

    def private_refs(self) -> frozenset[str]:
        return frozenset(self.filter(private=True).values_list("ref", flat=True))

    def private_owners(self) -> frozenset[str]:
        owners = self.filter(private=True).order_by().values_list("owner_ref", flat=True)
        return frozenset(owners.distinct())

    def with_sort_values(self, order: Sequence[Order]) -> Self:
        values = {o.column: SORTED_BY.get(o.field) or value_of(o.field) for o in order}
        return self.annotate(**values)

    def in_order(self, order: Sequence[Order], *, backwards: bool = False) -> Self:
        """By the fields, entities without a field last; then by reference."""
        by: list[Any] = []
        for o in order:
            descending = o.descending is not backwards
            nulls = {} if o.field in ALWAYS_THERE else {
                "nulls_first" if backwards else "nulls_last": True
            }  # fmt: skip
            column = F(o.column)
            by.append(column.desc(**nulls) if descending else column.asc(**nulls))
        return self.order_by(*by, "-ref" if backwards else "ref")

    def beyond(
        self, order: Sequence[Order], values: Sequence[str | None], ref: str, *, backwards: bool
    ) -> Self:
        """What comes after (or before) the row with these sort values; no offset is counted."""
        last = Q(ref__lt=ref) if backwards else Q(ref__gt=ref)
        for o, value in reversed(list(zip(order, values, strict=True))):
            last = after(o, value, backwards) | (same(o, value) & last)
        if order and order[0].field in ALWAYS_THERE:  # a bound that an index can begin at
            bound = "gte" if order[0].descending is backwards else "lte"
            last &= Q(**{f"{order[0].column}__{bound}": values[0]})
        return self.filter(last)

    def answers(self, *columns: str) -> models.QuerySet[Entity, tuple[Any, ...]]:
        """Rows of (answer, hidden edges, …): a list of entities is one query and a join."""
        return self.values_list("answer", "hidden_edges", *columns)

    def located_above(self, location_id: int) -> Self:
        """The `Location` entities in the files that led to this one."""
        sql = """
            WITH RECURSIVE above (id, depth) AS (
                SELECT parent_id, 1 FROM catalog_location WHERE id = %s
                UNION SELECT l.parent_id, depth + 1 FROM catalog_location l
                JOIN above ON l.id = above.id WHERE depth < 50
            ) SELECT id FROM above WHERE id IS NOT NULL"""
        above = models.expressions.RawSQL(sql, [location_id])  # noqa: S611  (no text of people)
        return self.filter(kind="location", location_id__in=above)

    def counts(self, key: str) -> list[tuple[str, int]]:
        """The values of a key as they are written, with their counts, in order."""
        rows: Iterable[tuple[str, int]]
        column = COUNTED_BY.get(key)
        if column:
            rows = self.order_by().values_list(column).annotate(count=Count("pk"))
        elif key == "metadata.tags":
            rows = self.tag_facets()
        else:
            rows = self._counts_of_values(key)
        return sorted((value, count) for value, count in rows if value and len(value) <= MAX_VALUE)

    def _counts_of_values(self, key: str) -> Iterable[tuple[str, int]]:
        written = Func(F("search_values"), Value(ORIGINAL + key), function="jsonb_extract_path")
        lowered = Func(F("search_values"), Value(key), function="jsonb_extract_path")
        values = Func(
            Coalesce(written, lowered, output_field=models.JSONField()),
            function="jsonb_array_elements_text", output_field=models.TextField(),
        )  # fmt: skip
        rows = self.order_by().filter(terms__contains=[term(key)]).annotate(value=values)
        return rows.values_list("value").annotate(count=Count("pk"))

    # -- the graph ------------------------------------------------------------------------------
    def without_texts(self) -> Self:
        """Without the long columns, for pages that show many entities in few words."""
        return self.defer("descriptor", "text", "search_text", "answer", "terms", "search_values")

    def reached(
        self,
        roots: Sequence[str],
        *,
        types: Iterable[str],
        kinds: Iterable[str],
        depth: int,
        most: int,
    ) -> tuple[dict[str, int], bool]:
        """Depth by reference of what these relations lead to, and whether it is more than `most`.

        Only entities of this query set are walked through; without kinds, those of any kind.
        PostgreSQL works one depth after the other, and stops when nobody wants more rows.
        """
        sql, params = self.order_by().values("ref", "kind").query.sql_with_params()
        query = f"""
            WITH RECURSIVE found (ref, depth) AS (
                SELECT shown.ref, 0 FROM ({sql}) AS shown WHERE shown.ref = ANY(%s)
                UNION
                SELECT r.target_ref, found.depth + 1
                FROM found JOIN catalog_relation r ON r.source_ref = found.ref
                JOIN ({sql}) AS shown ON shown.ref = r.target_ref
                WHERE found.depth < %s AND r.type = ANY(%s)
                AND (cardinality(%s::text[]) = 0 OR shown.kind = ANY(%s))
            ) SELECT ref, depth FROM found LIMIT %s"""  # noqa: S608  (Django's own SQL)
        wanted = list(kinds)
        limit = most * 10  # a thing that is reached at several depths is several rows
        with connection.cursor() as cursor:
            cursor.execute(
                query,
                [*params, list(roots), *params, depth, list(types), wanted, wanted, limit],
            )
            rows = cursor.fetchall()
        depths: dict[str, int] = {}
        for ref, steps in rows:
            depths.setdefault(ref, steps)
        nearest = dict(sorted(depths.items(), key=lambda item: (item[1], item[0]))[:most])
        return nearest, len(depths) > most or len(rows) == limit

    # -- who answers for it -----------------------------------------------------------------------
    def ownable(self) -> Self:
        """What somebody should own: not people, groups and lists of files."""
        return self.filter(orphaned_at=None).exclude(kind__in=["group", "user", "location"])

    def unowned(self) -> Self:
        return self.filter(owner_ref="")

    def owner_unknown(self) -> Self:
        known = Entity.objects.filter(ref=OuterRef("owner_ref"), orphaned_at=None)
        return self.exclude(owner_ref="").exclude(Exists(known))

    def owner_without_members(self) -> Self:
        """A group that is there, but with nobody in it or below it."""
        group = Entity.objects.groups().filter(ref=OuterRef("owner_ref"))
        members = Membership.objects.filter(group_ref=OuterRef("owner_ref"))
        return self.filter(Exists(group)).exclude(Exists(members))

    def stale(self, before: datetime) -> Self:
        """Neither the descriptor nor anything in its repository has changed since."""
        idle = Q(location__repository__last_activity_at=None)
        idle |= Q(location__repository__last_activity_at__lt=before)
        return self.filter(idle, updated_at__lt=before)

    def starred_by(self, user: User) -> Self:
        return self.filter(ref__in=Star.objects.filter(user=user).values("ref"))

    def with_stars(self, user: User) -> Self:
        """`starred` of each row says whether it has the person's star."""
        return self.annotate(
            starred=Exists(Star.objects.filter(user=user, ref=OuterRef("ref")).values("pk"))
        )

    def hidden_from(self, user: User) -> Self:
        return self.exclude(pk__in=self.visible_to(user).values("pk"))

    def with_problems(self, user: User) -> Self:
        """Whose descriptor has a problem that the person may see."""
        return self.filter(ref__in=Problem.objects.visible_to(user).values("entity_ref"))

    def naming_unknown(self) -> Self:
        """Whose descriptor names something that is not in the catalogue."""
        dangling = Relation.objects.dangling().filter(declared_by=OuterRef("pk"))
        return self.filter(Exists(dangling.values("pk")))

    def parts_of(self, ref: str) -> Self:
        parts = Relation.objects.filter(source_ref=ref, type="hasPart")
        return self.filter(ref__in=parts.values("target_ref"))

    def owned_counts(self) -> dict[str, int]:
        """Number of entities by their owner's reference."""
        rows = self.order_by().values_list("owner_ref").annotate(count=Count("pk"))
        return dict(rows)

    def orphans(self) -> Self:
        return self.exclude(orphaned_at=None)

    def abandoned(self, before: datetime) -> Self:
        """Orphans since before then that nobody wants to keep."""
        return self.filter(orphaned_at__lt=before, kept=False)

    def narrowed(self, text: str, repository: str, owners: Collection[str]) -> Self:
        return self.filter(
            _with_text(text, "ref", "title", "location__path"),
            _with_text(repository, "location__repository__path"),
            _among("owner_ref", owners),
        )

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
    kind_label = models.CharField(max_length=63, blank=True, help_text="The kind as written")
    owner_label = models.CharField(max_length=255, blank=True, help_text="spec.owner as written")
    answer = models.TextField(blank=True, help_text="What the REST API answers: final JSON")
    terms = ArrayField(models.BigIntegerField(), default=list, help_text="catalog.stitching.term")
    search_values = models.JSONField(default=dict, help_text="Values by key, in lower case")
    hidden_edges = ArrayField(
        models.CharField(max_length=330), default=list,
        help_text="type=ref of relations with private entities, which are in no answer",
    )  # fmt: skip
    orphaned_at = models.DateTimeField(null=True)
    kept = models.BooleanField(default=False, help_text="Stays although no file declares it")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = EntityQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "namespace", "name"]
        indexes = [
            models.Index(fields=["kind", "type"]),
            models.Index(fields=["owner_ref"]),
            models.Index(
                fields=["orphaned_at"], condition=~Q(orphaned_at=None), name="entity_orphans"
            ),
            GinIndex(fields=["tags"], name="entity_tags"),
            GinIndex(fields=["search_text"], name="entity_search", opclasses=["gin_trgm_ops"]),
            GinIndex(fields=["terms"], name="entity_terms"),
            GinIndex(fields=["hidden_edges"], name="entity_hidden_edges"),
            models.Index("kind", Lower("name"), "ref", name="entity_kind_name"),
            models.Index(Lower("name"), "ref", name="entity_name"),
            models.Index(fields=["kind", "ref"], name="entity_kind_ref"),
            models.Index(fields=["owner_ref"], condition=Q(private=True), name="entity_private"),
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

    def among(self, refs: Iterable[str], types: Iterable[str]) -> list[tuple[str, str, str]]:
        """Edges of these types that begin and end at one of the references."""
        ends = list(refs)
        found = self.filter(source_ref__in=ends, target_ref__in=ends, type__in=list(types))
        rows = found.values_list("source_ref", "type", "target_ref")
        return list(rows.order_by("source_ref", "type", "target_ref").distinct())

    def add(self, rows: Sequence[tuple[int, str, str, str]]) -> None:
        """Rows of (who declares it, source, type, target)."""
        names = ["declared_by", "source_ref", "type", "target_ref"]
        fields = fields_of(Relation, names)
        if len(rows) >= COPIED_FROM:
            copy_rows("catalog_relation", fields, rows)
            return
        columns = [field.attname for field in fields]
        self.bulk_create(Relation(**dict(zip(columns, row, strict=True))) for row in rows)

    def dangling(self) -> Self:
        known = Entity.objects.filter(ref=models.OuterRef("target_ref"))
        declared = Q(source_ref=F("declared_by__ref"))
        return self.filter(declared).exclude(models.Exists(known))

    def narrowed(self, text: str, repository: str, owners: Collection[str]) -> Self:
        return self.filter(
            _with_text(text, "source_ref", "target_ref", "declared_by__location__path"),
            _with_text(repository, "declared_by__location__repository__path"),
            _among("declared_by__owner_ref", owners),
        )


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


class ProblemQuerySet(models.QuerySet["Problem"]):
    def visible_to(self, user: User) -> Self:
        """Not those about entities that are private, or that a broken document says are."""
        if user.sees_everything:
            return self.all()
        visible = Entity.objects.visible_to(user).values("pk")
        hidden = Entity.objects.exclude(pk__in=visible).values("ref")
        return self.filter(private=False).exclude(entity_ref__in=hidden)

    def about(self, entity: Entity) -> Self:
        """Of its file as a whole, of itself, and of other files that claim its name."""
        of_file = Q(location=entity.location_id, entity_ref="")
        found = self.filter(of_file | Q(entity_ref=entity.ref))
        return found.select_related("location__repository")

    def claims(self) -> Self:
        """Names that another file, or an earlier document, holds."""
        return self.filter(message__contains=TAKEN)

    def errors(self) -> Self:
        return self.exclude(message__contains=TAKEN)

    def narrowed(self, text: str, repository: str, owners: Collection[str]) -> Self:
        """A name that two files claim is for the owners of both."""
        found = self.filter(
            _with_text(
                text, "message", "entity_ref", "location__path", "location__repository__path"
            ),
            _with_text(repository, "location__repository__path"),
        )
        if not owners:
            return found
        held = Entity.objects.filter(owner_ref__in=owners)
        theirs = Q(owner_ref__in=owners) | Q(entity_ref__in=held.values("ref"))
        of_file = Q(entity_ref="", location__in=held.values("location"))
        return found.filter(theirs | of_file)


class Problem(models.Model):
    """Something wrong in a descriptor file, where and why; gone when the file is read without."""

    location = models.ForeignKey(Location, models.CASCADE, related_name="problems")
    entity_ref = models.CharField(max_length=255, blank=True, db_index=True)
    line = models.PositiveIntegerField(default=0)
    column = models.PositiveIntegerField(default=0)
    message = models.TextField()
    hint = models.TextField(blank=True)
    private = models.BooleanField(default=False, help_text="The document asks to be private")
    owner_ref = models.CharField(
        max_length=255, blank=True, help_text="Whose the document is, as far as it could be read"
    )
    seen_at = models.DateTimeField(auto_now_add=True)

    objects = ProblemQuerySet.as_manager()

    class Meta:
        ordering = ["location__repository__path", "location__path", "line"]

    def __str__(self) -> str:
        return f"{self.location}:{self.line}: {self.message}"


class VersionQuerySet(models.QuerySet["Version"]):
    def of_entity(self, entity: Entity, user: User) -> Self:
        """Newest first. What was private once stays for its owners and who sees everything."""
        found = self.filter(ref=entity.ref).order_by("-number")
        if user.sees_everything or entity.owner_ref in user.group_refs | {user.entity_ref}:
            return found
        private = {"metadata": {"annotations": {"bespoke/visibility": "private"}}}
        return found.exclude(descriptor__contains=private)

    def with_content(self) -> Self:
        return self.exclude(descriptor=None)

    def keep(self, events: Mapping[str, str], commits: Mapping[int, tuple[str, str, str]]) -> None:
        """Copies the entities as they are now, in the database itself; a number up for each.

        `events`: what happened, by reference. `commits`: sha, author and title, by location.
        """
        sql = """
            INSERT INTO catalog_version
                (ref, number, event, descriptor, project, path, commit, author, title, at)
            SELECT e.ref, coalesce(max(v.number), 0) + 1, c.event,
                CASE WHEN c.event IN ('orphaned', 'removed') THEN NULL ELSE e.descriptor END,
                r.path, l.path, coalesce(o.commit, ''), coalesce(o.author, ''),
                coalesce(o.title, ''), now()
            FROM unnest(%s::text[], %s::text[]) AS c(ref, event)
            JOIN catalog_entity e ON e.ref = c.ref
            JOIN catalog_location l ON l.id = e.location_id
            JOIN catalog_repository r ON r.id = l.repository_id
            LEFT JOIN catalog_version v ON v.ref = e.ref
            LEFT JOIN unnest(%s::bigint[], %s::text[], %s::text[], %s::text[])
                AS o(location, commit, author, title) ON o.location = l.id
            GROUP BY e.id, c.event, r.path, l.path, o.commit, o.author, o.title"""
        columns = list(zip(*commits.values(), strict=True)) or [(), (), ()]
        with connection.cursor() as cursor:
            cursor.execute(
                sql, [list(events), list(events.values()), list(commits), *map(list, columns)]
            )


class Version(models.Model):
    """An entity as it was once, and what happened to it. Rows are never changed.

    By reference and not by key: who removes an entity does not remove what it was.
    """

    class Event(models.TextChoices):
        CREATED = "created", "first read"
        CHANGED = "changed", "changed"
        MOVED = "moved", "moved to another file"
        ORPHANED = "orphaned", "no longer declared"
        RESTORED = "restored", "declared again"
        REMOVED = "removed", "removed by hand"

    ref = models.CharField(max_length=255)
    number = models.PositiveIntegerField()
    event = models.CharField(max_length=16, choices=Event)
    descriptor = models.JSONField(null=True, help_text="None when it went")
    project = models.CharField(max_length=255, help_text="Path of the repository")
    path = models.CharField(max_length=500, help_text="Path of the file")
    commit = models.CharField(max_length=64, blank=True)
    author = models.CharField(max_length=255, blank=True)
    title = models.TextField(blank=True, help_text="First line of the commit's message")
    at = models.DateTimeField(auto_now_add=True)

    objects = VersionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ref", "number"], name="one_version_a_number")
        ]

    def __str__(self) -> str:
        return f"{self.ref} v{self.number}"


class ProposalQuerySet(models.QuerySet["Proposal"]):
    def open(self) -> Self:
        return self.filter(state__in=["opened", "locked"])

    def of_entity(self, entity: Entity) -> Self:
        return self.filter(ref=entity.ref).select_related("user")


class Proposal(models.Model):
    """A change of a descriptor that somebody asked for in a form: a merge request in the forge."""

    ref = models.CharField(max_length=255, db_index=True)
    project = models.CharField(max_length=255, help_text="Path of the repository")
    path = models.CharField(max_length=500, help_text="Path of the file")
    branch = models.CharField(max_length=255)
    iid = models.PositiveIntegerField()
    url = models.URLField(max_length=500)
    state = models.CharField(max_length=16, help_text="As the forge says it")
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="proposals")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ProposalQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "iid"], name="one_proposal_a_merge_request")
        ]
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.project}!{self.iid}"


class StarQuerySet(models.QuerySet["Star"]):
    def refs_of(self, user: User) -> frozenset[str]:
        return frozenset(self.filter(user=user).values_list("ref", flat=True))


class Star(models.Model):
    """An entity that somebody wants at hand; by reference, so that it outlives a removal."""

    user = models.ForeignKey(User, models.CASCADE, related_name="stars")
    ref = models.CharField(max_length=255)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = StarQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "ref"], name="one_star_a_person")]

    def __str__(self) -> str:
        return f"{self.user_id} likes {self.ref}"


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
