"""Edits of descriptor files: exactly the wanted fields differ, every other line stays."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.editing import CannotEdit, changed, diff, document, edit, entities_of

REF = "component:default/checkout"
FILE = """\
# Who touches this tells #checkout.
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
    name:   checkout    # the name is the deployment's
    title: "Checkout"
    description: >-
      Takes the money,
      and nothing else.
    annotations:
        # the project
        gitlab.com/project-slug: 'tidewater/checkout'
    tags: [python,  payments]   # short

    links:
    - url: https://example.com/a   # first
      title: A
      icon: docs
spec:
    type: service
    lifecycle: production
    owner: group:checkout # ask them
    dependsOn:
      # the store
      - resource:default/db

      # the queue
      - resource:default/queue
---
# another document
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: checkout-api, title: 'The API'}
spec: {type: openapi, lifecycle: production, owner: checkout, definition: "x"}
"""


def touched(text: str, ref: str, changes: dict[tuple[str, ...], Any]) -> list[str]:
    done = edit(text, ref, changes)
    return [line for kind, line in diff(text, done, "f") if kind in ("added", "removed")]


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("metadata", "title"), "The checkout",
         ['-    title: "Checkout"', '+    title: "The checkout"']),
        (("spec", "owner"), "group:default/ledger",
         ["-    owner: group:checkout # ask them", "+    owner: group:default/ledger # ask them"]),
        (("spec", "system"), "payments", ["+    system: payments"]),
        (("metadata", "description"), "One line",
         ["-    description: >-", "-      Takes the money,", "-      and nothing else.",
          "+    description: One line"]),
        (("metadata", "description"), "Two\n\nparts",
         ["-    description: >-", "-      Takes the money,", "-      and nothing else.",
          "+    description: |-", "+      Two", "+", "+      parts"]),
        (("metadata", "title"), None, ['-    title: "Checkout"']),
        (("metadata", "annotations", "a.b/c"), "yes", ['+        a.b/c: "yes"']),
        (("metadata", "annotations", "gitlab.com/project-slug"), "it's",
         ["-        gitlab.com/project-slug: 'tidewater/checkout'",
          "+        gitlab.com/project-slug: 'it''s'"]),
        (("metadata", "annotations", "gitlab.com/project-slug"), None,
         ["-    annotations:", "-        # the project",
          "-        gitlab.com/project-slug: 'tidewater/checkout'"]),
        (("metadata", "tags"), ["python", "new"],
         ["-    tags: [python,  payments]   # short", "+    tags: [python,  new]   # short"]),
        (("spec", "dependsOn"), ["resource:default/db", "component:default/x"],
         ["+      - component:default/x", "-      - resource:default/queue"]),
        (("spec", "dependsOn"), None,
         ["-    dependsOn:", "-      # the store", "-      - resource:default/db", "-",
          "-      # the queue", "-      - resource:default/queue"]),
        (("metadata", "links"), [{"url": "https://example.com/a", "title": "A", "icon": "docs"},
                                 {"url": "https://example.com/b", "title": "B: b"}],
         ["+    - url: https://example.com/b", '+      title: "B: b"']),
        (("spec", "providesApis"), ["checkout-api"],
         ["+    providesApis:", "+      - checkout-api"]),
    ],
    ids=str,
)  # fmt: skip
def test_only_the_lines_of_a_field_change(path, value, expected: list[str]):
    assert sorted(touched(FILE, REF, {path: value})) == sorted(expected)


def test_one_document_of_several_in_one_line_style():
    ref = "api:default/checkout-api"
    changes = {("metadata", "title"): "API, new", ("metadata", "tags"): ["a", "b"],
               ("spec", "system"): "payments"}  # fmt: skip
    assert touched(FILE, ref, changes) == [
        "-metadata: {name: checkout-api, title: 'The API'}",
        '-spec: {type: openapi, lifecycle: production, owner: checkout, definition: "x"}',
        "+metadata: {name: checkout-api, title: 'API, new', tags: [a, b]}",
        '+spec: {type: openapi, lifecycle: production, owner: checkout, system: payments, definition: "x"}',
    ]


def test_line_ends_of_windows_are_kept():
    text = FILE.replace("\n", "\r\n")
    done = edit(text, REF, {("spec", "system"): "x", ("metadata", "description"): "a\nb"})
    assert done.replace("\r\n", "").count("\n") == 0
    assert entities_of(done)[REF]["metadata"]["description"] == "a\nb"


def test_a_file_without_a_last_line_end():
    done = edit(FILE.rstrip("\n").rpartition("\n---")[0], REF, {("spec", "dependsOn"): ["a", "b"]})
    assert entities_of(done)[REF]["spec"]["dependsOn"] == ["a", "b"]


def test_what_cannot_be_edited_safely_is_refused():
    anchored = FILE.replace("owner: group:checkout", "owner: &o group:checkout").replace(
        "lifecycle: production\n", "lifecycle: *o\n", 1
    )
    with pytest.raises(CannotEdit):
        edit(anchored, REF, {("spec", "owner"): "x"})
    with pytest.raises(CannotEdit, match="no longer describes"):
        edit(FILE, "component:default/other", {("spec", "owner"): "x"})


def test_a_new_file_says_what_it_was_given():
    entity = {
        "apiVersion": "backstage.io/v1alpha1", "kind": "Component",
        "metadata": {"name": "a", "title": "A: a", "tags": ["x"],
                     "links": [{"url": "https://x.test", "title": "X"}]},
        "spec": {"type": "service", "lifecycle": "production", "owner": "group:default/x"},
    }  # fmt: skip
    assert entities_of(document(entity)) == {"component:default/a": entity}


# -- any edit -----------------------------------------------------------------------------------
TEXTS = st.text(min_size=1, max_size=30).filter(lambda text: text.strip() and "\0" not in text)
WORDS = st.text("abcd", min_size=1, max_size=6)
REFS = st.lists(WORDS.map(lambda word: f"component:default/{word}"), min_size=1, unique=True)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        ("metadata", "title"): TEXTS | st.none(),
        ("metadata", "description"): TEXTS | st.none(),
        ("metadata", "tags"): st.lists(WORDS, min_size=1, unique=True) | st.none(),
        ("metadata", "annotations", "x/y"): TEXTS,
        ("metadata", "annotations", "gitlab.com/project-slug"): TEXTS | st.none(),
        ("spec", "type"): WORDS,
        ("spec", "system"): WORDS,
        ("spec", "dependsOn"): REFS | st.none(),
        ("spec", "consumesApis"): REFS,
    },
)


@given(CHANGES, st.sampled_from(["\n", "\r\n"]))
def test_an_edit_changes_what_it_should_and_nothing_else(changes: dict, newline: str):
    text = FILE.replace("\n", newline)
    wanted = entities_of(text)[REF]
    for path, value in changes.items():
        wanted = changed(wanted, path, value)
    done = edit(text, REF, changes)
    assert entities_of(done)[REF] == wanted
    kept = [line for line in text.split(newline) if line.strip().startswith(("kind", "name"))]
    assert [line for line in done.split(newline) if line in kept] == kept
    assert (
        done.partition(f"{newline}---{newline}")[2] == text.partition(f"{newline}---{newline}")[2]
    )


@given(st.lists(WORDS, min_size=1, max_size=6), st.lists(WORDS, min_size=1, max_size=6))
def test_lists_keep_the_comments_of_items_that_stay(old: list[str], new: list[str]):
    items = "".join(f"    - {word} # about {word}\n" for word in old)
    text = (
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: checkout\n"
        f"spec:\n  type: x\n  lifecycle: y\n  owner: z\n  dependsOn:\n{items}"
    )
    done = edit(text, REF, {("spec", "dependsOn"): new})
    assert entities_of(done)[REF]["spec"]["dependsOn"] == new
    if old == new:
        assert done == text
