"""The lossless upgrade: the properties that the design promises, on random histories."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scaffolder.weave import File, Kind, upgrade
from scaffolder.weave.upgrade import merge_files

LINES = [f"line {number}" for number in range(12)]


def file(*lines, mode="100644", end="\n"):
    return File((end.join(lines) + end).encode(), mode)


def edited(lines, **changes):
    return [changes.get(f"at{place}", line) for place, line in enumerate(lines)]


BASE = file(*LINES)
OURS = file(*edited(LINES, at2="team"))
THEIRS = file(*edited(LINES, at9="template"))
BOTH = file(*edited(LINES, at2="team", at9="template"))


def kinds(result):
    return {finding.path: finding.kind for finding in result.findings}


def test_both_sides_of_one_file():
    result = upgrade({"a": BASE}, {"a": OURS}, {"a": THEIRS})
    assert result.tree == {"a": BOTH}
    assert result.clean


def test_a_conflict_keeps_the_teams_version_and_shows_three_sides():
    theirs = file(*edited(LINES, at2="template"))
    result = upgrade({"a": BASE}, {"a": OURS}, {"a": theirs})
    assert result.tree == {"a": OURS}
    (finding,) = result.findings
    assert (finding.kind, finding.base, finding.ours, finding.theirs) == (
        Kind.CONFLICT, BASE, OURS, theirs,
    )  # fmt: skip
    assert not result.clean
    assert str(finding) == "a was changed here and in the template: this version was kept."


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "tree", "kind"),
    [
        (BASE, None, THEIRS, None, Kind.DELETED),
        (BASE, OURS, None, OURS, Kind.DROPPED),
        (BASE, None, BASE, None, None),
        (BASE, None, None, None, None),
        (BASE, BASE, None, None, None),
        (None, OURS, THEIRS, OURS, Kind.CONFLICT),
        (None, OURS, OURS, OURS, None),
        (None, None, THEIRS, THEIRS, None),
        (None, OURS, None, OURS, None),
        (File(b"\0a"), File(b"\0b"), File(b"\0c"), File(b"\0b"), Kind.CONFLICT),
        (File(b"\0a"), File(b"\0a"), File(b"\0c"), File(b"\0c"), None),
        (File(b"a", "120000"), File(b"b", "120000"), File(b"c", "120000"),
         File(b"b", "120000"), Kind.CONFLICT),
    ],
)  # fmt: skip
def test_one_path(base, ours, theirs, tree, kind):
    assert merge_files(base, ours, theirs) == (tree, kind)


def test_modes_merge_beside_contents():
    executable = File(OURS.content, "100755")
    assert merge_files(BASE, executable, THEIRS) == (File(BOTH.content, "100755"), None)
    assert merge_files(BASE, OURS, File(BASE.content, "100755")) == (executable, None)


def test_a_team_that_turned_to_crlf_still_gets_changes():
    ours = file(*edited(LINES, at2="team"), end="\r\n")
    merged, kind = merge_files(BASE, ours, THEIRS)
    assert kind is None
    assert merged == file(*edited(LINES, at2="team", at9="template"), end="\r\n")


def test_bytes_that_are_no_utf8_survive():
    base, ours, theirs = (
        side.content.replace(b"line 5", b"caf\xe9") for side in (BASE, OURS, THEIRS)
    )
    merged, kind = merge_files(File(base), File(ours), File(theirs))
    assert kind is None
    assert merged.content == BOTH.content.replace(b"line 5", b"caf\xe9")


@pytest.mark.parametrize("declared", [None, {"a": "b"}])
def test_a_file_that_the_template_moved_takes_the_teams_changes_along(declared):
    result = upgrade({"a": BASE}, {"a": OURS}, {"b": THEIRS}, renames=declared)
    assert result.tree == {"b": BOTH}
    assert kinds(result) == {"b": Kind.RENAMED}
    assert result.clean


def test_a_declared_rename_needs_no_likeness():
    base, theirs = file("x"), file("something", "else")
    result = upgrade({"a": base}, {"a": file("team")}, {"b": theirs}, renames={"a": "b"})
    assert result.tree == {"b": file("team")}
    assert [finding.kind for finding in result.findings] == [Kind.RENAMED, Kind.CONFLICT]


def test_a_file_that_the_team_moved_takes_the_templates_changes():
    result = upgrade({"a": BASE}, {"c": OURS}, {"a": THEIRS})
    assert result.tree == {"c": BOTH}
    assert kinds(result) == {"c": Kind.RENAMED}


@pytest.mark.parametrize(
    ("team", "template"),
    [("src", "src/a"), ("src/a", "src"), ("README", "readme"), ("Src", "src/a/b")],
)
def test_a_new_file_without_room_is_reported(team, template):
    result = upgrade({}, {team: OURS}, {template: THEIRS})
    assert result.tree == {team: OURS}
    assert kinds(result) == {template: Kind.BLOCKED}


# -- properties on random trees ------------------------------------------------------------------
PATHS = st.sampled_from(["a", "b", "d/c", "d/e", "f"])
WORDS = st.lists(st.integers(0, 30).map(lambda number: f"w{number}"), max_size=8, unique=True)
CONTENTS = WORDS.map(lambda words: "".join(f"{word}\n" for word in words).encode())
BINARIES = st.binary(max_size=3).map(lambda data: b"\0" + data)
FILES = st.builds(File, CONTENTS | BINARIES, st.sampled_from(["100644", "100755"]))
TREES = st.dictionaries(PATHS, FILES, max_size=4)


@st.composite
def team_edits(draw, tree):
    """A tree after a team worked on it: its lines begin with `team`, so they can be found again."""
    result = dict(tree)
    counter = draw(st.integers(0, 5)) * 100
    for path in list(result):
        action = draw(st.sampled_from(["keep", "keep", "edit", "edit", "delete", "move", "mode"]))
        old = result[path]
        if action in ("delete", "move"):
            del result[path]
        if action == "move":
            result[f"moved/{path}"] = old
        if action == "mode":
            result[path] = File(old.content, "100755")
        if action == "edit":
            lines = old.content.splitlines(keepends=True)
            place = draw(st.integers(0, len(lines)))
            drop = draw(st.integers(0, 2))
            counter += 1
            lines[place : place + drop] = [f"team{counter}\n".encode()]
            result[path] = File(b"".join(lines), old.mode)
    if draw(st.booleans()):
        result["own"] = File(b"team-own\n")
    return result


def team_lines(tree):
    return {line for item in tree.values() for line in item.content.splitlines() if b"team" in line}


@settings(deadline=None)
@given(TREES, TREES)
def test_no_local_edit_gives_a_fresh_render(base, theirs):
    result = upgrade(base, base, theirs)
    assert result.tree == theirs
    assert result.findings == ()


@settings(deadline=None)
@given(TREES.flatmap(lambda tree: st.tuples(st.just(tree), team_edits(tree))))
def test_no_new_release_changes_nothing(trees):
    base, ours = trees
    result = upgrade(base, ours, base)
    assert result.tree == ours
    assert result.clean


@settings(deadline=None)
@given(TREES, TREES, st.dictionaries(st.sampled_from(["x", "y/z"]), FILES))
def test_edits_in_other_files_do_not_conflict(base, theirs, own):
    result = upgrade(base, base | own, theirs)
    assert result.tree == theirs | own
    assert result.findings == ()


@settings(deadline=None)
@given(TREES.flatmap(lambda tree: st.tuples(st.just(tree), team_edits(tree))), TREES)
def test_what_a_team_wrote_is_in_the_result_or_in_the_report(trees, theirs):
    base, ours = trees
    result = upgrade(base, ours, theirs)
    reported = {str(place): side.ours for place, side in enumerate(result.findings) if side.ours}
    assert team_lines(ours) <= team_lines(result.tree) | team_lines(reported)


@settings(deadline=None)
@given(TREES.flatmap(lambda tree: st.tuples(st.just(tree), team_edits(tree))), TREES)
def test_there_is_never_a_conflict_marker(trees, theirs):
    base, ours = trees
    for item in upgrade(base, ours, theirs).tree.values():
        assert not any(mark in item.content for mark in (b"<<<<<<<", b"=======", b">>>>>>>"))


@settings(deadline=None)
@given(TREES.flatmap(lambda tree: st.tuples(st.just(tree), team_edits(tree))), TREES)
def test_a_file_that_the_team_deleted_never_comes_back_unseen(trees, theirs):
    base, ours = trees
    result = upgrade(base, ours, theirs)
    for path in base.keys() - ours.keys():
        assert path not in result.tree or base[path] == theirs.get(path) or result.findings


@settings(deadline=None)
@given(TREES.flatmap(lambda tree: st.tuples(st.just(tree), team_edits(tree))), TREES)
def test_an_upgrade_done_twice_is_done_once(trees, theirs):
    base, ours = trees
    once = upgrade(base, ours, theirs)
    assume(once.clean)
    again = upgrade(theirs, once.tree, theirs)
    assert again.tree == once.tree


@st.composite
def histories(draw):
    """Three releases and a team's tree, all editing lines of their own in the same files."""
    paths = draw(st.lists(PATHS, min_size=1, max_size=3, unique=True))
    base = {path: file(*[f"{path} {line}" for line in LINES]) for path in paths}

    def changed(tree, who):
        result = dict(tree)
        for path in paths:
            if path in result and draw(st.booleans()):
                lines = result[path].content.decode().splitlines()
                place = draw(st.integers(0, len(lines)))
                drop = draw(st.integers(0, 1))
                lines[place : place + drop] = [f"{who} {path} {draw(st.integers(0, 9))}"]
                result[path] = file(*lines)
            elif path in result and draw(st.integers(0, 5)) == 0:
                del result[path]
        return result

    two = changed(base, "two")
    return base, two, changed(two, "three"), changed(base, "team")


@settings(deadline=None)
@given(histories())
def test_step_by_step_is_the_same_as_at_once_where_both_are_clean(history):
    one, two, three, ours = history
    first = upgrade(one, ours, two)
    stepwise = upgrade(two, first.tree, three)
    at_once = upgrade(one, ours, three)
    assume(first.clean and stepwise.clean and at_once.clean)
    assert stepwise.tree == at_once.tree
