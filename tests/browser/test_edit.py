"""An edit of an entity in a real browser: form, review, merge request, merged, visible."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_accessibility import findings
from tests.browser.test_story import sign_in_to_forge
from tests.conftest import Stack

pytestmark = pytest.mark.browser
PAGE = "/catalog/component/default/refunds/"


def test_from_the_form_to_the_merged_change(page: Callable[..., Page], stack: Stack):
    portal = page("paul", "dark")
    portal.goto(PAGE)
    portal.get_by_role("link", name="Edit", exact=True).click()
    expect(portal.get_by_role("heading", level=1)).to_contain_text("Edit")
    found = findings(portal)
    portal.get_by_label("Title").fill("Money back")
    portal.get_by_label("Tags").fill("Not A Tag")
    portal.get_by_label("Title").press("Enter")
    expect(portal.get_by_label("Tags")).to_have_attribute("aria-invalid", "true")
    found += findings(portal)
    portal.get_by_label("Tags").fill("python")
    portal.get_by_role("button", name="Review").click()
    expect(portal.get_by_text("title: Money back")).to_be_visible()
    found += findings(portal)
    portal.get_by_role("button", name="Open a merge request").click()
    waiting = portal.get_by_role("heading", name="A change waits to be merged")
    expect(waiting).to_be_visible()
    found += findings(portal)
    address = portal.get_by_role("link", name="Merge request !").get_attribute("href")
    assert address is not None

    forge = portal.context.new_page()
    sign_in_to_forge(forge, stack, "paul")
    forge.goto(address)
    forge.get_by_role("button", name="Merge").click()
    expect(forge.get_by_text("Merged", exact=False).first).to_be_visible()

    def is_there() -> bool:
        portal.goto(PAGE)
        return "Money back" in portal.inner_text("h1") and not waiting.is_visible()

    for _ in range(50):
        if is_there():
            break
        portal.wait_for_timeout(200)
    assert is_there()
    portal.get_by_role("link", name="History").click()
    expect(portal.get_by_text("metadata.title")).to_be_visible()
    found += findings(portal)
    assert found == []
