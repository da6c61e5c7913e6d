"""The newcomer's story in a real browser: form, run, merge request, catalogue, green scorecard."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import Stack

pytestmark = pytest.mark.browser


def fill_first_page(page: Page, name: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Description").fill("Tells when the tide turns.")
    page.get_by_label("Owner").select_option("group:default/checkout")
    page.get_by_role("button", name="Next").click()


def sign_in_to_forge(page: Page, stack: Stack, user: str) -> None:
    page.goto(f"{stack.forge_url}/users/sign_in")
    page.get_by_label("User name").fill(user)
    page.get_by_label("Password").fill(stack.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_from_the_form_to_a_green_scorecard(page: Callable[..., Page], stack: Stack):
    name = f"tide-{uuid.uuid4().hex[:6]}"
    portal = page("dana")
    portal.get_by_role("link", name="Create", exact=True).click()
    portal.get_by_role("link", name=re.compile("^Start.*Python service")).click()

    portal.get_by_label("Name").fill("Not A Name")
    portal.get_by_role("button", name="Next").click()
    expect(portal.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    fill_first_page(portal, name)
    portal.get_by_label("PostgreSQL", exact=True).check()
    portal.get_by_role("button", name=re.compile("Next|Review")).click()

    expect(portal.get_by_text("0001_create_example.sql")).to_be_visible()
    portal.get_by_role("link", name=".gitlab-ci.yml").click()
    expect(portal.get_by_text("sbom:", exact=False).first).to_be_visible()
    portal.get_by_role("button", name="Create").click()

    expect(portal.locator("#progress")).to_contain_text("completed", timeout=20_000)
    expect(portal.locator("#progress")).to_contain_text("Register in the catalogue")
    link = portal.get_by_role("link", name="Open the merge request")
    expect(link).to_be_visible(timeout=10_000)
    address = link.get_attribute("href")
    assert address is not None

    forge = portal.context.new_page()
    sign_in_to_forge(forge, stack, "dana")
    forge.goto(address)
    expect(forge.get_by_text("pyproject.toml").first).to_be_visible()
    forge.get_by_role("button", name="Merge").click()
    expect(forge.get_by_text("Merged", exact=False).first).to_be_visible()

    portal.locator("#open-entity").click(timeout=15_000)  # the open run page found it by itself
    expect(portal.get_by_role("heading", level=1)).to_contain_text(name)
    expect(portal.get_by_role("heading", name="Lineage")).to_be_visible()
    expect(portal.get_by_role("link", name="Python service")).to_be_visible()
    runbook = portal.locator("main").get_by_text("Has a runbook")
    expect(runbook.first).to_be_visible(timeout=10_000)
    expect(portal.get_by_text("Add docs/runbook.md that says").first).to_be_visible()

    forge.goto(f"{stack.forge_url}/tidewater/services/{name}/-/new/main")
    forge.get_by_label("Path of the file").fill("docs/runbook.md")
    forge.get_by_label("Content").fill("# Runbook\n")
    forge.get_by_role("button", name="Commit changes").click()
    expect(portal.get_by_text("8 of 8 checks pass")).to_be_visible(timeout=15_000)  # no reload


def test_the_form_works_by_keyboard_and_keeps_what_was_typed(page: Callable[..., Page]):
    portal = page("dana")
    portal.goto("/create/default/python-service/")
    expect(portal.get_by_label("Name")).to_be_focused()
    portal.keyboard.type("by-keyboard")
    portal.keyboard.press("Tab")
    portal.keyboard.type("Typed without a mouse.")
    portal.get_by_label("Owner").focus()
    portal.keyboard.type("Checkout")
    portal.keyboard.press("Enter")
    portal.get_by_role("button", name="Next").focus()
    portal.keyboard.press("Enter")
    expect(portal.get_by_label("PostgreSQL", exact=True)).to_be_visible()
    portal.goto("/create/default/python-service/")
    expect(portal.get_by_label("Name")).to_have_value("by-keyboard")


def test_the_broken_descriptor_is_shown_to_people(page: Callable[..., Page]):
    portal = page("vera")
    portal.goto("/catalog/problems/")
    expect(portal.get_by_text("tide-tables").first).to_be_visible()
    expect(portal.get_by_text("catalog-info.yaml:17", exact=False).first).to_be_visible()
    expect(portal.get_by_text("harbour gauges", exact=False).first).to_be_visible()


def test_the_list_narrows_as_one_types(page: Callable[..., Page]):
    portal = page("vera")
    portal.goto("/catalog/")
    portal.keyboard.press("/")
    portal.keyboard.type("ledgr")
    expect(portal.get_by_role("link", name="Ledger", exact=True).first).to_be_visible()
    expect(portal.get_by_role("link", name="Storefront", exact=True)).to_have_count(0)
    expect(portal).to_have_url(re.compile("q=ledgr"))
