"""nunjucks' filters on lists and objects, written to give its results."""

from __future__ import annotations

from collections.abc import Callable
from functools import cmp_to_key, partial
from typing import Any

from .conditions import TESTS
from .filtering import FILTERS, count_of, filter_named, like, list_of
from .javascript import LONGEST_TEXT, JsDict, JsList, Undefined, fail, kind, text
from .methods import join, member
from .operators import add, compare


@filter_named("batch")
def _batch(value: Any, size: Any, fill: Any = None) -> JsList:
    step, items = max(1, count_of(size, 1)), list_of(value, "batch")
    rows = [JsList(items[at : at + step]) for at in range(0, len(items), step)]
    if rows and fill:
        rows[-1].extend([fill] * min(step - len(rows[-1]), LONGEST_TEXT // 100))
    return JsList(rows)


@filter_named("dictsort")
def _dictsort(value: Any, case_sensitive: Any = False, by: Any = "key") -> JsList:
    if not isinstance(value, dict):
        raise fail(f"the filter dictsort needs an object, and this is {kind(value)}")
    if by not in ("key", "value"):
        raise fail("the filter dictsort sorts by `key` or by `value`")
    place = 0 if by == "key" else 1
    pairs = [JsList(pair) for pair in value.items()]
    return JsList(sorted(pairs, key=_sort_key(lambda pair: pair[place], not case_sensitive)))


def _sort_key(pick: Callable[[Any], Any], fold: bool) -> Any:
    def order(one: Any, other: Any) -> int:
        left, right = pick(one), pick(other)
        if fold and isinstance(left, str) and isinstance(right, str):
            left, right = left.lower(), right.lower()
        return compare(left, "gt", right) - compare(left, "lt", right)

    return cmp_to_key(order)


@filter_named("first")
def _first(value: Any) -> Any:
    return _sequence(value, "first")[0] if len(_sequence(value, "first")) else Undefined()


@filter_named("last")
def _last(value: Any) -> Any:
    return _sequence(value, "last")[-1] if len(_sequence(value, "last")) else Undefined()


def _sequence(value: Any, name: str) -> Any:
    return value if isinstance(value, str) else list_of(value, name)


@filter_named("groupby")
def _groupby(value: Any, attribute: Any) -> JsDict:
    groups = JsDict()
    for item in list_of(value, "groupby"):
        groups.setdefault(text(_path(item, attribute)), JsList()).append(item)
    numbers = sorted((key for key in groups if key.isdecimal()), key=int)  # come first in objects
    return JsDict({key: groups[key] for key in [*numbers, *groups]})


def _path(value: Any, path: Any) -> Any:
    for step in text(path).split("."):
        value = member(value, step)
    return value


@filter_named("join")
def _join(value: Any, separator: Any = "", attribute: Any = None) -> str:
    items = list_of(value, "join")
    if attribute:
        items = [member(item, attribute) for item in items]
    return join(items, separator or "")


@filter_named("list")
def _as_list(value: Any) -> JsList:
    if isinstance(value, str):
        return JsList(value)
    if isinstance(value, dict):
        return JsList(JsDict(key=key, value=item) for key, item in value.items())
    return JsList(list_of(value, "list"))


@filter_named("rejectattr")
def _rejectattr(value: Any, attribute: Any) -> JsList:
    return JsList(item for item in list_of(value, "rejectattr") if not member(item, attribute))


@filter_named("selectattr")
def _selectattr(value: Any, attribute: Any) -> JsList:
    return JsList(item for item in list_of(value, "selectattr") if member(item, attribute))


def _choose(wanted: bool, value: Any, test: Any = "truthy", argument: Any = None) -> JsList:
    if test not in TESTS:
        raise fail(f"there is no test `{text(test)}`")
    arguments = () if argument is None else (argument,)
    return JsList(
        item for item in list_of(value, "select") if bool(TESTS[test](item, *arguments)) is wanted
    )


FILTERS["select"], FILTERS["reject"] = partial(_choose, True), partial(_choose, False)


@filter_named("reverse")
def _reverse(value: Any) -> Any:
    if isinstance(value, str):
        return like(value, value[::-1])
    return JsList(reversed(list_of(value, "reverse")))


@filter_named("slice")
def _slices(value: Any, count: Any, fill: Any = None) -> JsList:
    items, parts = list_of(value, "slice"), count_of(count, 1)
    if parts > 10_000:
        raise fail("the filter slice makes at most 10,000 parts")
    size, extra = divmod(len(items), parts)
    rows, start = JsList(), 0
    for part in range(parts):
        end = start + size + (part < extra)
        rows.append(JsList(items[start:end] + ([fill] if fill and part >= extra else [])))
        start = end
    return rows


@filter_named("sum")
def _sum(value: Any, attribute: Any = None, start: Any = 0) -> Any:
    total: Any = 0
    for item in list_of(value, "sum"):
        total = add(total, member(item, attribute) if attribute else item)
    return add(start, total)


@filter_named("sort")
def _sort(
    value: Any, reverse: Any = False, case_sensitive: Any = False, attribute: Any = None
) -> JsList:
    pick = partial(_path, path=attribute) if attribute else lambda item: item
    key = _sort_key(pick, not case_sensitive)
    return JsList(sorted(list_of(value, "sort"), key=key, reverse=bool(reverse)))
