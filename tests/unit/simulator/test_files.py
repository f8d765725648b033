"""Result files and uploads: what is served, for how long, and in which parts."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
from typing import Any

import httpx
import pytest

from prefect_kie.simulator import files, rendering
from prefect_kie.simulator.rendering import render

from .conftest import NewWorld, World, text_job

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)


async def test_a_result_is_an_mp4_that_needs_no_key(world: World) -> None:
    [url] = await world.urls(text_job())
    del world.client.headers["authorization"]
    answer = await world.client.get(url)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.content[4:8] == b"ftyp"
    # The index comes before the pictures, so that browsers start to play at once.
    assert answer.content.index(b"moov") < answer.content.index(b"mdat")


async def test_head_tells_the_size_without_the_body(world: World) -> None:
    [url] = await world.urls(text_job())
    whole, head = await world.client.get(url), await world.client.head(url)
    assert head.content == b""
    assert head.headers["content-length"] == str(len(whole.content))
    assert head.headers["etag"] == whole.headers["etag"]


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [("bytes=0-9", 0, 10), ("bytes=100-", 100, None), ("bytes=-7", -7, None), ("bytes=5-99999999", 5, None)],
)
async def test_ranges_are_parts_of_the_whole(world: World, asked: str, start: int, stop: int | None) -> None:
    [url] = await world.urls(text_job())
    whole = (await world.client.get(url)).content
    answer = await world.client.get(url, headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.content == whole[start:stop]
    first = start % len(whole)
    last = first + len(answer.content) - 1
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(whole)}"


async def test_a_range_beyond_the_end_is_answered_416(world: World) -> None:
    [url] = await world.urls(text_job())
    size = len((await world.client.get(url)).content)
    answer = await world.client.get(url, headers={"Range": f"bytes={size}-"})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{size}"


@pytest.mark.parametrize("asked", ["bytes=-", "bytes=0-1,5-6", "lines=1-2", "bytes=a-b"])
async def test_ranges_that_are_not_understood_give_the_whole(world: World, asked: str) -> None:
    [url] = await world.urls(text_job())
    assert (await world.client.get(url, headers={"Range": asked})).status_code == 200


async def test_if_range_gives_a_part_only_of_the_same_file(world: World) -> None:
    [url] = await world.urls(text_job())
    headers = (await world.client.head(url)).headers
    for known, status in [(headers["etag"], 206), (headers["last-modified"], 206), ('"other"', 200)]:
        answer = await world.client.get(url, headers={"Range": "bytes=0-9", "If-Range": known})
        assert answer.status_code == status


async def test_files_appear_when_the_job_succeeds_and_go_after_14_days(world: World) -> None:
    task_id = await world.created(text_job())
    url = f"/files/results/{task_id}.mp4"
    assert (await world.client.get(url)).status_code == 404
    world.pass_time(6 + 14 * 86_400 - 1)
    assert (await world.client.get(url)).status_code == 200
    world.pass_time(1)
    assert (await world.client.get(url)).status_code == 404


async def test_a_failed_job_has_no_file(world: World) -> None:
    data = await world.finished(text_job("gore"))
    assert (await world.client.get(f"/files/results/{data['taskId']}.mp4")).status_code == 404


async def test_requests_of_files_are_written_down_with_their_headers(world: World) -> None:
    [url] = await world.urls(text_job())
    await world.client.get(url, headers={"Range": "bytes=0-9"})
    [line] = await world.ask("GET", "/_sim/file-requests")
    assert line["path"] == httpx.URL(url).path
    assert line["headers"]["authorization"] == "Bearer a-key"
    assert (line["method"], line["range"], line["status"], line["bytes"]) == ("GET", "bytes=0-9", 206, 10)
    assert (await world.stats())["file_requests"] == 1


@pytest.mark.parametrize("model", ["sora-2-text-to-video", "sora-2-pro-text-to-video"])
async def test_removing_the_watermark_gives_both_videos(world: World, model: str) -> None:
    async def contents(**fields: Any) -> dict[str, bytes]:
        result = json.loads((await world.finished(text_job(model=model, **fields)))["resultJson"])
        return {name: (await world.client.get(urls[0])).content for name, urls in result.items()}

    both = await contents(remove_watermark=True)
    assert set(both) == {"resultUrls", "resultWaterMarkUrls"}
    assert both["resultUrls"] != both["resultWaterMarkUrls"]
    # Without the wish there is the watermarked one alone.
    assert await contents() == {"resultUrls": both["resultWaterMarkUrls"]}


async def test_equal_videos_are_rendered_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[Any] = []

    def counting(*look: Any) -> bytes:
        rendered.append(look)
        return render(*look)

    monkeypatch.setattr(rendering, "render", counting)
    urls = [(await world.urls(text_job("a wolf")))[0] for _ in range(3)]
    await asyncio.gather(*(world.client.get(url) for url in urls))
    assert len(rendered) == 1
    await world.client.get((await world.urls(text_job("a fox")))[0])
    assert len(rendered) == 2


async def test_an_uploaded_picture_becomes_the_background(world: World) -> None:
    picture = (await world.upload(PNG, "own cat.png"))["data"]["downloadUrl"]
    contents: list[bytes] = []
    for url in (picture, "https://a.example/cat.png", "http://kie.test/files/uploads/gone.png"):
        [video] = await world.urls(text_job(model="sora-2-image-to-video", image_urls=[url]))
        contents.append((await world.client.get(video)).content)
    assert contents[0] != contents[1] == contents[2]


async def test_the_watermark_remover_gives_the_video_without_one(world: World) -> None:
    [marked] = await world.urls(text_job())
    given = {"video_url": marked, "upload_method": "s3"}
    [url] = await world.urls({"model": "sora-watermark-remover", "input": given})
    clean = (await world.urls(text_job(remove_watermark=True)))[0]
    assert (await world.client.get(url)).content == (await world.client.get(clean)).content


async def test_without_the_extra_the_answer_names_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    [url] = await world.urls(text_job("a bear"))
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "av", None)
        answer = await world.client.get(url)
    assert answer.status_code == 503
    assert 'pip install "prefect-kie[simulator]"' in answer.text
    assert (await world.client.get(url)).status_code == 200


async def test_nothing_is_rendered_any_more_when_the_simulator_stops(world: World) -> None:
    [url] = await world.urls(text_job("a lynx"))
    world.simulator.stop()
    assert (await world.client.get(url)).status_code == 503


# Uploads


async def test_stream_upload_is_a_multipart_form(world: World) -> None:
    content = bytes(range(256)) + b"\r\n--boundary\r\n\r\n"
    answer = await world.client.post(
        "/api/file-stream-upload",
        files={"file": ("köter.png", content, "image/png")},
        data={"uploadPath": "images/mine", "fileName": "dog 1.png"},
    )
    body = answer.json()
    assert (body["success"], body["code"], body["msg"]) == (True, 200, "File uploaded successfully")
    data = body["data"]
    assert data["fileName"] == "dog 1.png"
    assert data["filePath"] == "images/mine/dog 1.png"
    assert (data["fileSize"], data["mimeType"]) == (len(content), "image/png")
    assert data["uploadedAt"] == "2026-05-28T20:26:40.000Z"
    stored = await world.client.get(data["downloadUrl"])
    assert stored.content == content
    assert stored.headers["content-type"] == "image/png"
    assert (await world.stats())["uploads"] == 1


async def test_stream_upload_takes_the_files_own_name(world: World) -> None:
    answer = await world.client.post(
        "/api/file-stream-upload", files={"file": ("cat.webp", b"x")}, data={"uploadPath": "in"}
    )
    assert answer.json()["data"]["fileName"] == "cat.webp"


async def test_url_upload_copies_own_files(world: World) -> None:
    own = (await world.upload(PNG, "a b.png"))["data"]["downloadUrl"]
    copy = await world.ask("POST", "/api/file-url-upload", json={"fileUrl": own, "uploadPath": "copy"})
    assert copy["data"]["filePath"] == "copy/a b.png"
    assert (await world.client.get(copy["data"]["downloadUrl"])).content == PNG


async def test_url_upload_never_leaves_this_simulator(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("the simulator tried to reach the network")

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", refuse)
    for url, words in [("https://a.example/cat.png", "kie.test only"), ("http://kie.test/files/x", "404")]:
        body = {"fileUrl": url, "uploadPath": "in"}
        answer = await world.ask("POST", "/api/file-url-upload", json=body)
        assert answer["success"] is False
        assert words in answer["msg"]


@pytest.mark.parametrize(
    ("path", "body", "msg"),
    [
        ("file-url-upload", {"uploadPath": "in"}, "fileUrl is required"),
        ("file-stream-upload", {"uploadPath": "in"}, "file is required"),
    ],
)
async def test_refused_uploads_say_why(world: World, path: str, body: Any, msg: str) -> None:
    answer = await world.ask("POST", f"/api/{path}", json=body)
    assert (answer["success"], answer["code"]) == (False, 400)
    assert msg in answer["msg"]
    assert (await world.stats())["uploads"] == 0


@pytest.mark.parametrize(
    ("folder", "msg"),
    [("", "uploadPath is required"), ("/in", "begin or end with a slash"), ("a/../b", "slash")],
)
async def test_an_upload_needs_a_plain_folder(world: World, folder: str, msg: str) -> None:
    answer = await world.upload(PNG, uploadPath=folder)
    assert (answer["success"], answer["code"]) == (False, 400)
    assert msg in answer["msg"]


async def test_uploads_need_a_key(world: World) -> None:
    del world.client.headers["authorization"]
    assert (await world.upload(PNG))["code"] == 401


async def test_the_same_name_is_served_from_a_stale_cache(world: World) -> None:
    urls: list[str] = []
    for content in (b"first", b"second"):
        answer = await world.upload(content)
        assert answer["data"]["fileSize"] == len(content)
        urls.append(answer["data"]["downloadUrl"])
    assert (await world.client.get(urls[1])).content == b"first"


async def test_uploads_go_after_three_days(new_world: NewWorld) -> None:
    world = new_world()
    url = (await world.upload(b"x"))["data"]["downloadUrl"]
    world.pass_time(3 * 86_400)
    assert (await world.client.get(url)).status_code == 404


def test_forms_without_names_or_boundary_give_no_parts() -> None:
    assert files.parse_form("application/json", b"{}") == {}
    form = b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n"
    assert files.parse_form("multipart/form-data; boundary=b", form) == {}


def test_it_is_imported_without_the_extra_and_without_prefect() -> None:
    code = """
import sys
for name in ("av", "PIL", "prefect", "prefect_kie.api"):
    sys.modules[name] = None
import prefect_kie.simulator
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
