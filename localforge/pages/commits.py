"""Commits: the list and one of them."""

from itertools import islice
from typing import Any

from localforge.call import Call
from localforge.errors import not_found
from localforge.git import diffs
from localforge.git.diffs import FileDiff
from localforge.pages.projects import place, show, split_ref
from localforge.reply import Reply
from localforge.routing import get
from localforge.shapes import commits as shapes

_PER_PAGE = 30
_MOST_LINES = 5000
_KINDS = {"+": "added", "-": "removed", "@": "hunk", "\\": "note"}


def list_commits(call: Call) -> Reply:
    """GET /:project/-/commits/:ref"""
    where = place(call, "commits")
    ref, sha, _ = split_ref(where, call.values["rest"])
    number = max(call.params.integer("page", 1), 1)
    start = (number - 1) * _PER_PAGE
    found = list(islice(where.repo.walk(sha), start, start + _PER_PAGE + 1))
    listed = [shapes.commit(call, where.project, c) for c in found[:_PER_PAGE]]
    return show(
        call, "commits.html", where, ref=ref, commits=listed, number=number,
        more=len(found) > _PER_PAGE, branches=list(where.repo.branches()),
    )  # fmt: skip


def commit(call: Call) -> Reply:
    """GET /:project/-/commit/:sha"""
    where = place(call, "commits")
    sha = where.repo.resolve(call.values["sha"])
    if sha is None:
        raise not_found("Commit")
    found = where.repo.commit(sha)
    parent = str(found.parent_ids[0]) if found.parent_ids else None
    shown = diff_view(diffs.file_diffs(where.repo, parent, sha))
    shape = shapes.commit(call, where.project, found)
    return show(call, "commit.html", where, commit=shape, files=shown)


def diff_view(found: list[FileDiff]) -> list[dict[str, Any]]:
    """Diffs line by line, each line with its kind and its numbers."""
    left, files = _MOST_LINES, []
    for one in found:
        lines = _lines(one.diff)
        cut = len(lines) > left
        files.append(
            {"file": one, "lines": lines[:left], "cut": cut or one.too_large, **_counts(lines)}
        )
        left = max(0, left - len(lines))
    return files


def _counts(lines: list[dict[str, Any]]) -> dict[str, int]:
    kinds = [line["kind"] for line in lines]
    return {"added": kinds.count("added"), "removed": kinds.count("removed")}


def _lines(diff: str) -> list[dict[str, Any]]:
    shown, old, new = [], 0, 0
    for text in diff.split("\n")[:-1] if diff.endswith("\n") else diff.split("\n"):
        kind = _KINDS.get(text[:1], "same")
        if kind == "hunk":
            old, new = _starts(text)
        shown.append(
            {
                "kind": kind,
                "mark": text[:1] if kind in ("added", "removed") else "",
                "text": text if kind in ("hunk", "note") else text[1:],
                "old": old if kind in ("removed", "same") else "",
                "new": new if kind in ("added", "same") else "",
            }
        )
        old += kind in ("removed", "same")
        new += kind in ("added", "same")
    return shown if diff else []


def _starts(header: str) -> tuple[int, int]:
    parts = header.split(" ")
    return int(parts[1].lstrip("-").split(",")[0]), int(parts[2].lstrip("+").split(",")[0])


ROUTES = [
    get("/*project/-/commits/*rest", list_commits),
    get("/*project/-/commit/:sha", commit),
]
