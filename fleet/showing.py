"""What the fleet's pages show: counts, waves, shapes, the burndown, diffs and conflicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, QuerySet
from django.utils import timezone

from fleet import diffs
from fleet.models import Campaign, Target, TargetQuerySet
from fleet.services.campaigns import POSTPONABLE
from scaffolder.models import Lineage, load_tree
from scaffolder.weave.render import is_binary
from scaffolder.weave.tree import File

State = Target.State
WIDTH, HEIGHT = 600, 160
POINTS = 12
SHAPES = 30
OWNERS = 20
FILTERS = ("state", "wave", "shape", "owner", "q")
SELECTED = {
    "query": "where", "made_with": "made with", "failing": "failing", "repositories": "these:"
}  # fmt: skip


def users_by_release(users: QuerySet[Lineage]) -> dict[int, int]:
    rows = users.order_by().values_list("release").annotate(Count("pk"))
    return dict(rows.values_list("release", "pk__count"))


def campaign(found: Campaign, targets: TargetQuerySet) -> dict[str, Any]:
    counts = targets.counts()
    by_wave = targets.by_wave()
    total = sum(counts.values())
    finished = sum(counts.get(state, 0) for state in Target.FINISHED)
    waves = [
        {
            "wave": wave,
            "total": sum(by_wave.get(wave.pk, {}).values()),
            "finished": sum(by_wave.get(wave.pk, {}).get(s, 0) for s in Target.FINISHED),
            "open": sum(by_wave.get(wave.pk, {}).get(s, 0) for s in Target.OPEN),
        }
        for wave in found.waves.all()
    ]
    return {
        "campaign": found,
        "selection": [(SELECTED[name], value) for name, value in found.selection.items()],
        "counts": [(s, label, counts[s]) for s, label in State.choices if s in counts],
        "total": total,
        "finished": finished,
        "waves": [wave for wave in waves if wave["total"]],
        "shapes": _shapes(targets),
        "owners": _owners(targets),
        "burndown": burndown(found, targets, total),
        "planned": total - counts.get(State.UNPLANNED, 0),
        "live": found.status in (Campaign.Status.PLANNING, Campaign.Status.RUNNING),
    }  # fmt: skip


def _shapes(targets: TargetQuerySet) -> list[dict[str, Any]]:
    found = targets.shapes()[:SHAPES]
    examples = targets.in_bulk([example for _, _, example in found])
    return [
        {"shape": shape, "count": count, "example": examples[example]}
        for shape, count, example in found
    ]


def _owners(targets: TargetQuerySet) -> list[dict[str, Any]]:
    """How far each owner is, and what waits for them; those with the most left first."""
    rows = []
    for owner, counts in targets.by_owner()[:OWNERS]:
        total = sum(counts.values())
        finished = sum(counts.get(state, 0) for state in Target.FINISHED)
        waiting = sum(counts.get(state, 0) for state in Target.OPEN | {State.NEEDS_ANSWER})
        rows.append({"owner": owner, "total": total, "finished": finished, "waiting": waiting,
                     "red": counts.get(State.RED, 0)})  # fmt: skip
    return rows


def filtered(targets: TargetQuerySet, query: Mapping[str, str]) -> TargetQuerySet:
    if (state := query.get("state", "")) in State.values:
        targets = targets.filter(state=state)
    if (wave := query.get("wave", "")).isdigit():
        targets = targets.filter(wave__index=int(wave))
    if shape := query.get("shape", ""):
        targets = targets.filter(shape=shape)
    if owner := query.get("owner", ""):
        targets = targets.filter(owner_ref=owner)
    if text := query.get("q", "").strip():
        targets = targets.filter(repository__icontains=text)
    return targets


# -- burndown -----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Burndown:
    """How many targets were left when; `line` are the points of an SVG polyline. `ends_at` is when
    nothing is left, if it goes on as in the second half of the time until now."""

    rows: tuple[tuple[datetime, int], ...]
    line: str
    total: int
    ends_at: datetime | None = None
    width: int = WIDTH
    height: int = HEIGHT


def burndown(found: Campaign, targets: TargetQuerySet, total: int) -> Burndown | None:
    if found.started_at is None or not total:
        return None
    end = found.finished_at or timezone.now()
    times = targets.finish_times()
    step = max(end - found.started_at, timedelta(seconds=1)) / POINTS
    moments = [found.started_at + step * place for place in range(POINTS)] + [end]
    rows = tuple((m, total - sum(time <= m for time in times)) for m in moments)
    points = (
        f"{WIDTH * place / POINTS:.0f},{HEIGHT - HEIGHT * left / total:.0f}"
        for place, (_, left) in enumerate(rows)
    )
    ends_at = None if found.is_over else forecast(times, total, found.started_at, end)
    return Burndown(rows, " ".join(points), total, ends_at)


def forecast(times: list[datetime], total: int, start: datetime, now: datetime) -> datetime | None:
    """None while nothing was finished lately, or when it would take more than ten years."""
    half = (now - start) / 2
    lately = sum(time > now - half for time in times)
    left = total - len(times)
    if not lately or not left:
        return None
    wait = half / lately * left
    return now + wait if wait < timedelta(days=3_650) else None


# -- one target ---------------------------------------------------------------------------------
def files(target: Target) -> list[dict[str, Any]]:
    """Each changed file with its diff."""
    before, after = _load(target.before), _load(target.after)
    return [
        {"path": path, "kind": _kind(before.get(path), after.get(path)),
         "lines": diffs.lines(before.get(path), after.get(path))}
        for path in sorted(target.after)
    ]  # fmt: skip


def differences(changes: diffs.Changes) -> list[dict[str, Any]]:
    """The same for files that are at hand."""
    return [
        {"path": path, "kind": _kind(*sides), "lines": diffs.lines(*sides)}
        for path, sides in sorted(changes.items())
    ]


def _load(stored: Mapping[str, Any]) -> dict[str, File]:
    return load_tree({path: value for path, value in stored.items() if value})


def _kind(before: File | None, after: File | None) -> str:
    if before is None:
        return "added"
    return "changed" if after else "deleted"


def conflicts(target: Target) -> list[dict[str, Any]]:
    """Each finding with what the three sides have: as it was made, here, and in the new release."""
    found = []
    for finding in target.findings:
        sides = _load(finding["sides"])
        named = [("As it was made", "base"), ("In this repository", "ours"),
                 ("In the new release", "theirs")]  # fmt: skip
        shown = [(title, _text(sides.get(side))) for title, side in named]
        base, theirs = sides.get("base"), sides.get("theirs")
        found.append(finding | {"shown": shown, "change": diffs.lines(base, theirs)})
    return found


def _text(file: File | None) -> str | None:
    if file is None:
        return None
    if is_binary(file.content):
        return f"(a binary file of {len(file.content):,} bytes)"
    return file.content.decode(errors="replace")


def is_postponable(target: Target) -> bool:
    return not target.campaign.is_over and target.state in POSTPONABLE


def may_be_planned_again(target: Target) -> bool:
    states = Target.STUCK | Target.READY | {State.DRIFTED}
    return target.state in states and target.merge_request_iid is None
