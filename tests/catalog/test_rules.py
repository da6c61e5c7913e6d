"""Which kinds a descriptor file may define: `CATALOG_RULES`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from catalog import forges, rules, services
from catalog.models import Entity, Location, Problem
from portal.checks import rules_can_be_read
from tests.conftest import component

SYSTEM = (
    "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: {name: s}\nspec: {owner: team}\n"
)


def entity(kind: str, type_: str = "service") -> dict[str, Any]:
    return {"kind": kind, "spec": {"type": type_}}


@pytest.mark.parametrize(
    ("kind", "type_", "address", "allowed"),
    [
        ("Component", "service", "https://git.example/a/b/-/blob/main/x.yaml", True),
        ("API", "openapi", "https://git.example/a/b/-/blob/main/x.yaml", True),
        ("API", "grpc", "https://git.example/a/b/-/blob/main/x.yaml", False),
        ("System", "x", "https://git.example/a/b/-/blob/main/x.yaml", False),
        ("System", "x", "https://git.example/Core/deep/b/-/blob/main/d/x.yaml", True),
        ("Domain", "x", "https://git.example/core/b/-/blob/main/x.yaml", False),
        ("Domain", "x", "https://git.example/core/b/-/blob/main/[1].yaml", True),
        ("Domain", "x", "https://git.example/core/b/-/blob/main/1.yaml", False),
    ],
)
def test_one_rule_that_allows_kind_type_and_place_is_enough(
    kind: str, type_: str, address: str, allowed: bool
):
    found = rules.parse(json.dumps([
        {"allow": ["component", {"kind": "API", "spec.type": "OpenAPI"}]},
        {"allow": ["System"], "locations": [
            {"type": "url", "pattern": "https://git.example/core/**"}]},
        {"allow": ["Domain"], "locations": [
            {"type": "url", "exact": "https://git.example/core/b/-/blob/main/[1].yaml"}]},
    ]))  # fmt: skip
    assert rules.allowed(found, entity(kind, type_), address) is allowed
    assert rules.allowed((), entity(kind, type_), address)


@pytest.mark.parametrize(
    "text",
    [
        "{", "{}", "[1]", '[{"allow": []}]', '[{"allow": [1]}]',
        '[{"allow": ["API"], "location": []}]', '[{"allow": ["API"], "locations": []}]',
        '[{"allow": ["API"], "locations": [{"type": "file", "pattern": "x"}]}]',
        '[{"allow": ["API"], "locations": [{"exact": "x", "pattern": "x"}]}]',
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_meant_is_found_at_the_start(text: str, settings: Any):
    settings.CATALOG_RULES = text
    (error,) = rules_can_be_read()
    assert "CATALOG_RULES" in error.msg


@pytest.mark.django_db
def test_what_the_rules_do_not_allow_is_a_problem_and_no_entity(
    project: Any, settings: Any, person: Any
):
    path = project(files={"catalog-info.yaml": component("a") + "---\n" + SYSTEM})
    here, elsewhere = (forges.project_url(name) + "/-/blob/main/**" for name in (path, "other/*"))
    settings.CATALOG_RULES = json.dumps([
        {"allow": ["Component"], "locations": [{"pattern": here}]},
        {"allow": ["System"], "locations": [{"pattern": elsewhere}]},
    ])  # fmt: skip
    user = person("platform")
    found = services.preview(project=path, path="", by=user)
    assert [str(parsed.ref) for parsed in found.entities] == ["component:default/a"]
    services.read_repository(path=path)
    assert list(Entity.objects.values_list("ref", flat=True)) == ["component:default/a"]
    problem = Problem.objects.get()
    assert "not of an allowed kind" in problem.message
    assert (problem.line, problem.entity_ref) == (11, "system:default/s")
    assert "CATALOG_RULES" in problem.hint
    settings.CATALOG_RULES = ""
    services.refresh(repository=Location.objects.get().repository, by=user)
    services.read_repository(path=path)
    assert Entity.objects.filter(ref="system:default/s").exists()
    assert not Problem.objects.exists()
