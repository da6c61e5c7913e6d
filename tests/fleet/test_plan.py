"""The planner: properties for any fleet, and a simulated roll-out to 10,000 repositories."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.plan import (
    Freeze,
    Item,
    Phase,
    PlanError,
    Rules,
    WaveSpec,
    Window,
    current_wave,
    next_turn,
    parse_freezes,
    parse_waves,
    parse_windows,
    shut,
    split,
    too_red,
)

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)  # a Wednesday
ALWAYS = Window(frozenset(range(7)), time(0), time(23, 59))
items = st.builds(
    Item,
    key=st.integers(),
    group=st.sampled_from("abc"),
    wave=st.integers(0, 3),
    phase=st.sampled_from(Phase),
    opened_at=st.none() | st.integers(0, 180).map(lambda minutes: NOW - timedelta(minutes=minutes)),
    red_before=st.booleans(),
)  # fmt: skip
fleets = st.lists(items, max_size=40, unique_by=lambda item: item.key)
specs = st.lists(
    st.one_of(
        st.builds(WaveSpec, st.just("n"), count=st.integers(1, 50)),
        st.builds(WaveSpec, st.just("p"), percent=st.integers(1, 100)),
    ),
    min_size=1,
    max_size=5,
)


# -- waves --------------------------------------------------------------------------------------
@given(st.lists(st.integers(), unique=True), specs)
def test_every_target_is_in_exactly_one_wave_and_in_order(targets, specs):
    slices = split(targets, specs)
    assert [target for part in slices for target in part] == targets
    assert len(slices) == len(specs)


def test_waves_as_people_write_them():
    assert parse_waves("2, 10 %, rest") == (
        WaveSpec("Canary", count=2), WaveSpec("Wave 2", percent=10), WaveSpec("Wave 3"),
    )  # fmt: skip
    assert parse_waves("5") == (WaveSpec("Canary", count=5), WaveSpec("Wave 2"))
    assert [len(s) for s in split(range(100), parse_waves("2, 10%, rest"))] == [2, 10, 88]


@pytest.mark.parametrize("text", ["", "0", "two", "101 %", "rest, 2", "2,,3", "-1"])
def test_what_is_no_wave_is_said_in_a_sentence(text: str):
    with pytest.raises(PlanError, match=r"\.$"):
        parse_waves(text)


# -- times --------------------------------------------------------------------------------------
@given(st.integers(0, 500_000))
def test_a_freeze_wins_over_any_window(minutes):
    now = NOW + timedelta(minutes=minutes)
    freeze = Freeze(now - timedelta(minutes=1), now + timedelta(minutes=1), "year's end")
    assert "year's end" in shut(now, [ALWAYS], [freeze])
    fleet = [Item(1, "a", 0, Phase.READY)]
    assert not next_turn(fleet, Rules(windows=(ALWAYS,), freezes=(freeze,)), now).keys


def test_windows_as_people_write_them():
    (office,) = parse_windows("Mon-Fri 9:00-17:00\n\n")
    assert office.holds(NOW)
    assert not office.holds(NOW.replace(hour=17))
    assert not office.holds(NOW + timedelta(days=3))
    (night,) = parse_windows("fri 22:00-04:00")
    friday = datetime(2026, 3, 6, 23, 0, tzinfo=UTC)
    assert night.holds(friday)
    assert night.holds(friday + timedelta(hours=4))
    assert not night.holds(friday - timedelta(days=1))
    assert not night.holds(friday + timedelta(hours=6))
    (over,) = parse_windows("Sat-Mon 00:00-23:00")
    assert over.days == {5, 6, 0}
    assert shut(NOW, [night], []) == "Outside the windows"


def test_freezes_as_people_write_them():
    (freeze,) = parse_freezes("2026-12-20 to 2027-01-04 9:30 year's end", UTC)
    assert freeze.start == datetime(2026, 12, 20, tzinfo=UTC)
    assert freeze.end == datetime(2027, 1, 4, 9, 30, tzinfo=UTC)
    assert freeze.holds(freeze.start)
    assert not freeze.holds(freeze.end)


@pytest.mark.parametrize(
    "text", ["2026-12-20", "2026-13-01 to 2027-01-01", "2027-01-02 to 2027-01-01", "always"]
)
def test_what_is_no_freeze_is_said(text: str):
    with pytest.raises(PlanError):
        parse_freezes(text, UTC)


@pytest.mark.parametrize("text", ["Mo 9:00-10:00", "Mon 25:00-26:00", "Mon-Fri", "daily 9-5"])
def test_what_is_no_window_is_said(text: str):
    with pytest.raises(PlanError):
        parse_windows(text)


# -- whose turn ---------------------------------------------------------------------------------
@given(fleets, st.integers(0, 20), st.integers(0, 5), st.integers(0, 100), st.integers(0, 100))
def test_nothing_goes_out_before_its_turn_or_faster_than_allowed(
    fleet, per_hour, per_group, proceed, stop
):
    turn = next_turn(fleet, Rules(per_hour, per_group, proceed, stop), NOW)
    chosen = [item for item in fleet if item.key in turn.keys]
    assert len(chosen) == len(set(turn.keys))
    assert all(item.phase is Phase.READY for item in chosen)
    assert all(item.wave <= current_wave(fleet, proceed) for item in chosen)
    recent = Counter(
        i.group for i in fleet if i.opened_at and NOW - i.opened_at < timedelta(hours=1)
    )
    if per_hour and chosen:
        assert recent.total() + len(chosen) <= per_hour
    if per_group:
        for group, count in Counter(item.group for item in chosen).items():
            assert recent[group] + count <= per_group
    assert not (turn.stop and turn.keys)


@given(fleets)
def test_what_was_red_before_never_stops_anything(fleet):
    assert not too_red([replace(item, red_before=True) for item in fleet], 0)


def test_the_stop_rule_is_a_threshold():
    fleet = [Item(n, "a", 0, Phase.GREEN) for n in range(9)] + [Item(9, "a", 0, Phase.RED)]
    assert not too_red(fleet, 10)
    assert (
        too_red([*fleet, Item(10, "a", 0, Phase.RED)], 10)
        == "2 of 11 pipelines are red, more than 10 %"
    )


def test_a_wave_begins_when_enough_of_the_one_before_is_finished():
    fleet = [Item(n, "a", 0, Phase.DONE) for n in range(3)] + [Item(3, "a", 0, Phase.OUT)]
    fleet += [Item(4, "a", 1, Phase.READY)]
    assert next_turn(fleet, Rules(proceed_percent=100), NOW).keys == ()
    assert "Wave 1" in next_turn(fleet, Rules(proceed_percent=100), NOW).reason
    assert next_turn(fleet, Rules(proceed_percent=75), NOW).keys == (4,)


def test_what_is_held_does_not_hold_up_its_wave():
    fleet = [Item(0, "a", 0, Phase.HELD), Item(1, "a", 1, Phase.READY)]
    assert next_turn(fleet, Rules(), NOW).keys == (1,)


def test_ten_thousand_repositories_roll_out_in_order_and_at_the_pace():
    """Ticks of twenty minutes; a merge request is merged two hours after it was opened."""
    waves = split(range(10_000), parse_waves("20, 5 %, 20 %, rest"))
    fleet = {
        key: Item(key, f"g{key % 50}", wave, Phase.READY)
        for wave, keys in enumerate(waves)
        for key in keys
    }
    rules = Rules(
        per_hour=300, per_group=20, proceed_percent=90, stop_percent=10,
        windows=parse_windows("Mon-Fri 08:00-18:00"),
        freezes=parse_freezes("2026-03-06 to 2026-03-07", UTC),
    )  # fmt: skip
    now, opened = NOW, dict[int, datetime]()
    for _ in range(3 * 24 * 14):
        for key, item in fleet.items():
            if (
                item.phase is Phase.OUT
                and item.opened_at
                and now - item.opened_at >= timedelta(hours=2)
            ):
                fleet[key] = replace(item, phase=Phase.DONE)
        for key in next_turn(list(fleet.values()), rules, now).keys:
            fleet[key] = replace(fleet[key], phase=Phase.OUT, opened_at=now)
            opened[key] = now
        if len(opened) == 10_000:
            break
        now += timedelta(minutes=20)
    assert len(opened) == 10_000
    hours = Counter(moment.replace(minute=0) for moment in opened.values())
    assert max(hours.values()) <= 600  # a clock hour touches two hours of the pace
    assert all(8 <= m.hour < 18 and m.weekday() < 5 and m.day != 6 for m in opened.values())
    for before, after in pairwise(waves):
        assert min(opened[key] for key in after) >= min(opened[key] for key in before) + timedelta(
            hours=2
        )
    moments = sorted(opened.values())
    assert all(later - moments[n] >= timedelta(hours=1) for n, later in enumerate(moments[300:]))
