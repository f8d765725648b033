"""The Markdown of what a run shows: its overview, section by section, and a contact sheet.

The newer UI drops the player, so a plain link stands beside it; the older one drops a player's own poster.
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from prefect.context import FlowRunContext
from prefect.settings import PREFECT_UI_URL

from prefect_kie.api import CharacterResult, Job, JobResult
from prefect_kie.blocks import KieCharacter
from prefect_kie.media.kinds import PICTURE_SUFFIXES, SOUND_SUFFIXES, VIDEO_SUFFIXES
from prefect_kie.media.saved import SavedFile, SavedResult
from prefect_kie.media.saving import deleted_at
from prefect_kie.models import Slice
from prefect_kie.run_page.markdown import code, escaped, link, plain, target

if TYPE_CHECKING:
    from prefect_kie.models import Sora2CharactersPro

TEXT_LENGTH = 2000  # so much of a text or of data is shown
FRAMES = 3
MAX_SECTIONS = 50  # of an overview,
MAX_ILLUSTRATED = 8  # and those with pictures: 30 KiB each, and each save sends all of it
RULE = "\n\n---\n\n"
HELP = (
    "Which part becomes the character? Choose a few seconds in which it is seen well, alone and from the "
    "front. The form is on the run's page: **Resume** (in the newer UI in its menu ⋮)."
)
_DATA_PICTURE = re.compile(r"!\[[^\]]*\]\(data:[^)]*\)")
_COLUMNS = ("status", "prompt", "length (s)", "credits", "link (14 days)", "task id", "error")


def with_section(overview: str, section: str) -> str:
    """An overview with a section, in place of the same job's earlier one; pictures are for the first few."""
    head, *sections = overview.split(RULE) if overview else [""]
    sections = _of_others(sections, section.rstrip().rpartition("\n")[2])
    if len(sections) >= MAX_SECTIONS:
        return overview
    if not _have_room_for_pictures(sections):
        section = _DATA_PICTURE.sub("", section)
    return RULE.join([head, *sections, section])


def takes_pictures(overview: str, job: Job) -> bool:
    """Whether a job's section of an overview may have pictures."""
    return _have_room_for_pictures(_of_others(overview.split(RULE), _last_line(job)))


def _have_room_for_pictures(others: list[str]) -> bool:
    return sum("](data:" in known for known in others) < MAX_ILLUSTRATED


def _of_others(sections: list[str], last_line: str) -> list[str]:
    return [known for known in sections if not known.rstrip().endswith(last_line)]


def _last_line(job: Job) -> str:
    return f"- **Task id:** {code(job.task_id)}"


def with_head(overview: str, head: str) -> str:
    """An overview with another head."""
    return RULE.join([head, *overview.split(RULE)[1:]])


def table_head(
    rows: Sequence[dict[str, str]], summary: str, film: tuple[str, float] | None = None, offer: str = ""
) -> str:
    """The head of an overview: a summary, where the film is that they make together and how long (seconds),
    what can be done next, and a table with a row for each thing that was wanted.
    """
    columns = [name for name in _COLUMNS if any(row.get(name) for row in rows)]
    lines = [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
    for row in rows:
        cells = {name: escaped(row.get(name, "")) for name in columns}
        if url := row.get("link (14 days)"):
            cells["link (14 days)"] = link("open", url)
        lines.append(f"| {' | '.join(cells.values())} |")
    joined = f"**Film:** {code(film[0])}, {film[1]:.1f} s" if film is not None else ""
    blocks = [f"**{escaped(summary)}**", joined, offer, "\n".join(lines)]
    return "\n\n".join(filter(None, blocks))


def result_section(job: Job, saved: SavedResult, poster: str | None) -> str:
    """What was saved of a job: picture, player, link, text, and what is known of it."""
    first = saved.files[0]
    until = f"{deleted_at(job):%Y-%m-%d}"
    blocks = [f"![A frame]({poster})"] if poster else []
    if first.url is not None:
        blocks += _player(first, first.url, poster)
        label = "Play the video" if first.name.endswith(VIDEO_SUFFIXES) else "Open the file"
        blocks.append(
            f"**{link(label, first.url)}** at Kie, which deletes it on {until} at the latest (14 days after "
            "the job's end); the saved file stays."
        )
    if isinstance(job.result, JobResult):
        blocks += _quoted(job.result)
    others = [f"- **Also saved:** {code(file.path)}{_at_kie(file)}" for file in saved.files[1:]]
    return _section(
        blocks,
        f"- **Saved as:** {code(first.path)}",
        *others,
        f"- **Prompt:** {escaped(job.prompt)}",
        f"- **Model:** {code(job.model)}",
        f"- **Length:** {first.seconds:g} s" if first.seconds is not None else None,
        f"- **Credits:** {saved.credits:g}" if saved.credits is not None else None,
        _last_line(job),
    )


def character_section(
    job: Job, character: CharacterResult, origin: "Sora2CharactersPro | None", frames: Sequence[str]
) -> str:
    """A character: its handle to copy, and what it comes from."""
    name = character.character_user_name
    part = Slice.parse(origin.timestamps) if origin else None
    blocks: list[str] = []
    if part and frames:
        blocks.append(_side_by_side([f"{second:g} s" for second in moments(part)], "Frame", frames))
    if name:
        # A block of its own: the UI has a button to copy it.
        blocks.append(f"```\n@{plain(name, 100).replace('`', '')}\n```")
        blocks.append("Write this handle in a prompt, or give the id in `character_id_list`.")
    else:
        blocks.append("Kie gave it no handle; give the id in `character_id_list`.")
    return _section(
        blocks,
        f"- **Character id:** {code(character.character_id)}",
        f"- **Who:** {escaped(origin.character_prompt)}" if origin else None,
        f"- **Slice:** {part.start:g} to {part.end:g} s" if part else None,
        f"- **Made from task id:** {code(origin.origin_task_id)}" if origin else None,
        f"- **Model:** {code(job.model)}",
        f"- **Credits:** {job.credits:g}" if job.credits is not None else None,
        _last_line(job),
    )


def kept_character_section(character: KieCharacter, frames: Sequence[str]) -> str:
    """A character that you keep: its handle to copy, its pictures, and where its files are."""
    heads = [f"picture {number}" for number in range(1, len(frames) + 1)]
    blocks = [_side_by_side(heads, "Picture", frames)] if frames else []
    blocks.append(f"```\n@{character.handle}\n```")
    blocks.append("Write this handle in a prompt of any model that keeps characters.")
    where = f" in {code(character.storage)}" if character.storage else ""
    part = (character.start, character.end)
    return _section(
        blocks,
        f"- **Name:** {escaped(character.name)}",
        f"- **Who:** {escaped(character.description)}" if character.description else None,
        f"- **Slice:** {part[0]:g} to {part[1]:g} s" if part[0] is not None and part[1] is not None else None,
        f"- **Made from:** {code(character.origin)}" if character.origin else None,
        *(f"- **Picture:** {code(still)}{where}" for still in character.stills),
        f"- **Clip:** {code(character.clip)}{where}" if character.clip else None,
        f"- **Voice:** {code(character.voice)}{where}" if character.voice else None,
        f"- **Block:** {code(f'kie-character/{character.block_name}')}",
    )


def contact_sheet_markdown(
    job: Job, seconds: float | None, picture: str | None, suggested: tuple[float, float] | None = None
) -> str:
    """A contact sheet: frames with their times, the link to the video, and what to do with them."""
    url = job.urls[0] if job.urls else ""
    none = "There are no frames: no file to be read, or no `pip install 'prefect-kie[pictures]'`."
    blocks = [HELP, f"![Frames with their times in seconds]({picture})" if picture else none]
    if picture and suggested:
        start, end = suggested
        blocks.append(f"Framed in orange: {start:g} to {end:g} s, which the form suggests.")
    if player := target(url):
        blocks.append(f'<video controls preload="metadata" width="640" src="{player}"></video>')
        blocks.append(f"**{link('Play the video', url)}** at Kie.")
    return _section(
        blocks,
        f"- **Length:** {seconds:g} s" if seconds else None,
        f"- **Prompt:** {escaped(job.prompt)}",
        _last_line(job),
    )


def moments(part: Slice) -> list[float]:
    """The times of a slice's frames: its beginning, its end, and between."""
    step = (part.end - part.start) / (FRAMES - 1)
    return [part.start + step * number for number in range(FRAMES)]


def _side_by_side(heads: Sequence[str], what: str, frames: Sequence[str]) -> str:
    # In a table only: both UIs give any other picture a line of its own.
    shown = [f"![{what} {number}]({frame})" for number, frame in enumerate(frames, start=1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(frames), shown))


def _section(blocks: Iterable[str], *facts: str | None) -> str:
    return "\n\n".join([*blocks, "\n".join(fact for fact in facts if fact)]) + "\n"


def _player(file: SavedFile, url: str, poster: str | None) -> list[str]:
    """What plays or shows a file; none where its kind or its address allows none."""
    address = target(url)
    if address is None:
        return []
    if file.name.endswith(VIDEO_SUFFIXES):
        return [f'<video controls preload="metadata" width="640" src="{address}"></video>']
    if file.name.endswith(SOUND_SUFFIXES):
        return [f'<audio controls preload="none" src="{address}"></audio>']
    return [f"![The picture](<{address}>)"] if file.name.endswith(PICTURE_SUFFIXES) and not poster else []


def _at_kie(file: SavedFile) -> str:
    role = "" if file.role == "result" else f"{file.role.replace('_', ' ')}, "
    return f" ({link(f'{role}at Kie', file.url)})" if file.url else ""


def _quoted(result: JobResult) -> list[str]:
    # Code spans show as they are, at the beginning of a line too; two blanks end a line.
    if result.text is not None:
        lines = filter(str.strip, result.text[:TEXT_LENGTH].splitlines())
        return ["\n".join(f"> {code(line, TEXT_LENGTH)}  " for line in lines)]
    if result.data is not None:
        return [f"> {code(json.dumps(result.data, ensure_ascii=False), TEXT_LENGTH)}"]
    return []


LONGEST_ADDRESS = 7000  # characters; proxies take 8 KiB


def redo_offer(job_key: str, *, continued: bool = False) -> str:
    """How to make an episode of this run anew, as Markdown; `continued` where each episode begins with the
    last picture of the one before.
    """
    context = FlowRunContext.get()
    run = context.flow_run if context is not None else None
    if run is None or run.deployment_id is None:
        where = f"in the same call, with {code(f'scope=Scope(job_key={job_key!r})')}"
    else:
        # As both UIs' "Copy to new run" does it. The classic one decodes the values twice: no % of their own.
        given = {name: value for name, value in run.parameters.items() if name != "scope"}
        more: dict[str, Any] = given.get("more") or {}
        scope: dict[str, Any] = {**(run.parameters.get("scope") or {}), **(more.get("scope") or {})}
        given["more"] = {**more, "scope": {**scope, "job_key": job_key}}
        values = json.dumps(given, separators=(",", ":"), default=str)
        values = values.replace("%", "\\u0025")
        path = f"deployments/deployment/{run.deployment_id}/run?parameters={quote(values, safe='')}"
        ui = PREFECT_UI_URL.value()
        where = f"in this run's menu ⋮, **Copy to new run**, with the job key {code(job_key)}"
        if ui and len(address := f"{ui.rstrip('/')}/{path}") <= LONGEST_ADDRESS:
            where = f"in {link('the form of a new run with the same values', address)}"
    after = " Those after it begin with its last picture, so they are made anew too." if continued else ""
    return (
        f"**Redo an episode:** change its prompt {where}. Only what changes is made and paid for, once; the "
        f"other episodes and all files stay.{after}"
    )
