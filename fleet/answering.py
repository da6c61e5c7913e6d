"""The questions of a release as one form: those without an answer, or all of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from django.http import QueryDict

from accounts.models import User
from fleet.models import Target
from scaffolder.blocks import GoldenPath, golden_path
from scaffolder.blueprint import Page, fields_of
from scaffolder.forms import PageForm
from scaffolder.models import Lineage, Release
from scaffolder.weave.aspect import parse_aspect


def release_form(
    release: Release, user: User, answers: Mapping[str, Any], data: QueryDict | None = None
) -> PageForm:
    """Every question of a golden path, with the answers in it. Texts are typed, not picked: how an
    answer was spelled decides whether the files are the same."""
    path = golden_path(release)
    filled = path.filled(dict(answers))
    schemas = [_typed(path.schema(page, filled)) for page in path.pages]
    return _form(path, schemas, None, user, answers, data)


def _typed(schema: dict[str, Any]) -> dict[str, Any]:
    properties = {
        name: {key: value for key, value in part.items() if key != "ui:field"}
        if part.get("type") == "string"
        else part
        for name, part in (schema.get("properties") or {}).items()
    }
    return schema | {"properties": properties}


def target_form(target: Target, user: User, data: QueryDict | None = None) -> PageForm | None:
    """The questions that keep a target from being planned; None when nobody can be asked."""
    rows = Lineage.objects.filter(repository=target.repository).select_related("release")
    blocks = {row.release.block_ref: row.release for row in rows}
    if target.campaign.release is None:
        return None
    blocks[target.campaign.release.block_ref] = target.campaign.release
    template = next((one for one in blocks.values() if one.kind == "template"), None)
    answers = target.given | {
        name: answer["value"] for row in rows[:1] for name, answer in row.answers.items()
    }
    schemas: list[Mapping[str, Any]] = []
    if template:
        path = golden_path(template)
        filled = path.filled(answers)
        schemas = [path.schema(page, filled) for page in path.pages]
    for release in blocks.values():
        aspect = parse_aspect(release.descriptor)[0] if release.kind == "aspect" else None
        schemas += aspect.parameters if aspect else ()
    shown = template or target.campaign.release
    form = _form(_bare(shown), schemas, target.asked, user, answers, data)
    return form if form.fields else None


def _bare(release: Release) -> GoldenPath:
    """A golden path of which only the form is wanted, also for an aspect, which has no steps."""
    if release.kind == "template":
        return golden_path(release)
    spec = {"type": "aspect", "parameters": [], "steps": []}
    descriptor = release.descriptor | {
        "apiVersion": "scaffolder.backstage.io/v1beta3", "kind": "Template", "spec": spec
    }  # fmt: skip
    bare = Release(block_ref=release.block_ref, version=release.version, descriptor=descriptor)
    return golden_path(bare)


def _form(
    path: GoldenPath, schemas: list[Mapping[str, Any]] | list[dict[str, Any]],
    names: Collection[str] | None, user: User, answers: Mapping[str, Any], data: QueryDict | None,
) -> PageForm:  # fmt: skip
    """One page of the questions with these names (None: of all)."""
    properties: dict[str, Any] = {}
    required: list[str] = []
    for schema in schemas:
        found = schema.get("properties") or {}
        properties |= {n: part for n, part in found.items() if names is None or n in names}
        required += [name for name in schema.get("required") or [] if name in properties]
    asked = {"type": "object", "properties": properties, "required": required}
    page = Page("", "", asked, tuple(fields_of(asked)))
    only = dataclasses.replace(path.blueprint, pages=(page,), steps=())
    return PageForm(GoldenPath(path.release, only), page, user, answers, data)
