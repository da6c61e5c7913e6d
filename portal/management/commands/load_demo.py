"""`manage.py load_demo`: the demo organisation into the embedded forge and the catalogue."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from catalog.forges import connect
from portal import demo


class Command(BaseCommand):
    help = "Loads the demo organisation. `./dev up` does it on its first start."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("The demo is loaded in demo mode only: see ./dev up.")
        self.stdout.write("loading the demo organisation ...")
        demo.load(connect(), settings.DEMO_PASSWORD)
