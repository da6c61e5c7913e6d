"""A real Chromium, and pages in it that are signed in. What the console complains about fails."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.conftest import Stack

# A page that answers 404 or 422 on purpose is no mistake of the page.
EXPECTED = ("status of 404", "status of 422")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's Chromium, or the one that playwright has downloaded."""
    with sync_playwright() as playwright:
        found = shutil.which("chromium") or playwright.chromium.executable_path
        if not os.path.exists(found):
            pytest.skip("there is no Chromium on this machine")
        chromium = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, stack: Stack) -> Iterator[Callable[..., Page]]:
    """Makes pages: page(user="paul", theme="light", width=1280); user "" stays signed out."""
    contexts = []
    complaints: list[str] = []

    def make(user: str = "paul", theme: str = "light", width: int = 1280) -> Page:
        context = browser.new_context(
            base_url=stack.url,
            color_scheme="dark" if theme == "dark" else "light",
            reduced_motion="reduce",
            viewport={"width": width, "height": 900},
        )
        contexts.append(context)
        made = context.new_page()
        made.on("console", lambda message: _note(complaints, message.type, message.text))
        made.on("pageerror", lambda error: complaints.append(str(error)))
        if user:
            made.goto("/login/")
            made.fill("#id_username", user)
            made.fill("#id_password", stack.password)
            made.click("main button[type=submit]")
            made.wait_for_url(lambda url: "/login/" not in url)
        return made

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


def _note(complaints: list[str], kind: str, text: str) -> None:
    if kind == "error" and not any(word in text for word in EXPECTED):
        complaints.append(text)
