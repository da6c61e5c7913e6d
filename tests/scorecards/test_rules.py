"""The rules of scorecards as properties: levels are monotone, unknown never counts as a pass."""

from hypothesis import given
from hypothesis import strategies as st

from scorecards.rules import (
    FAIL,
    NOT_APPLICABLE,
    PASS,
    UNKNOWN,
    Check,
    Level,
    Scorecard,
    Verdict,
    parse_scorecard,
    standing,
)

LEVELS = tuple(Level(name, name.title()) for name in ("bronze", "silver", "gold"))
ORDER = {"": -1, "bronze": 0, "silver": 1, "gold": 2}
VERDICTS = st.sampled_from([PASS, FAIL, UNKNOWN, NOT_APPLICABLE])


@st.composite
def judged(draw: st.DrawFn) -> tuple[Scorecard, dict[str, Verdict]]:
    count = draw(st.integers(1, 8))
    levels = [draw(st.sampled_from(["bronze", "silver", "gold"])) for _ in range(count)]
    checks = tuple(Check(f"c{i}", f"C{i}", level, "x") for i, level in enumerate(levels))
    verdicts = {check.id: Verdict(draw(VERDICTS)) for check in checks}
    return Scorecard("s", "S", "", LEVELS, checks), verdicts


@given(judged(), st.data())
def test_mending_a_check_never_lowers_the_level(case, data: st.DataObject):
    scorecard, verdicts = case
    mended = data.draw(st.sampled_from(sorted(verdicts)))
    before = standing(scorecard, verdicts)
    after = standing(scorecard, verdicts | {mended: Verdict(PASS)})
    assert ORDER[after.level] >= ORDER[before.level]
    assert after.passed >= before.passed


@given(judged())
def test_unknown_counts_as_little_as_failed(case):
    scorecard, verdicts = case
    failed = {k: Verdict(FAIL) if v.verdict == UNKNOWN else v for k, v in verdicts.items()}
    assert standing(scorecard, verdicts) == standing(scorecard, failed)


@given(judged())
def test_a_level_means_that_everything_up_to_it_passes(case):
    scorecard, verdicts = case
    result = standing(scorecard, verdicts)
    for check in scorecard.checks:
        if ORDER[check.level] <= ORDER[result.level]:
            assert verdicts[check.id].verdict in (PASS, NOT_APPLICABLE)


@given(judged())
def test_the_next_step_is_a_gap_of_the_lowest_level_that_has_one(case):
    scorecard, verdicts = case
    result = standing(scorecard, verdicts)
    gaps = [c for c in scorecard.checks if verdicts[c.id].verdict in (FAIL, UNKNOWN)]
    if not gaps:
        assert (result.next_step, result.next_level) == ("", "")
    else:
        step = next(c for c in scorecard.checks if c.id == result.next_step)
        assert step in gaps
        assert ORDER[step.level] == min(ORDER[c.level] for c in gaps)


def definition(**spec: object) -> dict[str, object]:
    good = {
        "levels": [{"name": "bronze"}],
        "checks": [{"id": "a", "level": "bronze", "check": "x"}],
    }
    return {"metadata": {"name": "s"}, "spec": good | spec}


def test_a_broken_definition_says_where():
    scorecard, problems = parse_scorecard(definition())
    assert scorecard is not None
    assert problems == []
    for spec, words in (
        ({"levels": []}, "spec.levels"),
        ({"checks": [{"id": "a"}]}, "spec.checks.0 must have level, check"),
        ({"checks": [{"id": "a", "level": "z", "check": "x"}]}, "no level “z”"),
        ({"checks": definition()["spec"]["checks"] * 2}, "stands twice"),
    ):
        scorecard, problems = parse_scorecard(definition(**spec))
        assert scorecard is None
        assert words in problems[0]
