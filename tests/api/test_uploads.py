"""Which files Kie takes, under which names, and its answer."""

from __future__ import annotations

import re
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
        ("CAT.JPG", "image/jpeg"),
        ("my.old.cat.png", "image/png"),
    ],
)
def test_the_kinds_that_kie_takes(name: str, mime_type: str) -> None:
    assert check_file(name, 1) == mime_type
    assert check_file(name, MAX_BYTES) == mime_type


@pytest.mark.parametrize(
    ("name", "size", "said"),
    [
        ("cat.png", None, "there is no file 'cat.png'"),
        ("cat.png", 0, "has 0 bytes; Kie takes 1 to 10,485,760"),
        ("cat.png", MAX_BYTES + 1, "has 10,485,761 bytes; Kie takes 1 to 10,485,760"),
        ("cat.gif", 1, "none of the kinds Kie takes: .jpg, .jpeg, .png, .webp, .mp4, .webm, .avi"),
        ("cat", 1, "none of the kinds"),
        (".png", 1, "none of the kinds"),
        ("cat.png.exe", 1, "none of the kinds"),
        ("", 1, "none of the kinds"),
    ],
)
def test_any_other_file_is_refused_with_what_is_allowed(name: str, size: int | None, said: str) -> None:
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
        ("cat.png", r"cat-[0-9a-f]{12}\.png"),
        ("CAT.JPG", r"CAT-[0-9a-f]{12}\.jpg"),
        ("/pictures/cat.png", r"cat-[0-9a-f]{12}\.png"),
        ("shot #3.png", r"shot-3-[0-9a-f]{12}\.png"),
        ("who?.png", r"who-[0-9a-f]{12}\.png"),
        ("[cat].png", r"cat-[0-9a-f]{12}\.png"),
        ("кот.png", r"file-[0-9a-f]{12}\.png"),
        ("cat.tar.gz", r"cat-tar-[0-9a-f]{12}"),
        ("cat", r"cat-[0-9a-f]{12}"),
        ("", r"file-[0-9a-f]{12}"),
        ("..", r"file-[0-9a-f]{12}"),
        ("x" * 100 + ".png", r"x{40}-[0-9a-f]{12}\.png"),
    ],
    ids=lambda value: ascii(value[:20]),
)
def test_a_name_at_kie_is_plain_and_never_comes_twice(name: str, pattern: str) -> None:
    names = {unique_name(name) for _ in range(20)}
    assert len(names) == 20
    assert all(re.fullmatch(pattern, each) for each in names)


def uploaded(data: Any) -> UploadedFile:
    return parse_upload(Envelope(200, 200, readable=True, from_body=True, text="", data=data))


def test_the_documented_answer_is_read_whole() -> None:
    data = {
        "fileName": "cat.png",
        "filePath": "prefect-kie/cat.png",
        "downloadUrl": "https://tempfile.example/cat.png",
        "fileSize": 7,
        "mimeType": "image/png",
        "uploadedAt": "2026-11-22T11:52:45.000Z",
    }
    assert uploaded(data) == UploadedFile(
        url="https://tempfile.example/cat.png", file_name="cat.png", size=7, mime_type="image/png"
    )


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
