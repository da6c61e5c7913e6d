"""Sources in Django's admin; everything else in the catalogue comes from Git."""

from django.contrib import admin

from catalog.models import Source

admin.site.register(Source)
