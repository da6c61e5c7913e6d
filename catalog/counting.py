"""Answers kept in memory for as long as no entity changes: counts, facets, pages."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar

from accounts.models import User
from catalog.models import Entity

SIZE = 5_000
BYTES = 64 * 2**20
Value = TypeVar("Value")


class Kept:
    """The last answers, each under a key that names the catalogue's revision."""

    def __init__(self, size: int = SIZE, limit: int = BYTES) -> None:
        self._size, self._limit, self._bytes = size, limit, 0
        self._values: OrderedDict[Hashable, object] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]  # type: ignore[return-value]
        value = make()
        if _size(value) < self._limit // 10:
            self._keep(key, value)
        return value

    def _keep(self, key: Hashable, value: object) -> None:
        with self._lock:
            self._bytes += _size(value) - _size(self._values.pop(key, None))
            self._values[key] = value
            while len(self._values) > self._size or self._bytes > self._limit:
                _, old = self._values.popitem(last=False)
                self._bytes -= _size(old)


def _size(value: object) -> int:
    return len(value) if isinstance(value, (str, bytes)) else 0


kept = Kept()


def audience(user: User, revision: int) -> object:
    """Equal for all who see the very same entities, so that answers are shared by them."""
    if user.sees_everything:
        return "everything"
    owners = kept.get((revision, "owners"), Entity.objects.private_owners)
    return owners & (user.group_refs | {user.entity_ref or ""})
