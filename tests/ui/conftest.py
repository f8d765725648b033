"""A fleet and a browser for the whole story in one UI; where it fails, what was seen and logged is told."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.ui.browsing import NO_LOGOS, PATIENCE, UIS, Ui
from tests.ui.fleet import Fleet, fleet

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class _ByUi(LoadScopeScheduling):  # its loadgroup does not group with pytest 9.2
    def _split_scope(self, nodeid: str) -> str:
        return "new" if nodeid.endswith("[new]") else "classic"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """One process for each UI, with a fleet of its own: half of the time, a browser waits for runs."""
    return _ByUi(config, log)


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
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """A browser without a window, which reaches nothing but this machine and keeps what it has loaded."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert found, f"none of {', '.join(BROWSERS)} is on the PATH: run tests/ui/install-browser"
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium has none for root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("browser"),
            executable_path=found,
            # Not a route of Playwright's: with one, each page would load a UI's megabytes anew.
            args=[*sandbox, "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
            viewport={"width": 1280, "height": 800},
            reduced_motion="reduce",
        )
        browser.set_default_timeout(PATIENCE)
        browser.add_init_script(NO_LOGOS)
        expect.set_options(timeout=PATIENCE)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def paid() -> list[int]:
    """How many jobs there were after each test of this process."""
    return [0]


@pytest.fixture(autouse=True)
def nothing_is_paid_between_tests(served: Fleet, paid: list[int]) -> Iterator[None]:
    """What a test submits is made before it ends; nobody submits anything else."""
    assert served.created() == paid[-1]
    yield
    paid.append(served.created())


@pytest.fixture
def page(browser: BrowserContext, served: Fleet) -> Iterator[Page]:
    """A page of its own."""
    page = browser.new_page()
    yield page
    page.close()


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
    if report.failed:
        page, served = values.get("page"), values.get("served")
        if isinstance(page, Page):
            folder: Path = item.config.getoption("pictures")
            seen = folder / f"failed-{item.name}.png"
            page.screenshot(path=seen)
            report.sections.append(("seen last", f"{page.url}\n{seen}"))
        if isinstance(served, Fleet):
            report.sections.extend(served.logs.items())
    return report
