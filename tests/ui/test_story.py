"""As a new user does it, from an empty server: the key, a video, a character picked by eye, a series."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.conftest import KEY
from tests.ui.browsing import Ui
from tests.ui.fleet import Fleet

PROMPT = "A robot barista in a green apron pours a latte"
VIDEO = "generate-video/kie"
SERIES = "character-series/kie"
CHARACTER = "create-character/kie"
SONG = "generate-audio/ai-music-api-generate"
PICTURE = "generate-image/nano-banana-pro"

SEEN_SECONDS = 19.0
"""How long a job takes whose run is looked at meanwhile."""
SECONDS_OF_VIDEO = """video => new Promise((resolve, reject) => {
    const tell = () => resolve(video.duration);
    if (video.readyState >= 1) return tell();
    video.addEventListener("loadedmetadata", tell);
    video.addEventListener("error", () => reject(new Error("no video: " + video.error?.message)));
    video.load();
})"""
PLAYED = """async video => {
    video.muted = true;
    await video.play();
    await new Promise(resolve => {
        video.addEventListener("timeupdate", () => video.currentTime > 0.5 && resolve());
    });
    video.pause();
    return video.currentTime;
}"""


def plays(video: Locator, seconds: float) -> None:
    """Make sure that a video is so long, and that it runs."""
    assert video.evaluate(SECONDS_OF_VIDEO) == pytest.approx(seconds, abs=0.2)
    assert video.evaluate(PLAYED) > 0.5


def shows_picture(picture: Locator, width: int) -> None:
    """Make sure that a picture has been loaded and decoded."""
    expect(picture).to_be_visible()
    assert picture.evaluate("async image => { await image.decode(); return image.naturalWidth }") >= width


def fill_in_sora(ui: Ui, prompt: str) -> None:
    """The fields of an original by Sora, with a character and episodes of its own."""
    ui.tab("Sora 2").click()
    ui.field("Prompt").fill(prompt)
    ui.tab("Sora's own").click()
    ui.tab("Sora").click()


def test_the_key_is_given_in_a_form(ui: Ui, served: Fleet) -> None:
    block = "kie-again" if served.ask("/block_documents/filter") else "kie"
    ui.open_block_form("kie-credentials")
    ui.field("Block Name" if ui.name == "classic" else "Name").fill(block)
    ui.field("API key").fill(KEY)
    ui.field("API address").fill(served.kie.url)
    ui.field("Upload address").fill(served.kie.url)
    ui.picture("credentials")
    ui.save_block()
    ui.page.wait_for_url(re.compile("/blocks/block/"))
    expect(ui.page.get_by_text(block, exact=True).first).to_be_visible()
    assert KEY not in ui.page.content()


def test_a_wrong_value_is_refused_and_nothing_runs(ui: Ui, served: Fleet) -> None:
    before = served.runs()
    ui.open_form(served.deployments[VIDEO])
    ui.button("Submit").click()
    told = ui.page.get_by_text("'prompt' is a required property").first
    expect(told).to_be_visible()
    told.scroll_into_view_if_needed()
    ui.picture("refused")
    ui.field("Prompt").fill(PROMPT)
    ui.field("Count").fill("0")
    ui.button("Submit").click()
    if ui.name == "new":  # the browser's own sentence, at the field
        assert "1" in ui.field("Count").evaluate("field => field.validationMessage")
    else:
        expect(ui.page.get_by_text("0 is less than the minimum of 1").first).to_be_visible()
    assert (served.runs(), served.created()) == (before, 0)


SCREENS = {"new": 1.75, "classic": 2.1}
"""How long the form of a video may be; a screen is 1,000 pixels high."""


def test_the_form_of_a_video_is_short_until_its_groups_are_opened(ui: Ui, served: Fleet, page: Page) -> None:
    page.set_viewport_size({"width": 1400, "height": 1000})
    ui.open_form(served.deployments[VIDEO])
    for model in ("Kling 3.0", "Veo 3.1", "Seedance 2.5"):
        ui.tab(model).click()
        expect(ui.field("Prompt")).to_be_in_viewport(ratio=1)
        assert ui.form_height() <= SCREENS[ui.name] * 1000
    assert page.get_by_text("Property is type").count() == 0
    ui.picture("short-form")
    ui.open_group("More for this run")
    ui.open_group("Scope")
    ui.field("Job key").fill("mine")
    expect(ui.field("Job key")).to_have_value("mine")


def test_a_video_from_a_form(ui: Ui, served: Fleet, page: Page) -> None:
    before = served.created()
    ui.open_form(served.deployments[VIDEO])
    for model in ("Kling 3.0", "Veo 3.1", "Runway", "Any other"):
        expect(ui.tab(model)).to_be_in_viewport(ratio=1)
    ui.tab("Kling 3.0").click()
    ui.field("Prompt").fill(f"{PROMPT}, {ui.name}")
    assert ui.choose("Duration", "10")[:2] == ["3", "4"]
    ui.field("Prompt").scroll_into_view_if_needed()
    ui.picture("form")
    served.kie.change(durations={"kling-3.0/video": SEEN_SECONDS})
    run = ui.submit()

    ui.open_run(run, "Running")
    served.artifact(run, "kie-progress-")
    ui.picture_of_run("running")
    served.kie.change(durations={})
    served.wait_until(run, "COMPLETED")
    expect(page.get_by_text("Completed", exact=True).first).to_be_visible()
    ui.picture_of_run("finished")
    assert served.created() == before + 1
    made = served.kie.stats()["jobs"][-1]
    assert (made["model"], made["input"]["duration"]) == ("kling-3.0/video", "10")

    artifact = served.artifact(run, "kie-overview")
    ui.open(f"/artifacts/key/{artifact['key']}")
    page.get_by_text(artifact["id"][:8], exact=True).click()
    shows_picture(page.get_by_alt_text("A frame"), 320)
    player = page.locator("video")
    if ui.name == "classic":
        plays(player, 10)
    else:
        assert player.count() == 0
    ui.picture("video")
    address = page.get_by_role("link", name="Play the video").get_attribute("href")
    assert address
    page.goto(address)
    plays(page.locator("video"), 10)


@pytest.mark.parametrize("ui", ["new"], indirect=True)
def test_a_song_from_a_form_of_its_own(ui: Ui, served: Fleet, page: Page) -> None:
    before = served.created()
    ui.open_form(served.deployments[SONG])
    expect(ui.field("Style")).to_be_visible()
    ui.field("Prompt").fill(f"a slow waltz for a music box, {ui.name}")
    ui.field("Duration").fill("5")
    ui.button("Submit").click()
    # The browser's own sentence, at the field.
    assert "10" in ui.field("Duration").evaluate("field => field.validationMessage")
    assert served.created() == before
    ui.field("Duration").fill("20")
    ui.picture("song-form")
    run = ui.submit()
    served.wait_until(run, "COMPLETED")
    assert served.created() == before + 1
    overview = served.artifact(run, "kie-overview")
    ui.open(f"/artifacts/artifact/{overview['id']}")
    expect(page.get_by_role("link", name="Open the file").first).to_be_visible()
    ui.picture("song")


@pytest.mark.parametrize("ui", ["classic"], indirect=True)
def test_a_picture_from_a_form_of_its_own(ui: Ui, served: Fleet, page: Page) -> None:
    before = served.created()
    ui.open_form(served.deployments[PICTURE], search="nano")
    ui.field("Prompt").fill(f"a paper boat, {ui.name}")
    assert "16:9" in ui.choose("Aspect ratio", "16:9")
    run = ui.submit()
    served.wait_until(run, "COMPLETED")
    assert served.created() == before + 1
    overview = served.artifact(run, "kie-overview")
    ui.open(f"/artifacts/artifact/{overview['id']}")
    shows_picture(page.get_by_alt_text(re.compile("A frame|The picture")).first, 200)
    ui.picture("picture")


def test_a_video_is_approved_before_it_is_paid(ui: Ui, served: Fleet, page: Page) -> None:
    before = served.created()
    ui.open_form(served.deployments[VIDEO])
    ui.field("Prompt").fill(f"{PROMPT}, approved, {ui.name}")
    ui.field("Count").fill("2")
    ui.open_group("Approval")
    ui.field("Ask above").fill("50")
    run = ui.submit()
    served.wait_until(run, "Suspended")
    assert served.created() == before

    approval = served.artifact(run, "kie-approval")
    ui.open(f"/artifacts/artifact/{approval['id']}")
    expect(page.get_by_text("60 credits").first).to_be_visible()
    ui.picture("approval")
    ui.open_run(run, "Suspended")
    ui.open_question()
    expect(ui.dialog.get_by_text("2 to submit, estimated at 60 credits")).to_be_visible()
    assert ui.choose("Submit and pay?", "yes") == ["yes", "no"]
    ui.picture("approve")
    ui.send_answer()
    served.wait_until(run, "COMPLETED")
    assert served.created() == before + 2

    overview = served.artifact(run, "kie-overview")
    assert overview["data"].startswith("**2 videos, 60 credits**")
    ui.open(f"/artifacts/artifact/{overview['id']}")
    expect(page.get_by_text("saved", exact=True)).to_have_count(2)
    ui.picture("videos")


def test_a_character_is_picked_on_a_contact_sheet_and_makes_a_series(
    uis: dict[str, Ui], served: Fleet, page: Page
) -> None:
    new, classic = uis["new"], uis["classic"]
    before = served.created()
    new.open_form(served.deployments[SERIES])
    fill_in_sora(new, f"{PROMPT}, series")
    new.field("Character prompt").fill("cheerful robot barista in a green apron")
    new.field("Character user name").fill("latte_bot")
    new.add_item("Prompts", "{character} surfs at dawn")
    new.add_item("Prompts", "{character} reads to a sleepy fox")
    new.field("Character prompt").scroll_into_view_if_needed()
    new.picture("series-form")
    run = new.submit()
    served.wait_until(run, "Suspended")
    assert served.created() == before + 1

    sheet = served.artifact(run, "kie-contact-sheet-")
    for ui in (new, classic):
        ui.open(f"/artifacts/artifact/{sheet['id']}")
        shows_picture(page.get_by_alt_text(re.compile("Frames")), 600)
        ui.picture("contact-sheet")
        ui.open_run(run, "Suspended")
        ui.open_question()
        expect(ui.field("Start (seconds)")).to_have_value("3.5")
        expect(ui.field("End (seconds)")).to_have_value("6.5")
        ui.picture("pick")
    new.open_run(run, "Suspended")
    new.open_question()
    new.field("Start (seconds)").fill("1")
    new.field("End (seconds)").fill("6")
    new.send_answer()
    served.wait_until(run, "Running")
    served.wait_until(run, "Suspended")
    assert served.created() == before + 1

    for ui in (new, classic):
        ui.open_run(run, "Suspended")
        ui.open_question()
        expect(ui.dialog.get_by_text("The slice from 1.0 s to 6.0 s is 5.0 s long")).to_be_visible()
        expect(ui.field("End (seconds)")).to_be_visible()
        ui.picture("pick-again")
    classic.field("Start (seconds)").fill("1")
    classic.field("End (seconds)").fill("3.5")
    classic.send_answer()
    served.wait_until(run, "COMPLETED")
    assert served.created() == before + 4

    character = served.artifact(run, "kie-overview")
    for ui in (new, classic):
        ui.open(f"/artifacts/artifact/{character['id']}")
        shows_picture(page.get_by_alt_text("Frame 1"), 150)
        expect(page.get_by_text(re.compile("^@latte_bot")).first).to_be_visible()
        ui.picture("character")


def test_a_character_that_you_keep_is_used_by_its_handle_in_another_form(
    ui: Ui, served: Fleet, page: Page
) -> None:
    jobs = served.kie.stats()["jobs"]
    source = next(job for job in jobs if job["input"].get("duration") == "10")
    before, handle = served.created(), {"new": "barista", "classic": "old_barista"}[ui.name]
    ui.open_form(served.deployments[CHARACTER])
    ui.field("Source").fill(source["task_id"])
    ui.field("Handle").fill(handle)
    ui.field("Description").fill("a cheerful robot in a green apron")
    ui.picture("character-form")
    run = ui.submit()
    served.wait_until(run, "Suspended")

    ui.open_run(run, "Suspended")
    ui.open_question()
    address = ui.dialog.get_by_role("link", name="contact sheet").get_attribute("href")
    assert address
    ui.picture("pick-kept")
    page.goto(address)
    page.get_by_text(served.artifact(run, "kie-contact-sheet-")["id"][:8], exact=True).click()
    shows_picture(page.get_by_alt_text(re.compile("Frames")), 900)
    ui.picture("contact-sheet-kept")
    ui.open_run(run, "Suspended")
    ui.open_question()
    ui.field("Start (seconds)").fill("2")
    ui.field("End (seconds)").fill("7")
    ui.send_answer()
    served.wait_until(run, "COMPLETED")
    assert served.created() == before

    overview = served.artifact(run, "kie-overview")
    ui.open(f"/artifacts/artifact/{overview['id']}")
    shows_picture(page.get_by_alt_text("Picture 2"), 150)
    expect(page.get_by_text(f"@{handle}", exact=True)).to_be_visible()
    ui.picture("kept-character")
    ui.open("/blocks")
    page.get_by_text(handle.replace("_", "-"), exact=True).first.click()
    expect(page.get_by_text("a cheerful robot in a green apron").first).to_be_visible()
    ui.picture("block")

    ui.open_form(served.deployments[VIDEO])
    ui.tab("Wan 3.0").click()
    ui.field("Prompt").fill(f"@{handle} surfs at dawn")
    ui.picture("by-handle")
    served.wait_until(ui.submit(), "COMPLETED")
    job = served.kie.stats()["jobs"][-1]
    assert (served.created(), job["model"]) == (before + 1, "wan/3-0-video")
    assert str(job["input"]).count("http") >= 2


def test_a_series_by_any_model_becomes_a_film_that_plays(ui: Ui, served: Fleet, page: Page) -> None:
    before = served.created()
    ui.open_form(served.deployments[SERIES])
    ui.tab("Wan 3.0").click()
    ui.field("Prompt").fill(f"{PROMPT}, {ui.name}")
    ui.field("Handle").fill(f"latte_{ui.name}")
    for prompt in ("{character} surfs at dawn", "{character} reads to a sleepy fox"):
        ui.add_item("Prompts", prompt)
    ui.tab("Slice").click()
    ui.field("Start").fill("1")
    ui.field("End").fill("4")
    ui.open_group("Film")
    ui.choose("Join", "when whole")
    ui.field("Handle").scroll_into_view_if_needed()
    ui.picture("film-form")
    run = ui.submit()
    served.wait_until(run, "COMPLETED")
    assert served.created() == before + 3
    ui.open_run(run, "Completed")
    ui.picture_of_run("series")

    overview = served.artifact(run, "kie-overview")
    ui.open(f"/artifacts/artifact/{overview['id']}")
    line = page.get_by_text(re.compile(r"^Film: .*film-[0-9a-f]+\.mp4, 10\.0 s$"))
    expect(line).to_be_visible()
    ui.picture("series-overview")
    redo = page.get_by_role("link", name="a new run with the same values").get_attribute("href")
    assert redo
    film = line.locator("code").inner_text()
    page.goto(f"file://{film}")
    plays(page.locator("video"), 10)
    ui.picture("film")

    # One episode anew: the form has this run's values, and only that episode is paid.
    ui.open(redo.removeprefix(served.server.url))
    expect(ui.item("Prompts", 2)).to_have_value("{character} reads to a sleepy fox")
    ui.item("Prompts", 2).fill("{character} reads to an owl")
    ui.picture("redo")
    again = ui.submit()
    served.wait_until(again, "COMPLETED")
    assert served.created() == before + 4
    data = served.artifact(again, "kie-overview")["data"]
    assert "reads to an owl" in data
    (made,) = re.findall(r"film-[0-9a-f]+\.mp4", data)
    assert made not in film
