"""Finding things by keyboard alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_accessibility import findings

pytestmark = pytest.mark.browser


def test_the_palette_opens_answers_and_leads_on_by_keyboard(page: Callable[..., Page]):
    paul = page("paul")
    paul.goto("/runs/")
    paul.keyboard.press("Control+k")
    field = paul.get_by_role("combobox", name="Search the catalogue")
    expect(field).to_be_focused()
    paul.keyboard.type("chekout")
    first = paul.locator("#palette-options [role=option]").first
    expect(first).to_have_attribute("aria-selected", "true")
    assert findings(paul) == []
    paul.keyboard.press("ArrowDown")
    expect(first).to_have_attribute("aria-selected", "false")
    paul.keyboard.press("ArrowUp")
    expect(field).to_have_attribute("aria-activedescendant", "palette-1")
    address = first.get_attribute("href")
    paul.keyboard.press("Enter")
    paul.wait_for_url(f"**{address}")


def test_escape_closes_the_palette_and_gives_the_focus_back(page: Callable[..., Page]):
    paul = page("paul", "dark", 390)
    paul.goto("/catalog/")
    paul.focus("[data-palette]")
    paul.keyboard.press("Enter")
    expect(paul.locator("#palette")).to_be_visible()
    assert findings(paul) == []
    paul.keyboard.press("Escape")
    expect(paul.locator("#palette")).to_be_hidden()
    expect(paul.locator("[data-palette]")).to_be_focused()


def test_the_graph_is_walked_by_keyboard(page: Callable[..., Page]):
    paul = page("paul")
    paul.goto("/catalog/component/default/checkout/relations/")
    paul.check("#depth-2")
    paul.wait_for_url("**depth=2**")
    expect(paul.locator("#depth-2")).to_be_focused()
    node = paul.get_by_role("link", name="Ledger API, API")
    node.focus()
    paul.keyboard.press("Enter")
    paul.wait_for_url("**/api/default/ledger-api/relations/?depth=2**")
    expect(paul.locator(".graph-node[aria-current]")).to_contain_text("Ledger API")
