"""The three upload calls. No file is ever fetched from outside: an upload by URL takes own files only."""

from __future__ import annotations

import base64
import binascii
import email.message
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from prefect_kie.simulator.answers import Answer, json_answer
from prefect_kie.simulator.files import file_name, media_type_of
from prefect_kie.simulator.models import is_object
from prefect_kie.simulator.state import Simulator


@dataclass(frozen=True)
class Part:
    """One field of a multipart form."""

    body: bytes
    file_name: str | None = None


def parse_form(content_type: str, body: bytes) -> dict[str, Part]:
    """Read a multipart/form-data body; anything else gives no parts.

    Starlette's own parser would need python-multipart, which does not come with Prefect.
    """
    boundary = _header(content_type).get_boundary()
    if not boundary:
        return {}
    parts: dict[str, Part] = {}
    for chunk in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:-1]:
        head, _, content = chunk.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        match = re.search(rb"content-disposition:([^\r\n]*)", head, re.I)
        name = _header(match[1].decode().strip()).get_param("name") if match else None
        if match and name:
            parts[str(name)] = Part(content, _header(match[1].decode().strip()).get_filename())
    return parts


def _header(value: str) -> email.message.Message:
    """A header with parameters, in the hands of the standard library's parser."""
    message = email.message.Message()
    # get_filename and get_param look into different headers.
    message["content-type"] = message["content-disposition"] = value
    return message


def upload_stream(simulator: Simulator, form: dict[str, Part], base_url: str) -> Answer:
    """`/api/file-stream-upload`: a multipart form of file, uploadPath and fileName."""
    given = {name: part.body.decode(errors="replace") for name, part in form.items() if name != "file"}
    file = form.get("file")
    if file is None:
        return failed("file is required")
    return _store(simulator, file.body, given, base_url, default_name=file.file_name)


def upload_base64(simulator: Simulator, given: object, base_url: str) -> Answer:
    """`/api/file-base64-upload`: base64Data, with or without the head of a data URL."""
    encoded = given.get("base64Data") if is_object(given) else None
    if not is_object(given) or not isinstance(encoded, str):
        return failed("base64Data is required")
    try:
        body = base64.b64decode(encoded.partition("base64,")[2] or encoded, validate=True)
    except binascii.Error:
        return failed("base64Data is not valid")
    return _store(simulator, body, given, base_url)


async def upload_url(simulator: Simulator, given: object, base_url: str) -> Answer:
    """`/api/file-url-upload`: a file of this simulator; the outside world is out of reach."""
    url = given.get("fileUrl") if is_object(given) else None
    if not is_object(given) or not isinstance(url, str):
        return failed("fileUrl is required")
    parts, own = urlsplit(url), urlsplit(base_url)
    if parts.netloc != own.netloc:
        return failed(f"Failed to fetch the file: the simulator fetches from {own.netloc} only")
    answer = await simulator.files.fetch(
        unquote(parts.path), simulator.service, simulator.settings, token=None, now=simulator.clock()
    )
    if answer.status != 200:
        return failed(f"Failed to fetch the file: HTTP {answer.status}")
    return _store(simulator, answer.body, given, base_url, default_name=file_name(url))


def failed(msg: str, code: int = 400) -> Answer:
    """Return a refused upload in the upload host's envelope."""
    return json_answer({"success": False, "code": code, "msg": msg, "data": None})


def _store(
    simulator: Simulator,
    body: bytes,
    given: dict[str, Any],
    base_url: str,
    *,
    default_name: str | None = None,
) -> Answer:
    """Keep an uploaded file and tell where it is."""
    folder, name = given.get("uploadPath"), given.get("fileName") or default_name or file_name("")
    if not folder:
        return failed("uploadPath is required")
    if folder != folder.strip("/") or ".." in folder.split("/") or "/" in name:
        return failed("uploadPath must not begin or end with a slash, and fileName must not hold one")
    path, now = f"{folder}/{name}", simulator.clock()
    simulator.files.store(f"/files/uploads/{path}", body, media_type_of(name), now)
    simulator.service.counts["uploads"] += 1
    uploaded_at = datetime.fromtimestamp(now + simulator.settings.clock_skew_seconds, timezone.utc)
    data = {
        "fileName": name,
        "filePath": path,
        "downloadUrl": f"{base_url}/files/uploads/{quote(path)}",
        "fileSize": len(body),
        "mimeType": media_type_of(name),
        "uploadedAt": _written(uploaded_at),
        "expiresAt": _written(uploaded_at + timedelta(days=simulator.settings.upload_days)),
    }
    return json_answer({"success": True, "code": 200, "msg": "File uploaded successfully", "data": data})


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
