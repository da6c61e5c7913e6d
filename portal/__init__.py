"""The front door: settings, URLs, the Celery app, home, health and `manage.py up`."""

from portal.celery import app as celery_app

__all__ = ["celery_app"]
