"""Branches, tags and what protects them."""

import re
from typing import Any

import pygit2

from localforge import access
from localforge.call import Call
from localforge.errors import bad_request, conflict, message, not_found
from localforge.git.repository import Repo
from localforge.paging import page_items
from localforge.reply import Reply, created
from localforge.routing import delete, get, patch, post, put
from localforge.shapes import commits as shapes
from localforge.store import records
from localforge.store.database import Row
from localforge.verbs import names, people, projects, protection, pushes


def _search(call: Call, found: list[str]) -> list[str]:
    text = call.params.text("search")
    if text.startswith("^"):
        found = [name for name in found if name.startswith(text[1:])]
    elif text.endswith("$"):
        found = [name for name in found if name.endswith(text[:-1])]
    elif text:
        found = [name for name in found if text.lower() in name.lower()]
    pattern = call.params.text("regex")
    if pattern:
        try:
            found = [name for name in found if re.search(pattern, name)]
        except re.error:
            raise bad_request("regex is invalid") from None
    return found


def list_branches(call: Call) -> Reply:
    """GET /projects/:id/repository/branches"""
    project = call.project()
    repo = call.repo(project)
    tips = repo.branches()
    return page_items(
        call, _search(call, list(tips)), lambda name: _branch(call, project, repo, name, tips[name])
    )


def _branch(call: Call, project: Row, repo: Repo, name: str, sha: str) -> dict[str, Any]:
    return shapes.branch(call, project, repo, name, sha, protection.rule_for(call, project, name))


def get_branch(call: Call) -> dict[str, Any]:
    """GET /projects/:id/repository/branches/:branch"""
    project = call.project()
    repo, name = call.repo(project), call.values["branch"]
    sha = repo.branch(name)
    if sha is None:
        raise not_found("Branch")
    return _branch(call, project, repo, name, sha)


def create_branch(call: Call) -> Reply:
    """POST /projects/:id/repository/branches"""
    project = call.writable()
    repo, name = call.repo(project), names.check_branch(call.params.need("branch"))
    if project["empty"] and call.params.text("ref") == project["default_branch"]:
        # As in GitLab: the first branch of an empty project brings a default branch with it.
        projects.first_commit(call, project, projects.readme(project))
    sha = repo.resolve(call.params.need("ref"))
    if repo.branch(name):
        raise bad_request("Branch already exists")
    if sha is None:
        raise bad_request(f"Invalid reference name: {call.params.text('ref')}")
    protection.need_push(call, project, name)
    pushes.move(call, project, [pushes.Update(pushes.HEADS + name, None, sha)])
    return created(_branch(call, project, repo, name, sha))


def delete_branch(call: Call) -> None:
    """DELETE /projects/:id/repository/branches/:branch"""
    project = call.writable()
    name = call.values["branch"]
    sha = call.repo(project).branch(name)
    if sha is None:
        raise not_found("Branch")
    if name == project["default_branch"]:
        raise message(405, "The default branch of a project cannot be deleted.")
    if protection.rule_for(call, project, name):
        raise message(405, "Protected branch can't be removed.")
    pushes.move(call, project, [pushes.Update(pushes.HEADS + name, sha, None)])


def delete_merged(call: Call) -> Reply:
    """DELETE /projects/:id/repository/merged_branches"""
    project = call.writable()
    repo = call.repo(project)
    main = repo.branch(project["default_branch"])
    for name, sha in repo.branches().items():
        if name == project["default_branch"] or protection.rule_for(call, project, name):
            continue
        if main and repo.is_ancestor(sha, main):
            pushes.move(call, project, [pushes.Update(pushes.HEADS + name, sha, None)])
    return Reply({"message": "202 Accepted"}, 202)


def _tag(call: Call, project: Row, repo: Repo, name: str) -> dict[str, Any]:
    target = repo.ref(pushes.TAGS + name)
    sha = repo.resolve(pushes.TAGS + name)
    if target is None or sha is None:
        raise not_found("Tag")
    found = repo.git[target]
    release = records.find(call.db, "release", ("project", project["id"]), name)
    return {
        "name": name,
        "message": found.message.strip() if isinstance(found, pygit2.Tag) else "",
        "target": target,
        "commit": shapes.commit(call, project, repo.commit(sha)),
        "release": release
        and {"tag_name": name, "description": release["data"].get("description", "")},
        "protected": protection.rule_for(call, project, name, "protected_tag") is not None,
        "created_at": None,
    }


def list_tags(call: Call) -> Reply:
    """GET /projects/:id/repository/tags"""
    project = call.project()
    repo = call.repo(project)
    found = _search(call, list(repo.refs(pushes.TAGS)))
    if call.params.text("sort", "desc") == "desc":
        found.reverse()
    return page_items(call, found, lambda name: _tag(call, project, repo, name))


def get_tag(call: Call) -> dict[str, Any]:
    """GET /projects/:id/repository/tags/:tag"""
    project = call.project()
    return _tag(call, project, call.repo(project), call.values["tag"])


def create_tag(call: Call) -> Reply:
    """POST /projects/:id/repository/tags"""
    project = call.writable()
    name, ref = call.params.need("tag_name"), call.params.need("ref")
    make_tag(call, project, name, ref, call.params.text("message"))
    return created(_tag(call, project, call.repo(project), name))


def make_tag(call: Call, project: Row, name: str, ref: str, text: str) -> None:
    """Makes a tag; with a message, an annotated one."""
    repo = call.repo(project)
    if not names.valid_ref(pushes.TAGS + name) or name.startswith("-"):
        raise bad_request("Tag name invalid")
    if repo.ref(pushes.TAGS + name):
        raise bad_request(f"Tag {name} already exists")
    sha = repo.resolve(ref)
    if sha is None:
        raise bad_request(f"Target {ref} is invalid")
    rule = protection.rule_for(call, project, name, "protected_tag")
    if rule and call.project_level(project) < access.MAINTAINER:
        raise message(403, "You are not allowed to create this tag as it is protected.")
    target = sha
    if text:
        sink = repo.sink()
        target = sink.tag(sha, name, people.signature(call.need_user()), text)
        sink.flush()
    pushes.move(call, project, [pushes.Update(pushes.TAGS + name, None, target)])


def delete_tag(call: Call) -> None:
    """DELETE /projects/:id/repository/tags/:tag"""
    project = call.writable()
    name = call.values["tag"]
    target = call.repo(project).ref(pushes.TAGS + name)
    if target is None:
        raise not_found("Tag")
    if protection.rule_for(call, project, name, "protected_tag"):
        call.project(access.MAINTAINER)
    pushes.move(call, project, [pushes.Update(pushes.TAGS + name, target, None)])


def _kind(call: Call) -> str:
    return "protected_tag" if "protected_tags" in call.path else "protected_branch"


def _place(call: Call, level: int) -> tuple[str, int]:
    if "/groups/" in call.path:
        return "group", call.group(access.OWNER)["id"]
    return "project", call.project(level)["id"]


def _rule(row: Row) -> dict[str, Any]:
    return {"id": row["id"], "name": row["key"], **row["data"]}


def list_rules(call: Call) -> Reply:
    """GET .../protected_branches and protected_tags"""
    scope = _place(call, access.REPORTER)
    found = records.every(call.db, _kind(call), scope)
    if scope[0] == "project":
        found += protection.inherited(call, call.project(), _kind(call))
    return page_items(call, found, _rule)


def _the_rule(call: Call, level: int) -> Row:
    scope = _place(call, level)
    found = records.find(call.db, _kind(call), scope, call.values["name"])
    if found is None:
        raise not_found()
    return found


def get_rule(call: Call) -> dict[str, Any]:
    """GET .../protected_branches/:name"""
    return _rule(_the_rule(call, access.REPORTER))


def create_rule(call: Call) -> Reply:
    """POST .../protected_branches and protected_tags"""
    scope = _place(call, access.MAINTAINER)
    name, kind = call.params.need("name"), _kind(call)
    if records.find(call.db, kind, scope, name):
        raise conflict(f"Protected branch '{name}' already exists")
    if kind == "protected_tag":
        level = call.params.integer("create_access_level", access.MAINTAINER)
        data: dict[str, Any] = {"create_access_levels": protection.levels(level)}
    else:
        data = {**protection.new_rule(), **_sent(call)}
    return created(_rule(records.add(call.db, kind, scope, data, name)))


_ALLOWED = {"allowed_to_push": "push_access_levels", "allowed_to_merge": "merge_access_levels"}


def _sent(call: Call) -> dict[str, Any]:
    params = call.params
    data: dict[str, Any] = {}
    for name in ("push_access_level", "merge_access_level"):
        if name in params:
            data[name + "s"] = protection.levels(params.integer(name))
    for name, key in _ALLOWED.items():
        if isinstance(params.get(name), list):
            data[key] = [_entry(number, item) for number, item in enumerate(params[name], 1)]
    for name in ("allow_force_push", "code_owner_approval_required"):
        if name in params:
            data[name] = params.flag(name)
    return data


def _entry(number: int, sent: Any) -> dict[str, Any]:
    level = int(sent.get("access_level") or 40)
    return {
        "id": number,
        "access_level": level,
        "access_level_description": access.level_name(level),
        "user_id": sent.get("user_id"),
        "group_id": sent.get("group_id"),
    }


def update_rule(call: Call) -> dict[str, Any]:
    """PATCH .../protected_branches/:name"""
    row = _the_rule(call, access.MAINTAINER)
    return _rule(records.change(call.db, row, _sent(call)))


def delete_rule(call: Call) -> None:
    """DELETE .../protected_branches/:name"""
    records.remove(call.db, _the_rule(call, access.MAINTAINER))


def protect_branch(call: Call) -> dict[str, Any]:
    """PUT /projects/:id/repository/branches/:branch/protect and unprotect, the old way"""
    project = call.project(access.MAINTAINER)
    repo, name = call.repo(project), call.values["branch"]
    sha = repo.branch(name)
    if sha is None:
        raise not_found("Branch")
    scope = ("project", project["id"])
    if call.path.endswith("/unprotect"):
        found = records.find(call.db, "protected_branch", scope, name)
        if found:
            records.remove(call.db, found)
    else:
        push = 30 if call.params.flag("developers_can_push") else 40
        merge = 30 if call.params.flag("developers_can_merge") else 40
        records.put(call.db, "protected_branch", scope, name, protection.new_rule(push, merge))
    return _branch(call, project, repo, name, sha)


def _rule_routes(place: str, kind: str) -> list[Any]:
    base = f"/{place}/:id/{kind}"
    return [
        get(base, list_rules),
        post(base, create_rule),
        get(f"{base}/*name", get_rule),
        patch(f"{base}/*name", update_rule),
        delete(f"{base}/*name", delete_rule),
    ]


_BRANCHES = "/projects/:id/repository/branches"
_TAGS = "/projects/:id/repository/tags"
ROUTES = [
    get(_BRANCHES, list_branches),
    post(_BRANCHES, create_branch),
    get(f"{_BRANCHES}/*branch", get_branch),
    delete(f"{_BRANCHES}/*branch", delete_branch),
    put(f"{_BRANCHES}/*branch/protect", protect_branch),
    put(f"{_BRANCHES}/*branch/unprotect", protect_branch),
    delete("/projects/:id/repository/merged_branches", delete_merged),
    get(_TAGS, list_tags),
    post(_TAGS, create_tag),
    get(f"{_TAGS}/*tag", get_tag),
    delete(f"{_TAGS}/*tag", delete_tag),
    *_rule_routes("projects", "protected_branches"),
    *_rule_routes("projects", "protected_tags"),
    *_rule_routes("groups", "protected_branches"),
]
