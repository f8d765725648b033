"""What the demo shows: a picture, a video of it, a song; a character, new videos with it, and their film.

Run by `prefect-kie demo` as a process of its own, with Prefect's settings in the environment. On the real Kie
it makes the picture alone, for less than a cent.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from prefect import flow
from prefect.client.orchestration import get_client
from pydantic import SecretStr
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

import prefect_kie.flows as flows
from prefect_kie.api import KieError, PollPolicy
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCredentials
from prefect_kie.cli.setup import set_up
from prefect_kie.cli.terminal import confirmed, forgive_output, say
from prefect_kie.models import Kling26ImageToVideo, Slice, SunoGenerate, Wan30Video, ZImage
from prefect_kie.outcomes.endings import summary
from prefect_kie.outcomes.results import Character, VideoOutcome, total_credits

PICTURE = ZImage(prompt="A paper boat on a rainy street, seen from above", aspect_ratio="16:9")
MOVES = "The little boat begins to move and drifts out of the picture"
SONG = SunoGenerate(custom_mode=False, instrumental=True, prompt="a slow waltz for a music box and rain")
ORIGINAL = Wan30Video(
    prompt="A cheerful robot barista with a green apron pours a latte in a small cafe, seen from the front",
    duration=5,
)
SLICE = Slice(start=1.0, end=4.0)
CHARACTER = flows.NewCharacter(
    handle="latte_bot",
    description="cheerful robot barista, green apron, round friendly eyes",
    replace=True,  # in a directory where the demo ran before
)
BY_ANOTHER_MODEL = flows.Episodes(model="kling-3.0/video", input={"duration": "5"})
PROMPTS = [
    "{character} surfs a long wave at sunset, balancing a cup of coffee",
    "In a night train, {character} tells a quiet story to a sleepy fox",
]

Made = dict[str, VideoOutcome | Character]
"""What was made, by what it is called in the table."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it all with the environment's Prefect settings and KIE_API_KEY, and print what it made."""
    parser = argparse.ArgumentParser(prog="python -m prefect_kie.cli.showcase", description=__doc__)
    parser.add_argument("directory", type=Path, help="where the files go")
    parser.add_argument("--simulator", help="address of a simulated Kie; without it, the real one")
    parser.add_argument("--yes", action="store_true", help="do not ask before paying")
    forgive_output()
    options = parser.parse_args(arguments)
    credentials, poll = how(options.simulator, os.environ.pop("KIE_API_KEY", ""))
    started = time.monotonic()
    try:
        if not (options.simulator or options.yes or allowed(credentials)):
            return 1
        with Console().status("Running on Prefect, whose UI shows each step", spinner="line"):
            made, film = asyncio.run(_made(credentials, options.directory, poll, live=not options.simulator))
    except KieError as error:
        say(str(error), "red")
        return 1
    show(made, time.monotonic() - started, film)
    say(f"They are in {options.directory}")
    return 0


def how(simulator: str | None, key: str) -> tuple[KieCredentials, PollPolicy]:
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
    say(f"This will be submitted to Kie and paid:\n  {PICTURE.model_name}: {PICTURE.title}")
    say(
        f"It cost 0.8 credits (0.004 USD) in October 2026. The account holds {credits:,.2f} credits. "
        "A second run in the same directory shows the same picture and pays nothing."
    )
    return confirmed("Submit?")


def show(made: Made, took: float, film: str | None = None) -> None:
    """Print what was made; below the table the files, whose names are wider than a terminal."""
    table = Table("made", "model", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for name in ("length (s)", "credits"):
        table.add_column(name, justify="right")
    for what, one in made.items():
        model = f"@{one.handle}" if isinstance(one, Character) else one.model
        table.add_row(what, model, one.row.get("length (s)", ""), one.row["credits"])
    table.add_section()
    table.add_row("total", "", "", f"{total_credits(one.credits for one in made.values()):g}")
    say(f"{summary(list(made.values()))}, in {took:.0f} s")
    Console().print(table)
    for what, one in made.items():
        if isinstance(one, VideoOutcome):
            for file in one.video.files if one.video else ():
                say(Path(file.path).name)
            if one.error:
                say(f"{what}: {one.error}")
    if film is not None:
        say(f"{Path(film).name} (both episodes)")


@flow(name="demo", flow_run_name="demo")
async def demo(directory: Path, poll: PollPolicy, live: bool) -> tuple[Made, str | None]:
    """A picture; on a simulated Kie a video of it too, a song, and a series with a character, whose film is
    where the second value says.
    """
    # The real Kie is paid once for this directory, however often the demo runs; a simulated one forgets its
    # jobs, so each run there has jobs of its own.
    scope = flows.Scope(job_key="prefect-kie demo" if live else None)
    output, waiting = flows.Output(directory=directory), flows.Waiting(poll=poll)
    picture = await flows.generate_image(PICTURE, output=output, waiting=waiting, scope=scope)
    made: Made = {"picture": picture.images[0]}
    if live:
        return made, None
    video = Kling26ImageToVideo(prompt=MOVES, image_urls=[picture.saved.url], sound=True)
    boat, song, series = await asyncio.gather(
        flows.generate_video(video, output=output, waiting=waiting, scope=scope),
        flows.generate_audio(SONG, output=output, waiting=waiting, scope=scope),
        flows.character_series(
            ORIGINAL,
            CHARACTER,
            PROMPTS,
            SLICE,
            BY_ANOTHER_MODEL,
            flows.Film(join="when whole"),
            output=output,
            waiting=waiting,
            scope=scope,
        ),
    )
    made |= {"video of it": boat.videos[0], "song": song.audio[0]}
    made |= {"original": series.original} if series.original else {}
    made |= {"character": series.character} if series.character else {}
    made |= {f"episode {number}": episode for number, episode in enumerate(series.episodes, 1)}
    return made, series.film


async def _made(
    credentials: KieCredentials, directory: Path, poll: PollPolicy, *, live: bool
) -> tuple[Made, str | None]:
    await credentials.asave(DEFAULT_CREDENTIALS, overwrite=True)
    async with get_client() as client:
        async for _ in set_up(client):
            pass
    return await demo(directory, poll, live)


if __name__ == "__main__":
    sys.exit(main())
