"""A small web editor: new file, edit file, delete file, each one commit to the branch."""

from urllib.parse import urlsplit

from localforge.call import Call
from localforge.errors import ApiError, forbidden
from localforge.git.actions import Action
from localforge.git.errors import GitError
from localforge.pages import csrf
from localforge.pages.projects import Place, may_edit, place, show, split_ref, the_file
from localforge.pages.render import redirect, segments
from localforge.reply import Reply
from localforge.routing import get, post
from localforge.store.database import Row
from localforge.verbs import commits

_LARGEST_EDITED = 512 * 1024


def _editable(call: Call) -> Place:
    where = place(call, "files")
    if call.user is None:
        path = urlsplit(call.path).path
        raise ApiError(302, {}, {"location": f"{call.base}/users/sign_in?next={path}"})
    return where


def _need_right(call: Call, where: Place, branch: str) -> None:
    empty = where.project["empty"] and branch == where.project["default_branch"]
    if not may_edit(call, where, branch) and not (empty and where.level >= 30):
        raise forbidden(f"you may not commit to {branch}")


def new_form(call: Call) -> Reply:
    """GET /:project/-/new/:ref/:folder"""
    where = _editable(call)
    branch, folder = _branch_and_folder(where, call.values["rest"])
    _need_right(call, where, branch)
    path = f"{folder}/" if folder else ""
    return _form(call, where, {"branch": branch, "path": path, "content": "", "old_path": ""})


def _branch_and_folder(where: Place, rest: str) -> tuple[str, str]:
    if where.project["empty"]:
        return where.project["default_branch"], ""
    branch, _, folder = split_ref(where, rest)
    return branch, folder


def edit_form(call: Call) -> Reply:
    """GET /:project/-/edit/:ref/:path"""
    where = _editable(call)
    branch, sha, item = the_file(call, where)
    _need_right(call, where, branch)
    data = where.repo.blob(item.oid)
    if b"\0" in data or len(data) > _LARGEST_EDITED:
        raise ApiError(
            422, {"message": "This file is too large or not text; use Git to change it."}
        )
    values = {
        "branch": branch, "path": item.path, "old_path": item.path, "last_commit": sha,
        "content": data.decode("utf-8", "surrogateescape"),
    }  # fmt: skip
    return _form(call, where, values)


def _form(call: Call, where: Place, values: Row, problem: str = "", status: int = 200) -> Reply:
    values = {"last_commit": "", "message": "", **values}
    values["content"] = values["content"].encode("utf-8", "replace").decode()
    return show(call, "edit.html", where, status, form=values, problem=problem)


def save(call: Call) -> Reply:
    """POST /:project/-/edit/:ref/:path and new"""
    csrf.check(call)
    where, params = _editable(call), call.params
    names = ("branch", "path", "old_path", "content", "message", "last_commit")
    values = {name: params.text(name) for name in names}
    _need_right(call, where, values["branch"])
    values["path"] = values["path"].strip().strip("/")
    action = _action(where, values)
    verb = "Update" if values["old_path"] else "Add"
    text = values["message"].strip() or f"{verb} {values['path']}"
    wanted = commits.Wanted(values["branch"], text, [action])
    try:
        commits.commit(call, where.project, wanted)
    except GitError as error:
        return _form(call, where, values, str(error), 422)
    target = f"{where.url}/-/blob/{segments(values['branch'])}/{segments(values['path'])}"
    return redirect(call, target)


def _action(where: Place, values: Row) -> Action:
    content = _line_ends(where, values).encode("utf-8", "surrogateescape")
    path, old_path = values["path"], values["old_path"]
    known = values["last_commit"] or None
    if not old_path:
        return Action("create", path, content)
    if path != old_path:
        return Action("move", path, content, old_path, known)
    return Action("update", path, content, None, known)


def _line_ends(where: Place, values: Row) -> str:
    """A browser sends CRLF; the file keeps what it had."""
    text: str = values["content"].replace("\r\n", "\n")
    tip = where.repo.branch(values["branch"])
    before = where.repo.file(tip, values["old_path"]) if tip and values["old_path"] else None
    return text.replace("\n", "\r\n") if before and b"\r\n" in before else text


def delete_form(call: Call) -> Reply:
    """GET /:project/-/delete/:ref/:path"""
    where = _editable(call)
    branch, sha, item = the_file(call, where)
    _need_right(call, where, branch)
    return show(call, "delete.html", where, branch=branch, item=item, last_commit=sha)


def delete(call: Call) -> Reply:
    """POST /:project/-/delete/:ref/:path"""
    csrf.check(call)
    where = _editable(call)
    branch, _, item = the_file(call, where)
    _need_right(call, where, branch)
    known = call.params.text("last_commit") or None
    text = call.params.text("message").strip() or f"Delete {item.path}"
    action = Action("delete", item.path, last_commit_id=known)
    commits.commit(call, where.project, commits.Wanted(branch, text, [action]))
    return redirect(call, f"{where.url}/-/tree/{segments(branch)}")


ROUTES = [
    get("/*project/-/new/*rest", new_form),
    post("/*project/-/new/*rest", save),
    get("/*project/-/edit/*rest", edit_form),
    post("/*project/-/edit/*rest", save),
    get("/*project/-/delete/*rest", delete_form),
    post("/*project/-/delete/*rest", delete),
]
