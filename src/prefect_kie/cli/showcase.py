"""What the demo shows: a character series, a stable model and an image model, in one flow of subflows.

Run by `prefect-kie demo` as a process of its own, with Prefect's settings in the environment.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterStartTime
from prefect.client.schemas.objects import TaskRun
from pydantic import SecretStr
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from prefect_kie.api import JobRequest, KieError, PollPolicy
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCredentials
from prefect_kie.cli.setup import LIMITS, provide_limit
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
from prefect_kie.outcomes.results import total_credits
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

REFRESH_SECONDS = 0.5

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
    started = datetime.now(timezone.utc)
    # The real Kie is paid once for this directory, however often the demo runs; a simulated one forgets its
    # jobs, so each run there has jobs of its own.
    job_key = None if options.simulator else "prefect-kie demo"
    try:
        if not (options.simulator or options.yes or allowed(credentials)):
            return 1
        series, single = asyncio.run(_watched(credentials, started, str(options.directory), job_key, poll))
    except KieError as error:
        say(str(error), "red")
        return 1
    show(series, single, (datetime.now(timezone.utc) - started).total_seconds())
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
    for model, what in plan():
        say(f"  {model}: {what}")
    say(
        f"The account holds {credits:,.2f} credits; what a model costs today stands at kie.ai/pricing. "
        "A second run in the same directory shows the same videos and pays nothing."
    )
    return confirmed("Submit?")


def plan() -> list[tuple[str, str]]:
    """The model and the prompt of each submission."""
    requests: list[JobRequest] = [ORIGINAL, STABLE]
    return [
        *((request.model_name, request.title) for request in requests),
        ("sora-2-image-to-video", PICTURE_PROMPT),
        ("sora-2-characters-pro", f"{TRAITS.character_prompt} (slice {SLICE.timestamps} s)"),
        *((EpisodeSettings().model, prompt) for prompt in EPISODES),
    ]


def show(series: SeriesResult, single: Sequence[GeneratedVideos], took: float) -> None:
    """Print what was made; below the table the files, whose names are wider than a terminal."""
    videos = {"original": series.original}
    videos |= {f"episode {number}": episode for number, episode in enumerate(series.episodes, 1)}
    videos |= {"stable": single[0].videos[0], "picture": single[1].videos[0]}
    made: list[Any] = [*videos.values(), *([series.character] if series.character else [])]
    say(f"{summary(made)}, in {took:.0f} s")
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for name in ("video", "model", "length", "credits"):
        table.add_column(name, justify="left" if name in ("video", "model") else "right", no_wrap=True)
    for what, outcome in videos.items():
        seconds = outcome.video.seconds if outcome.video else None
        length = f"{seconds:.1f} s" if seconds is not None else ""
        table.add_row(what, outcome.model, length, "" if outcome.credits is None else f"{outcome.credits:g}")
    if (character := series.character) is not None:
        length = f"{character.slice.end - character.slice.start:.1f} s"
        table.add_row("character", f"@{character.handle}", length, f"{character.credits or 0:g}")
    table.add_section()
    table.add_row("total", "", "", f"{total_credits(made):g}")
    Console().print(table)
    for what, outcome in videos.items():
        say(Path(outcome.video.path).name if outcome.video else f"{what}: {outcome.error}")


@flow(name="demo", flow_run_name="demo")
async def demo(directory: str, job_key: str | None, poll: PollPolicy) -> Made:
    """The main job: a series with a character, and beside it a stable and an image model."""
    place = Path(directory)
    picture = await upload_file(_picture(place.parent / "picture.png"), DEFAULT_CREDENTIALS)
    image_request = Sora2ImageToVideo(prompt=PICTURE_PROMPT, image_urls=[picture.url])

    output, waiting, scope = Output(directory=place), Waiting(poll=poll), Scope(job_key=job_key)

    async def video(request: Any) -> GeneratedVideos:
        return await generate_video(request, output=output, waiting=waiting, scope=scope)

    series, stable, image = await asyncio.gather(
        character_series(ORIGINAL, TRAITS, EPISODES, SLICE, output=output, waiting=waiting, scope=scope),
        video(STABLE),
        video(image_request),
    )
    return series, [stable, image]


async def _watched(credentials: KieCredentials, started: datetime, *arguments: Any) -> Made:
    """What the flow made; a line for each unfinished task run meanwhile."""
    await credentials.asave(DEFAULT_CREDENTIALS, overwrite=True)
    async with get_client() as client:
        for limit in LIMITS:
            await provide_limit(client, limit)
        work = asyncio.ensure_future(demo(*arguments))
        recent = FlowRunFilter(start_time=FlowRunFilterStartTime.model_validate({"after_": started}))
        with Live(refresh_per_second=4, transient=True) as live:
            while not work.done():
                live.update(_progress(await client.read_task_runs(flow_run_filter=recent)))
                await asyncio.wait([work], timeout=REFRESH_SECONDS)
    return await work


def _progress(task_runs: list[TaskRun]) -> Group:
    task_runs.sort(key=lambda run: run.created or run.expected_start_time or run.id.hex)
    named = [(run.name, run.state) for run in task_runs if run.state is not None and ":" in run.name]
    lines = [
        Text(f"  {name}: {state.message or state.name}", no_wrap=True, overflow="ellipsis")
        for name, state in named
        if not state.is_final()
    ]
    done = sum(state.is_final() for _, state in named)
    return Group(Spinner("line", "Running on Prefect"), *lines, Text(f"  {done} steps done"))


def _picture(path: Path) -> Path:
    """Draw the picture that the image model starts from: a paper boat."""
    from PIL import Image, ImageDraw

    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", (640, 360), "#9ecae1")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 230, 640, 360), fill="#3182bd")
    draw.polygon([(220, 220), (420, 220), (380, 280), (260, 280)], fill="white", outline="black")
    draw.polygon([(320, 110), (320, 215), (400, 215)], fill="white", outline="black")
    image.save(path)
    return path


if __name__ == "__main__":
    sys.exit(main())
