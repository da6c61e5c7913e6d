"""Time as the API writes it: UTC with milliseconds and a Z, which also sorts as text."""

from datetime import UTC, datetime, timedelta, timezone


def now() -> str:
    """The present moment."""
    return stamp(datetime.now(UTC))


def later(seconds: float) -> str:
    """A moment in the future (or, negative, in the past)."""
    return stamp(datetime.now(UTC) + timedelta(seconds=seconds))


def stamp(moment: datetime) -> str:
    """A moment as text."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def today() -> str:
    """The present day, YYYY-MM-DD."""
    return datetime.now(UTC).date().isoformat()


def commit_time(seconds: int, offset_minutes: int) -> str:
    """A commit's own time with its own offset."""
    moment = datetime.fromtimestamp(seconds, timezone(timedelta(minutes=offset_minutes)))
    return moment.isoformat(timespec="milliseconds")


def http_time(seconds: int) -> str:
    """A moment as HTTP headers write it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
