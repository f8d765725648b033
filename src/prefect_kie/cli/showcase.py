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
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterStartTime
from prefect.client.schemas.objects import TaskRun
from pydantic import SecretStr
from rich.console import Console, Group
from rich.live import Live
from rich.prompt import Confirm
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from prefect_kie.api import JobRequest, KieError, PollPolicy
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCredentials
from prefect_kie.cli.setup import LIMITS, provide_limit
from prefect_kie.cli.terminal import forgive_output
from prefect_kie.flows import (
    CharacterTraits,
    EpisodeSettings,
    GeneratedVideos,
    Output,
    Scope,
    SeriesResult,
    VideoOutcome,
    Waiting,
    character_series,
    generate_video,
)
from prefect_kie.models import Slice, Sora2ImageToVideo, Sora2TextToVideo, Sora2TextToVideoStable
from prefect_kie.outcomes.endings import summary
from prefect_kie.outcomes.results import Character, total_credits
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


class Showcase:
    """The demo's run and what the terminal shows of it.

    Args:
        console: Where to print.
        directory: Where the videos go.
        key: The key to Kie; not used with a simulator.
        simulator: The simulated Kie's address; None: the real one.
    """

    def __init__(self, console: Console, directory: Path, key: str, *, simulator: str | None) -> None:
        self._console = console
        self._directory = directory
        self._live = simulator is None
        if simulator is None:
            self._credentials = KieCredentials(api_key=SecretStr(key))
            self._poll = PollPolicy()
        else:
            self._credentials = KieCredentials(
                api_key=SecretStr("simulated"), base_url=simulator, upload_url=simulator
            )
            self._poll = PollPolicy(usual_seconds=4.5, min_gap_seconds=0.5, seconds_per_poll=0.1)

    def asked_and_allowed(self) -> bool:
        """Show what would be submitted to the real Kie, and ask."""
        try:
            credits = asyncio.run(self._balance())
        except KieError as error:
            self._console.print(str(error), style="red", markup=False)
            return False
        table = Table("model", "what", title="This will be submitted to Kie and paid", title_justify="left")
        for model, what in _plan():
            table.add_row(model, what)
        self._console.print(table)
        self._console.print(
            f"The account holds {credits:,.2f} credits; what a model costs today stands at kie.ai/pricing. "
            "A second run in the same directory shows the same videos and pays nothing."
        )
        return Confirm.ask("Submit?", console=self._console, default=False)

    def run(self) -> int:
        """Run it all and print what it made.

        Returns:
            0 when every video is there, else 1.
        """
        started = datetime.now(timezone.utc)
        try:
            series, single = asyncio.run(self._run(started))
        except KieError as error:
            self._console.print(Text(str(error), style="red"), soft_wrap=True)
            return 1
        took = (datetime.now(timezone.utc) - started).total_seconds()
        self._report(series, single, took)
        return 0

    async def _balance(self) -> float:
        async with self._credentials.get_client() as client:
            return await client.get_credits()

    async def _run(self, started: datetime) -> tuple[SeriesResult, list[GeneratedVideos]]:
        await self._credentials.asave(DEFAULT_CREDENTIALS, overwrite=True)
        # The real Kie is paid once for this directory, however often the demo runs; a simulated one
        # forgets its jobs, so each run there has jobs of its own.
        job_key = "prefect-kie demo" if self._live else None
        async with get_client() as client:
            for limit in LIMITS:
                await provide_limit(client, limit)
            work = asyncio.ensure_future(demo(str(self._directory), job_key, self._poll))
            with Live(console=self._console, refresh_per_second=4, transient=True) as live:
                while not work.done():
                    live.update(_progress(await _task_runs(client, started)))
                    await asyncio.wait([work], timeout=REFRESH_SECONDS)
        return await work

    def _report(self, series: SeriesResult, single: Sequence[GeneratedVideos], took: float) -> None:
        videos = [
            ("original", series.original),
            *((f"episode {number}", episode) for number, episode in enumerate(series.episodes, 1)),
            ("stable", single[0].videos[0]),
            ("picture", single[1].videos[0]),
        ]
        made: list[VideoOutcome | Character] = [
            *(outcome for _, outcome in videos),
            *([series.character] if series.character else []),
        ]
        table = Table("video", title=f"{summary(made)}, in {took:.0f} s", title_justify="left")
        table.add_column("model")
        table.add_column("length", justify="right", no_wrap=True)
        table.add_column("credits", justify="right", no_wrap=True)
        table.add_column("file", overflow="fold")
        for what, outcome in videos:
            table.add_row(what, *_cells(outcome))
        if (character := series.character) is not None:
            seconds = f"{character.slice.end - character.slice.start:g} s"
            table.add_row("character", "", seconds, f"{character.credits or 0:g}", f"@{character.handle}")
        table.add_section()
        table.add_row("total", "", "", f"{total_credits(made):g}")
        self._console.print(table)
        self._console.print(Text(f"Files: {self._directory}"), soft_wrap=True)


@flow(name="demo", flow_run_name="demo")
async def demo(
    directory: str, job_key: str | None, poll: PollPolicy
) -> tuple[SeriesResult, list[GeneratedVideos]]:
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


def _plan() -> list[tuple[str, str]]:
    requests: list[JobRequest] = [ORIGINAL, STABLE]
    rows = [(request.model_name, request.title) for request in requests]
    rows.append(("sora-2-image-to-video", PICTURE_PROMPT))
    rows.append(("sora-2-characters-pro", f"{TRAITS.character_prompt} (slice {SLICE.timestamps} s)"))
    rows += [(EpisodeSettings().model, prompt) for prompt in EPISODES]
    return rows


async def _task_runs(client: PrefectClient, started: datetime) -> list[TaskRun]:
    recent = FlowRunFilter(start_time=FlowRunFilterStartTime.model_validate({"after_": started}))
    return await client.read_task_runs(flow_run_filter=recent)


def _progress(task_runs: Sequence[TaskRun]) -> Group:
    """One line per unfinished task run, as Prefect knows it."""
    lines: list[Any] = [Spinner("line", "Running on Prefect")]
    done = 0
    for task_run in sorted(task_runs, key=lambda run: run.created or run.expected_start_time or run.id.hex):
        state = task_run.state
        if state is None or ":" not in task_run.name:
            continue
        if state.is_final():
            done += 1
            continue
        lines.append(Text(f"  {task_run.name}: {state.message or state.name}", no_wrap=True))
    lines.append(Text(f"  {done} steps done"))
    return Group(*lines)


def _cells(outcome: VideoOutcome) -> list[str]:
    video = outcome.video
    if video is None:
        return [outcome.model, "", "", outcome.error or ""]
    seconds = f"{video.seconds:.1f} s" if video.seconds is not None else ""
    credits = f"{video.credits:g}" if video.credits is not None else ""
    return [video.model, seconds, credits, Path(video.path).name]


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


def main() -> int:
    """Run the showcase with the environment's Prefect settings and KIE_API_KEY.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m prefect_kie.cli.showcase", description=__doc__)
    parser.add_argument("directory", type=Path, help="where the videos go")
    parser.add_argument("--simulator", help="address of a simulated Kie; without it, the real one")
    parser.add_argument("--yes", action="store_true", help="do not ask before paying")
    forgive_output()
    options = parser.parse_args()
    key = os.environ.pop("KIE_API_KEY", "")
    showcase = Showcase(Console(), options.directory, key, simulator=options.simulator)
    if options.simulator is None and not options.yes and not showcase.asked_and_allowed():
        print("Nothing was submitted.")
        return 1
    return showcase.run()


if __name__ == "__main__":
    sys.exit(main())
