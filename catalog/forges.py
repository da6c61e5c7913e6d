"""The configured forge: its client, its addresses, and how the outside world writes them."""

from functools import lru_cache
from urllib.parse import parse_qs, quote, urlsplit

from django.conf import settings

from forge import Forge, GitCache


class NotOurForge(ValueError):
    """The address is not on the configured forge."""


@lru_cache(maxsize=1)
def _client(url: str, token: str, timeout: float, ca_bundle: str, proxy: str) -> Forge:
    return Forge(url, token, timeout=timeout, ca_bundle=ca_bundle, proxy=proxy)


def connect() -> Forge:
    """The client for the configured forge, one a process."""
    return _client(
        settings.GITLAB_URL, settings.GITLAB_TOKEN, settings.GITLAB_TIMEOUT_SECONDS,
        settings.GITLAB_CA_BUNDLE, settings.GITLAB_PROXY,
    )  # fmt: skip


def git() -> GitCache:
    """The configured forge over Git, with its cache of bare repositories."""
    return GitCache(
        settings.DATA_DIR / "git", settings.GITLAB_URL, settings.GITLAB_TOKEN,
        ca_bundle=settings.GITLAB_CA_BUNDLE, proxy=settings.GITLAB_PROXY,
    )  # fmt: skip


def hosts() -> set[str]:
    """Every name by which descriptors and templates may call the forge."""
    return {urlsplit(settings.GITLAB_URL).netloc, *settings.GITLAB_HOST_ALIASES}


def host() -> str:
    return urlsplit(settings.GITLAB_URL).hostname or ""


# No project can be below “groups”: the forge keeps that name for the pages of groups.
ORGANISATION = "groups/"
MEMBERS_PAGE = "-/group_members"


def organisation_path(group: str) -> str:
    """What a group and its members are called where a repository's path stands otherwise."""
    return f"{ORGANISATION}{group}"


def is_organisation(project: str) -> bool:
    return project.startswith(ORGANISATION)


def file_url(project: str, ref: str, path: str, line: int = 0) -> str:
    if is_organisation(project):
        return f"{settings.GITLAB_URL}/{project}/{path}"
    anchor = f"#L{line}" if line else ""
    return f"{settings.GITLAB_URL}/{project}/-/blob/{quote(ref)}/{quote(path)}{anchor}"


def tree_url(project: str, ref: str, path: str = "") -> str:
    if is_organisation(project):
        return f"{settings.GITLAB_URL}/{project}"
    return f"{settings.GITLAB_URL}/{project}/-/tree/{quote(ref)}/{quote(path)}"


def commit_url(project: str, sha: str) -> str:
    return f"{settings.GITLAB_URL}/{project}/-/commit/{quote(sha)}"


def project_url(project: str) -> str:
    return f"{settings.GITLAB_URL}/{project}"


def parse_repo_url(text: str) -> str:
    """`host?owner=group%2Fsub&repo=name` (RepoUrlPicker's form) to a project path.

    Raises NotOurForge for another host, ValueError when owner or repo is missing.
    """
    host, _, query = text.partition("?")
    if host.removeprefix("https://") not in hosts():
        raise NotOurForge(f"“{host}” is not the configured forge ({', '.join(sorted(hosts()))})")
    fields = {key: values[0] for key, values in parse_qs(query).items()}
    if not fields.get("owner") or not fields.get("repo"):
        raise ValueError(f"“{text}” must name an owner and a repo: host?owner=group&repo=name")
    return f"{fields['owner']}/{fields['repo']}"


def parse_repo_owner(text: str) -> str:
    """The owner alone (“” if there is none) of the same form. Raises NotOurForge."""
    host, _, query = text.partition("?")
    if host.removeprefix("https://") not in hosts():
        raise NotOurForge(f"“{host}” is not the configured forge ({', '.join(sorted(hosts()))})")
    return (parse_qs(query).get("owner") or [""])[0]


def parse_file_url(url: str) -> tuple[str, str, str]:
    """A forge's file or folder address to (project, ref, path).

    Raises NotOurForge for another host, ValueError when it is not such an address.
    """
    parts = urlsplit(url)
    if parts.netloc not in hosts():
        raise NotOurForge(f"“{url}” is not on the configured forge")
    project, _, rest = parts.path.strip("/").partition("/-/")
    kind, _, place = rest.partition("/")
    ref, _, path = place.partition("/")
    if kind not in ("blob", "tree", "raw") or not project or not ref:
        raise ValueError(f"“{url}” is not the address of a file: …/group/project/-/blob/main/file")
    return project, ref, path.strip("/")


def parse_target(text: str) -> tuple[str, str]:
    """(project, path) of what somebody names: a file's or a project's address, or a path below
    the forge's. Without a file the path is empty.

    Raises NotOurForge for another host, ValueError when nothing can be meant by it.
    """
    target = text.strip().removeprefix("url:")
    if target and "://" not in target:
        target = f"{settings.GITLAB_URL}/{target.lstrip('/')}"
    try:
        project, _, path = parse_file_url(target)
    except NotOurForge:
        raise
    except ValueError:
        if "/-/" in target or not urlsplit(target).path.strip("/"):
            raise
        project, path = urlsplit(target).path.strip("/"), ""
    if "*" in path or "\0" in path + project:
        raise ValueError("A registered target names one file; globs stand in Location entities")
    return project.removesuffix(".git"), path
