"""RepoUrlPicker and its kin: where in the forge something is to be made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, quote

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from accounts.models import User
from catalog import forges
from catalog.models import Entity, Repository
from scaffolder.blueprint import Field
from scaffolder.fields import field_type
from scaffolder.fields.suggestions import FEW, Option, Suggesting

REPO_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
BRANCH = re.compile(r"(?!/|.*(?:[/.]\.|//|@\{|\\|\.lock(?:/|$)))[^\x00-\x20~^:?*\[\x7f]+(?<![/.])")


class OwnerField(Suggesting):
    """A group of the forge. Those that the catalogue reads from are suggested."""

    def __init__(self, user: User, excluded: frozenset[str]) -> None:
        self.user, self.excluded = user, excluded
        super().__init__(options=self.suggestions(""))

    def suggestions(self, text: str) -> list[Option]:
        seen = Entity.objects.visible_to(self.user).filter(orphaned_at=None)
        paths = Repository.objects.filter(
            locations__entities__in=seen, path__icontains=text
        ).values_list("path", flat=True)  # fmt: skip
        groups = sorted({path.rpartition("/")[0] for path in paths.distinct()} - self.excluded)
        return [(group, group) for group in groups if group and text.lower() in group][:FEW]


@field_type("RepoOwnerPicker", "RepoUrlPicker")
def owner(field: Field, user: User) -> forms.Field:
    allowed = field.options.get("allowedOwners") or []
    if allowed:
        choices = [(str(name), str(name)) for name in allowed]
        if len(choices) > 1:
            choices = [("", "Choose one"), *choices]
        return forms.ChoiceField(choices=choices)
    return OwnerField(user, frozenset(map(str, field.options.get("excludedOwners") or [])))


class RepoNameField(forms.CharField):
    def validate(self, value: Any) -> None:
        if value and not REPO_NAME.fullmatch(value):
            raise ValidationError("Letters, digits, hyphens, underscores and dots make a name.")


@field_type("RepoNamePicker")
def repo_name(field: Field, user: User) -> forms.Field:
    return RepoNameField(widget=forms.TextInput(attrs={"autocomplete": "off"}))


class BranchField(forms.CharField):
    def validate(self, value: Any) -> None:
        if value and not BRANCH.fullmatch(value):
            raise ValidationError("Git does not allow a branch of this name.")


@field_type("RepoBranchPicker")
def branch(field: Field, user: User) -> forms.Field:
    return BranchField(widget=forms.TextInput(attrs={"autocomplete": "off"}))


# -- RepoUrlPicker: one value of two questions ----------------------------------------------------
def parts_of(field: Field) -> tuple[Field, ...]:
    """The questions that a RepoUrlPicker asks."""
    options = field.options
    repositories = tuple(map(str, options.get("allowedRepos") or ()))
    return (
        Field(
            "owner", str(options.get("ownerLabel") or "Group in the forge"),
            str(options.get("ownerDescription") or ""), required=field.required,
            ui_field="RepoOwnerPicker", options=options,
        ),
        Field(
            "repo", str(options.get("repoLabel") or "Name of the repository"),
            str(options.get("repoDescription") or ""), required=field.required,
            enum=repositories, autofocus=field.autofocus,
            ui_field="" if repositories else "RepoNamePicker",
        ),
    )  # fmt: skip


def joined(field: Field, parts: Mapping[str, Any]) -> str:
    """`host?owner=…&repo=…`, as actions and `parseRepoUrl` read it; empty when nothing is said."""
    owner, repo = str(parts.get("owner") or ""), str(parts.get("repo") or "")
    if not owner and not repo:
        return ""
    return f"{_host(field)}?owner={quote(owner, safe='')}&repo={quote(repo, safe='')}"


def split(value: Any) -> dict[str, str]:
    """The parts of such a text."""
    query = parse_qs(str(value or "").partition("?")[2])
    return {name: query[name][0] for name in ("owner", "repo") if name in query}


def _host(field: Field) -> str:
    """The first allowed host that is the configured forge; else the forge itself."""
    allowed = field.options.get("allowedHosts") or []
    ours = forges.hosts()
    own = settings.GITLAB_URL.partition("://")[2]
    return next((str(host) for host in allowed if host in ours), own)
