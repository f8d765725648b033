"""The three upload calls. No file is ever fetched from outside: an upload by URL takes own files only."""

from __future__ import annotations

import base64
import binascii
import secrets
from datetime import datetime, timedelta, timezone
from email import message_from_bytes
from email.message import Message
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from starlette.requests import Request

from prefect_kie.simulator.answers import Answer, json_answer
from prefect_kie.simulator.files import Upload, media_type_of
from prefect_kie.simulator.models import is_object
from prefect_kie.simulator.state import Simulator


async def upload_stream(simulator: Simulator, request: Request, _: object) -> Answer:
    """`POST /api/file-stream-upload`: a multipart form of file, uploadPath and fileName."""
    form = parse_form(request.headers.get("content-type", ""), await request.body())
    if "file" not in form:
        return failed("file is required")
    body, file_name = form.pop("file")
    given = {name: content.decode(errors="replace") for name, (content, _) in form.items()}
    return _store(simulator, request, body, given, file_name)


async def upload_base64(simulator: Simulator, request: Request, given: object) -> Answer:
    """`POST /api/file-base64-upload`: base64Data, with or without the head of a data URL."""
    encoded = given.get("base64Data") if is_object(given) else None
    if not is_object(given) or not isinstance(encoded, str):
        return failed("base64Data is required")
    try:
        body = base64.b64decode(encoded.partition("base64,")[2] or encoded, validate=True)
    except binascii.Error:
        return failed("base64Data is not valid")
    return _store(simulator, request, body, given)


async def upload_url(simulator: Simulator, request: Request, given: object) -> Answer:
    """`POST /api/file-url-upload`: a file of this simulator; the outside world is out of reach."""
    url = given.get("fileUrl") if is_object(given) else None
    if not is_object(given) or not isinstance(url, str):
        return failed("fileUrl is required")
    own, path = request.url.netloc, unquote(urlsplit(url).path)
    if urlsplit(url).netloc != own:
        return failed(f"Failed to fetch the file: the simulator fetches from {own} only")
    now = simulator.clock()
    answer = await simulator.files.fetch(path, simulator.service, simulator.settings, token=None, now=now)
    if answer.status != 200:
        return failed(f"Failed to fetch the file: HTTP {answer.status}")
    return _store(simulator, request, answer.body, given, PurePosixPath(path).name)


def parse_form(content_type: str, body: bytes) -> dict[str, tuple[bytes, str | None]]:
    """Read the content and file name of each part of a multipart/form-data body; anything else has none.

    Starlette's own parser would need python-multipart, which does not come with Prefect.
    """
    form = Message()
    form["content-type"] = content_type
    boundary = form.get_boundary("").encode()
    parts: dict[str, tuple[bytes, str | None]] = {}
    for chunk in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:-1] if boundary else ():
        head, _, content = chunk.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        header = message_from_bytes(head)
        if name := header.get_param("name", header="content-disposition"):
            parts[str(name)] = content, header.get_filename()
    return parts


def failed(msg: str) -> Answer:
    """Return a refused upload in the upload host's envelope."""
    return json_answer({"success": False, "code": 400, "msg": msg, "data": None})


def _store(
    simulator: Simulator, request: Request, body: bytes, given: dict[str, Any], own_name: str | None = None
) -> Answer:
    """Keep an uploaded file, and answer with its URL."""
    folder, name = given.get("uploadPath"), given.get("fileName") or own_name or secrets.token_hex(8)
    if not folder:
        return failed("uploadPath is required")
    if folder != folder.strip("/") or ".." in folder.split("/") or "/" in name:
        return failed("uploadPath must not begin or end with a slash, and fileName must not hold one")
    path, now, settings = f"{folder}/{name}", simulator.clock(), simulator.settings
    upload = Upload(body, media_type_of(name), now)
    # A path that exists keeps its first content, as in Kie's cache.
    simulator.files.uploads.setdefault(f"/files/uploads/{path}", upload)
    simulator.service.counts["uploads"] += 1
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
    return json_answer({"success": True, "code": 200, "msg": "File uploaded successfully", "data": data})


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
