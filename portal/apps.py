"""The portal's Django application: nothing but wiring."""

import gc

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        from portal import checks  # noqa: F401  (registers the system checks)

        # By default Python looks for cycles every 700 objects: a third of the time of a reading.
        gc.set_threshold(10_000, 20, 20)
