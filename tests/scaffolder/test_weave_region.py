"""Marked regions."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaffolder.weave import RegionError, put_region, remove_region

STYLES = [
    ("README.md", "<!-- BEGIN bespoke:x -->"),
    ("a/index.html", "<!-- BEGIN bespoke:x -->"),
    (".gitlab-ci.yml", "# BEGIN bespoke:x"),
    ("Dockerfile", "# BEGIN bespoke:x"),
    ("Dockerfile.dev", "# BEGIN bespoke:x"),
    (".gitignore", "# BEGIN bespoke:x"),
    ("CODEOWNERS", "# BEGIN bespoke:x"),
    ("Makefile", "# BEGIN bespoke:x"),
    ("src/app.ts", "// BEGIN bespoke:x"),
    ("Jenkinsfile", "// BEGIN bespoke:x"),
    ("go.mod", "// BEGIN bespoke:x"),
    ("schema.sql", "-- BEGIN bespoke:x"),
    ("style.css", "/* BEGIN bespoke:x */"),
]


@pytest.mark.parametrize(("path", "marker"), STYLES)
def test_comment_style_follows_the_type(path, marker):
    end = marker.replace("BEGIN", "END")
    assert put_region(path, "first\n", "x", "new\n") == f"first\n\n{marker}\nnew\n{end}\n"


@pytest.mark.parametrize("path", ["data.json", "image.png", "LICENSE", "a.lock"])
def test_no_comment_no_region(path):
    with pytest.raises(RegionError, match="no comment can mark a region"):
        put_region(path, "", "x", "new")


@pytest.mark.parametrize(
    ("anchor", "result"),
    [
        ({"after": "two"}, "one\ntwo\n[x]\nthree"),
        ({"before": "two"}, "one\n[x]\ntwo\nthree"),
        ({"after": "three"}, "one\ntwo\nthree\n[x]\n"),
        ({"before": "one"}, "[x]\none\ntwo\nthree"),
        ({"after": "nowhere"}, "one\ntwo\nthree\n\n[x]\n"),
    ],
)
def test_anchors(anchor, result):
    region = "# BEGIN bespoke:x\nnew\n# END bespoke:x"
    assert put_region("a.py", "one\ntwo\nthree", "x", "new", **anchor) == result.replace(
        "[x]", region
    )


def test_crlf_stays():
    text = put_region("a.py", "one\r\n", "x", "a\nb\n")
    assert text == "one\r\n\r\n# BEGIN bespoke:x\r\na\r\nb\r\n# END bespoke:x\r\n"
    assert put_region("a.py", text, "x", "a\nb\n") == text


def test_names_that_begin_alike_are_not_confused():
    text = put_region("a.py", put_region("a.py", "", "sbom-all", "1"), "sbom", "2")
    assert put_region("a.py", text, "sbom", "3") == text.replace("\n2\n", "\n3\n")


@pytest.mark.parametrize(
    "text",
    [
        "# BEGIN bespoke:x\n",
        "# END bespoke:x\n",
        "# END bespoke:x\n# BEGIN bespoke:x\n",
        "# BEGIN bespoke:x\n# BEGIN bespoke:x\n# END bespoke:x\n",
    ],
)
def test_a_torn_region_is_not_guessed_at(text):
    for change in (
        lambda: put_region("a.py", text, "x", "b"),
        lambda: remove_region("a.py", text, "x"),
    ):
        with pytest.raises(RegionError, match="torn region bespoke:x"):
            change()


def test_content_cannot_fake_its_own_end():
    with pytest.raises(RegionError, match="its own marker"):
        put_region("a.py", "", "x", "a\n# END bespoke:x\nb")


LINES = st.lists(st.sampled_from(["a", "  b", "", "# c", "é"]), max_size=5)
TEXTS = st.builds(lambda lines, end: "\n".join(lines) + end, LINES, st.sampled_from(["", "\n"]))


@settings(deadline=None)
@given(TEXTS, TEXTS, TEXTS)
def test_replacing_leaves_everything_else(head, body, new):
    first = put_region("a.py", head, "x", body)
    second = put_region("a.py", first + "tail", "x", new)
    assert second.startswith(head)
    assert second.endswith("tail")
    assert put_region("a.py", second, "x", new) == second
    assert put_region("a.py", second, "x", body) == first + "tail"


@settings(deadline=None)
@given(TEXTS)
def test_removing_gives_back_the_text(text):
    text += "\n\n"
    assert remove_region("a.py", put_region("a.py", text, "x", "new"), "x") == text


@settings(deadline=None)
@given(TEXTS)
def test_removing_nothing_changes_nothing(text):
    assert remove_region("a.py", text, "x") == text
