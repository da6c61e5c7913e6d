"""Sources in Django's admin; everything else in the catalogue comes from Git."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.admin import AuditedAdmin
from accounts.requests import signed_in
from catalog import services
from catalog.models import Source


@admin.register(Source)
class SourceAdmin(AuditedAdmin):
    fields = ["kind", "group"]
    list_display = ["group", "kind", "read_at", "error"]

    def has_change_permission(self, request: HttpRequest, obj: Source | None = None) -> bool:
        return False  # another group is another source

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        source = services.add_source(group=obj.group, kind=obj.kind, by=signed_in(request))
        obj.pk = source.pk
