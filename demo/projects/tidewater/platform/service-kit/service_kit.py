"""JSON logging and health checks."""

import json
from collections.abc import Callable


def line(level: str, message: str, **fields: object) -> str:
    return json.dumps({"level": level, "message": message, **fields}, default=str)


def health(checks: dict[str, Callable[[], bool]]) -> tuple[bool, dict[str, bool]]:
    """Whether all is well, and the result of each check. A check that raises has failed."""
    results = {name: passes(check) for name, check in checks.items()}
    return all(results.values()), results


def passes(check: Callable[[], bool]) -> bool:
    try:
        return bool(check())
    except Exception:
        return False
