"""The Celery application. Settings beginning with CELERY_ in portal.settings configure it."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("bespoke")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
