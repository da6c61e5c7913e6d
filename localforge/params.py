"""The parameters of a call. Like GitLab, the forge reads query and body alike on every verb, with
Rails' nesting (`labels[]=a`, `actions[][action]=create`), and is relaxed about types."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from localforge import clock
from localforge.errors import missing, param_error

_STEP = re.compile(r"\[([^\]]*)\]")


class Params(dict[str, Any]):
    """All parameters by name, with typed readers."""

    def text(self, name: str, default: str = "") -> str:
        """A text; an explicit null reads as the default."""
        value = self.get(name)
        if value is None:
            return default
        if isinstance(value, dict | list):
            raise param_error(f"{name} is invalid")
        return str(value)

    def need(self, name: str) -> str:
        """A text that has to be there."""
        if self.get(name) is None:
            raise missing(name)
        return self.text(name)

    def integer(self, name: str, default: int = 0) -> int:
        """A whole number."""
        value = self.get(name)
        if value is None or value == "":
            return default
        try:
            return int(value)
        except (TypeError, ValueError):
            raise param_error(f"{name} is invalid") from None

    def moment(self, name: str) -> str:
        """A time of any zone as the forge keeps it; empty if none was sent."""
        text = self.text(name)
        if not text:
            return ""
        try:
            found = datetime.fromisoformat(text.replace(" ", "+"))
        except ValueError:
            raise param_error(f"{name} is invalid") from None
        return clock.stamp(found.astimezone(UTC) if found.tzinfo else found)

    def flag(self, name: str, default: bool = False) -> bool:
        """A yes or no."""
        value = self.get(name)
        return default if value is None or value == "" else truth(value)

    def texts(self, name: str) -> list[str]:
        """A list of texts, sent as a list or comma separated."""
        value = self.get(name)
        if value is None or value == "":
            return []
        items = value if isinstance(value, list) else str(value).split(",")
        return [str(item).strip() for item in items if str(item).strip()]

    def integers(self, name: str) -> list[int]:
        """A list of whole numbers; a single zero or blank means none."""
        try:
            return [number for number in map(int, self.texts(name)) if number]
        except ValueError:
            raise param_error(f"{name} is invalid") from None

    def choice(self, name: str, allowed: Iterable[str], default: str = "") -> str:
        """A text out of a fixed set."""
        value = self.text(name, default)
        if value and value not in allowed:
            raise param_error(f"{name} does not have a valid value")
        return value

    def only(self, names: Iterable[str]) -> dict[str, Any]:
        """The parameters with these names, as sent."""
        return {name: self[name] for name in names if name in self}


def truth(value: Any) -> bool:
    """Whether a value means yes, in JSON or in a form."""
    return value is True or str(value).lower() in {"true", "1", "yes", "on", "t"}


def nest(pairs: Iterable[tuple[str, Any]]) -> Params:
    """Flat form pairs to nested parameters."""
    result = Params()
    for name, value in pairs:
        head, _, rest = name.partition("[")
        _put(result, head, _STEP.findall("[" + rest) if rest else [], value)
    return result


def _put(target: dict[str, Any], key: str, steps: list[str], value: Any) -> None:
    if not steps:
        target[key] = value
    elif steps[0]:
        child = target.setdefault(key, {})
        if isinstance(child, dict):
            _put(child, steps[0], steps[1:], value)
    else:
        child = target.setdefault(key, [])
        if isinstance(child, list):
            _append(child, steps[1:], value)


def _append(items: list[Any], steps: list[str], value: Any) -> None:
    if not steps:
        items.append(value)
        return
    key, rest = steps[0], steps[1:]
    if not items or (not rest and key in items[-1]):
        items.append({})
    _put(items[-1], key, rest, value)
