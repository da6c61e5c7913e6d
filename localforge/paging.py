"""Pages of a listing, with GitLab's headers. Offset pages everywhere; keyset pages where GitLab has
them. Above 10,000 rows the totals vanish, as they do there."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from localforge.call import Call
from localforge.errors import ApiError, param_error
from localforge.reply import Reply
from localforge.store.database import Query, Row

MAXIMUM_PER_PAGE = 100
MAXIMUM_COUNTED = 10_000
MAXIMUM_OFFSET = 50_000


def per_page(call: Call) -> int:
    """How many rows a page holds."""
    wanted = call.params.integer("per_page", 20)
    if wanted < 1:
        raise param_error("per_page does not have a valid value")
    return min(wanted, MAXIMUM_PER_PAGE)


def _page(call: Call) -> int:
    page = call.params.integer("page", 1)
    if page < 1:
        raise param_error("page does not have a valid value")
    return page


def _address(call: Call, **changes: Any) -> str:
    query = {**call.query, **changes}
    flat: list[tuple[str, str]] = []
    for name, value in query.items():
        _flatten(flat, name, value)
    return f"{call.base}{call.path}?{urlencode(flat)}"


def _flatten(flat: list[tuple[str, str]], name: str, value: Any) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _flatten(flat, f"{name}[{key}]", item)
    elif isinstance(value, list):
        for item in value:
            _flatten(flat, f"{name}[]", item)
    else:
        flat.append((name, str(value)))


def offset_headers(
    call: Call, page: int, size: int, total: int | None, more: bool
) -> dict[str, str]:
    """The headers of one page."""
    headers = {
        "x-page": str(page),
        "x-per-page": str(size),
        "x-next-page": str(page + 1) if more else "",
        "x-prev-page": str(page - 1) if page > 1 else "",
    }
    links = [("first", 1)]
    if more:
        links.append(("next", page + 1))
    if page > 1:
        links.append(("prev", page - 1))
    if total is not None and total <= MAXIMUM_COUNTED:
        pages = -(-total // size)
        headers |= {"x-total": str(total), "x-total-pages": str(pages)}
        links.append(("last", max(pages, 1)))
    headers["link"] = ", ".join(
        f'<{_address(call, page=number, per_page=size)}>; rel="{rel}"' for rel, number in links
    )
    return headers


def page_rows(call: Call, query: Query, view: Callable[[Row], Any]) -> Reply:
    """One offset page of a query."""
    size, page = per_page(call), _page(call)
    offset = (page - 1) * size
    if offset >= MAXIMUM_OFFSET:
        text = f"Offset pagination has a maximum allowed offset of {MAXIMUM_OFFSET}"
        raise ApiError(
            405, {"error": f"{text}. Remaining records can be retrieved using keyset pagination."}
        )
    rows = query.rows(call.db, size + 1, offset)
    total = query.count(call.db)
    headers = offset_headers(call, page, size, total, len(rows) > size)
    return Reply([view(row) for row in rows[:size]], headers=headers)


def page_items(
    call: Call, items: list[Any], view: Callable[[Any], Any] = lambda item: item
) -> Reply:
    """One offset page of what is in memory already."""
    size, page = per_page(call), _page(call)
    start = (page - 1) * size
    headers = offset_headers(call, page, size, len(items), len(items) > start + size)
    return Reply([view(item) for item in items[start : start + size]], headers=headers)


def page_keyset(call: Call, query: Query, column: str, view: Callable[[Row], Any]) -> Reply:
    """One keyset page by id, in either direction, after `id_after` or `id_before`."""
    size = per_page(call)
    ascending = call.params.text("sort", "desc") == "asc"
    name = "id_after" if ascending else "id_before"
    after = call.params.integer("id_after")
    before = call.params.integer("id_before")
    if after:
        query.where(f"{column} > ?", after)
    if before:
        query.where(f"{column} < ?", before)
    rows = query.order(f"{column} {'ASC' if ascending else 'DESC'}").rows(call.db, size + 1)
    headers = {"x-per-page": str(size)}
    if len(rows) > size:
        address = _address(call, **{name: rows[size - 1]["id"], "per_page": size})
        headers["link"] = f'<{address}>; rel="next"'
    return Reply([view(row) for row in rows[:size]], headers=headers)
