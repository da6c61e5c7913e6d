"""Search: the page, the palette's answers, who sees what, how many queries."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.template import Context, Template
from django.test import Client

from tests.conftest import component

Ingest = Callable[[str], list[str]]
PALETTE = {"HX-Request": "true", "HX-Target": "palette-results"}


@pytest.fixture
def dana(client: Client, person) -> Client:
    client.force_login(person())
    return client


def text_of(client: Client, address: str, **headers: str) -> str:
    answer = client.get(address, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def test_prefixes_and_typos_are_found(ingest: Ingest, dana: Client):
    ingest(component("harbour-gauge") + "---\n" + component("ticket-desk"))
    for text in ("harb", "harbuor", "GAUGE"):
        page = text_of(dana, f"/search/?q={text}")
        assert "/catalog/component/default/harbour-gauge/" in page
        assert "/catalog/component/default/ticket-desk/" not in page


def test_the_palette_gets_options_with_kind_title_and_owner(ingest: Ingest, dana: Client):
    ingest(component("harbour-gauge", owner="pilots"))
    options = text_of(dana, "/search/?q=harb", **PALETTE)
    assert "<html" not in options
    assert options.count('role="option"') == 1
    assert "<mark>harb</mark>our-gauge" in options
    assert "Component" in options
    assert "pilots" in options
    assert 'href="/catalog/component/default/harbour-gauge/"' in options


def test_the_palette_is_short_and_leads_to_all_that_is_found(ingest: Ingest, dana: Client):
    ingest("---\n".join(component(f"gauge-{n}") for n in range(12)))
    options = text_of(dana, "/search/?q=gauge", **PALETTE)
    assert options.count('role="option"') == 9
    assert 'href="/search/?q=gauge"' in options


def test_nothing_found_and_nothing_asked(ingest: Ingest, dana: Client):
    ingest(component("harbour-gauge"))
    assert "Nothing fits" in text_of(dana, "/search/?q=qqqqqq")
    assert "What are you looking for?" in text_of(dana, "/search/")
    assert 'role="option"' not in text_of(dana, "/search/", **PALETTE)
    assert "anything like “qqqqqq”" in text_of(dana, "/search/?q=qqqqqq", **PALETTE)


def test_private_entities_are_found_by_their_owners_alone(ingest: Ingest, client: Client, person):
    secret = component("harbour-gauge", owner="pilots").replace(
        "metadata:\n", "metadata:\n  annotations: {bespoke/visibility: private}\n"
    )
    ingest(secret)
    for groups, found in (((), False), (("group:default/pilots",), True)):
        client.force_login(person("developer", *groups))
        for headers in ({}, PALETTE):
            assert (
                "default/harbour-gauge/" in text_of(client, "/search/?q=gauge", **headers)
            ) is found


def test_kinds_narrow_and_are_counted(ingest: Ingest, dana: Client):
    resource = component("gauge-store").replace("kind: Component", "kind: Resource")
    ingest(component("gauge") + "---\n" + resource)
    page = text_of(dana, "/search/?q=gauge&kind=resource")
    assert "default/gauge-store/" in page
    assert "component/default/gauge/" not in page
    assert 'All <span class="num">2</span>' in page


def test_words_are_marked_and_never_markup():
    shown = Template("{% marked text words %}").render(
        Context({"text": "<b>a.b</b> A.B", "words": "a.b <b>"})
    )
    assert shown == (
        "<mark>&lt;b&gt;</mark><mark>a.b</mark>&lt;/b&gt; <mark>A.B</mark>"
    )  # fmt: skip


@pytest.mark.parametrize("count", [1, 40])
def test_queries_do_not_grow(ingest: Ingest, dana: Client, django_assert_max_num_queries, count):
    ingest("---\n".join(component(f"gauge-{n}", owner=f"team-{n}") for n in range(count)))
    with django_assert_max_num_queries(8):
        text_of(dana, "/search/?q=gauge")
    with django_assert_max_num_queries(6):
        text_of(dana, "/search/?q=gauge", **PALETTE)
