"""The four filters that Backstage adds to nunjucks: parseRepoUrl, parseEntityRef, pick and
projectSlug (scaffolder documentation, "Built-in filters")."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .javascript import JsDict, Undefined, fail, kind, text
from .methods import member

_PARTS = ("owner", "repo", "organization", "workspace", "project")


def parse_repo_url(value: Any) -> JsDict:
    """`host?owner=group%2Fsub&repo=name` in its parts. Raises TemplateRuntimeError when the repo,
    or the owner without a project or workspace, is missing."""
    if not isinstance(value, str):
        raise fail(f"parseRepoUrl needs a text such as host?owner=x&repo=y, not {kind(value)}")
    url = urlsplit(f"https://{value}")
    query = parse_qs(url.query)
    parts = JsDict(host=url.netloc)
    parts.update({name: query[name][0] for name in _PARTS if name in query})
    if not url.netloc or not ("repo" in parts or "project" in parts):
        raise fail(f"`{value}` names no repository: write host?owner=x&repo=y")
    if not any(name in parts for name in ("owner", "project", "workspace")):
        raise fail(f"`{value}` names no owner: write host?owner=x&repo=y")
    return parts


def parse_entity_ref(value: Any, context: Any = None) -> JsDict:
    """`[kind:][namespace/]name` in its parts (catalog-model, parseEntityRef)."""
    defaults = context if isinstance(context, dict) else {}
    if isinstance(value, dict):
        found: tuple[Any, ...] = (value.get("kind"), value.get("namespace"), value.get("name"))
    else:
        match = re.fullmatch(r"(?:([^:/]+):)?(?:([^/]+)/)?([^/]+)", text(value))
        if not isinstance(value, str) or not match:
            raise fail(f"`{text(value)}` is not of the form [kind:][namespace/]name")
        found = match.groups()
    ref_kind = found[0] or defaults.get("defaultKind")
    if not ref_kind:
        raise fail(f"`{text(value)}` names no kind: write component:{text(value)} or a defaultKind")
    space = found[1] or defaults.get("defaultNamespace") or "default"
    return JsDict(kind=ref_kind, namespace=space, name=found[2])


def pick(value: Any, path: Any) -> Any:
    """The member at a dotted path such as `owner` or `a.b[0]`."""
    for step in re.findall(r"[^.\[\]]+", text(path)):
        value = Undefined(name=step) if isinstance(value, Undefined) else member(value, step)
    return value


def project_slug(value: Any) -> str:
    """`owner/repo` of a repository URL."""
    parts = parse_repo_url(value)
    return f"{text(parts.get('owner', Undefined()))}/{text(parts.get('repo', Undefined()))}"


BACKSTAGE_FILTERS: dict[str, Callable[..., Any]] = {
    "parseRepoUrl": parse_repo_url,
    "parseEntityRef": parse_entity_ref,
    "pick": pick,
    "projectSlug": project_slug,
}
