"""`./dev manage forge_check`: what works with the forge, and which rights are missing."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from catalog.forges import connect, git
from catalog.models import Source
from forge import Forge, ForgeError

LEVELS = {0: "none", 10: "guest", 20: "reporter", 30: "developer", 40: "maintainer", 50: "owner"}
OLDEST = 17


class Command(BaseCommand):
    help = "Tells what works with the configured forge: version, token, scopes, groups, Git, hooks."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.GITLAB_URL:
            raise CommandError("No forge is configured: set GITLAB_URL and GITLAB_TOKEN.")
        forge, self.failed = connect(), 0
        self.stdout.write(f"forge {forge.url}{_way()}")
        self.ask("the CA bundle", _bundle)
        self.ask("version", partial(_version, forge))
        self.ask("token of", forge.user)
        self.ask("scopes", partial(_scopes, forge))
        for source in Source.objects.all():
            for what, ask in (("rights in", _rights), ("hooks of", _hooks), ("git in", _git)):
                self.ask(f"{what} {source.group}", partial(ask, forge, source.group))
        if self.failed:
            raise CommandError(f"{self.failed} of these need your attention.")

    def ask(self, name: str, ask: Callable[[], str]) -> None:
        try:
            self.stdout.write(f"  ok       {name}: {ask()}")
        except ForgeError as error:
            self.failed += 1
            self.stdout.write(self.style.ERROR(f"  missing  {name}: {error}"))


def _way() -> str:
    """The proxy on the way, without the password that its address may hold."""
    if not settings.GITLAB_PROXY:
        return ""
    parts = urlsplit(settings.GITLAB_PROXY)
    return f" by the proxy {parts.hostname}:{parts.port or 'default port'}"


def _bundle() -> str:
    path = settings.GITLAB_CA_BUNDLE
    if path and not Path(path).is_file():
        raise ForgeError(f"GITLAB_CA_BUNDLE names {path}, which is no file")
    return path or "the one that comes with Python's requests"


def _version(forge: Forge) -> str:
    version = forge.version()
    if int(version.split(".")[0]) < OLDEST:
        raise ForgeError(f"{version} is older than {OLDEST}, the oldest that is supported")
    return version


def _scopes(forge: Forge) -> str:
    scopes = forge.scopes()
    if "api" not in scopes:
        raise ForgeError(f"the token has {', '.join(scopes)}; it needs the scope api")
    return ", ".join(scopes)


def _rights(forge: Forge, group: str) -> str:
    level = forge.access_level(group)
    if level < 40:
        raise ForgeError(
            f"{LEVELS.get(level, str(level))}; making projects and hooks needs maintainer or owner"
        )
    return LEVELS[level]


def _hooks(forge: Forge, group: str) -> str:
    url = f"{settings.PUBLIC_URL}/webhooks/gitlab/"
    forge.ensure_group_hook(group, url=url, signing_token=settings.WEBHOOK_SECRET)
    return f"the group tells {url}"


def _git(forge: Forge, group: str) -> str:
    for project in forge.group_projects(group):
        if project.default_branch:
            tip = forge.tip(project.path, project.default_branch)
            return f"{len(git().snapshot(project.path, tip.id))} files of {project.path}"
    return "there is no project to try"
