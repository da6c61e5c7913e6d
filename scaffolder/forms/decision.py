"""The form of somebody who approves or refuses."""

from django import forms


class DecisionForm(forms.Form):
    reason = forms.CharField(
        required=False, max_length=2_000, label="Reason",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Needed for a refusal; whoever asked reads it.",
    )  # fmt: skip
