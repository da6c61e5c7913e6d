"""Users in Django's admin, for an installation's administrator; what is done there is audited."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.http import HttpRequest

from accounts import audit
from accounts.models import User
from accounts.requests import signed_in


class AuditedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Writes the audit trail beside Django's own log of the admin."""

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._note(request, obj, "created")
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._note(request, obj, "updated")
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for obj in queryset:
            self._note(request, obj, "deleted")
        return super().log_deletions(request, queryset)

    def _note(self, request: HttpRequest, obj: Model, verb: str) -> None:
        audit.record(
            by=signed_in(request),
            verb=verb,
            object_type=str(obj._meta.verbose_name),
            object_id=obj.pk,
            label=str(obj),
        )


@admin.register(User)
class AccountAdmin(AuditedAdmin, UserAdmin):  # type: ignore[type-arg]
    fieldsets = (
        *(UserAdmin.fieldsets or ()),
        ("Catalogue", {"fields": ["entity_ref"], "description": "As in user:default/dana."}),
    )


admin.site.unregister(Group)  # groups are the catalogue's
