"""The two UIs of a Prefect server, as a person uses them: fields by their labels, buttons by their words."""

from __future__ import annotations

import io
import re
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from PIL import Image
from playwright.sync_api import Locator, Page, Response, expect

PATIENCE = 30_000
"""Milliseconds for which whatever is to appear is waited for."""
DRAWING = 2_500
"""Milliseconds in which a run's graph is drawn: it is a canvas, which tells nobody that it is ready."""
PICTURE_BYTES = 250 * 1024
NO_LOGOS = """addEventListener("error", ({target}) => {
    if (target.src?.startsWith("https:")) target.src = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>";
}, true)"""
"""A logo from the web, which is not reached, is an empty picture."""


class Ui(ABC):
    """One of a server's UIs in a browser's page.

    Args:
        page: The browser's page.
        server: Address of the Prefect server.
        pictures: Where pictures go.
    """

    name: ClassVar[str]
    path: ClassVar[str]

    def __init__(self, page: Page, server: str, pictures: Path) -> None:
        self.page = page
        self.address = f"{server}{self.path}"
        self._pictures = pictures

    def open(self, path: str) -> None:
        """Go to a page of this UI."""
        self.page.goto(f"{self.address}{path}")

    def open_form(self, deployment_id: str, search: str = "") -> None:
        """From the list of deployments, of which a page shows ten, to the form of a run."""
        self.open("/deployments")
        if search:
            self.page.get_by_placeholder("Search deployments").fill(search)
        self.page.locator(f'a[href$="/deployment/{deployment_id}"]').first.click()
        self.page.get_by_role("button", name="Run", exact=True).click()
        self.page.get_by_text("Custom run").click()
        expect(self.button("Submit")).to_be_visible()

    def open_run(self, run: str, state: str) -> None:
        """The page of a run, once it shows this state and the run's graph."""
        self.open(f"/runs/flow-run/{run}")
        expect(self.page.get_by_text(state, exact=True).first).to_be_visible()
        expect(self.page.locator("canvas").first).to_be_visible()

    @abstractmethod
    def _around(self, label: str) -> Locator:
        """A field with all that belongs to it."""

    @abstractmethod
    def field(self, label: str) -> Locator:
        """Where the value of a field is typed; the first one of that label."""

    @abstractmethod
    def _open_choices(self, label: str) -> Locator:
        """Open a drop-down: its options."""

    def choose(self, label: str, option: str) -> list[str]:
        """Choose from a drop-down.

        Returns:
            All that it offers.
        """
        options = self._open_choices(label)
        options.first.wait_for()
        offered = options.all_inner_texts()
        options.nth(offered.index(option)).click()
        expect(options).to_have_count(0)  # an open list swallows the next click
        return offered

    @abstractmethod
    def tab(self, name: str) -> Locator:
        """One of the kinds that a field may have, such as a request's model."""

    def open_group(self, label: str) -> None:
        """Open a group that is closed at first."""
        self._around(label).get_by_text("Change", exact=True).first.click()

    def form_height(self) -> float:
        """From the top of the form to its button, in pixels."""
        form = self.page.locator("form").filter(has=self.button("Submit"))
        return float(form.evaluate("form => form.getBoundingClientRect().height"))

    def add_item(self, label: str, text: str) -> None:
        """Add a line to a list."""
        around = self._around(label)
        lines = around.locator("textarea")
        before = lines.count()
        around.get_by_role("button", name="Add item").click()
        expect(lines).to_have_count(before + 1)  # else it may be the line before that is filled in
        lines.last.fill(text)

    def item(self, label: str, number: int) -> Locator:
        """A line of a list, from 1."""
        return self._around(label).locator("textarea").nth(number - 1)

    @abstractmethod
    def open_block_form(self, block_type: str) -> None:
        """The form of a new block."""

    @abstractmethod
    def save_block(self) -> None:
        """Save it."""

    @abstractmethod
    def open_question(self) -> None:
        """On the page of a run that waits for an answer: its form."""

    @property
    @abstractmethod
    def _answer_button(self) -> Locator:
        """What sends an answer."""

    @property
    def dialog(self) -> Locator:
        """The dialog that is open."""
        return self.page.get_by_role("dialog")

    def button(self, name: str) -> Locator:
        """A button by its words."""
        return self.page.get_by_role("button", name=name, exact=True)

    def submit(self) -> str:
        """Start the run of an open form.

        Returns:
            The flow run's id.
        """
        run = str(self._press(self.button("Submit"), "/create_flow_run").json()["id"])
        self._look_away()
        return run

    def send_answer(self) -> None:
        """Send the answer to a question."""
        answer = self._press(self._answer_button, "/resume").json()
        assert answer["status"] == "ACCEPT", answer  # a refusal is a 200, too
        expect(self.dialog).to_be_hidden()
        self._look_away()

    def _look_away(self) -> None:
        """A page that nobody looks at need not be drawn while a run goes on."""
        self.page.goto("about:blank")

    def _press(self, button: Locator, call: str) -> Response:
        """Press a button that calls the server, until it is not too busy: SQLite lets one write at a time."""
        for seconds in (1, 2, 4, 8, 16, 0):
            with self.page.expect_response(re.compile(f"{call}$")) as answered:
                button.click()
            if answered.value.status != 503:
                break
            self.page.wait_for_timeout(1000 * seconds)
        assert answered.value.ok, answered.value.text()
        return answered.value

    def picture_of_run(self, name: str) -> None:
        """A picture of a run's page, with its graph."""
        self.page.wait_for_timeout(DRAWING)
        self.picture(name)

    def picture(self, name: str, *, of: Locator | None = None) -> None:
        """Keep what is seen now, or one thing of it, as `<name>-<ui>.png`."""
        self.page.mouse.move(0, 0)
        content = of.screenshot(animations="disabled") if of else self.page.screenshot(animations="disabled")
        if len(content) > PICTURE_BYTES:
            smaller = io.BytesIO()
            Image.open(io.BytesIO(content)).convert("RGB").quantize(256).save(smaller, "PNG", optimize=True)
            content = smaller.getvalue()
        assert len(content) <= PICTURE_BYTES
        (self._pictures / f"{name}-{self.name}.png").write_bytes(content)


class Classic(Ui):
    """The classic UI. Its labels are not tied to their fields, so a field is found by where it stands."""

    name = "classic"
    path = ""

    def _around(self, label: str) -> Locator:
        return self.page.locator(f"xpath=//label[{_said(label)}]/ancestor::div[2]").first

    def field(self, label: str) -> Locator:
        return self._around(label).locator("input, textarea").first

    def _open_choices(self, label: str) -> Locator:
        # A click beside the arrows opens it and closes it again (Prefect 3.9, Chromium 156).
        self._around(label).locator(".p-select-button__icon").first.click()
        return self.page.locator(".p-select-option")

    def tab(self, name: str) -> Locator:
        return self.button(name).first

    def open_block_form(self, block_type: str) -> None:
        self.open(f"/blocks/catalog/{block_type}/create")
        expect(self.field("Block Name")).to_be_visible()

    def save_block(self) -> None:
        self._press(self.button("Create"), "/block_documents/")

    def open_question(self) -> None:
        self.button("Resume").click()
        expect(self.dialog).to_be_visible()

    @property
    def _answer_button(self) -> Locator:
        return self.dialog.get_by_role("button", name="Submit")


class New(Ui):
    """The new UI."""

    name = "new"
    path = "/v2"

    def _around(self, label: str) -> Locator:
        group = 'ancestor::div[contains(concat(" ", @class, " "), " group ")][1]'
        return self.page.locator(f"xpath=//label[{_said(label)}]/{group}").first

    def field(self, label: str) -> Locator:
        labelled = self.page.get_by_label(re.compile(rf"^{re.escape(label)}( \(Optional\))?$"))
        # What stands inside of a tab has no label of its own.
        return labelled.or_(self._around(label).locator("input, textarea")).first

    def _open_choices(self, label: str) -> Locator:
        self.page.get_by_label(f"Select {label}").first.click()
        return self.page.get_by_role("option")

    def tab(self, name: str) -> Locator:
        return self.page.get_by_role("tab", name=name, exact=True).first

    def open_block_form(self, block_type: str) -> None:
        self.open(f"/blocks/catalog/{block_type}/create")
        expect(self.field("Name")).to_be_visible()

    def save_block(self) -> None:
        self._press(self.button("Save"), "/block_documents/")

    def open_question(self) -> None:
        self.page.get_by_role("button", name="Open menu").first.click()
        self.page.get_by_role("menuitem", name="Resume").click()
        expect(self.dialog).to_be_visible()

    @property
    def _answer_button(self) -> Locator:
        return self.dialog.get_by_role("button", name="Resume")


def _said(label: str) -> str:
    return f'normalize-space()="{label}" or normalize-space()="{label} (Optional)"'


UIS: tuple[type[Ui], ...] = (New, Classic)
