"""Forms of accounts: signing in, and making a token."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from accounts import services
from accounts.models import ApiToken, User


class LoginForm(AuthenticationForm):
    """Django's own, with a pause after too many wrong passwords for one name."""

    def clean(self) -> dict[str, Any]:
        username = self.cleaned_data.get("username", "")
        if services.is_locked(username):
            raise ValidationError(
                f"Too many wrong passwords for this name: try again in "
                f"{services.LOCKED_MINUTES} minutes.",
                code="locked",
            )
        try:
            return super().clean()
        except ValidationError:
            services.note_failed_login(username=username)
            raise


class TokenForm(forms.Form):
    name = forms.CharField(max_length=100, help_text="What it is for, such as “CI of booking”.")
    scope = forms.ChoiceField(choices=ApiToken.Scope.choices, initial=ApiToken.Scope.READ)
    days = forms.TypedChoiceField(
        label="Expires",
        coerce=int,
        choices=[(7, "in 7 days"), (30, "in 30 days"), (90, "in 90 days"), (365, "in a year")],
        initial=30,
    )

    def save(self, user: User) -> tuple[ApiToken, str]:
        scopes = {ApiToken.Scope.READ, self.cleaned_data["scope"]}
        return services.create_token(
            user=user,
            name=self.cleaned_data["name"],
            scopes=scopes,
            days=self.cleaned_data["days"],
            by=user,
        )
