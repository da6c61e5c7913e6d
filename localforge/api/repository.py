"""The repository: trees, blobs, files, archives, comparisons."""

import base64
import hashlib
from typing import Any

from localforge.call import Call
from localforge.errors import bad_request, not_found, param_error
from localforge.git import archives, blame, diffs
from localforge.git.actions import Action
from localforge.git.errors import GitError
from localforge.git.repository import Repo, TreeItem
from localforge.paging import page_items, per_page
from localforge.reply import Reply, as_is, blob, created
from localforge.routing import delete, get, post, put
from localforge.shapes import commits as shapes
from localforge.store.database import Row
from localforge.verbs import commits


def ref_of(call: Call, project: Row, repo: Repo, name: str = "ref") -> str:
    """The commit that a ref parameter names; without one, the default branch's."""
    wanted = call.params.text(name) or project["default_branch"]
    found = repo.resolve(wanted)
    if found is None:
        raise not_found("Tree" if name == "ref" else "Commit")
    return found


def tree(call: Call) -> Reply:
    """GET /projects/:id/repository/tree"""
    project = call.project()
    repo, path = call.repo(project), call.params.text("path").strip("/")
    sha = ref_of(call, project, repo)
    folder = repo.entry(sha, path)
    if folder is None or folder.kind != "tree":
        raise not_found("invalid revision or path")
    items = list(repo.listing(folder.oid, path, recursive=call.params.flag("recursive")))
    if call.params.text("pagination") == "keyset":
        return _keyset(call, items)
    return page_items(call, items, _tree_item)


def _tree_item(item: TreeItem) -> dict[str, Any]:
    return {
        "id": item.oid,
        "name": item.name,
        "type": item.kind,
        "path": item.path,
        "mode": f"{item.mode:06o}",
    }


def _keyset(call: Call, items: list[TreeItem]) -> Reply:
    size, token = per_page(call), call.params.text("page_token")
    start = 0
    if token:
        tokens = [_token(item) for item in items]
        if token not in tokens:
            raise bad_request("page_token is invalid")
        start = tokens.index(token) + 1
    page = items[start : start + size]
    headers = {"x-per-page": str(size)}
    if len(items) > start + size:
        query = "&".join(f"{k}={v}" for k, v in call.query.items() if k != "page_token")
        address = f"{call.base}{call.path}?{query}&page_token={_token(page[-1])}"
        headers["link"] = f'<{address}>; rel="next"'
    return Reply([_tree_item(item) for item in page], headers=headers)


def _token(item: TreeItem) -> str:
    return hashlib.sha1(item.path.encode(), usedforsecurity=False).hexdigest()


def get_blob(call: Call) -> Reply:
    """GET /projects/:id/repository/blobs/:sha and .../raw"""
    repo = call.repo(call.project())
    try:
        data = repo.blob(call.values["sha"])
    except (GitError, ValueError):
        raise not_found("Blob") from None
    if call.path.endswith("/raw"):
        return as_is(data)
    content = base64.b64encode(data).decode()
    shape = {"size": len(data), "encoding": "base64", "content": content, "sha": call.values["sha"]}
    return Reply(shape)


def _file(call: Call, project: Row) -> tuple[Repo, str, TreeItem, bytes]:
    repo = call.repo(project)
    if call.params.get("ref") is None and not call.path.endswith("/raw"):
        raise param_error("ref is missing")
    wanted = call.params.text("ref", "HEAD")
    sha = repo.resolve(project["default_branch"] if wanted == "HEAD" else wanted)
    if sha is None:
        raise not_found("Commit")
    item = repo.entry(sha, call.values["path"])
    if item is None or item.kind != "blob":
        raise not_found("File")
    return repo, sha, item, repo.blob(item.oid)


def _facts(call: Call, repo: Repo, sha: str, item: TreeItem, data: bytes) -> dict[str, Any]:
    return {
        "file_name": item.name,
        "file_path": item.path,
        "size": len(data),
        "encoding": "base64",
        "content_sha256": hashlib.sha256(data).hexdigest(),
        "ref": call.params.text("ref", "HEAD"),
        "blob_id": item.oid,
        "commit_id": sha,
        "last_commit_id": blame.last_commit(repo, sha, item.path),
        "execute_filemode": item.mode == 0o100755,
    }


def _fact_headers(facts: dict[str, Any]) -> dict[str, str]:
    return {
        "x-gitlab-" + name.replace("_", "-"): str(value).lower()
        if value in (True, False)
        else _ascii(value)
        for name, value in facts.items()
    }


def _ascii(value: Any) -> str:
    return str(value).encode("ascii", "backslashreplace").decode().replace("\n", " ")


def get_file(call: Call) -> Reply:
    """GET (and HEAD) /projects/:id/repository/files/:path"""
    project = call.project()
    repo, sha, item, data = _file(call, project)
    facts = _facts(call, repo, sha, item, data)
    content = base64.b64encode(data).decode()
    return Reply({**facts, "content": content}, headers=_fact_headers(facts))


def raw_file(call: Call) -> Reply:
    """GET /projects/:id/repository/files/:path/raw"""
    project = call.project()
    repo, sha, item, data = _file(call, project)
    headers = _fact_headers(_facts(call, repo, sha, item, data))
    return as_is(data, headers)


def blame_file(call: Call) -> list[dict[str, Any]]:
    """GET /projects/:id/repository/files/:path/blame"""
    project = call.project()
    repo, sha, item, _ = _file(call, project)
    parts = blame.blame(repo, sha, item.path)
    return [{"commit": shapes.commit(call, project, c), "lines": lines} for c, lines in parts]


def decode(content: Any, encoding: str) -> bytes:
    """The bytes of a file as they were sent."""
    text = "" if content is None else str(content)
    if encoding != "base64":
        return text.encode("utf-8", "surrogateescape")
    try:
        return base64.b64decode(text, validate=False)
    except ValueError:
        raise bad_request("content is not valid base64") from None


def _change_file(call: Call, kind: str) -> Reply:
    project, params = call.writable(), call.params
    path, branch = call.values["path"], params.need("branch")
    content = None
    if kind != "delete":
        if params.get("content") is None:
            raise param_error("content is missing")
        content = decode(params["content"], params.text("encoding"))
    executable = params.flag("execute_filemode") if "execute_filemode" in params else None
    action = Action(kind, path, content, None, params.text("last_commit_id") or None, executable)
    commits.commit(
        call, project,
        commits.Wanted(
            branch, params.need("commit_message"), [action], params.text("start_branch") or None,
            author_name=params.text("author_name"), author_email=params.text("author_email"),
        ),
    )  # fmt: skip
    return created({"file_path": path, "branch": branch})


def create_file(call: Call) -> Reply:
    """POST /projects/:id/repository/files/:path"""
    return _change_file(call, "create")


def update_file(call: Call) -> Reply:
    """PUT /projects/:id/repository/files/:path"""
    reply = _change_file(call, "update")
    reply.status = 200
    return reply


def delete_file(call: Call) -> None:
    """DELETE /projects/:id/repository/files/:path"""
    _change_file(call, "delete")


def archive(call: Call) -> Reply:
    """GET /projects/:id/repository/archive.:format"""
    project = call.project()
    repo = call.repo(project)
    wanted = call.params.text("sha") or project["default_branch"]
    sha = repo.resolve(wanted)
    if sha is None:
        raise not_found("File")
    ending = call.path.rsplit("/archive", 1)[1].lstrip(".") or "tar.gz"
    path = call.params.text("path").strip("/")
    name = f"{project['path']}-{wanted.replace('/', '-')}-{sha}"
    data, media_type = archives.build(repo, sha, ending, name, path)
    disposition = f'attachment; filename="{_ascii(name)}.{ending}"'
    return blob(data, media_type, {"content-disposition": disposition})


def compare(call: Call) -> dict[str, Any]:
    """GET /projects/:id/repository/compare"""
    project = call.project()
    repo = call.repo(project)
    old = repo.resolve(call.params.need("from"))
    new = repo.resolve(call.params.need("to"))
    if old is None or new is None:
        raise not_found("Ref")
    base = old if call.params.flag("straight") else repo.merge_base(old, new)
    found = list(reversed(repo.between(old, new)))
    newest = shapes.commit(call, project, found[-1]) if found else None
    return {
        "commit": newest,
        "commits": [shapes.commit(call, project, c) for c in found],
        "diffs": [shapes.diff(d) for d in diffs.file_diffs(repo, base, new)],
        "compare_timeout": False,
        "compare_same_ref": old == new,
        "web_url": f"{call.base}/{project['full_path']}/-/compare/{old}...{new}",
    }


def merge_base(call: Call) -> dict[str, Any]:
    """GET /projects/:id/repository/merge_base"""
    project = call.project()
    repo, refs = call.repo(project), call.params.texts("refs")
    if len(refs) < 2:
        raise bad_request("Provide at least 2 refs")
    found = [repo.resolve(ref) for ref in refs]
    if None in found:
        raise bad_request("Could not find ref: " + refs[found.index(None)])
    base = found[0]
    for other in found[1:]:
        base = repo.merge_base(str(base), str(other)) if base else None
    if base is None:
        raise not_found("Merge Base")
    return shapes.commit(call, project, repo.commit(base))


def contributors(call: Call) -> Reply:
    """GET /projects/:id/repository/contributors"""
    project = call.project()
    repo = call.repo(project)
    counted: dict[tuple[str, str], int] = {}
    for commit in repo.walk(ref_of(call, project, repo)):
        key = (commit.author.name, commit.author.email)
        counted[key] = counted.get(key, 0) + 1
    rows = [
        {"name": name, "email": email, "commits": count, "additions": 0, "deletions": 0}
        for (name, email), count in counted.items()
    ]
    return page_items(call, rows)


def snapshot(call: Call) -> Reply:
    """GET /projects/:id/snapshot: the bare repository as a tar file"""
    call.need_admin()
    return blob(archives.snapshot(call.repo(call.project())), "application/x-tar")


_FILES = "/projects/:id/repository/files/*path"
ROUTES = [
    get("/projects/:id/repository/tree", tree),
    get("/projects/:id/repository/blobs/:sha", get_blob),
    get("/projects/:id/repository/blobs/:sha/raw", get_blob),
    get(_FILES, get_file),
    post(_FILES, create_file),
    put(_FILES, update_file),
    delete(_FILES, delete_file),
    get(f"{_FILES}/raw", raw_file),
    get(f"{_FILES}/blame", blame_file),
    get("/projects/:id/repository/compare", compare),
    get("/projects/:id/repository/merge_base", merge_base),
    get("/projects/:id/repository/contributors", contributors),
    get("/projects/:id/snapshot", snapshot),
    get("/projects/:id/repository/archive", archive),
    *(get(f"/projects/:id/repository/archive.{ending}", archive) for ending in archives.FORMATS),
]
