"""Result files and uploads: kept for a while, served with ranges, and two upload calls.

No file is ever fetched from outside: an upload by URL takes own files only.
"""

import asyncio
import hashlib
import mimetypes
import re
import secrets
import threading
from datetime import datetime, timedelta, timezone
from email import message_from_bytes
from email.utils import formatdate
from importlib.util import find_spec
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from starlette.requests import Request

from prefect_kie.simulator.answers import Answer, envelope
from prefect_kie.simulator.jobs import Clip, Job
from prefect_kie.simulator.models import Refused, is_object

if TYPE_CHECKING:
    from prefect_kie.simulator.state import Simulator

DAY = 86_400
PLAIN = {"content-type": "text/plain; charset=utf-8"}
MAX_FILES = 50
MEDIA_TYPES = {
    "mp4": "video/mp4",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "png": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
}

Look = tuple[Clip, int, int, bytes | None]  # a file's clip, height, pictures per second and background

# The last files of this process, so that the many simulators of a test suite render each once.
_rendered: dict[Look, bytes] = {}
_rendering = threading.Lock()


class RendererMissing(ImportError):
    """PyAV or Pillow is not installed; its text names the extra that brings them."""


class RenderingStopped(Exception):
    """A rendering was given up because the simulator stops."""


def check_renderer() -> None:
    """Raise RendererMissing unless real files can be rendered, and uploaded ones looked at."""
    if find_spec("av") is None or find_spec("PIL") is None:
        raise RendererMissing(
            "Rendering videos needs PyAV and Pillow, which come with the extra prefect-kie[simulator]: "
            'run pip install "prefect-kie[simulator]".'
        )


class Upload(NamedTuple):
    body: bytes
    media_type: str
    stored_at: float


class Files:
    """The files of one simulator. Results are rendered when they are first asked for."""

    def __init__(self, simulator: "Simulator") -> None:
        self.results: dict[str, tuple[Job, Clip]] = {}  # by path, whether or not their jobs have ended
        self.uploads: dict[str, Upload] = {}
        self._simulator = simulator
        self._tokens: dict[str, tuple[str, float]] = {}

    def mint(self, path: str) -> str:
        """Return a token that makes a fresh link to a file, for 20 minutes."""
        token = secrets.token_hex(16)
        self._tokens[token] = path, self._simulator.clock() + 20 * 60
        return token

    def is_fresh(self, token: str | None, path: str) -> bool:
        for_path, until = self._tokens.get(token or "", ("", 0.0))
        return for_path == path and self._simulator.clock() < until

    def is_kept(self, job: Job) -> bool:
        """Whether a job's result files exist: it has succeeded, and not too long ago."""
        now, days = self._simulator.clock(), self._simulator.settings.result_days
        return job.state(now) == "success" and now < job.finishes_at + days * DAY

    def kept_upload(self, path: str) -> Upload | None:
        upload, days = self.uploads.get(path), self._simulator.settings.upload_days
        return upload if upload and self._simulator.clock() < upload.stored_at + days * DAY else None

    async def fetch(self, path: str, token: str | None = None) -> Answer:
        """Return the whole file at a URL's path, as a 200, or why there is none."""
        settings = self._simulator.settings
        if token is not None and not self.is_fresh(token, path):
            return Answer(b"link expired", 403, PLAIN)
        found, upload = self.results.get(path), self.kept_upload(path)
        if found and self.is_kept(found[0]):
            job, clip = found
            image = self.uploads[clip.image].body if clip.image in self.uploads else None
            look = (clip, settings.video_height, settings.video_fps, image)
            try:
                body = await asyncio.to_thread(self._render, look)
            except (RendererMissing, RenderingStopped) as error:
                return Answer(str(error).encode(), 503, PLAIN)
            return _whole(body, MEDIA_TYPES[clip.form], job.finishes_at)
        if upload:
            return _whole(*upload)
        return Answer(b"no such file", 404, PLAIN)

    def _render(self, look: Look) -> bytes:
        """Return a file, in a thread; several who ask at the same time wait for one rendering."""
        with _rendering:
            if look not in _rendered:
                check_renderer()
                from prefect_kie.simulator.rendering import render

                _rendered[look] = render(*look, self._simulator.stopping.is_set)
                if len(_rendered) > MAX_FILES:
                    del _rendered[next(iter(_rendered))]
            return _rendered[look]


def part(whole: Answer, *, asked: str | None, if_range: str | None) -> Answer:
    """Cut the range that was asked for out of a whole file (RFC 9110, one range only, If-Range obeyed)."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", (asked or "").strip())
    if whole.status != 200 or match is None or match[1] == match[2] == "":
        return whole
    if if_range is not None and if_range not in (whole.headers["etag"], whole.headers["last-modified"]):
        return whole
    size = len(whole.body)
    start, stop = int(match[1] or max(0, size - int(match[2]))), size
    if match[1] and match[2]:
        stop = min(size, int(match[2]) + 1)
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


async def upload_stream(simulator: "Simulator", request: Request, _: object) -> Answer:
    """`POST /api/file-stream-upload`: a multipart form of file, uploadPath and fileName."""
    form = parse_form(request.headers.get("content-type", ""), await request.body())
    if "file" not in form:
        raise Refused(400, "file is required")
    body, file_name = form.pop("file")
    given = {name: content.decode(errors="replace") for name, (content, _) in form.items()}
    return _store(simulator, request, body, given, file_name)


async def upload_url(simulator: "Simulator", request: Request, given: object) -> Answer:
    """`POST /api/file-url-upload`: a file of this simulator; the outside world is out of reach."""
    if not is_object(given) or not given.get("fileUrl"):
        raise Refused(400, "fileUrl is required")
    url, own = urlsplit(str(given["fileUrl"])), request.url.netloc
    if url.netloc != own:
        raise Refused(400, f"Failed to fetch the file: the simulator fetches from {own} only")
    path = unquote(url.path)
    answer = await simulator.files.fetch(path)
    if answer.status != 200:
        raise Refused(400, f"Failed to fetch the file: HTTP {answer.status}")
    return _store(simulator, request, answer.body, given, PurePosixPath(path).name)


def parse_form(content_type: str, body: bytes) -> dict[str, tuple[bytes, str | None]]:
    """Read the content and file name of each part of a multipart/form-data body; anything else has none.

    Starlette's own parser would need python-multipart, which does not come with Prefect.
    """
    form: Any = message_from_bytes(f"content-type: {content_type}\r\n\r\n".encode() + body)
    named = [(part.get_param("name", header="content-disposition"), part) for part in form.walk()]
    return {name: (part.get_payload(decode=True), part.get_filename()) for name, part in named if name}


def _store(
    simulator: "Simulator", request: Request, body: bytes, given: dict[str, Any], own_name: str | None = None
) -> Answer:
    folder, name = given.get("uploadPath"), given.get("fileName") or own_name or secrets.token_hex(8)
    if not folder:
        raise Refused(400, "uploadPath is required")
    if folder != folder.strip("/") or ".." in folder.split("/") or "/" in name:
        raise Refused(400, "uploadPath must not begin or end with a slash, and fileName must not hold one")
    path, now, settings = f"{folder}/{name}", simulator.clock(), simulator.settings
    upload = Upload(body, mimetypes.guess_type(name)[0] or "application/octet-stream", now)
    # A path that exists keeps its first content, as in Kie's cache.
    simulator.files.uploads.setdefault(f"/files/uploads/{path}", upload)
    simulator.counts["uploads"] += 1
    simulator.keep()
    uploaded_at = datetime.fromtimestamp(now + settings.clock_skew_seconds, timezone.utc)
    data = {
        "fileName": name,
        "filePath": path,
        "downloadUrl": f"{request.base_url}files/uploads/{quote(path)}",
        "fileSize": len(body),
        "mimeType": upload.media_type,
        "uploadedAt": _written(uploaded_at),
        "expiresAt": _written(uploaded_at + timedelta(days=settings.upload_days)),
    }
    return envelope(200, "File uploaded successfully", data, success=True)


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
