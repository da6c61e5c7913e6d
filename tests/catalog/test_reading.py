"""Following `Location` entities through the files of one commit."""

from __future__ import annotations

from typing import Any, cast

from catalog import reading
from catalog.reading import Commit, read_files

LOCATION = """
apiVersion: backstage.io/v1alpha1
kind: Location
metadata: {name: all}
spec: {targets: ["./parts/*.yaml"]}
"""
SYSTEM = """
apiVersion: backstage.io/v1alpha1
kind: System
metadata: {name: %s}
spec: {owner: team}
"""


def test_files_over_the_limit_are_named_and_not_left_out_in_silence(monkeypatch: Any) -> None:
    monkeypatch.setattr(reading, "MAX_LOCATIONS", 3)
    texts: dict[str, str | None] = {
        "catalog-info.yaml": LOCATION,
        **{f"parts/{name}.yaml": SYSTEM % name for name in "abcde"},
    }
    commit = Commit(cast(Any, None), "group/project", "c" * 40, texts, sorted(texts))
    files = read_files(commit, ["catalog-info.yaml"], trusted=False)
    assert [file.path for file in files] == [
        "catalog-info.yaml", "parts/a.yaml", "parts/b.yaml",
    ]  # fmt: skip
    assert files[0].reading is not None
    (problem,) = files[0].reading.problems
    assert problem.message.startswith("3 of the files that this names are not read")
    assert [file.reading.problems for file in files[1:] if file.reading] == [(), ()]


def test_a_text_that_was_read_is_not_read_again_unless_other_files_say_a_part_of_it() -> None:
    texts: dict[str, str | None] = {
        "catalog-info.yaml": LOCATION,
        "parts/a.yaml": SYSTEM % "a",
        "parts/b.yaml": SYSTEM % "b" + "---" + SYSTEM % "Not A Name",
        "parts/c.yaml": (SYSTEM % "c").replace("{name: c}", "{name: c, title: {$text: t.txt}}"),
        "parts/t.txt": "One",
    }
    commit = Commit(cast(Any, None), "group/project", "c" * 40, texts, sorted(texts))
    first = read_files(commit, ["catalog-info.yaml"], trusted=False)
    known = {file.path: file.text_digest for file in first if file.text_digest}
    assert list(known) == ["parts/a.yaml"]
    again = read_files(commit, ["catalog-info.yaml"], trusted=False, known=known)
    assert [file.path for file in again] == [file.path for file in first]
    assert [file.path for file in again if file.unchanged] == ["parts/a.yaml"]
    by_other_rules = read_files(commit, ["catalog-info.yaml"], trusted=True, known=known)
    assert not any(file.unchanged for file in by_other_rules)
