"""What has to be done before serving: migrations, static files, demo, sources, forge hooks."""

import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from catalog import services as catalog
from catalog.models import Source
from catalog.tasks import connect_hooks


class Command(BaseCommand):
    help = "Migrates the database, collects static files, loads the demo on first start."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
        collect_static_files()
        if settings.DEMO and not Source.objects.exists():
            call_command("load_demo")
        known = set(Source.objects.filter(kind="group").values_list("group", flat=True))
        for group in settings.GITLAB_GROUPS:
            if group.strip("/") not in known:
                catalog.add_source(group=group, by=None)
        connect_hooks()


def collect_static_files() -> None:
    """Collecting compresses some hundred files: only when a package or one of ours changed."""
    stamp = Path(settings.STATIC_ROOT) / ".collected"
    wanted = _digest_of_sources()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    call_command("collectstatic", interactive=False, verbosity=0, skip_checks=True)
    stamp.write_text(wanted)


def _digest_of_sources() -> str:
    ours = sorted(path for path in (settings.BASE_DIR / "static").rglob("*") if path.is_file())
    digest = hashlib.sha256((settings.BASE_DIR / "constraints.txt").read_bytes())
    for path in ours:
        digest.update(str(path).encode() + path.read_bytes())
    return digest.hexdigest()
