"""Evaluates one entity: collects its facts, runs every scorecard that is about it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from catalog import selectors
from catalog.models import Entity, lock_until_commit
from forge import ForgeError
from scorecards import rules
from scorecards.checks import check_types
from scorecards.facts import collectors
from scorecards.models import Evaluation, Fact, Standing, Verdict

log = structlog.get_logger(__name__)


def evaluate_entity(*, pk: int) -> bool:
    """Brings the entity's facts and verdicts up to date; whether any verdict changed.

    Safe to repeat: the same facts and definitions give the same rows, and nothing is written.
    """
    entity = Entity.objects.filter(pk=pk, orphaned_at=None).with_place().first()
    if entity is None:
        return False
    facts, errors = _collect(entity)
    with transaction.atomic():
        lock_until_commit(f"evaluate:{pk}")
        _keep_facts(entity, facts, errors)
        changed = [
            _evaluate(entity, ref, scorecard, facts)
            for ref, scorecard in definitions().items()
            if _is_about(scorecard, entity)
        ]
        _forget_others(entity)
        _note(entity, complete=not errors)
    return any(changed)


def definitions() -> dict[str, rules.Scorecard]:
    """Every scorecard that can be used; a broken one takes no other down."""
    found: dict[str, rules.Scorecard] = {}
    for row in Entity.objects.filter(kind="scorecard", orphaned_at=None):
        scorecard, problems = rules.parse_scorecard(row.descriptor)
        if scorecard is None:
            log.warning("scorecard cannot be used", scorecard=row.ref, problems=problems)
        else:
            found[row.ref] = scorecard
    return found


def _is_about(scorecard: rules.Scorecard, entity: Entity) -> bool:
    if not scorecard.filter:
        return entity.kind == "component"
    try:
        return selectors.matches(scorecard.filter, entity=entity.descriptor)
    except selectors.SelectorError as error:
        log.warning("filter cannot be used", scorecard=scorecard.name, reason=str(error))
        return False


def _collect(entity: Entity) -> tuple[dict[str, Any], dict[str, str]]:
    """Facts by collector, and for those that could not be collected the reason."""
    facts: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, collect in collectors().items():
        try:
            facts[name] = collect(entity)
        except ForgeError as error:
            errors[name] = str(error)
    return facts, errors


def _keep_facts(entity: Entity, facts: dict[str, Any], errors: dict[str, str]) -> None:
    now = timezone.now()
    commit = entity.location.repository.commit
    for name in collectors():
        values = {"data": facts.get(name, {}), "error": errors.get(name, ""), "commit": commit}
        Fact.objects.update_or_create(
            entity=entity, collector=name, defaults=values | {"collected_at": now}
        )


def _verdict(check: rules.Check, entity: Entity, facts: dict[str, Any]) -> rules.Verdict:
    kind = check_types().get(check.type)
    if kind is None:
        return rules.Verdict(rules.UNKNOWN, f"There is no check type “{check.type}”.")
    try:
        return kind(entity.descriptor, facts, check.parameters)
    except Exception as error:  # one check's fault must not stop the others
        log.exception("check failed", check=check.id, entity=entity.ref)
        reason = f"{type(error).__name__}: {error}"
        return rules.Verdict(rules.UNKNOWN, f"The check could not be made ({reason})")


def _evaluate(entity: Entity, ref: str, scorecard: rules.Scorecard, facts: dict[str, Any]) -> bool:
    verdicts = {check.id: _verdict(check, entity, facts) for check in scorecard.checks}
    inputs = _digest(scorecard, verdicts)
    now = timezone.now()
    known = Standing.objects.filter(entity=entity, scorecard_ref=ref).first()
    if known and known.inputs == inputs:
        Standing.objects.filter(pk=known.pk).update(evaluated_at=now)
        return False
    Verdict.objects.filter(entity=entity, scorecard_ref=ref).exclude(check_id__in=verdicts).delete()
    order = {level.name: index for index, level in enumerate(scorecard.levels)}
    rows = [
        _row(entity, ref, check, verdicts[check.id], order[check.level], index, now)
        for index, check in enumerate(scorecard.checks)
    ]
    fields = [
        "title",
        "level",
        "level_order",
        "order",
        "verdict",
        "message",
        "why",
        "remedy",
        "changed_at",
    ]
    Verdict.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["entity", "scorecard_ref", "check_id"],
        update_fields=fields,
    )  # fmt: skip
    result = rules.standing(scorecard, verdicts)
    Standing.objects.update_or_create(
        entity=entity,
        scorecard_ref=ref,
        defaults=asdict(result) | {"inputs": inputs, "evaluated_at": now},
    )
    return True


def _row(
    entity: Entity, ref: str, check: rules.Check, found: rules.Verdict, level_order: int,
    order: int, now: datetime,
) -> Verdict:  # fmt: skip
    return Verdict(
        entity=entity, scorecard_ref=ref, check_id=check.id, title=check.title, level=check.level,
        level_order=level_order, order=order, verdict=found.verdict, message=found.message,
        why=check.why, remedy=check.remedy, changed_at=now,
    )  # fmt: skip


def _digest(scorecard: rules.Scorecard, verdicts: dict[str, rules.Verdict]) -> str:
    content = [asdict(scorecard), {name: asdict(found) for name, found in verdicts.items()}]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def _forget_others(entity: Entity) -> None:
    """Scorecards that are gone, or no longer about this entity, leave nothing behind."""
    about = [ref for ref, scorecard in definitions().items() if _is_about(scorecard, entity)]
    Standing.objects.filter(entity=entity).exclude(scorecard_ref__in=about).delete()
    Verdict.objects.filter(entity=entity).exclude(scorecard_ref__in=about).delete()


def _note(entity: Entity, *, complete: bool) -> None:
    """An evaluation with unknown facts counts as outdated, so that it is tried again."""
    Evaluation.objects.update_or_create(
        entity=entity,
        defaults={
            "entity_digest": entity.digest if complete else "",
            "commit": entity.location.repository.commit,
            "at": timezone.now(),
        },
    )
