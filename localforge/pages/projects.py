"""Projects: the list, the tree, a file."""

from dataclasses import dataclass
from typing import Any

from localforge import access
from localforge.call import Call
from localforge.errors import ApiError, forbidden, not_found
from localforge.git.repository import Repo, TreeItem
from localforge.pages.render import page, redirect, segments
from localforge.pages.session import sign_in_path
from localforge.reply import Reply, as_is
from localforge.routing import get
from localforge.shapes import commits as commit_shapes
from localforge.shapes import projects as shapes
from localforge.store import namespaces, projects
from localforge.store.database import Query, Row
from localforge.verbs import protection

_PER_PAGE = 30
_LARGEST_SHOWN = 512 * 1024
_READMES = ("README.md", "README.markdown", "README.rst", "README.txt", "README")


def front(call: Call) -> Reply:
    """GET /: the projects that exist for whoever is looking"""
    return _listing(call, Query("projects p", "p.*"), "Projects")


def _listing(call: Call, query: Query, title: str, group: Row | None = None) -> Reply:
    text, number = call.params.text("search"), max(call.params.integer("page", 1), 1)
    access.only_visible_projects(query, call.user)
    if text:
        query.where("p.full_path LIKE ? OR p.description LIKE ?", f"%{text}%", f"%{text}%")
    rows = query.order("p.last_activity_at DESC, p.id DESC").rows(
        call.db, _PER_PAGE + 1, (number - 1) * _PER_PAGE
    )
    return page(
        call, "projects.html", title=title, group=group, search=text, number=number,
        projects=rows[:_PER_PAGE], more=len(rows) > _PER_PAGE,
    )  # fmt: skip


@dataclass
class Place:
    """A project as a page shows it: with its header, tabs and rights."""

    project: Row
    repo: Repo
    level: int
    tab: str

    @property
    def url(self) -> str:
        """The project's own path."""
        return "/" + str(self.project["full_path"])


def place(call: Call, tab: str) -> Place:
    """The project that the path names; strangers are sent to sign in instead of a bare 404."""
    path = call.values["project"]
    found = projects.find_project(call.db, path) if not path.isdecimal() else None
    if found is None:
        found = projects.redirected_project(call.db, path)
        if found and access.can_see_project(call.db, call.user, found):
            rest = call.path[len(segments(path)) + 1 :]
            raise ApiError(301, {}, {"location": f"{call.base}/{found['full_path']}{rest}"})
    if found is None or not access.can_see_project(call.db, call.user, found):
        if call.user is None and call.method in ("GET", "HEAD"):
            raise ApiError(302, {}, {"location": call.base + sign_in_path(call)})
        raise not_found("Project")
    if not access.can_read_code(call.db, call.user, found):
        raise forbidden("guests of a private project do not see its code")
    return Place(found, call.repo(found), call.project_level(found), tab)


def show(call: Call, template: str, where: Place, status: int = 200, **values: Any) -> Reply:
    """A page of a project."""
    count = call.db.value(
        "SELECT count(*) FROM merge_requests WHERE project_id = ? AND state = 'opened'",
        where.project["id"],
    )
    title = shapes.full_name(call, where.project)
    return page(
        call, template, status, place=where, project=where.project, full_name=title,
        open_count=count, **values,
    )  # fmt: skip


def split_ref(where: Place, rest: str) -> tuple[str, str, str]:
    """Ref, commit and path out of the end of an address; the longest ref that exists wins."""
    parts = rest.strip("/").split("/")
    for end in range(len(parts), 0, -1):
        ref = "/".join(parts[:end])
        sha = where.repo.resolve(ref)
        if sha:
            return ref, sha, "/".join(parts[end:])
    raise not_found("Branch")


def anything(call: Call) -> Reply:
    """GET /:full_path: a project, a group or a user"""
    path = call.values["project"]
    group = namespaces.find_namespace(call.db, path) if not path.isdecimal() else None
    if group is not None:
        return _namespace(call, group)
    where = place(call, "files")
    sha = where.repo.branch(where.project["default_branch"])
    if sha is None:
        return show(call, "empty.html", where)
    return _tree(call, where, where.project["default_branch"], sha, "")


def group_page(call: Call) -> Reply:
    """GET /groups/:full_path"""
    found = namespaces.find_namespace(call.db, call.values["group"])
    if found is None:
        raise not_found("Group")
    return _namespace(call, found)


def _namespace(call: Call, group: Row) -> Reply:
    if group["kind"] == "group" and not access.can_see_group(call.db, call.user, group):
        if call.user is None:
            raise ApiError(302, {}, {"location": call.base + sign_in_path(call)})
        raise not_found("Group")
    prefix = group["full_path"] + "/"
    query = Query("projects p", "p.*").where("substr(p.full_path, 1, ?) = ?", len(prefix), prefix)
    return _listing(call, query, group["name"], group)


def tree(call: Call) -> Reply:
    """GET /:project/-/tree/:ref/:path"""
    where = place(call, "files")
    ref, sha, path = split_ref(where, call.values["rest"])
    return _tree(call, where, ref, sha, path)


def _tree(call: Call, where: Place, ref: str, sha: str, path: str) -> Reply:
    folder = where.repo.entry(sha, path)
    if folder is None or folder.kind != "tree":
        raise not_found("Folder")
    items = list(where.repo.listing(folder.oid, path))
    last = commit_shapes.commit(call, where.project, where.repo.commit(sha))
    return show(
        call, "tree.html", where, ref=ref, folder=path, items=items, last=last,
        crumbs=crumbs(path), branches=list(where.repo.branches()), readme=_readme(where, items),
        may_edit=may_edit(call, where, ref),
    )  # fmt: skip


def crumbs(path: str) -> list[tuple[str, str]]:
    """Names and paths of the folders down to a path."""
    parts = path.split("/") if path else []
    return [(name, "/".join(parts[: at + 1])) for at, name in enumerate(parts)]


def may_edit(call: Call, where: Place, ref: str) -> bool:
    """Whether whoever is looking may commit to what they look at."""
    return (
        where.level >= access.DEVELOPER
        and not where.project["archived"]
        and where.repo.branch(ref) is not None
        and protection.can_push(call, where.project, ref)
    )


def _readme(where: Place, items: list[TreeItem]) -> dict[str, Any] | None:
    by_name = {item.name: item for item in items if item.kind == "blob"}
    for name in _READMES:
        if name in by_name:
            text = where.repo.blob(by_name[name].oid)[:_LARGEST_SHOWN].decode("utf-8", "replace")
            return {"name": name, "text": text, "markdown": name.endswith((".md", ".markdown"))}
    return None


def the_file(call: Call, where: Place) -> tuple[str, str, TreeItem]:
    """Ref, commit and file that the address names."""
    ref, sha, path = split_ref(where, call.values["rest"])
    item = where.repo.entry(sha, path)
    if item is None or item.kind != "blob":
        raise not_found("File")
    return ref, sha, item


def file_page(call: Call) -> Reply:
    """GET /:project/-/blob/:ref/:path"""
    where = place(call, "files")
    ref, _, item = the_file(call, where)
    data = where.repo.blob(item.oid)
    binary = b"\0" in data[:8000]
    shown = not binary and len(data) <= _LARGEST_SHOWN
    text = data.decode("utf-8", "replace") if shown else ""
    return show(
        call, "file.html", where, ref=ref, item=item, size=len(data), binary=binary, shown=shown,
        lines=text.splitlines(), crumbs=crumbs(item.path), may_edit=may_edit(call, where, ref),
    )  # fmt: skip


def raw(call: Call) -> Reply:
    """GET /:project/-/raw/:ref/:path: always as plain text or a download, never as a page"""
    where = place(call, "files")
    _, _, item = the_file(call, where)
    data = where.repo.blob(item.oid)
    return as_is(data, {"content-security-policy": "default-src 'none'; sandbox"})


def switch(call: Call) -> Reply:
    """GET /:project/-/go: the branch switcher, without a script"""
    where = place(call, "files")
    kind = call.params.choice("to", ("tree", "commits"), "tree")
    return redirect(call, f"{where.url}/-/{kind}/{segments(call.params.text('ref', 'HEAD'))}")


ROUTES = [
    get("/", front),
    get("/dashboard/projects", front),
    get("/explore", front),
    get("/groups/*group", group_page),
    get("/*project", anything),
    get("/*project/-/tree/*rest", tree),
    get("/*project/-/blob/*rest", file_page),
    get("/*project/-/raw/*rest", raw),
    get("/*project/-/go", switch),
]
