"""What Backstage accepts, refuses and makes of descriptors: learnt from its published packages."""

import json

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog import bundling, descriptor, refs, relations, validators
from catalog.stitching import REJECTED, Place, stitch
from tests.conftest import component

OWNED = {"type": "t", "lifecycle": "l", "owner": "o"}
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
STEP = [{"id": "a", "action": "debug:log"}]
REMOTE = {"type": "sse", "url": "https://mcp.example"}


def entity(kind: str, spec: object, **metadata: object) -> dict:
    version = {"Template": "scaffolder.backstage.io/v1beta3"}.get(kind, "backstage.io/v1alpha1")
    return {
        "apiVersion": version, "kind": kind, "metadata": {"name": "a", **metadata}, "spec": spec,
    }  # fmt: skip


def findings(kind: str, spec: object, **metadata: object) -> list[str]:
    return [words for _, words in validators.entity_findings(entity(kind, spec, **metadata))]


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("Component", OWNED | {"dependencyOf": 5, "parent": 3, "children": "x"}),
        ("Component", OWNED | {"owner": " "}),
        ("API", OWNED | {"definition": " "}),
        ("API", OWNED | {"type": "mcp-server", "remotes": [REMOTE]}),
        ("Resource", {"type": "t", "owner": "o", "lifecycle": 3}),
        ("System", {"owner": "o", "system": 3}),
        ("Domain", {"owner": "o", "subdomainOf": "x"}),
        ("Group", {"type": "t", "children": [], "profile": {"other": 3}}),
        ("User", {"memberOf": [], "type": 3}),
        ("Location", {}),
        ("Location", {"targets": [], "presence": "optional"}),
        ("AiResource", OWNED),
        ("AiResource", OWNED | {"type": "rule", "category": "c", "rationale": "r"}),
        ("AiResource", OWNED | {"type": "plugin", "skills": []}),
        ("Template", {"type": "t", "steps": STEP}),
    ],
)
def test_accepted(kind: str, spec: dict):
    assert findings(kind, spec) == []


@pytest.mark.parametrize(
    ("kind", "spec", "words"),
    [
        ("component", OWNED, "write “Component”"),
        ("Component", OWNED | {"dependsOn": [""]}, "spec.dependsOn.0"),
        ("Component", OWNED | {"dependsOn": None}, "spec.dependsOn” must be a list"),
        ("Component", OWNED | {"subcomponentOf": ["a"]}, "spec.subcomponentOf” must be a string"),
        ("API", OWNED, "spec.definition” is missing"),
        ("API", OWNED | {"definition": ""}, "spec.definition"),
        ("API", OWNED | {"remotes": [REMOTE]}, "spec.definition” is missing"),
        ("API", OWNED | {"type": "mcp-server", "definition": "x"}, "spec.remotes” is missing"),
        ("API", OWNED | {"type": "mcp-server", "remotes": []}, "must not be empty"),
        ("API", OWNED | {"type": "mcp-server", "remotes": [{"type": "x"}]}, "must have “url”"),
        ("Group", {"type": "t"}, "spec.children” is missing"),
        ("Group", {"type": "t", "children": [], "profile": {"email": ""}}, "profile.email"),
        ("User", {"memberOf": [], "profile": None}, "spec.profile” must be a mapping"),
        ("Location", {"presence": "maybe"}, "required or optional"),
        ("Location", None, "“spec” is missing"),
        ("AiResource", OWNED | {"type": "rule"}, "spec.category” is missing"),
        ("AiResource", OWNED | {"type": "marketplace"}, "spec.plugins” is missing"),
        ("AiResource", OWNED | {"type": "skill", "agents": "x"}, "spec.agents” must be a list"),
        ("Template", {"type": "t"}, "spec.steps” is missing"),
    ],
)  # fmt: skip
def test_refused(kind: str, spec: dict, words: str):
    assert any(words in found for found in findings(kind, spec)), findings(kind, spec)


@pytest.mark.parametrize(
    ("metadata", "good"),
    [
        ({"title": ""}, False), ({"title": " "}, True), ({"description": ""}, True),
        ({"uid": 3}, False), ({"etag": ""}, False), ({"anything": {"x": 3}}, True),
        ({"labels": {"a": ""}}, True), ({"labels": {"a": 1}}, False),
        ({"annotations": {"a": ""}}, True), ({"annotations": {"a": None}}, False),
        ({"tags": ["a:b"]}, True), ({"tags": None}, False), ({"namespace": None}, False),
        ({"links": [{"url": "https://x", "type": ""}]}, False),
        ({"links": [{"url": "https://x", "title": " "}]}, False),
        ({"links": [{"url": "https://x y/"}]}, False),
        ({"links": [{"url": "https://x:99999"}]}, False),
        ({"links": [{"url": " https://x "}]}, True),
        ({"links": [{"url": "slack://channel?x=y"}]}, True),
        ({"links": [{"url": "javascript:alert(1)"}]}, False),  # ours alone
    ],
)  # fmt: skip
def test_metadata(metadata: dict, good: bool):
    assert bool(findings("Component", OWNED, **metadata)) is not good


@PATIENT
@given(st.dictionaries(st.sampled_from(["type", "owner", "steps", "profile", "presence", "remotes",
                                        "children", "definition"]),
                       st.none() | st.integers() | st.text(max_size=3)
                       | st.lists(st.none() | st.text(max_size=3), max_size=2)
                       | st.dictionaries(st.text(max_size=3), st.none(), max_size=2)),
       st.sampled_from(sorted(validators.KINDS)))  # fmt: skip
def test_any_spec_is_judged_and_never_raises(spec: dict, kind: str):
    for path, words in validators.entity_findings(entity(kind, spec)):
        assert isinstance(path, tuple)
        assert words


# -- references ---------------------------------------------------------------------------------
@PATIENT
@given(st.text(st.characters(exclude_characters=":/"), min_size=1), st.text(min_size=1))
def test_a_slash_before_the_colon_makes_the_colon_part_of_the_name(namespace: str, rest: str):
    ref = refs.parse(f"{namespace}/{rest}:x", default_kind="component")
    assert ref == refs.EntityRef("component", namespace.lower(), f"{rest}:x".lower())


NAMES = st.from_regex(r"\A[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?\Z")


@PATIENT
@given(st.dictionaries(
    st.sampled_from(sorted({f.name for fields in relations.FIELDS.values() for f in fields})),
    st.lists(st.builds("{}:{}".format, st.sampled_from(["api", "user", "group"]), NAMES)
             | st.builds("{}/{}".format, NAMES, NAMES) | NAMES, max_size=3)),
    st.sampled_from(sorted(validators.KINDS)), NAMES)  # fmt: skip
def test_every_relation_has_its_inverse(spec: dict, kind: str, namespace: str):
    described = entity(kind, spec, namespace=namespace)
    edges, _ = relations.relations_of(described)
    source = str(refs.of_entity(described))
    for edge in edges:
        assert source in (edge.source, edge.target)
        assert relations.Relation(edge.target, relations.INVERSE[edge.type], edge.source) in edges


def test_the_relations_of_ai_resources():
    described = entity("AiResource", OWNED | {"skills": ["s"], "dependsOn": ["d"]})
    own = {(e.type, e.target) for e in relations.relations_of(described)[0] if "/a" in e.source}
    assert own == {
        ("ownedBy", "group:default/o"), ("hasPart", "airesource:default/s"),
        ("dependsOn", "airesource:default/d"),
    }  # fmt: skip


# -- reading ------------------------------------------------------------------------------------
def read(spec: str, files: dict[str, str]) -> descriptor.Reading:
    head = "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {name: a}\n"
    text = f"{head}spec:\n  type: openapi\n  lifecycle: l\n  owner: o\n  {spec}\n"

    def resolve(placeholder: str, target: str) -> str:
        if target not in files:
            raise descriptor.PlaceholderError(f"Placeholder {placeholder} could not read {target}")
        return files[target]

    return descriptor.read(text, resolve=resolve)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("definition: {$text: [x]}", "expects an absolute URL or a relative path"),
        ("definition: {$text: missing}", "could not read missing"),
        ("definition: {$json: yaml}", "“yaml” cannot be parsed"),
        ("definition: {$yaml: two}", "“two” cannot be parsed"),
        ("definition: {$json: nan}", "no plain data"),
        ("definition: {$yaml: yaml}", "spec.definition” must be a string"),
        ("definition: {$openapi: dangling}", "leads nowhere"),
    ],
)
def test_placeholders_that_cannot_be_read_name_their_line(spec: str, words: str):
    files = {"yaml": "a: 1", "two": "a: 1\n---\nb: 1", "nan": "[NaN]",
             "dangling": "a: {$ref: 'yaml#/b'}"}  # fmt: skip
    reading = read(spec, files)
    assert reading.entities == ()
    assert words in reading.problems[0].message
    assert reading.problems[0].line == 8


def test_what_a_placeholder_says_is_validated_and_an_unknown_one_is_left():
    reading = read("definition: x\n  system: {$text: s}\n  note: {$foo: x}", {"s": "shop"})
    assert reading.problems == ()
    spec = reading.entities[0].entity["spec"]
    assert (spec["system"], spec["note"]) == ("shop", {"$foo": "x"})


def test_steps_of_a_template_may_stand_in_another_file():
    text = json.dumps(entity("Template", {"type": "t", "steps": {"$yaml": "s.yaml"}}))
    (parsed,) = descriptor.read(text, resolve=lambda name, target: json.dumps(STEP)).entities
    assert parsed.entity["spec"]["steps"] == STEP


def test_an_api_of_several_files_becomes_one():
    files = {
        "api/openapi.yaml": "paths: {/a: {$ref: './paths.yaml#/a'}}\nx: {$ref: '#/paths'}",
        "api/paths.yaml": "a: {get: {schema: {$ref: '../tree.yaml'}}}",
        "tree.yaml": "children: {items: {$ref: 'tree.yaml'}}",
    }
    found = read("definition: {$openapi: api/openapi.yaml}", files).entities[0].entity
    whole = yaml.safe_load(found["spec"]["definition"])
    place = "#/paths/~1a/get/schema"
    assert whole["paths"]["/a"]["get"]["schema"] == {"children": {"items": {"$ref": place}}}
    assert whole["x"] == {"$ref": "#/paths"}


@PATIENT
@given(st.recursive(st.none() | st.text(max_size=4) | st.builds(
    lambda name, pointer: {"$ref": f"{name}#{pointer}"}, st.sampled_from(["a", "b", ""]),
    st.sampled_from(["", "/x", "/0"])),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just("x"), inner),
    max_leaves=8))  # fmt: skip
def test_bundling_always_ends_and_leaves_no_reference_to_a_file(value: object):
    files = {"root": value, "a": value, "b": [value]}
    try:
        whole = bundling.bundle("root", files.__getitem__)
    except bundling.BundleError:
        return
    assert '"a#' not in json.dumps(whole)
    assert '"b#' not in json.dumps(whole)


def test_merge_keys_are_off():
    text = "base: &b {owner: x}\n---\n" + component("a").replace(
        "  owner: checkout", "  owner: checkout\n  extra: &e {x: 1}\n  other: {<<: *e}"
    )
    (parsed,) = descriptor.read(text).entities
    assert parsed.entity["spec"]["other"] == {"<<": {"x": 1}}


@pytest.mark.parametrize("address", ["javascript:alert(1)", " JavaScript:x", "java\nscript:x"])
def test_an_address_that_runs_a_script_is_replaced(address: str):
    given_ = {"backstage.io/view-url": address, "backstage.io/techdocs-ref": "dir:."}
    place = Place("https://x/a", "https://x/a", "https://x/e", "https://x/")
    final = stitch(entity("Component", OWNED, annotations=given_), uid="u", namespace="default",
                   place=place, orphan=False, edges=())  # fmt: skip
    annotations = json.loads(final.answer)["metadata"]["annotations"]
    assert annotations["backstage.io/view-url"] == REJECTED
    assert annotations["backstage.io/edit-url"] == "https://x/e"
    assert annotations["backstage.io/techdocs-ref"] == "dir:."
