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
