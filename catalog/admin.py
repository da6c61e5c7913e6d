"""Sources in Django's admin; everything else in the catalogue comes from Git."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from accounts.admin import AuditedAdmin
from accounts.requests import signed_in
from catalog import services
from catalog.models import Source
from catalog.sources import kinds


class SourceForm(forms.ModelForm):  # type: ignore[type-arg]
    """The kinds that there are, and a place that the kind understands."""

    kind = forms.ChoiceField(choices=lambda: [(kind.id, kind.title) for kind in kinds().values()])

    class Meta:
        model = Source
        fields = ["kind", "group"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("kind") and data.get("group"):
            try:
                data["group"] = kinds()[data["kind"]].tidy(data["group"])
            except ValueError as error:
                self.add_error("group", str(error))
        return data


@admin.register(Source)
class SourceAdmin(AuditedAdmin):
    form = SourceForm
    list_display = ["group", "kind", "read_at", "error"]

    def has_change_permission(self, request: HttpRequest, obj: Source | None = None) -> bool:
        return False  # another group is another source

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        source = services.add_source(group=obj.group, kind=obj.kind, by=signed_in(request))
        obj.pk = source.pk
