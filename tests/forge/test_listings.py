"""Numbered pages of a list that changes while it is read."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from forge.listings import Row, overlapping, whole

MANY = 10_000


class Listing:
    """What a forge would list; `turn` is called before each page, with the number of pages so far."""

    def __init__(self, count: int, turn: Callable[[Listing], None] = lambda _: None) -> None:
        self.ids, self.turn, self.pages = list(range(1, count + 1)), turn, 0

    def page(self, number: int, size: int) -> tuple[list[Row], bool]:
        assert 1 <= size <= 100
        self.turn(self)
        self.pages += 1
        begin = (number - 1) * size
        return [{"id": pk} for pk in self.ids[begin : begin + size]], begin + size < len(self.ids)


def read(listing: Listing) -> list[int]:
    return [row["id"] for row in whole(listing.page)]


def test_ten_thousand_take_few_more_pages_than_they_fill():
    listing = Listing(MANY)
    assert read(listing) == listing.ids
    assert listing.pages <= 115


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 198, 199, 201])
def test_small_lists(count: int):
    assert read(Listing(count)) == list(range(1, count + 1))


def test_a_page_always_overlaps_what_was_seen():
    for covered in range(1, 50_000, 7):
        number, size = overlapping(covered)
        assert (number - 1) * size < covered < number * size


@pytest.mark.parametrize("seed", range(5))
def test_who_stays_is_never_passed_over(seed: int):
    """Between any two pages projects leave, come to the end, and come back into the middle."""
    dice = random.Random(seed)  # noqa: S311  (the same in each run)

    def turn(listing: Listing) -> None:
        for _ in range(dice.randrange(4)):
            listing.ids.remove(dice.choice(listing.ids))
        if dice.random() < 0.5:
            listing.ids.append(MANY + listing.pages)
        if dice.random() < 0.3:
            away = sorted(set(range(1, MANY)) - set(listing.ids))
            listing.ids = sorted([*listing.ids, *away[:1]])

    listing = Listing(MANY, turn)
    left: set[int] = set()
    real, listing.turn = listing.turn, lambda found: None

    def watched(found: Listing) -> None:
        before = set(found.ids)
        real(found)
        left.update(before - set(found.ids))

    listing.turn = watched
    found = read(listing)
    assert len(found) == len(set(found))
    assert set(range(1, MANY + 1)) - left <= set(found)


def test_a_whole_page_that_leaves_is_noticed():
    def turn(listing: Listing) -> None:
        if listing.pages == 3:
            del listing.ids[:250]

    listing = Listing(1000, turn)
    assert set(range(251, 1001)) <= set(read(listing))


def test_a_page_that_cannot_be_had_ends_it_with_the_error():
    def turn(listing: Listing) -> None:
        if listing.pages == 50:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        read(Listing(MANY, turn))
