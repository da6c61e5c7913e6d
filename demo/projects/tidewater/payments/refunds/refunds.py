"""How much of a ticket's price comes back."""

from datetime import timedelta

FULL, HALF = timedelta(days=2), timedelta(hours=1)


def refund(cents: int, before_departure: timedelta, cancelled_by_us: bool = False) -> int:
    if cancelled_by_us or before_departure >= FULL:
        return cents
    return cents // 2 if before_departure >= HALF else 0
