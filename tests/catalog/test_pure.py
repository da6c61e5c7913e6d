"""The pure rooms: references, validators, descriptors, relations, selectors."""

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import descriptor, refs, relations, selectors, validators
from tests.conftest import component

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus" / "descriptors"
NAMES = st.text(string.ascii_letters + string.digits, min_size=1, max_size=20)
NAMESPACES = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=20)


# -- references ---------------------------------------------------------------------------------
@given(NAMES, NAMESPACES, NAMES)
def test_a_reference_survives_printing_and_parsing(kind: str, namespace: str, name: str):
    ref = refs.parse(f"{kind}:{namespace}/{name}")
    assert refs.parse(str(ref)) == ref
    assert str(ref) == f"{kind}:{namespace}/{name}".lower()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", "group:default/a"),
        ("user:a", "user:default/a"),
        ("ns/a", "group:ns/a"),
        ("API:NS/A", "api:ns/a"),
        ("ns/a:b", "group:ns/a:b"),  # the slash comes first: the colon belongs to the name
    ],
)
def test_what_a_reference_leaves_out_comes_from_the_defaults(text: str, expected: str):
    assert str(refs.parse(text, default_kind="Group")) == expected


@pytest.mark.parametrize("text", ["", ":a", "a:", "group:/a", "group:ns/", "/a"])
def test_an_empty_part_is_refused(text: str):
    with pytest.raises(refs.InvalidRef, match="not on the form"):
        refs.parse(text, default_kind="group")


def test_a_missing_kind_is_refused_where_there_is_no_default():
    with pytest.raises(refs.InvalidRef, match="missing or empty kind"):
        refs.parse("a")


# -- validators ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (validators.is_name, ["a", "A-b_c.D", "x" * 63], ["", "-a", "a-", "a b", "x" * 64]),
        (validators.is_namespace, ["default", "a-b", "a--b"], ["A", "a_b", "-a", "x" * 64]),
        (validators.is_tag, ["java", "c++", "c#", "a:b", "a-b"], ["Java", "a--b", "a_b", ""]),
        (validators.is_key, ["a", "a.b/c", "backstage.io/x"], ["a/b/c", "A_/", "/a", "A.b/c"]),
        (validators.is_label_value, ["", "a.b"], ["a b", "x" * 64]),
        (validators.is_kind, ["Component", "a1"], ["1a", "a-b", ""]),
        (validators.is_api_version, ["v1", "backstage.io/v1alpha1"], ["a/b/c", "", "x/"]),
        (validators.is_url, ["https://a", "mailto:x"], ["a", "//x", ""]),
    ],
)
def test_validators(rule, good: list[str], bad: list[str]):
    assert [value for value in good if not rule(value)] == []
    assert [value for value in bad if rule(value)] == []


# -- descriptors --------------------------------------------------------------------------------
def test_a_broken_rule_names_its_line_and_column():
    reading = descriptor.read(component("a") + "---\n" + component("harbour gauges"))
    assert [str(parsed.ref) for parsed in reading.entities] == ["component:default/a"]
    (problem,) = reading.problems
    assert "metadata.name" in problem.message
    assert (problem.line, problem.column) == (14, 9)


def test_a_syntax_error_names_its_line_and_keeps_the_documents_before_it():
    reading = descriptor.read(component("a") + "---\nmetadata: [\n")
    assert len(reading.entities) == 1
    (problem,) = reading.problems
    assert "cannot be parsed" in problem.message
    assert problem.line >= 10


def test_scalars_are_yaml_1_2():
    text = component("a").replace("lifecycle: production", "lifecycle: yes")
    (parsed,) = descriptor.read(text).entities
    assert parsed.entity["spec"]["lifecycle"] == "yes"
    text = component("a").replace("  description: The a of the tests.", "  description: 2024-01-01")
    assert descriptor.read(text).entities[0].entity["metadata"]["description"] == "2024-01-01"


def test_a_key_that_stands_twice_is_an_error():
    (problem,) = descriptor.read(component("a") + "  owner: b\n").problems
    assert "owner” stands twice" in problem.message
    assert problem.line == 10


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("kind: Component", "kind: Komponent"), "is not known"),
        (("apiVersion: backstage.io/v1alpha1", "apiVersion: v9"), "must be backstage.io/v1alpha1"),
        (("  owner: checkout", "  note: x"), "spec.owner” is missing"),
        (("spec:", "relations: []\nspec:"), "Unknown field “relations”"),
        (("  name: a", "  name: a\n  tags: [Java]"), "metadata.tags.0"),
        (("  name: a", "  name: a\n  annotations: {x: 1}"), "must be a string"),
        (("  name: a", "  name: a\n  links: [{title: x}]"), "must have a url"),
        (("  owner: checkout", "  owner: checkout\n  dependsOn: x"), "must be a list"),
    ],
)
def test_refusals_say_what_is_wrong(change: tuple[str, str], words: str):
    reading = descriptor.read(component("a").replace(*change))
    assert reading.entities == ()
    assert any(words in problem.message for problem in reading.problems), reading.problems


def test_placeholders_are_resolved_and_missing_files_are_named():
    text = (
        "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {name: a}\n"
        "spec: {type: openapi, lifecycle: x, owner: t, definition: {$text: ./openapi.yaml}}\n"
    )
    (parsed,) = descriptor.read(text, resolve=lambda name, target: f"<{target}>").entities
    assert parsed.entity["spec"]["definition"] == "<./openapi.yaml>"

    def missing(name: str, target: str) -> str:
        raise descriptor.PlaceholderError(f"could not read {target}")

    (problem,) = descriptor.read(text, resolve=missing).problems
    assert "./openapi.yaml" in problem.message


@given(st.text(max_size=300))
def test_no_text_makes_the_reader_raise(text: str):
    descriptor.read(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=10),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["kind", "apiVersion", "metadata", "spec", "name", "tags", "links"]
                ),
                inner,
                max_size=5,
            )
        ),
        max_leaves=20,
    )
)
def test_no_structure_makes_the_validators_raise(value: object):
    import json

    descriptor.read(json.dumps(value))


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real descriptors is not here")
def test_real_descriptors_are_read():
    texts = [path.read_text() for path in CORPUS.rglob("*.y*ml")]
    readings = [descriptor.read(text) for text in texts]
    assert sum(len(reading.entities) for reading in readings) > 100
    assert [p for reading in readings for p in reading.problems] == []


# -- relations ----------------------------------------------------------------------------------
def test_every_edge_has_its_inverse():
    text = component("a", system="shop", providesApis="[x]", dependsOn="[resource:db]")
    edges, findings = relations.relations_of(descriptor.read(text).entities[0].entity)
    assert findings == []
    assert len(edges) == 8
    for edge in edges:
        inverse = relations.Relation(edge.target, relations.INVERSE[edge.type], edge.source)
        assert inverse in edges


def test_references_mean_the_entitys_own_namespace():
    text = component("a").replace("  name: a", "  name: a\n  namespace: shop")
    entity = descriptor.read(text).entities[0].entity
    assert relations.owner_ref(entity) == "group:shop/checkout"


def test_depends_on_needs_a_kind():
    text = component("a", dependsOn="[db]")
    edges, ((field, message),) = relations.relations_of(descriptor.read(text).entities[0].entity)
    assert field == "dependsOn"
    assert "missing or empty kind" in message
    assert all(edge.type in ("ownedBy", "ownerOf") for edge in edges)


# -- selectors ----------------------------------------------------------------------------------
def test_a_missing_field_makes_a_selector_false():
    assert selectors.matches("entity.spec.type == 'service'", entity={"spec": {"type": "service"}})
    assert not selectors.matches("entity.spec.type == 'service'", entity={})


@pytest.mark.parametrize("expression", ["1 +", "nobody.knows", "1", "'x' * 3000" + " " * 3000])
def test_a_selector_that_cannot_be_used_says_so(expression: str):
    with pytest.raises(selectors.SelectorError):
        selectors.matches(expression, entity={})
