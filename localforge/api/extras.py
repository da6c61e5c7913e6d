"""Integrations, wikis and Pages settings: kept and given back, so that clients find them."""

from typing import Any
from urllib.parse import quote

from localforge import access
from localforge.api.records import Handlers, Kind, routes, scope_of
from localforge.call import Call, Upload
from localforge.errors import bad_request, not_found
from localforge.paging import page_items
from localforge.reply import Reply, created
from localforge.routing import Route, delete, get, patch, post, put
from localforge.store import records
from localforge.store.database import Row
from localforge.verbs import uploads


def _integration(row: Row) -> dict[str, Any]:
    title = row["key"].replace("-", " ").title()
    return {
        "id": row["id"],
        "title": title,
        "slug": row["key"],
        "active": True,
        "properties": row["data"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }


def _scope(call: Call) -> tuple[str, int]:
    return "project", call.project(access.MAINTAINER)["id"]


def list_integrations(call: Call) -> Reply:
    """GET /projects/:id/integrations"""
    return page_items(call, records.every(call.db, "integration", _scope(call)), _integration)


def _the_integration(call: Call) -> Row:
    found = records.find(call.db, "integration", _scope(call), call.values["slug"])
    if found is None:
        raise not_found("Integration")
    return found


def get_integration(call: Call) -> dict[str, Any]:
    """GET /projects/:id/integrations/:slug"""
    return _integration(_the_integration(call))


def set_integration(call: Call) -> dict[str, Any]:
    """PUT /projects/:id/integrations/:slug"""
    sent = {name: value for name, value in call.params.items() if name not in ("id", "slug")}
    return _integration(
        records.put(call.db, "integration", _scope(call), call.values["slug"], sent)
    )


def delete_integration(call: Call) -> None:
    """DELETE /projects/:id/integrations/:slug"""
    records.remove(call.db, _the_integration(call))


_WIKI = Kind(
    "wiki_page", "wikis", ("projects", "groups"),
    {"title": "", "content": "", "format": "markdown", "encoding": "UTF-8"}, ("title", "content"),
    key="slug", write=access.DEVELOPER,
)  # fmt: skip


class Wikis(Handlers):
    """Wiki pages: found by a slug that is made from the title."""

    def create(self, call: Call) -> Reply:
        """POST"""
        call.params["slug"] = call.params.need("title").replace(" ", "-")
        return super().create(call)


def wiki_upload(call: Call) -> Reply:
    """POST .../wikis/attachments"""
    place = "groups" if "/groups/" in call.path else "projects"
    scope, file = scope_of(call, place, access.DEVELOPER), call.params.get("file")
    if not isinstance(file, Upload):
        raise bad_request("file is invalid")
    path = uploads.keep(call, scope[0], scope[1], file).lstrip("/")
    link = {"url": path, "markdown": f"[{file.name}]({path})"}
    return created({"file_name": file.name, "file_path": path, "branch": "main", "link": link})


_PAGES: dict[str, Any] = {
    "is_unique_domain_enabled": True,
    "force_https": False,
    "deployments": [],
    "primary_domain": None,
}


def get_pages(call: Call) -> dict[str, Any]:
    """GET /projects/:id/pages"""
    found = records.find(call.db, "pages", _scope(call), "pages")
    return {"url": call.base, **_PAGES, **(found["data"] if found else {})}


def set_pages(call: Call) -> dict[str, Any]:
    """PATCH /projects/:id/pages"""
    if "pages_unique_domain_enabled" in call.params:
        data = {"is_unique_domain_enabled": call.params.flag("pages_unique_domain_enabled")}
        records.put(call.db, "pages", _scope(call), "pages", data)
    return get_pages(call)


def delete_pages(call: Call) -> None:
    """DELETE /projects/:id/pages"""
    _scope(call)


def all_domains(call: Call) -> Reply:
    """GET /pages/domains"""
    call.need_admin()
    rows = records.every(call.db, "pages_domain")
    return page_items(
        call,
        [{"domain": r["key"], "project_id": r["scope_id"], "url": quote(r["key"])} for r in rows],
    )


def _integrations(word: str) -> list[Route]:
    base = f"/projects/:id/{word}"
    return [
        get(base, list_integrations),
        get(f"{base}/:slug", get_integration),
        put(f"{base}/:slug", set_integration),
        delete(f"{base}/:slug", delete_integration),
    ]


ROUTES = [
    *_integrations("integrations"),
    *_integrations("services"),
    *routes(_WIKI, Wikis),
    post("/projects/:id/wikis/attachments", wiki_upload),
    post("/groups/:id/wikis/attachments", wiki_upload),
    get("/projects/:id/pages", get_pages),
    patch("/projects/:id/pages", set_pages),
    delete("/projects/:id/pages", delete_pages),
    get("/pages/domains", all_domains),
]
