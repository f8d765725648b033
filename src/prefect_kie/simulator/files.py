"""Result files and uploads: rendered when first asked for, kept for a while, served with ranges."""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
import re
import secrets
import tempfile
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

from prefect_kie.simulator.answers import Answer
from prefect_kie.simulator.jobs import Clip, Job
from prefect_kie.simulator.service import Service
from prefect_kie.simulator.settings import SimulatorSettings
from prefect_kie.simulator.video import RendererMissing, RenderingStopped, render_video

DAY = 86_400
PLAIN = {"content-type": "text/plain; charset=utf-8"}
MAX_VIDEOS = 50

Look = tuple[Clip, int, int, bytes | None]
"""All that a video's content depends on: its clip, height, pictures per second and background."""

_videos: dict[Look, bytes] = {}
"""The last videos of this process, so that the many simulators of a test suite render each once."""


@dataclass(frozen=True)
class Upload:
    """An uploaded file."""

    body: bytes
    media_type: str
    stored_at: float


class Files:
    """The files of one simulator."""

    def __init__(self) -> None:
        self.uploads: dict[str, Upload] = {}
        self._tokens: dict[str, tuple[str, float]] = {}
        self._renderings: dict[Look, asyncio.Task[bytes]] = {}
        self._stopped = False

    def forget(self) -> None:
        """Drop uploads and links."""
        self.uploads.clear()
        self._tokens.clear()

    def stop(self) -> None:
        """Give up the renderings that are running."""
        self._stopped = True

    def mint(self, path: str, *, now: float, seconds: float) -> str:
        """Return a token that makes a fresh link to a file for so many seconds."""
        token = secrets.token_hex(16)
        self._tokens[token] = (path, now + seconds)
        return token

    def is_fresh(self, token: str | None, path: str, now: float) -> bool:
        """Whether a link's token is known for this path and has not expired."""
        for_path, until = self._tokens.get(token or "", ("", 0.0))
        return for_path == path and now < until

    async def fetch(
        self, path: str, service: Service, settings: SimulatorSettings, *, token: str | None, now: float
    ) -> Answer:
        """Return the whole file at a path, as a 200, or why there is none.

        Args:
            path: The URL's path.
            service: Knows which result files exist.
            settings: Life times and the videos' size.
            token: The link's token, if it has one.
            now: Epoch seconds.
        """
        if token is not None and not self.is_fresh(token, path, now):
            return Answer(b"link expired", 403, PLAIN)
        if found := service.clip_at(path):
            job, clip = found
            if not is_kept(job, settings, now):
                return Answer(b"no such file", 404, PLAIN)
            image = self.uploads[clip.image].body if clip.image in self.uploads else None
            try:
                video = await self._video((clip, settings.video_height, settings.video_fps, image))
            except (RendererMissing, RenderingStopped) as error:
                return Answer(str(error).encode(), 503, PLAIN)
            return _whole(video, "video/mp4", job.finishes_at)
        upload = self.uploads.get(path)
        if upload is None or now >= upload.stored_at + settings.upload_days * DAY:
            return Answer(b"no such file", 404, PLAIN)
        return _whole(upload.body, upload.media_type, upload.stored_at)

    async def _video(self, look: Look) -> bytes:
        """Return a video; several who ask at the same time wait for one rendering."""
        if look in _videos:
            return _videos[look]

        def rendered(task: asyncio.Task[bytes]) -> None:
            del self._renderings[look]
            # Read, so that asyncio does not complain when every client has gone.
            if not task.cancelled() and not task.exception():
                _videos[look] = task.result()
                if len(_videos) > MAX_VIDEOS:
                    del _videos[next(iter(_videos))]

        if look not in self._renderings:
            self._renderings[look] = asyncio.create_task(asyncio.to_thread(self._render, *look))
            self._renderings[look].add_done_callback(rendered)
        # Shielded: one client that goes away must not spoil it for the others.
        return await asyncio.shield(self._renderings[look])

    def _render(self, clip: Clip, height: int, fps: int, image: bytes | None) -> bytes:
        with tempfile.TemporaryDirectory(prefix="prefect-kie-simulator-") as folder:
            path = render_video(
                Path(folder, "video.mp4"),
                prompt=clip.prompt,
                model=clip.model,
                seconds=clip.seconds,
                portrait=clip.portrait,
                height=height,
                fps=fps,
                image=image,
                watermark=clip.watermark,
                stopped=lambda: self._stopped,
            )
            return path.read_bytes()


def is_kept(job: Job, settings: SimulatorSettings, now: float) -> bool:
    """Whether a job's result files exist: it has succeeded, and not too long ago."""
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
    headers = {
        "content-type": media_type,
        "accept-ranges": "bytes",
        "etag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
        "last-modified": formatdate(modified, usegmt=True),
    }
    return Answer(body, headers=headers)
