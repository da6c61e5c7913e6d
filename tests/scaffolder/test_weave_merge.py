"""Structured merges: what the fragment does not touch keeps its bytes."""

import json

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from scaffolder.weave import MergeError, merge_entity, merge_text
from scaffolder.weave.merge import split_documents

PIPELINE = """\
# pipeline of the shop
stages: [build,   test]   # two of them

include:
- local: a.yml      # first
- project: "group/ci"

build:
    script:
    - make
    - >-
      long
      text
    only: {refs: [main]}

# the end
"""


def test_yaml_keeps_comments_order_and_odd_spaces():
    fragment = "include: [{local: b.yml}]\nsbom:\n  script: [run]\nbuild: {only: {$delete: true}}\n"
    assert (
        merge_text(".gitlab-ci.yml", PIPELINE, fragment)
        == """\
# pipeline of the shop
stages: [build,   test]   # two of them

include:
- local: a.yml      # first
- project: "group/ci"
- {local: b.yml}

build:
    script:
    - make
    - >-
      long
      text
sbom:
    script: [run]

# the end
"""
    )


@pytest.mark.parametrize(
    ("strategy", "result"),
    [
        ("union", [1, 2, 3]),
        ("append", [1, 2, 2, 3]),
        ("prepend", [2, 3, 1, 2]),
        ("replace", [2, 3]),
    ],
)
@pytest.mark.parametrize("kind", ["yaml", "json", "toml"])
def test_lists(kind, strategy, result):
    write = {"yaml": json.dumps, "json": json.dumps, "toml": tomlkit.dumps}[kind]
    read = {"yaml": YAML(typ="safe").load, "json": json.loads, "toml": tomlkit.parse}[kind]
    base, fragment = write({"a": {"b": [1, 2]}}), write({"a": {"b": [2, 3]}})
    path = f"file.{kind}"
    merged = merge_text(path, base, fragment, {"a.*": strategy})
    assert read(merged)["a"]["b"] == result
    assert merge_text(path, merged, fragment, {"a.*": strategy}) == merged


def test_json_keeps_indent_and_end():
    text = '{\n    "name": "é",\n    "files": ["a",   "b"],\n    "old": 1\n}'
    merged = merge_text("package.json", text, '{"scripts": {"x": "y"}, "old": {"$delete": true}}')
    assert merged == (
        '{\n    "name": "é",\n    "files": ["a",   "b"],\n    "scripts": {\n        "x": "y"\n'
        "    }\n}"
    )


def test_toml_keeps_comments():
    text = '# top\n[tool.x]   # here\na = 1 # one\nl = ["a"]\n'
    merged = merge_text("pyproject.toml", text, '[tool.x]\nb = 2\nl = ["b"]\n')
    assert merged == '# top\n[tool.x]   # here\na = 1 # one\nl = ["a", "b"]\nb = 2\n'


def test_crlf_stays():
    merged = merge_text("a.yml", "a: 1\r\nb: 2 # c\r\n", "c: 3\n")
    assert merged == "a: 1\r\nb: 2 # c\r\nc: 3\r\n"


@pytest.mark.parametrize(("path", "result"), [("a.yml", "x: 1\n"), ("a.json", '{\n  "x": 1\n}\n')])
def test_a_missing_file_becomes_the_fragment(path, result):
    assert merge_text(path, "", '{"x": 1}' if path.endswith("json") else "x: 1\n") == result


def test_other_documents_stay():
    text = "---\na:   1\n---\nb:   2 # two\n"
    assert merge_text("a.yaml", text, "c: 3\n") == "---\na:   1\nc: 3\n---\nb:   2 # two\n"


@pytest.mark.parametrize(
    ("path", "text", "fragment"),
    [
        ("a.txt", "a", "b"),
        ("a.yml", "a: [", "b: 1"),
        ("a.yml", "- a\n", "b: 1"),
        ("a.yml", "a: 1\na: 2\n", "b: 1"),
        ("a.yml", "a: 1", "- b"),
        ("a.yml", "a: !!python/object:os.system x", "b: ["),
        ("a.json", "{", "{}"),
        ("a.json", "[]", "{}"),
        ("a.toml", "a = ", "b = 1"),
    ],
)
def test_what_cannot_be_merged_is_refused_in_a_sentence(path, text, fragment):
    with pytest.raises(MergeError, match=r".+ .+"):
        merge_text(path, text, fragment)


ENTITY = """\
# all of the shop
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name:   shop-api}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: shop
  annotations:
    a: b   # keep
spec:
  type: service
---
kind: Component
metadata: {name: second}
"""


def test_the_first_component_gets_the_fragment():
    merged = merge_entity(ENTITY, {"metadata": {"annotations": {"bespoke/sbom": "true"}}})
    assert merged == ENTITY.replace("# keep\n", "# keep\n    bespoke/sbom: 'true'\n")


def test_without_a_component_the_first_entity_gets_it():
    text = "kind: Resource\nmetadata:\n  name: x\n"
    assert merge_entity(text, {"spec": {"a": 1}}) == text + "spec:\n  a: 1\n"


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n", "a: [\n"])
def test_no_entity(text):
    with pytest.raises(MergeError, match=r"catalog-info\.yaml"):
        merge_entity(text, {"spec": {"a": 1}})


@settings(deadline=None)
@given(st.text("-\n a#:", max_size=40))
def test_documents_joined_are_the_text(text):
    assert "".join(split_documents(text)) == text


KEYS = st.sampled_from(["a", "b", "c d", "e.f"])
SCALARS = st.integers(0, 9) | st.booleans() | st.sampled_from(["x", "yes", "- no", "4", "", "é: #"])
DATA = st.dictionaries(
    KEYS,
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
        max_leaves=5,
    ),
    max_size=3,
)


def deep(one, other):
    """What a union merge means, said plainly."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one | {key: deep(one.get(key), value) for key, value in other.items()}
    if isinstance(one, list) and isinstance(other, list):
        result = list(one)
        for item in other:
            result += [] if item in result else [item]
        return result
    return other


@settings(deadline=None)
@given(DATA, DATA)
def test_a_merge_is_deep_and_happens_once(base, fragment):
    text, addition = json.dumps(base, indent=2), json.dumps(fragment)
    expected = deep(base, fragment)
    for path, read in (("a.json", json.loads), ("a.yaml", YAML(typ="safe", pure=True).load)):
        merged = merge_text(path, text, addition)
        assert json.dumps(read(merged)) == json.dumps(expected)
        assert merge_text(path, merged, addition) == merged


@settings(deadline=None)
@given(DATA)
def test_a_merge_of_what_is_there_changes_no_byte(data):
    text = json.dumps(data, indent=3) + "\n\n"
    for path in ("a.json", "a.yml"):
        assert merge_text(path, text, json.dumps(data)) == text
