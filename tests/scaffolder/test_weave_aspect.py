"""Aspect documents."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaffolder.weave import (
    EntityAdvice,
    FilesAdvice,
    MergeAdvice,
    RegionAdvice,
    Requirement,
    load_documents,
    parse_aspect,
)  # fmt: skip

SBOM = """\
apiVersion: bespoke/v1alpha1
kind: Aspect
metadata:
  name: sbom
  title: Bill of materials
  annotations: {bespoke/version: 1.2.0}
spec:
  owner: group:default/platform
  scope: group:default/payments
  appliesTo: "entity.spec.type == 'service'"
  requires: [{aspect: ci-base, version: ">=2"}, {aspect: other}]
  order: 7
  parameters: {title: Bill, properties: {format: {type: string}}}
  weave:
    - files: ./files/
    - merge: .gitlab-ci.yml
      with: ./sbom-job.yml
      lists: {include: union}
    - region: README.md
      from: badge.md
      after: "# Title"
    - entity: {metadata: {annotations: {a: b}}}
  checks: [has-sbom]
"""


def parsed(text):
    (document, lines), *_ = load_documents(text).documents
    return parse_aspect(document, lines)


def test_a_whole_aspect():
    aspect, problems = parsed(SBOM)
    assert problems == []
    assert (aspect.name, aspect.title, aspect.version, aspect.order) == (
        "sbom", "Bill of materials", "1.2.0", 7,
    )  # fmt: skip
    assert aspect.scope == "group:default/payments"
    assert aspect.applies_to == "entity.spec.type == 'service'"
    assert aspect.requires == (Requirement("ci-base", ">=2"), Requirement("other"))
    assert aspect.parameters[0]["title"] == "Bill"
    assert aspect.advices == (
        FilesAdvice("files"),
        MergeAdvice(".gitlab-ci.yml", "sbom-job.yml", {"include": "union"}),
        RegionAdvice("README.md", "badge.md", after="# Title"),
        EntityAdvice({"metadata": {"annotations": {"a": "b"}}}),
    )
    assert aspect.checks == ("has-sbom",)


def test_defaults():
    aspect, problems = parsed(
        "apiVersion: bespoke/v1alpha1\nkind: Aspect\nmetadata: {name: x}\nspec: {}\n"
    )
    assert problems == []
    assert (aspect.scope, aspect.order, aspect.applies_to, aspect.version) == (
        "organisation", 50, "true", "",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "path", "line"),
    [
        ("kind: Aspect", "kind: Component", "kind", 2),
        ("1.2.0", "one", "metadata.annotations.bespoke/version", 6),
        ("scope: group:default/payments", "scope: everybody", "spec.scope", 9),
        ('">=2"', '"newer"', "spec.requires.0.version", 11),
        ("order: 7", "order: first", "spec.order", 12),
        ("./files/", "../files", "spec.weave.0.files", 15),
        ("with: ./sbom-job.yml", "without: x", "spec.weave.1.with", 16),
        ("include: union", "include: shuffle", "spec.weave.1.lists.include", 18),
        ("region: README.md", "regoin: README.md", "spec.weave.2", 19),
        ("checks: [has-sbom]", "checks: has-sbom", "spec.checks", 23),
    ],
)
def test_problems_have_a_path_and_a_line(old, new, path, line):
    aspect, problems = parsed(SBOM.replace(old, new))
    assert aspect is not None
    assert [(problem.path, problem.line) for problem in problems] == [(path, line)]
    assert problems[0].message.endswith(".")


def test_an_aspect_without_a_name_is_none():
    assert parse_aspect({"kind": "Aspect"})[0] is None
    assert parse_aspect("text")[0] is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
KEYS = ["owner", "scope", "appliesTo", "requires", "order", "parameters", "weave", "checks"]


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), JSON), st.lists(JSON, max_size=3))
def test_nothing_that_users_write_raises(spec, weave):
    document = {"kind": "Aspect", "metadata": {"name": "x", "annotations": {}}, "spec": spec}
    aspect, problems = parse_aspect(document | {"spec": spec | {"weave": weave}})
    assert aspect.name == "x"
    assert all(problem.message for problem in problems)


@pytest.mark.parametrize(
    ("versions", "version", "accepted"),
    [("", "", True), (">=2", "2.1", True), (">=2", "1.9", False), (">=2", "", False)],
)
def test_version_ranges(versions, version, accepted):
    assert Requirement("a", versions).accepts(version) is accepted
