"""What a job gives: its files, by the kind of its model, and the object that names them in recordInfo."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from prefect_kie.simulator.checks import effective
from prefect_kie.simulator.jobs import Clip, Job, prompt_of
from prefect_kie.simulator.models import Json, Model, is_list, is_url
from prefect_kie.simulator.references import came_with

if TYPE_CHECKING:
    from prefect_kie.simulator.state import Simulator

PICTURES = ("text-to-image", "image-to-image", "image-upscale", "layer-decomposition", "image-analysis")
SOUNDS = ("text-to-speech", "sound-effect", "audio-isolation", "music")
FORMS = {"jpg": "jpeg", "jpeg": "jpeg", "png": "png", "webp": "webp", "wav": "wav", "pcm": "wav"}
TOOLS = {  # what Suno's tools give, and how many of it
    "ai-music-api/convert-to-wav-format": ("wav", 1),
    "ai-music-api/cover-generate": ("jpeg", 2),
    "ai-music-api/create-music-video": ("mp4", 1),
    "ai-music-api/separate-vocals": ("mp3", 2),
}
COUNTS = ("num_images", "max_images", "n")
SHAPES = ("aspect_ratio", "image_size", "ratio", "size")
LENGTHS = ("n_frames", "duration", "duration_seconds")
SPOKEN = ("sound", "generate_audio", "generate_audio_switch", "audio")
ALWAYS_SPOKEN = ("veo", "gemini-omni", "grok-imagine")  # families whose videos are never silent
BACKGROUNDS = ("image_urls", "image_url", "first_frame_url", "input_urls", "image", "reference_image_urls")
MAX_SECONDS, SOUND_SECONDS = 60, 1


def give(simulator: Simulator, job: Job, model: Model, base_url: str) -> None:
    """Settle what a job will have made: its files and its result."""
    job.in_response = "data.response" in model.result.get("where", "")
    given, clip = job.body["input"], _clip(simulator, job, model)

    def keep(named: Mapping[str, Clip]) -> list[str]:
        """Keep files under the job's id and these endings; return their URLs."""
        paths = {f"/files/results/{job.task_id}{ending}.{each.form}": each for ending, each in named.items()}
        job.clips |= paths
        return [f"{base_url.rstrip('/')}{path}" for path in paths]

    def several(count: int) -> list[str]:
        return keep({f"_{number}" * (number > 0): replace(clip, number=number) for number in range(count)})

    if model.gives == "tracks":
        job.result = {"data": [_track(job, clip, number, keep) for number in range(2)]}
    elif model.gives == "object":
        job.result = {"resultObject": _data(job, model, lambda: several(2))}
    elif model.watermark and given.get("remove_watermark"):
        urls = keep({"": clip, "_watermark": replace(clip, watermark=True)})
        job.result = {"resultUrls": urls[:1], "resultWaterMarkUrls": urls[1:]}
    else:
        clip = replace(clip, watermark=model.watermark)
        job.result = {"resultUrls": several(_count(job, model))}
        if given.get("return_last_frame"):
            still = replace(clip, form="png", ratio=9 / 16 if clip.portrait else 16 / 9)
            for number, name in enumerate(("firstFrameUrl", "lastFrameUrl")):
                job.result[name] = keep({f"_{name}": replace(still, number=number)})


def _clip(simulator: Simulator, job: Job, model: Model) -> Clip:
    """Return what a job's file shows, without a watermark."""
    given, form = job.body["input"], _form(job, model)
    source, picture = given.get("video_url"), next((given[n] for n in BACKGROUNDS if given.get(n)), None)
    if is_url(source) and (found := simulator.clip_at(urlsplit(source).path)) and found[1].form == form:
        named = found[1].model if model.family == "sora" else job.model
        return replace(found[1], watermark=False, model=named)
    picture = picture[0] if is_list(picture) else picture
    ratio = _ratio(model, given)
    lasting = SOUND_SECONDS if model.kind in SOUNDS else model.seconds
    return Clip(
        prompt=prompt_of(given) or str(source or ""),
        model=_title(job),
        seconds=_seconds(model, given) or lasting,
        portrait=ratio is not None and ratio < 1,
        image=unquote(urlsplit(picture).path) if is_url(picture) else None,
        form=form,
        sound=model.kind == "lip-sync"
        or model.family in ALWAYS_SPOKEN
        or job.model in TOOLS
        or any(effective(model, given, name) is True for name in SPOKEN),
        ratio=ratio or 1.0,
    )


def _title(job: Job) -> str:
    """What stands above the prompt: the model, and below it whom and how many files it was given."""
    came = came_with(job.body["input"])
    words = [f"@{name}" for name in came["names"]]
    if count := sum(came["files"].values()):
        words.append(f"{count} files" if count > 1 else "1 file")
    return "\n".join([job.model, *[" ".join(words)] * bool(words)])


def _form(job: Job, model: Model) -> str:
    """The kind of file: mp4, png, jpeg, webp, mp3 or wav."""
    asked = str(effective(model, job.body["input"], "output_format") or "").partition("_")[0].lower()
    if job.model in TOOLS:
        return TOOLS[job.model][0]
    if model.kind in PICTURES:
        return FORMS.get(asked, "png")
    return FORMS.get(asked, "mp3") if model.kind in SOUNDS else "mp4"


def _count(job: Job, model: Model) -> int:
    if model.kind not in PICTURES:
        return TOOLS.get(job.model, ("", 1))[1]
    if model.kind == "layer-decomposition":
        return 3
    asked = [effective(model, job.body["input"], name) for name in COUNTS]
    return max([1, *(int(float(count)) for count in asked if re.fullmatch(r"(1?\d)(\.0)?", str(count)))])


def _ratio(model: Model, given: Json) -> float | None:
    """Width to height, as `16:9`, `portrait_4_3` or `portrait` tell it; None where nothing does."""
    for name in SHAPES:
        word = str(effective(model, given, name) or "")
        if match := re.fullmatch(r"(?:\w+_)?(\d+)[:_](\d+)", word):
            ratio = int(match[1]) / int(match[2])
            return min(ratio, 1 / ratio) if word.startswith("portrait") else ratio
        if word in ("portrait", "landscape"):
            return 9 / 16 if word == "portrait" else 16 / 9
    return None


def _seconds(model: Model, given: Json) -> int | None:
    for name in LENGTHS:  # "10", or another model's "5" or 5
        try:
            seconds = int(effective(model, given, name))
        except (TypeError, ValueError):
            continue
        if seconds > 0:
            return min(MAX_SECONDS, seconds)
    return None


def _track(job: Job, clip: Clip, number: int, keep: Any) -> Json:
    """One of the two tracks of a piece of music, with its cover."""
    given, ending = job.body["input"], f"_{number}" * number
    [sound] = keep({ending: replace(clip, number=number)})
    [cover] = keep({ending: replace(clip, number=number, form="jpeg", ratio=1.0)})
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, sound)),
        "audio_url": sound,
        "stream_audio_url": sound,
        "image_url": cover,
        "title": str(given.get("title") or clip.prompt[:40] or "Untitled"),
        "tags": str(given.get("style") or given.get("tags") or ""),
        "duration": float(clip.seconds),
    }


def _data(job: Job, model: Model, pictures: Any) -> Json:
    """What a model gives that makes no files of its own: texts and data."""
    words = prompt_of(job.body["input"]) or "la la la"
    if model.kind == "image-analysis":
        return {"mask_urls": pictures()}
    if model.kind == "speech-to-text":
        return {"text": "Hello from the simulator.", "language_code": "eng", "words": []}
    if job.model == "ai-music-api/generate-lyrics":
        texts = (f"[Verse]\n{words}\n\n[Chorus]\n{words}, again", f"[Verse]\nOnce more: {words}")
        return {"lyricsData": [{"text": text, "title": words[:40], "status": "complete"} for text in texts]}
    if job.model == "ai-music-api/timeStamped-lyrics":
        return {"alignedWords": [{"word": "la", "success": True, "startS": 0.0, "endS": 0.5}]}
    if job.model == "ai-music-api/generate-midi-from-audio":
        note = {"pitch": 69, "start": 0.0, "end": 0.5, "velocity": 0.8}
        return {"state": "complete", "instruments": [{"name": "Piano", "notes": [note]}]}
    return {"id": uuid.uuid5(uuid.NAMESPACE_URL, job.task_id).hex, "status": "success", "content": words}
