"""When which target's turn is: waves, windows, freezes, pace and the stop rule. Pure: the time is
passed in, and nothing is remembered but what the items say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum
from math import ceil
from typing import TypeVar

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOUR = timedelta(hours=1)
T = TypeVar("T")


class PlanError(ValueError):
    """What somebody wrote about waves or times cannot be read; the text is a sentence."""


# -- waves --------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class WaveSpec:
    """A slice: a number of targets, a percentage of all, or (neither) everything left."""

    name: str
    count: int | None = None
    percent: float | None = None


def parse_waves(text: str) -> tuple[WaveSpec, ...]:
    """“2, 10 %, rest” in order; the first is the canary. The last always takes what is left."""
    specs: list[WaveSpec] = []
    for place, part in enumerate(part.strip() for part in text.split(",")):
        name = "Canary" if place == 0 else f"Wave {place + 1}"
        found = re.fullmatch(r"(\d{1,6})(\s*%)?|rest", part.lower())
        if not found or found[1] == "0":
            raise PlanError(f"“{part}” is no wave: write a number, a percentage or “rest”.")
        if found[2] and int(found[1]) > 100:
            raise PlanError(f"“{part}” is more than all.")
        if specs and specs[-1] == WaveSpec(specs[-1].name):
            raise PlanError("“rest” takes everything that is left, so it comes last.")
        number = int(found[1]) if found[1] else None
        specs.append(WaveSpec(name, percent=number) if found[2] else WaveSpec(name, count=number))
    if specs[-1] != WaveSpec(specs[-1].name):
        specs.append(WaveSpec(f"Wave {len(specs) + 1}"))
    return tuple(specs)


def split(targets: Sequence[T], specs: Sequence[WaveSpec]) -> list[tuple[T, ...]]:
    """The targets in their order, a slice for each wave; every target is in exactly one."""
    slices, start = [], 0
    for place, spec in enumerate(specs):
        size = len(targets)
        if place < len(specs) - 1 and spec.count is not None:
            size = spec.count
        elif place < len(specs) - 1 and spec.percent is not None:
            size = ceil(len(targets) * spec.percent / 100)
        slices.append(tuple(targets[start : start + size]))
        start = min(start + size, len(targets))
    return slices


# -- times --------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Window:
    """Days of the week (0 is Monday) and hours; `end` before `start` goes over midnight."""

    days: frozenset[int]
    start: time
    end: time

    def holds(self, now: datetime) -> bool:
        clock = now.time()
        if self.start < self.end:
            return now.weekday() in self.days and self.start <= clock < self.end
        yesterday = (now.weekday() - 1) % 7
        late = now.weekday() in self.days and clock >= self.start
        return late or (yesterday in self.days and clock < self.end)


@dataclass(frozen=True, slots=True)
class Freeze:
    """A time in which nothing goes out, whatever the windows say."""

    start: datetime
    end: datetime
    reason: str = ""

    def holds(self, now: datetime) -> bool:
        return self.start <= now < self.end


_WINDOW = re.compile(r"([a-z]{3})(?:\s*-\s*([a-z]{3}))?\s+(\d\d?:\d\d)\s*-\s*(\d\d?:\d\d)")
_MOMENT = r"(\d{4}-\d\d-\d\d(?: \d\d?:\d\d)?)"
_FREEZE = re.compile(rf"{_MOMENT}\s+to\s+{_MOMENT}(?:\s+(.*))?")


def parse_windows(text: str) -> tuple[Window, ...]:
    """A line each: “Mon-Fri 09:00-17:00”."""
    return tuple(_window(line.strip()) for line in text.splitlines() if line.strip())


def _window(line: str) -> Window:
    found = _WINDOW.fullmatch(line.lower())
    if not found or found[1] not in DAYS or (found[2] or found[1]) not in DAYS:
        raise PlanError(f"“{line}” is no window: write it as in “Mon-Fri 09:00-17:00”.")
    first, last = DAYS.index(found[1]), DAYS.index(found[2] or found[1])
    days = frozenset((first + step) % 7 for step in range((last - first) % 7 + 1))
    try:
        return Window(days, _clock(found[3]), _clock(found[4]))
    except ValueError:
        raise PlanError(f"“{line}” has an hour that no clock shows.") from None


def _clock(text: str) -> time:
    hours, minutes = map(int, text.split(":"))
    return time(hours, minutes)


def parse_freezes(text: str, zone: tzinfo) -> tuple[Freeze, ...]:
    """A line each: “2026-12-20 to 2027-01-04 12:00 year's end”."""
    return tuple(_freeze(line.strip(), zone) for line in text.splitlines() if line.strip())


def _freeze(line: str, zone: tzinfo) -> Freeze:
    found = _FREEZE.fullmatch(line)
    try:
        if not found:
            raise ValueError
        start, end = (datetime.fromisoformat(_padded(found[n])) for n in (1, 2))
    except ValueError:
        form = "2026-12-20 to 2027-01-04 12:00 reason"
        raise PlanError(f"“{line}” is no freeze: write it as in “{form}”.") from None
    if end <= start:
        raise PlanError(f"“{line}” ends before it begins.")
    return Freeze(start.replace(tzinfo=zone), end.replace(tzinfo=zone), found[3] or "")


def _padded(moment: str) -> str:
    day, _, clock = moment.partition(" ")
    return f"{day} {clock.zfill(5)}" if clock else day


def shut(now: datetime, windows: Sequence[Window], freezes: Sequence[Freeze]) -> str:
    """Why nothing may go out now; empty when it may. A freeze wins over any window."""
    for freeze in freezes:
        if freeze.holds(now):
            why = f" ({freeze.reason})" if freeze.reason else ""
            return f"Frozen until {freeze.end:%d %b %Y, %H:%M}{why}"
    if windows and not any(window.holds(now) for window in windows):
        return "Outside the windows"
    return ""


# -- whose turn ---------------------------------------------------------------------------------
class Phase(StrEnum):
    """What the planner must know of a target's state."""

    READY = "ready"  # may go out when its turn comes
    HELD = "held"  # not ready, and its wave does not wait for it
    OUT = "out"  # open, no result yet
    GREEN = "green"
    RED = "red"
    MERGED = "merged"
    DONE = "done"  # in another way: closed, or there was nothing to do


@dataclass(frozen=True, slots=True)
class Item:
    """A target as the planner sees it. `red_before`: red on the default branch already."""

    key: int
    group: str
    wave: int
    phase: Phase
    opened_at: datetime | None = None
    red_before: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """How fast and how careful. A pace of 0 is no limit; percentages are 0 to 100."""

    per_hour: int = 0
    per_group: int = 0
    proceed_percent: int = 100  # of the waves before, finished, before the next begins
    stop_percent: int = 100  # more red than this pauses the campaign
    windows: tuple[Window, ...] = ()
    freezes: tuple[Freeze, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """The keys whose turn it is, why there are no more, and whether the stop rule has struck."""

    keys: tuple[int, ...]
    reason: str = ""
    stop: bool = False


def next_turn(items: Sequence[Item], rules: Rules, now: datetime) -> Turn:
    """Whose merge requests go out now."""
    if red := too_red(items, rules.stop_percent):
        return Turn((), red, stop=True)
    if reason := shut(now, rules.windows, rules.freezes):
        return Turn((), reason)
    wave = current_wave(items, rules.proceed_percent)
    ready = [item for item in items if item.phase is Phase.READY and item.wave <= wave]
    keys = _paced(ready, items, rules, now)
    return Turn(keys, _why_no_more(items, ready, keys, wave))


def too_red(items: Iterable[Item], stop_percent: int) -> str:
    """The sentence that says so. Targets whose default branch was red before count nowhere."""
    known = Counter(
        item.phase is Phase.RED
        for item in items
        if not item.red_before and item.phase in (Phase.GREEN, Phase.RED, Phase.MERGED)
    )
    red, total = known[True], known.total()
    if not red or 100 * red <= stop_percent * total:
        return ""
    return f"{red} of {total} pipelines are red, more than {stop_percent} %"


def current_wave(items: Iterable[Item], proceed_percent: int) -> int:
    """The last wave that may go out: enough of each wave before it is finished."""
    totals: Counter[int] = Counter()
    done: Counter[int] = Counter()
    for item in items:
        totals[item.wave] += item.phase is not Phase.HELD
        done[item.wave] += item.phase in (Phase.DONE, Phase.MERGED)
    waves = sorted(totals)
    for wave in waves[:-1]:
        if done[wave] < ceil(totals[wave] * proceed_percent / 100):
            return wave
    return waves[-1] if waves else 0


def _paced(
    ready: Sequence[Item], items: Sequence[Item], rules: Rules, now: datetime
) -> tuple[int, ...]:
    recent = Counter(i.group for i in items if i.opened_at and now - i.opened_at < HOUR)
    left = rules.per_hour - recent.total() if rules.per_hour else len(ready)
    keys: list[int] = []
    for item in sorted(ready, key=lambda item: item.wave):
        if len(keys) >= left:
            break
        if not rules.per_group or recent[item.group] < rules.per_group:
            recent[item.group] += 1
            keys.append(item.key)
    return tuple(keys)


def _why_no_more(
    items: Sequence[Item], ready: Sequence[Item], keys: Sequence[int], wave: int
) -> str:
    if len(keys) < len(ready):
        return "The pace allows no more for now"
    later = any(item.phase is Phase.READY and item.wave > wave for item in items)
    return f"Wave {wave + 1} has to finish before the next begins" if later else ""
