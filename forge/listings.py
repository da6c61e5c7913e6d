"""A whole listing by numbered pages, complete although the list changes while it is read.

GitLab has keyset pages for few listings. In a numbered one, whatever leaves an early page moves a
row from the next page back onto it, unseen. So each page overlaps the one before: while it begins
at or before the last row that was seen, none was passed over, and otherwise the reader steps back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

LARGEST = 100
Row = dict[str, Any]
Page = Callable[[int, int], tuple[list[Row], bool]]


def whole(page: Page) -> Iterator[Row]:
    """Every row once. `page(number, size)` gives rows by ascending id, and whether more follow.

    It never ends early: where a page cannot be had, `page` raises.
    """
    covered, last = 0, 0
    while True:
        number, size = overlapping(covered)
        rows, more = page(number, size)
        if covered and (not rows or rows[0]["id"] > last):
            covered = max(0, covered - LARGEST)
            continue
        for row in rows:
            if row["id"] > last:
                last = row["id"]
                yield row
        if not more:
            return
        covered = (number - 1) * size + len(rows)


def overlapping(covered: int) -> tuple[int, int]:
    """The number and size of the page that reaches furthest and begins with a covered row."""
    if not covered:
        return 1, LARGEST
    starts = ((size, (covered - 1) // size) for size in range(LARGEST, LARGEST // 2, -1))
    size, before = max(starts, key=lambda found: found[0] * (found[1] + 1))
    return before + 1, size
