"""Forms of the fleet: a new campaign, a reason, a postponement."""

from __future__ import annotations

from typing import Any

from django import forms

from fleet.changes import Change, changes
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

    def __init__(self, release: Release, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fitting = [c for c in changes().values() if release.kind in c.block_kinds]
        self.order_fields(["kind", "title", "notes", *Selection.__slots__])
        field = self.fields["kind"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(change.id, _reach(change, release)) for change in fitting]

    def selection(self) -> Selection:
        return Selection(**{name: self.cleaned_data[name] for name in Selection.__slots__})

    def roll(self) -> Roll:
        return Roll(**{name: self.cleaned_data[name] for name in Roll.__slots__})


def _reach(change: Change, release: Release) -> str:
    count = len(change.candidates(release))
    return f"{change.title}: {count} {'repository' if count == 1 else 'repositories'}"


class WaiverForm(forms.Form):
    reason = forms.CharField(max_length=1_000, widget=forms.Textarea(attrs={"rows": 2}))
    until = forms.DateField(
        label="Until", widget=forms.DateInput(attrs={"type": "date"}),
        help_text="The merge request comes back after this day.",
    )  # fmt: skip
