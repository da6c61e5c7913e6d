"""Paths that could leave a tree, and the digest."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaffolder.weave import (
    SYMLINK,
    File,
    Limits,
    TreeTooLarge,
    UnsafePath,
    check_path,
    check_tree,
    digest,
)  # fmt: skip

FILE = File(b"x")


@pytest.mark.parametrize(
    "path",
    [
        "", "/etc/passwd", "..", "../a", "a/../b", "a/..", "./a", "a/./b", "a//b", "a/", "a\0b",
        "a\\b", "C:/x", "c:x", ".git", ".git/config", "a/.git/hooks/x", ".GIT/x", ".Git", "git~1",
        "GIT~1/x", "gi7eba~1", ".git ", ".git.", ".git . .", ".git::$INDEX_ALLOCATION/x",
        ".g\u200cit/config", "\ufeff.git", ".git\u200f/x", "a\x1bb", "a\nb", "n" * 256,
    ],
)  # fmt: skip
def test_unsafe_paths(path):
    with pytest.raises(UnsafePath, match=r"^The path .* is refused: "):
        check_path(path)


@pytest.mark.parametrize(
    "path", ["a", "a/b.c", ".gitignore", ".github/x", "git", "a b", "é/ü", "...", "a..b", "gitx~1"]
)
def test_safe_paths(path):
    assert check_path(path) == path


@pytest.mark.parametrize(
    ("path", "target", "safe"),
    [
        ("a", "b", True),
        ("d/a", "../b", True),
        ("d/a", "../../b", False),
        ("a", "../b", False),
        ("a", "/etc", False),
        ("a", "", False),
        ("a", "d/../../x", False),
        ("a", "d/../x", True),
        ("a", ".git/config", False),
        ("a", "c:\\x", False),
    ],
)
def test_links(path, target, safe):
    tree = {path: File(target.encode(), SYMLINK)}
    if safe:
        check_tree(tree)
    else:
        with pytest.raises(UnsafePath):
            check_tree(tree)


@pytest.mark.parametrize(
    ("paths", "reason"),
    [
        (["README.md", "readme.md"], "only in capitals"),
        (["caf\u00e9", "cafe\u0301"], "only in capitals"),
        (["a", "a/b"], "a file and a folder at once"),
        (["A", "a/b"], "a file and a folder at once"),
        (["Src/a", "src/b"], "its folder differs"),
    ],
)
def test_collisions(paths, reason):
    with pytest.raises(UnsafePath, match=reason):
        check_tree(dict.fromkeys(paths, FILE))


def test_modes_and_limits():
    with pytest.raises(UnsafePath, match="no mode of a file"):
        check_tree({"a": File(b"", "160000")})
    with pytest.raises(TreeTooLarge, match=r"There are 2 files; at most 1"):
        check_tree({"a": FILE, "b": FILE}, Limits(files=1))
    with pytest.raises(TreeTooLarge, match=r"a has 1 bytes"):
        check_tree({"a": FILE}, Limits(file_bytes=0))


TREES = st.dictionaries(
    st.text("ab/", min_size=1, max_size=4),
    st.builds(File, st.binary(max_size=4), st.sampled_from(["100644", "100755"])),
    max_size=4,
)


@settings(deadline=None)
@given(TREES, TREES)
def test_digests_are_equal_only_for_equal_trees(one, other):
    assert (digest(one) == digest(other)) is (one == other)


@settings(deadline=None)
@given(TREES)
def test_digest_knows_no_order(tree):
    assert digest(dict(reversed(tree.items()))) == digest(tree)


@settings(deadline=None)
@given(st.text(max_size=12))
def test_no_path_that_passes_leaves_the_folder(path):
    try:
        check_path(path)
    except UnsafePath:
        return
    parts = path.split("/")
    assert not path.startswith("/")
    assert not {"..", ".", "", ".git"} & {part.casefold() for part in parts}
