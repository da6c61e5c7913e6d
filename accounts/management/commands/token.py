"""`./dev manage token USER`: prints a new API token for that user."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import services
from accounts.models import ApiToken, User


class Command(BaseCommand):
    help = "Prints a new API token for a user (its secret is shown only this once)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", default="made on the command line")
        parser.add_argument("--scope", choices=ApiToken.Scope.values, default="write")
        parser.add_argument("--days", type=int, default=30, help="until it expires; 0 for never")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no user '{options['username']}'.")
        _token, secret = services.create_token(
            user=user,
            name=options["name"],
            scopes={"read", options["scope"]},
            days=options["days"] or None,
            by=None,
        )
        self.stdout.write(secret)
