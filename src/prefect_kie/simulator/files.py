"""Result files and uploads: rendered once, kept for a while, served with ranges as a file host does."""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
import os
import re
import secrets
import shutil
import tempfile
import weakref
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from prefect_kie.simulator.answers import Answer
from prefect_kie.simulator.jobs import Clip, Job
from prefect_kie.simulator.service import Service
from prefect_kie.simulator.settings import SimulatorSettings
from prefect_kie.simulator.video import RendererMissing, RenderingStopped, render_video

DAY = 86_400
PLAIN = {"content-type": "text/plain; charset=utf-8"}


@dataclass(frozen=True)
class Upload:
    """An uploaded file."""

    body: bytes
    media_type: str
    stored_at: float


class Files:
    """The files of one simulator. Videos are rendered at the first download, each content once."""

    def __init__(self) -> None:
        self.uploads: dict[str, Upload] = {}
        self._tokens: dict[str, tuple[str, float]] = {}
        self._stopped = False
        self._folder = Path(tempfile.mkdtemp(prefix="prefect-kie-simulator-"))
        self._remove = weakref.finalize(self, partial(shutil.rmtree, self._folder, ignore_errors=True))
        self._renderings: dict[str, asyncio.Task[Path]] = {}
        self._slots = asyncio.Semaphore(max(1, min(2, os.cpu_count() or 1)))

    def forget(self) -> None:
        """Drop uploads and links; rendered videos stay, since their content is in their name."""
        self.uploads.clear()
        self._tokens.clear()

    def stop(self) -> None:
        """Give up the renderings that are running."""
        self._stopped = True

    def close(self) -> None:
        """Remove every file from the disk."""
        self._remove()

    def store(self, path: str, body: bytes, media_type: str, now: float) -> None:
        """Keep an upload. A path that exists keeps its first content, like Kie's cache does."""
        self.uploads.setdefault(path, Upload(body, media_type, now))

    def mint(self, path: str, *, now: float, seconds: float) -> str:
        """Return a token that makes a fresh link to a file for so many seconds."""
        token = secrets.token_hex(16)
        self._tokens[token] = (path, now + seconds)
        return token

    def is_fresh(self, token: str | None, path: str, now: float) -> bool:
        """Tell whether a link's token is known for this path and has not expired."""
        for_path, until = self._tokens.get(token or "", ("", 0.0))
        return for_path == path and now < until

    async def fetch(
        self, path: str, service: Service, settings: SimulatorSettings, *, token: str | None, now: float
    ) -> Answer:
        """Return the whole file at a path, as a 200, or why there is none.

        Args:
            path: The URL's path.
            service: Knows which result files there are.
            settings: Life times and the videos' size.
            token: The link's token, if it has one.
            now: Epoch seconds.
        """
        if token is not None and not self.is_fresh(token, path, now):
            return Answer(b"link expired", 403, PLAIN)
        found = service.clip_at(path)
        if found is None:
            upload = self.uploads.get(path)
            if upload is None or now >= upload.stored_at + settings.upload_days * DAY:
                return Answer(b"no such file", 404, PLAIN)
            return _whole(upload.body, upload.media_type, upload.stored_at)
        job, clip = found
        if not is_kept(job, settings, now):
            return Answer(b"no such file", 404, PLAIN)
        try:
            video = await self._rendered(clip, settings)
        except RendererMissing as missing:
            return Answer(str(missing).encode(), 503, PLAIN)
        except RenderingStopped:
            return Answer(b"stopping", 503, PLAIN)
        return _whole(await asyncio.to_thread(video.read_bytes), "video/mp4", job.finishes_at)

    async def _rendered(self, clip: Clip, settings: SimulatorSettings) -> Path:
        """Return a clip's file; several who ask at the same time wait for one rendering."""
        upload = self.uploads.get(unquote(urlsplit(clip.image).path)) if clip.image else None
        image = upload.body if upload else None
        look = (clip, settings.video_height, settings.video_fps, hashlib.sha256(image or b"").hexdigest())
        key = hashlib.sha256(repr(look).encode()).hexdigest()[:32]
        rendering = self._renderings.get(key)
        if rendering is None:
            rendering = asyncio.create_task(self._render(key, clip, settings, image))
            # Looked at, so that asyncio does not complain when every client has gone.
            rendering.add_done_callback(lambda task: task.cancelled() or task.exception())
            self._renderings[key] = rendering
        try:
            # Shielded: one client that goes away must not spoil it for the others.
            return await asyncio.shield(rendering)
        except (RendererMissing, RenderingStopped):
            self._renderings.pop(key, None)
            raise

    async def _render(self, key: str, clip: Clip, settings: SimulatorSettings, image: bytes | None) -> Path:
        async with self._slots:
            return await asyncio.to_thread(
                render_video,
                self._folder / f"{key}.mp4",
                prompt=clip.prompt,
                model=clip.model,
                seconds=clip.seconds,
                portrait=clip.portrait,
                height=settings.video_height,
                fps=settings.video_fps,
                image=image,
                watermark=clip.watermark,
                stopped=lambda: self._stopped,
            )


def is_kept(job: Job, settings: SimulatorSettings, now: float) -> bool:
    """Tell whether a job's result files exist: it has succeeded, and not too long ago."""
    return job.state(now) == "success" and now < job.finishes_at + settings.result_days * DAY


def media_type_of(name: str) -> str:
    """Guess a file's MIME type from its name."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def part(whole: Answer, *, asked: str | None, if_range: str | None) -> Answer:
    """Cut the range that was asked for out of a whole file (RFC 9110, one range only).

    Args:
        whole: The file as a 200; any other answer is returned as it is.
        asked: The Range header.
        if_range: The If-Range header: an ETag or a date, with which the file must still agree.
    """
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", (asked or "").strip())
    if whole.status != 200 or match is None or match[1] == match[2] == "":
        return whole
    if if_range is not None and if_range not in (whole.headers["etag"], whole.headers["last-modified"]):
        return whole
    size = len(whole.body)
    if match[1]:
        start, stop = int(match[1]), min(size, int(match[2] or size - 1) + 1)
    else:
        start, stop = max(0, size - int(match[2])), size
    if start >= stop:
        return Answer(b"", 416, {"content-range": f"bytes */{size}"})
    headers = {**whole.headers, "content-range": f"bytes {start}-{stop - 1}/{size}"}
    return Answer(whole.body[start:stop], 206, headers)


def _whole(body: bytes, media_type: str, modified: float) -> Answer:
    return Answer(
        body,
        headers={
            "content-type": media_type,
            "accept-ranges": "bytes",
            "etag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
            "last-modified": formatdate(modified, usegmt=True),
        },
    )


def file_name(url: str) -> str:
    """Return the last part of a URL's path, or an invented name."""
    return Path(unquote(urlsplit(url).path)).name or secrets.token_hex(8)
