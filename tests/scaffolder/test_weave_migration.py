"""Renames that releases declare."""

import pytest

from scaffolder.weave import Migration, migration, migration_problems

SPEC = {
    "migrations": [
        {"version": "3.0.0", "files": {"b": "c", "x": "y"}, "answers": {"port": "http_port"}},
        {"version": "2.0.0", "files": {"a": "b"}, "answers": {"p": "port"}},
    ]
}


@pytest.mark.parametrize(
    ("old", "new", "files", "answers"),
    [
        ("1.0.0", "2.0.0", {"a": "b"}, {"p": "port"}),
        ("2.0.0", "3.1.0", {"b": "c", "x": "y"}, {"port": "http_port"}),
        ("1.5", "3.0.0", {"a": "c", "x": "y"}, {"p": "http_port"}),
        ("3.0.0", "3.0.0", {}, {}),
        ("3.0.0", "1.0.0", {}, {}),
        ("main", "3.0.0", {}, {}),
    ],
)
def test_what_was_renamed_between_two_versions(old, new, files, answers):
    assert migration(SPEC, old, new) == Migration(files, answers)


def test_answers_come_under_their_new_names():
    found = Migration(answers={"p": "port"})
    assert found.renamed({"p": 1, "other": 2}) == {"port": 1, "other": 2}
    assert found.renamed({"p": 1, "port": 3}) == {"port": 3}


def test_what_is_wrong_is_said():
    spec = {"migrations": [{"version": "new"}, {"version": "2", "files": {"a": "../b", "c": 1}}]}
    said = [str(problem) for problem in migration_problems(spec)]
    assert len(said) == 3
    assert "`new` is not a version" in said[0]
    assert any("spec.migrations.1.files.c" in text for text in said)
    assert migration_problems({}) == migration_problems(SPEC) == []
