"""axe-core finds nothing on any page in either theme; pages fit, and work by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

PAGES = [
    "/",
    "/catalog/",
    "/catalog/?kind=component&q=checkout",
    "/catalog/?q=nothing-is-called-that",
    "/catalog/component/default/checkout/",
    "/catalog/component/default/refunds/",
    "/catalog/group/default/payments/",
    "/catalog/template/default/python-service/",
    "/catalog/component/default/nobody-declares-this/",
    "/catalog/problems/",
    "/catalog/ownership/",
    "/catalog/sources/",
    "/catalog/register/",
    "/catalog/create/",
    "/catalog/group/default/payments/members/",
    "/catalog/system/default/booking-engine/",
    "/catalog/component/default/checkout/relations/?depth=2",
    "/catalog/component/default/ledger/impact/",
    "/catalog/api/default/fares-api/definition/",
    "/catalog/api/default/sailing-events/definition/",
    "/catalog/component/default/fares/docs/",
    "/search/",
    "/search/?q=checkout",
    "/create/",
    "/create/default/python-service/",
    "/create/import/",
    "/actions/",
    "/campaigns/",
    "/runs/",
    "/runs/?mine=1&status=failed",
    "/scorecards/",
    "/scorecards/default/production-readiness/",
    "/tokens/",
    "/audit/",
    "/ui/",
    "/nowhere/",
]
LEAN = {"resultTypes": ["violations"]}  # what passes is not worked out for the report
PAINTED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
COLOURS = LEAN | {"runOnly": ["color-contrast"]}


def findings(page: Page) -> list[str]:
    """What axe has to say in either theme: where, which rule, which element.

    The themes are the same page in other colours, so the second time only those are looked at.
    """
    found = _run(page, LEAN)
    _show(page, "dark")
    found += _run(page, COLOURS)
    _show(page, "light")
    return found


def _show(page: Page, theme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=theme)
    page.wait_for_function("name => document.documentElement.dataset.bsTheme === name", arg=theme)
    page.evaluate(PAINTED)


def _run(page: Page, options: dict[str, Any]) -> list[str]:
    theme = page.evaluate("document.documentElement.dataset.bsTheme")
    found: list[dict[str, Any]] = Axe().run(page, options=options).response["violations"]
    return [
        f"{page.url} {theme} {rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
    ]


def _is_too_wide(page: Page) -> bool:
    page.set_viewport_size({"width": 390, "height": 900})
    page.evaluate(PAINTED)
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    page.set_viewport_size({"width": 1280, "height": 900})
    return bool(wide)


def test_axe_finds_nothing_on_any_page_and_each_fits_a_telephone(page: Callable[..., Page]) -> None:
    signed_in = page("paul")
    found = []
    for path in PAGES:
        signed_in.goto(path)
        found += findings(signed_in)
        if _is_too_wide(signed_in):
            found.append(f"{path} is wider than a telephone")
    assert found == []


def test_axe_finds_nothing_before_signing_in(page: Callable[..., Page]) -> None:
    stranger = page("")
    stranger.goto("/login/")
    found = findings(stranger)
    stranger.fill("#id_username", "paul")
    stranger.fill("#id_password", "not the password")
    stranger.click("main button[type=submit]")
    stranger.wait_for_selector("[data-error-summary]:focus")
    assert found + findings(stranger) == []


def test_axe_finds_nothing_on_the_way_to_a_run(page: Callable[..., Page]) -> None:
    walker = page("paul")
    walker.goto("/create/default/python-service/")
    walker.fill("#id_name", "Not A Name")
    walker.get_by_role("button", name="Next").click()
    walker.wait_for_selector("[data-error-summary]:focus")
    found = findings(walker)
    walker.fill("#id_name", "axe-run")
    walker.fill("#id_description", "A service that the accessibility tests make.")
    walker.select_option("#id_owner", "group:default/developer-experience")
    walker.get_by_role("button", name="Next").click()
    walker.wait_for_selector("#id_public")
    found += findings(walker)
    walker.get_by_role("button", name="Next").click()
    walker.wait_for_url("**/review/")
    walker.click("a.tree-name:has-text('README.md')")
    walker.wait_for_selector("#file-text")
    found += findings(walker)
    walker.click("button:has-text('Create')")
    walker.wait_for_url("**/runs/**")
    found += findings(walker)
    walker.wait_for_selector("#open-merge-request")
    found += findings(walker)
    assert found == []


def test_menus_and_questions_are_fine_too(page: Callable[..., Page]) -> None:
    narrow = page("paul", width=390)
    narrow.goto("/catalog/")
    found = []
    for button in (".menu-button", ".user-button", ".filters-button"):
        narrow.click(button)
        found += findings(narrow)
        narrow.keyboard.press("Escape")
    assert found == []


def test_keyboard_skips_to_the_content_and_finds_the_search(page: Callable[..., Page]) -> None:
    paul = page("paul")
    paul.goto("/catalog/")
    paul.keyboard.press("Tab")
    paul.keyboard.press("Enter")
    assert paul.evaluate("document.activeElement.id") == "main"
    paul.keyboard.press("/")
    assert paul.evaluate("document.activeElement.id") == "q"
    paul.keyboard.type("checkout")
    paul.wait_for_url("**q=checkout")
    assert paul.evaluate("document.activeElement.id") == "q"
    assert "entit" in paul.inner_text("#announcer")


def test_the_api_documentation_obeys_the_policy(page: Callable[..., Page]) -> None:
    """Swagger UI's own colours are not ours; that it draws without anything inline is."""
    paul = page("paul")
    paul.goto("/api/docs/")
    paul.wait_for_selector(".opblock-summary-path >> nth=0")
