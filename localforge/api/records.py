"""One engine for the many small things that a client may make, list, change and delete, and that
mean little to the forge itself. What they are is in `kinds`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from localforge import access
from localforge.call import Call
from localforge.errors import bad_request, not_found
from localforge.paging import page_items
from localforge.params import truth
from localforge.reply import Reply, created
from localforge.routing import Route, delete, get, post, put
from localforge.store import records
from localforge.store.database import Row
from localforge.store.records import Scope

View = Callable[[Call, Row], dict[str, Any]]


@dataclass(frozen=True)
class Kind:
    """A kind of small thing: where it lives, what it holds, who may read and write it."""

    name: str
    path: str
    places: tuple[str, ...] = ("projects",)
    fields: dict[str, Any] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    key: str | None = None
    number: str = "id"
    read: int = access.GUEST
    write: int = access.MAINTAINER
    extra: dict[str, Any] = field(default_factory=dict)


def scope_of(call: Call, place: str, level: int) -> Scope:
    """The project, group, user or instance that the path names, if the caller has the level."""
    if place == "projects":
        return "project", call.project(level)["id"]
    if place == "groups":
        return "group", call.group(level)["id"]
    if place == "users":
        call.need_admin()
        return "user", call.target_user()["id"]
    if place == "user":
        return "user", call.need_user()["id"]
    if level > access.REPORTER:
        call.need_admin()
    call.need_user()
    return records.INSTANCE


def shape(kind: Kind, row: Row) -> dict[str, Any]:
    """A record as JSON."""
    found = {
        kind.number: row["id"],
        **kind.fields,
        **kind.extra,
        **row["data"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }
    found.setdefault("id", row["id"])
    if kind.key:
        found[kind.key] = row["key"]
    return found


class Handlers:
    """The five handlers of one kind in one place."""

    def __init__(self, kind: Kind, place: str) -> None:
        self.kind, self.place = kind, place

    def view(self, call: Call, row: Row) -> dict[str, Any]:
        """The record as the caller sees it."""
        place_id = {"projects": "project_id", "groups": "group_id"}.get(self.place)
        more = {place_id: row["scope_id"]} if place_id else {}
        return {**more, **shape(self.kind, row)}

    def _sent(self, call: Call) -> dict[str, Any]:
        sent = call.params.only(self.kind.fields)
        return {n: _like(self.kind.fields[n], value) for n, value in sent.items()}

    def list(self, call: Call) -> Reply:
        """GET all"""
        scope = scope_of(call, self.place, self.kind.read)
        rows = records.every(call.db, self.kind.name, scope)
        text = call.params.text("search").lower()
        views = [self.view(call, row) for row in rows]
        if text:
            words = ("name", "title", "key")
            views = [v for v in views if text in " ".join(str(v.get(w, "")) for w in words).lower()]
        return page_items(call, views)

    def find(self, call: Call, level: int) -> Row:
        """The record that the path names."""
        scope = scope_of(call, self.place, level)
        ref = call.values["ref"]
        if self.kind.key:
            found = records.find(call.db, self.kind.name, scope, ref)
        else:
            found = records.by_id(call.db, self.kind.name, call.number("ref"))
        if found is None or (found["scope"], found["scope_id"]) != scope:
            raise not_found(self.kind.name.replace("_", " ").title())
        return found

    def get(self, call: Call) -> dict[str, Any]:
        """GET one"""
        return self.view(call, self.find(call, self.kind.read))

    def create(self, call: Call) -> Reply:
        """POST"""
        scope = scope_of(call, self.place, self.kind.write)
        for name in self.kind.required:
            call.params.need(name)
        key = call.params.need(self.kind.key) if self.kind.key else None
        if key is not None and records.find(call.db, self.kind.name, scope, key):
            raise bad_request({self.kind.key: ["has already been taken"]})
        row = records.add(call.db, self.kind.name, scope, self._sent(call), key)
        return created(self.view(call, row))

    def update(self, call: Call) -> dict[str, Any]:
        """PUT"""
        row = self.find(call, self.kind.write)
        new_key = call.params.text(self.kind.key) if self.kind.key else ""
        return self.view(call, records.change(call.db, row, self._sent(call), new_key or None))

    def delete(self, call: Call) -> None:
        """DELETE"""
        records.remove(call.db, self.find(call, self.kind.write))


def _like(default: Any, value: Any) -> Any:
    return truth(value) if isinstance(default, bool) and value is not None else value


def routes(kind: Kind, handlers: type[Handlers] = Handlers) -> list[Route]:
    """The routes of a kind in all its places."""
    found = []
    for place in kind.places:
        one = handlers(kind, place)
        prefix = {"instance": "", "user": "/user"}.get(place, f"/{place}/:id")
        base, ref = f"{prefix}/{kind.path}", "*ref" if kind.key else ":ref"
        found += [
            get(base, one.list),
            post(base, one.create),
            get(f"{base}/{ref}", one.get),
            put(f"{base}/{ref}", one.update),
            delete(f"{base}/{ref}", one.delete),
        ]
    return found
