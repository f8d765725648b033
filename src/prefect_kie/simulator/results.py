"""What a job gives: its files, by the kind of its model, and the object that names them in recordInfo."""

import re
import uuid
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urlsplit

from prefect_kie.simulator.checks import effective
from prefect_kie.simulator.files import Files
from prefect_kie.simulator.jobs import Clip, Job, prompt_of
from prefect_kie.simulator.models import Json, Model, is_list, is_url

PICTURES = ("text-to-image", "image-to-image", "image-upscale", "layer-decomposition", "image-analysis")
SOUNDS = ("text-to-speech", "sound-effect", "audio-isolation", "music")
FORMS = {"jpg": "jpeg", "jpeg": "jpeg", "png": "png", "webp": "webp", "wav": "wav", "pcm": "wav"}
COUNTS = ("num_images", "max_images", "n")
SHAPES = ("aspect_ratio", "image_size", "ratio", "size")
LENGTHS = ("n_frames", "duration", "duration_seconds")
SPOKEN = ("sound", "generate_audio", "generate_audio_switch", "audio")
ALWAYS_SPOKEN = ("veo", "gemini-omni", "grok-imagine")  # families whose videos are never silent
BACKGROUNDS = ("image_urls", "image_url", "first_frame_url", "input_urls", "image", "reference_image_urls")
MAX_SECONDS, SOUND_SECONDS = 60, 1


def give(files: Files, job: Job, model: Model, base_url: str) -> None:
    """Settle what a job will have made: its files and its result."""
    given, clip = job.body["input"], _clip(files, job, model)

    def keep(ending: str = "", **changes: Any) -> str:
        """Keep a file under the job's id and an ending; return its URL."""
        kept = replace(clip, **changes)
        path = f"/files/results/{job.task_id}{ending}.{kept.form}"
        job.clips[path] = kept
        return f"{base_url.rstrip('/')}{path}"

    def several(count: int, **changes: Any) -> list[str]:
        return [keep(f"_{number}" * bool(number), number=number, **changes) for number in range(count)]

    if model.gives == "tracks":
        covers = several(2, form="jpeg", ratio=1.0)
        job.result = {"data": [_track(job, clip, *urls) for urls in zip(several(2), covers, strict=True)]}
    elif model.kind == "image-analysis":
        job.result = {"resultObject": {"mask_urls": several(2)}}
    elif model.gives == "object":
        job.result = {"resultObject": _texts(job)}
    elif model.watermark and given.get("remove_watermark"):
        job.result = {"resultUrls": [keep()], "resultWaterMarkUrls": [keep("_watermark", watermark=True)]}
    else:
        job.result = {"resultUrls": several(_count(job, model), watermark=model.watermark)}
        if given.get("return_last_frame"):
            ratio = 9 / 16 if (clip.ratio or 1) < 1 else 16 / 9
            for number, name in enumerate(("firstFrameUrl", "lastFrameUrl")):
                job.result[name] = [keep(f"_{name}", form="png", ratio=ratio, number=number)]


def _clip(files: Files, job: Job, model: Model) -> Clip:
    """Return what a job's file shows, without a watermark."""
    given, form = job.body["input"], _form(job, model)
    source, picture = given.get("video_url"), next((given[n] for n in BACKGROUNDS if given.get(n)), None)
    if is_url(source) and (found := files.results.get(urlsplit(source).path)) and found[1].form == form:
        named = found[1].model if model.family == "sora" else job.model
        return replace(found[1], watermark=False, model=named)
    picture = picture[0] if is_list(picture) else picture
    return Clip(
        prompt=prompt_of(given) or str(source or ""),
        model=job.model,
        seconds=_seconds(model, given),
        image=unquote(urlsplit(picture).path) if is_url(picture) else None,
        form=form,
        sound=model.kind in ("lip-sync", "music-tool")
        or model.family in ALWAYS_SPOKEN
        or any(effective(model, given, name) is True for name in SPOKEN),
        ratio=_ratio(model, given),
    )


def _form(job: Job, model: Model) -> str:
    asked = str(effective(model, job.body["input"], "output_format") or "").partition("_")[0].lower()
    if model.kind in PICTURES:
        return FORMS.get(asked, "png")
    return FORMS.get(asked, "mp3") if model.kind in SOUNDS else model.form


def _count(job: Job, model: Model) -> int:
    asked = [effective(model, job.body["input"], name) for name in COUNTS if model.kind in PICTURES]
    counts = (int(float(count)) for count in asked if re.fullmatch(r"(1?\d)(\.0)?", str(count)))
    return max(model.files, *counts, 1)


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


def _seconds(model: Model, given: Json) -> int:
    asked = (str(effective(model, given, name)) for name in LENGTHS)  # "10", or another model's "5" or 5
    seconds = next((int(found[0]) for word in asked if (found := re.match(r"[1-9]\d*", word))), None)
    return min(MAX_SECONDS, seconds or (SOUND_SECONDS if model.kind in SOUNDS else model.seconds))


def _track(job: Job, clip: Clip, sound: str, cover: str) -> Json:
    given = job.body["input"]
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, sound)),
        "audio_url": sound,
        "stream_audio_url": sound,
        "image_url": cover,
        "title": str(given.get("title") or clip.prompt[:40] or "Untitled"),
        "tags": str(given.get("style") or given.get("tags") or ""),
        "duration": float(clip.seconds),
    }


def _texts(job: Job) -> Json:
    """What a model gives that makes no files: lyrics, or its prompt once more."""
    words = prompt_of(job.body["input"]) or "la la la"
    if job.model == "ai-music-api/generate-lyrics":
        texts = (f"[Verse]\n{words}\n\n[Chorus]\n{words}, again", f"[Verse]\nOnce more: {words}")
        return {"lyricsData": [{"text": text, "title": words[:40], "status": "complete"} for text in texts]}
    return {"id": uuid.uuid5(uuid.NAMESPACE_URL, job.task_id).hex, "status": "success", "content": words}
