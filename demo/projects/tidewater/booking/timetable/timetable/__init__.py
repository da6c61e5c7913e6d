"""Departures, kept in memory and corrected by sailing events."""

from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True)
class Departure:
    sailing: str
    vessel: str
    planned: datetime
    delay_minutes: int = 0


def apply(departures: dict[str, Departure], event: dict) -> dict[str, Departure]:
    """The departures after one event; events about unknown sailings change nothing."""
    departure = departures.get(event["sailing"])
    if departure is None:
        return departures
    late = replace(departure, delay_minutes=max(0, event["delayMinutes"]))
    return departures | {departure.sailing: late}
