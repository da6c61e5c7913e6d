"""Forms of the fleet: a new campaign, a reason, a postponement."""

from __future__ import annotations

from typing import Any

from django import forms

from fleet.changes import Change, Setting, changes
from fleet.models import Campaign
from fleet.services import Roll, Selection
from scaffolder.models import Release


class CampaignForm(forms.ModelForm):  # type: ignore[type-arg]
    """What, how fast, and how careful. The services check what is written in the free texts."""

    kind = forms.ChoiceField(label="What to do", widget=forms.RadioSelect)
    query = forms.CharField(
        label="Only where this holds",
        required=False,
        max_length=2_000,
        help_text="A rule over the entity in CEL: entity.spec.type == 'service'",
    )
    made_with = forms.CharField(
        label="Only what is made with",
        required=False,
        max_length=400,
        help_text="A block, or one version of it: template:default/service@1.2.0",
    )
    failing = forms.CharField(
        label="Only where this check fails",
        required=False,
        max_length=400,
        help_text="A scorecard and its check: scorecard:default/production/has-sbom",
    )
    repositories = forms.CharField(
        label="Only these",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Repositories or entities, a line each.",
    )

    class Meta:
        model = Campaign
        fields = ["kind", "title", "notes", *Roll.__slots__]
        labels = {
            "notes": "Release notes",
            "waves_text": "Waves",
            "per_hour": "Merge requests per hour",
            "per_group": "Merge requests per hour and group",
            "proceed_percent": "A wave begins when this much of the one before is finished (%)",
            "stop_percent": "Pause when more than this much is red (%)",
            "auto_merge": "Merge by itself",
            "approve_waivers": "A platform engineer has to agree before something is postponed",
            "ask_reviewers": "Ask one of the owners to review",
            "remind_days": "Remind owners after days",
        }
        help_texts = {
            "notes": "Why, and what to look at. Markdown; it is in every merge request.",
            "waves_text": "Numbers or percentages in order; the first is the canary.",
            "windows": "When merge requests may be opened, a line each: Mon-Fri 09:00-17:00. "
            "Empty means always.",
            "freezes": "When none may be opened, a line each: 2026-12-20 to 2027-01-04 reason. "
            "A freeze wins over a window.",
            "per_hour": "0 means no limit.",
            "per_group": "0 means no limit.",
            "auto_merge": "Never what has conflicts, nor a branch that somebody committed to.",
            "remind_days": "And again after as many; 0 means never.",
            "stop_percent": "Pipelines that were red on the default branch before do not count.",
        }
        widgets = {
            "notes": forms.Textarea(attrs={"rows": 4}),
            "windows": forms.Textarea(attrs={"rows": 2}),
            "freezes": forms.Textarea(attrs={"rows": 2}),
        }

    def __init__(
        self, release: Release | None, change: Change | None, *args: Any, **kwargs: Any
    ) -> None:
        """With a release, the kinds that fit it are to choose from; else it is about `change`."""
        super().__init__(*args, **kwargs)
        self.settings = change.settings if change else ()
        for setting in self.settings:
            self.fields[setting.name] = _setting_field(setting)
        names = [setting.name for setting in self.settings]
        self.order_fields(["kind", "title", *names, "notes", *Selection.__slots__])
        if release is None:
            del self.fields["kind"]
            return
        fitting = [c for c in changes().values() if release.kind in c.block_kinds]
        field = self.fields["kind"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(change.id, _reach(change, release)) for change in fitting]
        self.initial.setdefault("kind", "upgrade_block")

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The questions under headings."""
        titles = {
            next(iter(self.fields)): "What",
            "query": "Which repositories",
            "waves_text": "How fast",
            "stop_percent": "How careful",
        }
        found: list[tuple[str, list[forms.BoundField]]] = []
        for field in self:
            if field.name in titles:
                found.append((titles[field.name], []))
            found[-1][1].append(field)
        return found

    def given_settings(self) -> dict[str, str]:
        values = {one.name: self.cleaned_data[one.name] for one in self.settings}
        return {
            name: ("yes" if v is True else "" if v is False else v) for name, v in values.items()
        }

    def selection(self) -> Selection:
        return Selection(**{name: self.cleaned_data[name] for name in Selection.__slots__})

    def roll(self) -> Roll:
        return Roll(**{name: self.cleaned_data[name] for name in Roll.__slots__})


def _setting_field(setting: Setting) -> forms.Field:
    if setting.is_yes_no:
        return forms.BooleanField(label=setting.label, required=False, help_text=setting.help)
    widget = (
        forms.Textarea(attrs={"rows": setting.lines}) if setting.lines > 1 else forms.TextInput()
    )
    return forms.CharField(
        label=setting.label, required=setting.is_required, help_text=setting.help, widget=widget,
        strip=setting.lines == 1, max_length=20_000,
    )  # fmt: skip


def _reach(change: Change, release: Release) -> str:
    count = len(change.candidates(release))
    return f"{change.title}: {count} {'repository' if count == 1 else 'repositories'}"


class WaiverForm(forms.Form):
    reason = forms.CharField(max_length=1_000, widget=forms.Textarea(attrs={"rows": 2}))
    until = forms.DateField(
        label="Until", widget=forms.DateInput(attrs={"type": "date"}),
        help_text="The merge request comes back after this day.",
    )  # fmt: skip
