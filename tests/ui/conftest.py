"""A fleet and a browser for the whole story in one UI; where it fails, what was seen and logged is told."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.ui.browsing import PATIENCE, UIS, Ui, stay_here
from tests.ui.fleet import Fleet, fleet

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks for groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process for each UI, with a fleet of its own: half of the time, a browser waits for runs."""
    for item in items:
        ui = getattr(getattr(item, "callspec", None), "params", {}).get("ui", "classic")
        item.add_marker(pytest.mark.xdist_group(ui))


@pytest.fixture(scope="session")
def pictures(request: pytest.FixtureRequest) -> Path:
    """Where pictures go."""
    folder: Path = request.config.getoption("pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def served() -> Iterator[Fleet]:
    """The fleet of this process; its home is short, for its paths are seen in pictures."""
    with (
        tempfile.TemporaryDirectory(prefix="fleet-", ignore_cleanup_errors=True) as home,
        fleet(Path(home)) as made,
    ):
        yield made


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser without a window."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert found, f"none of {', '.join(BROWSERS)} is on the PATH: run tests/ui/install-browser"
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium has none for root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=sandbox)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, served: Fleet) -> Iterator[Page]:
    """A page that reaches nothing but this machine."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    # A pattern, not a function: for that each request would wait until Playwright is called again.
    context.route(re.compile(r"https?://(?!127\.0\.0\.1[:/])"), stay_here)
    yield context.new_page()
    context.close()


@pytest.fixture
def uis(page: Page, served: Fleet, pictures: Path) -> dict[str, Ui]:
    """Both UIs in the same page, by their names."""
    return {kind.name: kind(page, served.server.url, pictures) for kind in UIS}


@pytest.fixture(params=[kind.name for kind in UIS])
def ui(request: pytest.FixtureRequest, uis: dict[str, Ui]) -> Ui:
    """One UI after the other."""
    return uis[request.param]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    values: dict[str, object] = getattr(item, "funcargs", {})
    if report.when == "call" and report.failed:
        page, served = values.get("page"), values.get("served")
        if isinstance(page, Page):
            folder: Path = item.config.getoption("pictures")
            seen = folder / f"failed-{item.name}.png"
            page.screenshot(path=seen)
            report.sections.append(("seen last", f"{page.url}\n{seen}"))
        if isinstance(served, Fleet):
            report.sections.extend(served.logs.items())
    return report
