"""What has to be done before serving: migrations, static files, the demo, the forge's hooks."""

from typing import Any

import structlog
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from catalog.models import Source
from catalog.services.sources import connect_hooks

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Migrates the database, collects static files, loads the demo on first start."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        if settings.DEMO and not Source.objects.exists():
            call_command("load_demo")
        for problem in connect_hooks():
            log.warning("no webhook: pushes are found by the schedule instead", reason=problem)
