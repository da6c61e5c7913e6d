"""Topics, releases and search."""

import json
from typing import Any

from localforge import access
from localforge.api.branches import make_tag
from localforge.call import Call, Upload
from localforge.errors import bad_request, conflict, forbidden, message, not_found, param_error
from localforge.paging import page_items, page_rows
from localforge.reply import Reply, created
from localforge.routing import delete, get, post, put
from localforge.shapes import commits as commit_shapes
from localforge.shapes import issues as issue_shapes
from localforge.shapes import merge_requests as merge_request_shapes
from localforge.shapes import projects as project_shapes
from localforge.shapes import users as user_shapes
from localforge.store import projects, records
from localforge.store.database import Query, Row
from localforge.verbs import pushes, uploads


def _topic(call: Call, row: Row) -> dict[str, Any]:
    count = call.db.value(
        "SELECT count(*) FROM projects WHERE EXISTS"
        " (SELECT 1 FROM json_each(topics) WHERE value = ?)", row["key"],
    )  # fmt: skip
    avatar = row["data"].get("avatar")
    return {
        "id": row["id"],
        "name": row["key"],
        "title": row["data"].get("title") or row["key"],
        "description": row["data"].get("description"),
        "total_projects_count": count,
        "organization_id": 1,
        "avatar_url": f"{call.base}{avatar}" if avatar else None,
    }


def list_topics(call: Call) -> Reply:
    """GET /topics: those that were defined and those that projects use"""
    text = call.params.text("search").lower()
    rows = [r for r in records.every(call.db, "topic") if text in r["key"].lower()]
    return page_items(call, rows, lambda row: _topic(call, row))


def _the_topic(call: Call) -> Row:
    found = records.by_id(call.db, "topic", call.number("topic_id"))
    if found is None:
        raise not_found("Topic")
    return found


def get_topic(call: Call) -> dict[str, Any]:
    """GET /topics/:topic_id"""
    return _topic(call, _the_topic(call))


def create_topic(call: Call) -> Reply:
    """POST /topics"""
    call.need_admin()
    name = call.params.need("name")
    if records.find(call.db, "topic", records.INSTANCE, name):
        raise bad_request({"name": ["has already been taken"]})
    row = records.add(call.db, "topic", records.INSTANCE, _sent(call), name)
    return created(_topic(call, row))


def _sent(call: Call) -> dict[str, Any]:
    data = call.params.only(("title", "description"))
    avatar = call.params.get("avatar")
    if isinstance(avatar, Upload):
        data["avatar"] = uploads.keep(call, "topic", 0, avatar)
    elif avatar == "":
        data["avatar"] = None
    return data


def update_topic(call: Call) -> dict[str, Any]:
    """PUT /topics/:topic_id"""
    call.need_admin()
    row, name = _the_topic(call), call.params.text("name")
    return _topic(call, records.change(call.db, row, _sent(call), name or None))


def delete_topic(call: Call) -> None:
    """DELETE /topics/:topic_id"""
    call.need_admin()
    records.remove(call.db, _the_topic(call))


def merge_topics(call: Call) -> Reply:
    """POST /topics/merge"""
    call.need_admin()
    found = [
        records.by_id(call.db, "topic", call.params.integer(f"{side}_topic_id"))
        for side in ("source", "target")
    ]
    source, target = found
    if source is None or target is None or source["id"] == target["id"]:
        raise bad_request("The source topic and the target topic are identical or missing")
    for row in call.db.all("SELECT id, topics FROM projects"):
        topics = json.loads(row["topics"])
        if source["key"] in topics:
            now = [target["key"] if name == source["key"] else name for name in topics]
            call.db.update("projects", row["id"], topics=list(dict.fromkeys(now)))
    records.remove(call.db, source)
    return created(_topic(call, target))


def _release(call: Call, project: Row, row: Row) -> dict[str, Any]:
    repo, data = call.repo(project), row["data"]
    sha = repo.resolve(pushes.TAGS + row["key"])
    links = [
        {"id": n, "link_type": "other", **link} for n, link in enumerate(data.get("links", []), 1)
    ]
    return {
        "tag_name": row["key"],
        "name": data.get("name") or row["key"],
        "description": data.get("description"),
        "created_at": row["created_at"],
        "released_at": data.get("released_at") or row["created_at"],
        "upcoming_release": False,
        "author": user_shapes.by_id(call, data.get("author_id")),
        "commit": commit_shapes.commit(call, project, repo.commit(sha)) if sha else None,
        "commit_path": f"/{project['full_path']}/-/commit/{sha}",
        "tag_path": f"/{project['full_path']}/-/tags/{row['key']}",
        "assets": {"count": len(links), "sources": [], "links": links},
        "evidences": [],
        "milestones": [],
        "_links": {"self": f"{call.base}/{project['full_path']}/-/releases/{row['key']}"},
    }


def list_releases(call: Call) -> Reply:
    """GET /projects/:id/releases"""
    project = call.project()
    rows = records.every(call.db, "release", ("project", project["id"]))
    return page_items(call, rows[::-1], lambda row: _release(call, project, row))


def _the_release(call: Call, level: int = access.NONE) -> tuple[Row, Row]:
    project = call.project(level)
    row = records.find(call.db, "release", ("project", project["id"]), call.values["tag"])
    if row is None:
        raise not_found()
    return project, row


def get_release(call: Call) -> dict[str, Any]:
    """GET /projects/:id/releases/:tag"""
    return _release(call, *_the_release(call))


def create_release(call: Call) -> Reply:
    """POST /projects/:id/releases; the tag is made if there is none"""
    project, params = call.writable(), call.params
    tag, scope = params.need("tag_name"), ("project", project["id"])
    if records.find(call.db, "release", scope, tag):
        raise conflict("Release already exists")
    if call.repo(project).ref(pushes.TAGS + tag) is None:
        if not params.get("ref"):
            raise message(422, "Ref is not specified")
        make_tag(call, project, tag, params.text("ref"), params.text("tag_message"))
    data = params.only(("name", "description", "released_at"))
    assets = params.get("assets")
    links = assets.get("links", []) if isinstance(assets, dict) else []
    data |= {"author_id": call.need_user()["id"], "links": links}
    return created(_release(call, project, records.add(call.db, "release", scope, data, tag)))


def update_release(call: Call) -> dict[str, Any]:
    """PUT /projects/:id/releases/:tag"""
    project, row = _the_release(call, access.DEVELOPER)
    sent = call.params.only(("name", "description", "released_at"))
    return _release(call, project, records.change(call.db, row, sent))


def delete_release(call: Call) -> dict[str, Any]:
    """DELETE /projects/:id/releases/:tag; the tag stays"""
    project, row = _the_release(call, access.DEVELOPER)
    shape = _release(call, project, row)
    records.remove(call.db, row)
    return shape


def list_links(call: Call) -> list[dict[str, Any]]:
    """GET /projects/:id/releases/:tag/assets/links"""
    shape = _release(call, *_the_release(call))
    found: list[dict[str, Any]] = shape["assets"]["links"]
    return found


def create_link(call: Call) -> Reply:
    """POST /projects/:id/releases/:tag/assets/links"""
    _, row = _the_release(call, access.DEVELOPER)
    link = {"name": call.params.need("name"), "url": call.params.need("url")}
    links = [*row["data"].get("links", []), link]
    records.change(call.db, row, {"links": links})
    return created({"id": len(links), "link_type": "other", **link})


def search(call: Call) -> Reply:
    """GET /search, /groups/:id/search and /projects/:id/search"""
    call.need_user()
    scope, text = call.params.need("scope"), call.params.need("search")
    finder = _FINDERS.get(scope)
    if finder is None:
        raise param_error("scope does not have a valid value")
    return finder(call, text)


def _within(call: Call, query: Query, level: int = access.GUEST) -> Query:
    access.only_visible_projects(query, call.user, level)
    if "/projects/" in call.path:
        query.where("p.id = ?", call.project()["id"])
    elif "/groups/" in call.path:
        prefix = call.group()["full_path"] + "/"
        query.where("substr(p.full_path, 1, ?) = ?", len(prefix), prefix)
    return query


def _search_projects(call: Call, text: str) -> Reply:
    query = _within(call, Query("projects p", "p.*"))
    query.where("p.name LIKE ? OR p.full_path LIKE ?", f"%{text}%", f"%{text}%").order("p.id")
    return page_rows(call, query, lambda row: project_shapes.simple(call, row))


def _search_users(call: Call, text: str) -> Reply:
    query = Query("users").where("username LIKE ? OR name LIKE ?", f"%{text}%", f"%{text}%")
    return page_rows(call, query.order("id"), lambda row: user_shapes.basic(call, row))


def _search_items(
    call: Call, text: str, table: str, shape: Any, level: int = access.GUEST
) -> Reply:
    query = Query(f"{table} i JOIN projects p ON p.id = i.project_id", "i.*")
    _within(call, query, level)
    query.where("i.title LIKE ? OR i.description LIKE ?", f"%{text}%", f"%{text}%").order("i.id")

    def view(row: Row) -> Any:
        return shape(call, projects.get_project(call.db, row["project_id"]), row)

    return page_rows(call, query, view)


def _search_merge_requests(call: Call, text: str) -> Reply:
    return _search_items(call, text, "merge_requests", merge_request_shapes.listed, access.REPORTER)


def _search_issues(call: Call, text: str) -> Reply:
    return _search_items(call, text, "issues", issue_shapes.issue)


def _search_blobs(call: Call, text: str) -> Reply:
    if "/projects/" not in call.path:
        raise bad_request("Scope supported only with advanced search or exact code search")
    project = call.project()
    if not access.can_read_code(call.db, call.user, project):
        raise forbidden()
    repo = call.repo(project)
    ref = call.params.text("ref") or project["default_branch"]
    sha = repo.resolve(ref)
    if sha is None:
        return page_items(call, [])
    return page_items(
        call, [{**hit, "ref": ref, "project_id": project["id"]} for hit in _grep(repo, sha, text)]
    )


def _grep(repo: Any, sha: str, text: str) -> list[dict[str, Any]]:
    found, wanted = [], text.lower()
    root = repo.entry(sha, "")
    for item in repo.listing(root.oid, "", recursive=True):
        if item.kind != "blob":
            continue
        lines = repo.blob(item.oid)[:200_000].decode("utf-8", "replace").split("\n")
        number = next((n for n, line in enumerate(lines, 1) if wanted in line.lower()), 0)
        if number or wanted in item.path.lower():
            start = max(number - 2, 0)
            found.append({"basename": item.path.rsplit(".", 1)[0], "path": item.path,
                          "filename": item.path, "id": None, "startline": start + 1,
                          "data": "\n".join(lines[start : start + 4])})  # fmt: skip
    return found


_FINDERS = {
    "projects": _search_projects,
    "users": _search_users,
    "merge_requests": _search_merge_requests,
    "issues": _search_issues,
    "blobs": _search_blobs,
}
_RELEASES = "/projects/:id/releases"
ROUTES = [
    get("/topics", list_topics),
    post("/topics", create_topic),
    post("/topics/merge", merge_topics),
    get("/topics/:topic_id", get_topic),
    put("/topics/:topic_id", update_topic),
    delete("/topics/:topic_id", delete_topic),
    get(_RELEASES, list_releases),
    post(_RELEASES, create_release),
    get(f"{_RELEASES}/*tag", get_release),
    put(f"{_RELEASES}/*tag", update_release),
    delete(f"{_RELEASES}/*tag", delete_release),
    get(f"{_RELEASES}/:tag/assets/links", list_links),
    post(f"{_RELEASES}/:tag/assets/links", create_link),
    get("/search", search),
    get("/groups/:id/search", search),
    get("/projects/:id/search", search),
]
