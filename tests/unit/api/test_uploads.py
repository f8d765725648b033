"""Which files Kie takes, under which names, and its answer."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from prefect_kie.api import UnexpectedResponse, UploadedFile
from prefect_kie.api.envelope import Envelope
from prefect_kie.api.uploads import MAX_BYTES, check_file, open_checked, parse_upload, unique_name


@pytest.mark.parametrize(
    ("name", "mime_type"),
    [
        ("cat.jpg", "image/jpeg"),
        ("cat.jpeg", "image/jpeg"),
        ("cat.png", "image/png"),
        ("cat.webp", "image/webp"),
        ("cat.mp4", "video/mp4"),
        ("cat.webm", "video/webm"),
        ("cat.avi", "video/x-msvideo"),
        ("cat.mov", "video/quicktime"),
        ("cat.mkv", "video/x-matroska"),
        ("cat.gif", "image/gif"),
        ("cat.mp3", "audio/mpeg"),
        ("cat.wav", "audio/x-wav"),
        ("cat.m4a", "audio/mp4"),
        ("cat.ogg", "audio/ogg"),
        ("cat.flac", "audio/flac"),
        ("cat.aac", "audio/aac"),
        ("cat.heic", "image/heic"),
        ("cat.of-a-new-kind", "application/octet-stream"),
        ("cat", "application/octet-stream"),
        (".png", "application/octet-stream"),
        ("", "application/octet-stream"),
        ("CAT.JPG", "image/jpeg"),
        ("my.old.cat.png", "image/png"),
    ],
)
def test_every_kind_is_taken_under_its_type(name: str, mime_type: str) -> None:
    assert check_file(name, 1) == mime_type
    assert check_file(name, MAX_BYTES) == mime_type


@pytest.mark.parametrize(
    ("name", "size", "said"),
    [
        ("cat.png", None, "there is no file 'cat.png'"),
        ("cat.png", 0, "has 0 bytes; Kie takes 1 to 524,288,000"),
        ("cat.mov", MAX_BYTES + 1, "has 524,288,001 bytes; Kie takes 1 to 524,288,000"),
    ],
)
def test_what_no_model_takes_is_refused_with_what_is_allowed(name: str, size: int | None, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        check_file(name, size)


def test_a_file_is_opened_with_its_type(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(b"picture")
    file, mime_type = open_checked(tmp_path / "cat.png")
    with file:
        assert (file.read(), mime_type) == (b"picture", "image/png")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "cat.png").mkdir()
    with pytest.raises(ValueError, match="there is no file"):
        open_checked(tmp_path / "cat.png")


def test_a_file_that_the_system_does_not_open_is_a_value_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read: File name too long"):
        open_checked(tmp_path / ("x" * 300 + ".png"))


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("cat.png", r"cat-pk0{32}-[0-9a-f]{12}\.png"),
        ("CAT.JPG", r"CAT-pk0{32}-[0-9a-f]{12}\.jpg"),
        ("/pictures/cat.png", r"cat-pk0{32}-[0-9a-f]{12}\.png"),
        ("shot #3.png", r"shot-3-pk0{32}-[0-9a-f]{12}\.png"),
        ("who?.png", r"who-pk0{32}-[0-9a-f]{12}\.png"),
        ("[cat].png", r"cat-pk0{32}-[0-9a-f]{12}\.png"),
        ("кот.png", r"file-pk0{32}-[0-9a-f]{12}\.png"),
        ("cat.tar.gz", r"cat-tar-pk0{32}-[0-9a-f]{12}\.gz"),
        ("cat", r"cat-pk0{32}-[0-9a-f]{12}"),
        ("", r"file-pk0{32}-[0-9a-f]{12}"),
        ("..", r"file-pk0{32}-[0-9a-f]{12}"),
        ("x" * 100 + ".png", r"x{40}-pk0{32}-[0-9a-f]{12}\.png"),
    ],
    ids=lambda value: ascii(value[:20]),
)
def test_a_name_at_kie_is_plain_and_never_comes_twice(name: str, pattern: str) -> None:
    names = {unique_name(name, "0" * 64) for _ in range(20)}
    assert len(names) == 20
    assert all(re.fullmatch(pattern, each) for each in names)


def uploaded(data: Any) -> UploadedFile:
    return parse_upload(Envelope(200, readable=True, from_body=True, text="", data=data))


def test_the_documented_answer_is_read_whole() -> None:
    data = {
        "fileName": "cat.png",
        "filePath": "prefect-kie/cat.png",
        "downloadUrl": "https://tempfile.example/cat.png",
        "fileSize": 7,
        "mimeType": "image/png",
        "uploadedAt": "2026-11-22T11:52:45.000Z",
        "expiresAt": "2026-11-23T11:52:45.000Z",
    }
    assert uploaded(data) == UploadedFile(
        url="https://tempfile.example/cat.png",
        file_name="cat.png",
        size=7,
        mime_type="image/png",
        expires_at=datetime(2026, 11, 23, 11, 52, 45, tzinfo=timezone.utc),
    )


@pytest.mark.parametrize(
    ("told", "day"),
    [
        ("2026-11-23T00:00:00Z", 23),
        ("2026-11-23T00:00:00", 23),
        ("2026-11-23 00:00:00", 23),
        (1795392000000, 23),
        ("1795392000000", 23),
        (None, None),
        ("", None),
        ("tomorrow", None),
        (1e300, None),
        (10**30, None),
        ({}, None),
    ],
    ids=repr,
)
def test_the_end_of_an_upload_is_read_in_every_form(told: object, day: int | None) -> None:
    ends = uploaded({"downloadUrl": "https://a.example/c", "expiresAt": told}).expires_at
    assert ends == (datetime(2026, 11, day, tzinfo=timezone.utc) if day else None)


@pytest.mark.parametrize(
    ("data", "file"),
    [
        ({"downloadUrl": "https://a.example/c"}, UploadedFile(url="https://a.example/c", file_name="")),
        ({"fileUrl": "http://a.example/c"}, UploadedFile(url="http://a.example/c", file_name="")),
        (
            {"downloadUrl": "https://a.example/c", "fileSize": "7", "fileName": 3, "mimeType": None},
            UploadedFile(url="https://a.example/c", file_name="", size=7),
        ),
    ],
    ids=["bare", "older name", "other types"],
)
def test_an_answer_with_an_address_is_enough(data: dict[str, Any], file: UploadedFile) -> None:
    assert uploaded(data) == file


@pytest.mark.parametrize(
    "data", [None, {}, "https://a.example/c", {"downloadUrl": ""}, {"downloadUrl": "cat.png"}], ids=repr
)
def test_an_answer_without_an_address_is_an_error(data: object) -> None:
    with pytest.raises(UnexpectedResponse, match="no address") as caught:
        uploaded(data)
    assert (caught.value.retryable, caught.value.billed) == (True, "no")
