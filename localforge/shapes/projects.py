"""Projects as JSON."""

import json
from typing import Any
from urllib.parse import urlsplit

from localforge import access
from localforge.context import Context
from localforge.shapes import namespaces as namespace_shapes
from localforge.shapes import users as user_shapes
from localforge.store import namespaces, projects
from localforge.store.database import Row

Json = dict[str, Any]

SETTINGS: Json = {
    "container_registry_enabled": True,
    "issues_enabled": True,
    "merge_requests_enabled": True,
    "wiki_enabled": True,
    "jobs_enabled": True,
    "snippets_enabled": True,
    "issues_access_level": "enabled",
    "repository_access_level": "enabled",
    "merge_requests_access_level": "enabled",
    "forking_access_level": "enabled",
    "wiki_access_level": "enabled",
    "builds_access_level": "enabled",
    "snippets_access_level": "enabled",
    "pages_access_level": "private",
    "emails_disabled": False,
    "emails_enabled": True,
    "shared_runners_enabled": True,
    "lfs_enabled": True,
    "ci_default_git_depth": 20,
    "ci_forward_deployment_enabled": True,
    "ci_config_path": "",
    "public_jobs": True,
    "build_timeout": 3600,
    "auto_cancel_pending_pipelines": "enabled",
    "build_git_strategy": "fetch",
    "only_allow_merge_if_pipeline_succeeds": False,
    "allow_merge_on_skipped_pipeline": None,
    "request_access_enabled": True,
    "only_allow_merge_if_all_discussions_are_resolved": False,
    "remove_source_branch_after_merge": True,
    "printing_merge_request_link_enabled": True,
    "merge_method": "merge",
    "squash_option": "default_off",
    "suggestion_commit_message": None,
    "merge_commit_template": None,
    "squash_commit_template": None,
    "issue_branch_template": None,
    "auto_devops_enabled": False,
    "autoclose_referenced_issues": True,
    "keep_latest_artifact": True,
    "resolve_outdated_diff_discussions": False,
    "service_desk_enabled": False,
    "packages_enabled": True,
    "security_and_compliance_access_level": "private",
    "approvals_before_merge": 0,
    "external_authorization_classification_label": "",
    "mirror": False,
}


def host(ctx: Context) -> str:
    """The forge's host name."""
    return urlsplit(ctx.base).hostname or "localhost"


def full_name(ctx: Context, project: Row) -> str:
    """The names of all groups down to the project."""
    namespace = namespaces.get_namespace(ctx.db, project["namespace_id"])
    assert namespace is not None
    return f"{namespace_shapes.full_name(ctx, namespace)} / {project['name']}"


def simple(ctx: Context, project: Row) -> Json:
    """A project with `simple=true`, and the part that every shape of it has."""
    path, namespace = (
        project["full_path"],
        namespaces.get_namespace(ctx.db, project["namespace_id"]),
    )
    assert namespace is not None
    web_url = f"{ctx.base}/{path}"
    topics = json.loads(project["topics"])
    avatar = projects.settings(project).get("avatar")
    return {
        "id": project["id"],
        "description": project["description"] or None,
        "name": project["name"],
        "name_with_namespace": f"{namespace_shapes.full_name(ctx, namespace)} / {project['name']}",
        "path": project["path"],
        "path_with_namespace": path,
        "created_at": project["created_at"],
        "default_branch": project["default_branch"],
        "tag_list": topics,
        "topics": topics,
        "ssh_url_to_repo": f"git@{host(ctx)}:{path}.git",
        "http_url_to_repo": f"{web_url}.git",
        "web_url": web_url,
        "readme_url": _readme_url(project, web_url),
        "forks_count": ctx.db.value(
            "SELECT count(*) FROM projects WHERE forked_from = ?", project["id"]
        ),
        "avatar_url": f"{ctx.base}{avatar}" if avatar else None,
        "star_count": project["star_count"],
        "last_activity_at": project["last_activity_at"],
        "visibility": project["visibility"],
        "namespace": namespace_shapes.namespace(ctx, namespace),
    }


def _readme_url(project: Row, web_url: str) -> str | None:
    if project["empty"]:
        return None
    return f"{web_url}/-/blob/{project['default_branch']}/README.md"


def full(ctx: Context, project: Row) -> Json:
    """A project in a listing."""
    settings = projects.settings(project)
    api = f"{ctx.base}/api/v4/projects/{project['id']}"
    shape = {
        **simple(ctx, project),
        "_links": {
            "self": api,
            "issues": f"{api}/issues",
            "merge_requests": f"{api}/merge_requests",
            "repo_branches": f"{api}/repository/branches",
            "labels": f"{api}/labels",
            "events": f"{api}/events",
            "members": f"{api}/members",
        },
        "marked_for_deletion_at": None,
        "marked_for_deletion_on": None,
        "packages_enabled": True,
        "empty_repo": bool(project["empty"]),
        "archived": bool(project["archived"]),
        "creator_id": project["creator_id"],
        "updated_at": project["updated_at"],
        "import_url": None,
        "import_type": None,
        "import_status": "finished" if settings.get("imported") else "none",
        "import_error": None,
        "open_issues_count": _count(ctx, "issues", project),
        "open_merge_requests_count": _count(ctx, "merge_requests", project),
        "description_html": "",
        "can_create_merge_request_in": True,
        "owner": _owner(ctx, project),
        **SETTINGS,
        **{name: settings[name] for name in SETTINGS if name in settings},
        "shared_with_groups": _shares(ctx, project),
    }
    origin = _origin(ctx, project)
    return {**shape, "forked_from_project": origin} if origin else shape


def detail(ctx: Context, project: Row) -> Json:
    """A project on its own, with the rights of whoever is asking."""
    level = None
    if ctx.user:
        level = ctx.db.value(
            "SELECT access_level FROM members WHERE kind = 'project' AND source_id = ?"
            " AND user_id = ?",
            project["id"],
            ctx.user["id"],
        )
        group_level = access.group_level(ctx.db, {**ctx.user, "admin": 0}, project["namespace_id"])
    else:
        group_level = access.NONE
    return {
        **full(ctx, project),
        "permissions": {"project_access": _access(level), "group_access": _access(group_level)},
    }


def _access(level: int | None) -> Json | None:
    return {"access_level": level, "notification_level": 3} if level else None


def _count(ctx: Context, table: str, project: Row) -> int:
    sql = f"SELECT count(*) FROM {table} WHERE project_id = ? AND state = 'opened'"  # noqa: S608
    return int(ctx.db.value(sql, project["id"]))


def _owner(ctx: Context, project: Row) -> Json | None:
    namespace = namespaces.get_namespace(ctx.db, project["namespace_id"])
    assert namespace is not None
    return user_shapes.by_id(ctx, namespace["owner_id"])


def _shares(ctx: Context, project: Row) -> list[Json]:
    rows = ctx.db.all(
        "SELECT * FROM shares WHERE kind = 'project' AND source_id = ?", project["id"]
    )
    return [namespace_shapes.share(ctx, row) for row in rows]


def _origin(ctx: Context, project: Row) -> Json | None:
    origin = projects.get_project(ctx.db, project["forked_from"])
    if origin is None or not access.can_see_project(ctx.db, ctx.user, origin):
        return None
    return simple(ctx, origin)


def hook_project(ctx: Context, project: Row) -> Json:
    """A project as webhooks tell of it."""
    namespace = namespaces.get_namespace(ctx.db, project["namespace_id"])
    assert namespace is not None
    web_url = f"{ctx.base}/{project['full_path']}"
    ssh = f"git@{host(ctx)}:{project['full_path']}.git"
    return {
        "id": project["id"],
        "name": project["name"],
        "description": project["description"] or None,
        "web_url": web_url,
        "avatar_url": None,
        "git_ssh_url": ssh,
        "git_http_url": f"{web_url}.git",
        "namespace": namespace["name"],
        "visibility_level": {"private": 0, "internal": 10, "public": 20}[project["visibility"]],
        "path_with_namespace": project["full_path"],
        "default_branch": project["default_branch"],
        "ci_config_path": None,
        "homepage": web_url,
        "url": ssh,
        "ssh_url": ssh,
        "http_url": f"{web_url}.git",
    }


def hook_repository(ctx: Context, project: Row) -> Json:
    """A repository as webhooks tell of it."""
    shape = hook_project(ctx, project)
    names = ("name", "url", "description", "homepage", "git_http_url", "git_ssh_url")
    return {**{name: shape[name] for name in names}, "visibility_level": shape["visibility_level"]}
