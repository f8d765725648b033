"""What the demo shows: a character series, a stable model and an image model, in one flow of subflows.

Run by `prefect-kie demo` as a process of its own, with Prefect's settings in the environment.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.orchestration import get_client
from pydantic import SecretStr
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from prefect_kie.api import KieError, PollPolicy
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCredentials
from prefect_kie.cli.setup import set_up
from prefect_kie.cli.terminal import confirmed, forgive_output, say
from prefect_kie.flows import (
    CharacterTraits,
    EpisodeSettings,
    GeneratedVideos,
    Output,
    Scope,
    SeriesResult,
    Waiting,
    character_series,
    generate_video,
)
from prefect_kie.models import Slice, Sora2ImageToVideo, Sora2TextToVideo, Sora2TextToVideoStable
from prefect_kie.outcomes.endings import summary
from prefect_kie.outcomes.results import Character, VideoOutcome, total_credits
from prefect_kie.tasks import upload_file

ORIGINAL = Sora2TextToVideo(
    prompt="A cheerful robot barista with a green apron pours a latte in a small cafe, seen from the front"
)
SLICE = Slice(start=1.0, end=3.5)
TRAITS = CharacterTraits(
    character_prompt="cheerful robot barista, green apron, round friendly eyes",
    character_user_name="latte_bot",
)
EPISODES = [
    "{character} surfs a long wave at sunset, balancing a cup of coffee",
    "In a night train, {character} tells a quiet story to a sleepy fox",
]
STABLE = Sora2TextToVideoStable(prompt="A paper boat sails through a rainy street, seen from above")
PICTURE_PROMPT = "The little boat in the picture begins to move and drifts out of the frame"

PLAN = (
    (ORIGINAL.model_name, ORIGINAL.title),
    (STABLE.model_name, STABLE.title),
    ("sora-2-image-to-video", PICTURE_PROMPT),
    ("sora-2-characters-pro", f"{TRAITS.character_prompt} (slice {SLICE.timestamps} s)"),
    *((EpisodeSettings().model, prompt) for prompt in EPISODES),
)
"""The model and the prompt of each submission."""

Made = tuple[SeriesResult, list[GeneratedVideos]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it all with the environment's Prefect settings and KIE_API_KEY, and print what it made."""
    parser = argparse.ArgumentParser(prog="python -m prefect_kie.cli.showcase", description=__doc__)
    parser.add_argument("directory", type=Path, help="where the videos go")
    parser.add_argument("--simulator", help="address of a simulated Kie; without it, the real one")
    parser.add_argument("--yes", action="store_true", help="do not ask before paying")
    forgive_output()
    options = parser.parse_args(arguments)
    credentials, poll = how(options.simulator, os.environ.pop("KIE_API_KEY", ""))
    # The real Kie is paid once for this directory, however often the demo runs; a simulated one forgets its
    # jobs, so each run there has jobs of its own.
    job_key = None if options.simulator else "prefect-kie demo"
    started = time.monotonic()
    try:
        if not (options.simulator or options.yes or allowed(credentials)):
            return 1
        with Console().status("Running on Prefect, whose UI shows each step", spinner="line"):
            series, single = asyncio.run(_made(credentials, options.directory, job_key, poll))
    except KieError as error:
        say(str(error), "red")
        return 1
    show(series, single, time.monotonic() - started)
    say(f"They are in {options.directory}")
    return 0


def how(simulator: str | None, key: str) -> tuple[KieCredentials, PollPolicy]:
    """The credentials, and how often to poll."""
    if simulator is None:
        return KieCredentials(api_key=SecretStr(key)), PollPolicy()
    return (
        KieCredentials(api_key=SecretStr("simulated"), base_url=simulator, upload_url=simulator),
        PollPolicy(usual_seconds=4.5, min_gap_seconds=0.5, seconds_per_poll=0.1),
    )


def allowed(credentials: KieCredentials) -> bool:
    """Show what would be submitted to the real Kie, and ask."""

    async def balance() -> float:
        async with credentials.get_client() as client:
            return await client.get_credits()

    credits = asyncio.run(balance())
    say("This will be submitted to Kie and paid:")
    for model, what in PLAN:
        say(f"  {model}: {what}")
    say(
        f"The account holds {credits:,.2f} credits; what a model costs today stands at kie.ai/pricing. "
        "A second run in the same directory shows the same videos and pays nothing."
    )
    return confirmed("Submit?")


def show(series: SeriesResult, single: Sequence[GeneratedVideos], took: float) -> None:
    """Print what was made; below the table the files, whose names are wider than a terminal."""
    videos = {"original": series.original}
    videos |= {f"episode {number}": episode for number, episode in enumerate(series.episodes, 1)}
    videos |= {"stable": single[0].videos[0], "picture": single[1].videos[0]}
    table = Table("video", "model", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for name in ("length (s)", "credits"):
        table.add_column(name, justify="right")
    for what, outcome in videos.items():
        table.add_row(what, outcome.model, outcome.row["length (s)"], outcome.row["credits"])
    made: list[VideoOutcome | Character] = [*videos.values()]
    if (character := series.character) is not None:
        made.append(character)
        table.add_row("character", f"@{character.handle}", "", character.row["credits"])
    table.add_section()
    table.add_row("total", "", "", f"{total_credits(made):g}")
    say(f"{summary(made)}, in {took:.0f} s")
    Console().print(table)
    for what, outcome in videos.items():
        say(Path(outcome.video.path).name if outcome.video else f"{what}: {outcome.error}")


@flow(name="demo", flow_run_name="demo")
async def demo(directory: Path, job_key: str | None, poll: PollPolicy) -> Made:
    """The main job: a series with a character, and beside it a stable and an image model."""
    picture = await upload_file(_picture(directory.parent / "picture.png"), DEFAULT_CREDENTIALS)
    image_request = Sora2ImageToVideo(prompt=PICTURE_PROMPT, image_urls=[picture.url])
    given: dict[str, Any] = {
        "output": Output(directory=directory),
        "waiting": Waiting(poll=poll),
        "scope": Scope(job_key=job_key),
    }
    series, *single = await asyncio.gather(
        character_series(ORIGINAL, TRAITS, EPISODES, SLICE, **given),
        generate_video(STABLE, **given),
        generate_video(image_request, **given),
    )
    return series, single


async def _made(credentials: KieCredentials, *arguments: Any) -> Made:
    await credentials.asave(DEFAULT_CREDENTIALS, overwrite=True)
    async with get_client() as client:
        async for _ in set_up(client):
            pass
    return await demo(*arguments)


def _picture(path: Path) -> Path:
    """Draw the picture that the image model starts from: a paper boat."""
    from PIL import Image, ImageDraw

    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", (640, 360), "#3182bd")
    boat = [(200, 200), (300, 200), (320, 90), (340, 200), (440, 200), (380, 280), (260, 280)]
    ImageDraw.Draw(image).polygon(boat, fill="white", outline="black")
    image.save(path)
    return path


if __name__ == "__main__":
    sys.exit(main())
