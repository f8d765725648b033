"""Each fault, as the right trouble for a client."""

from __future__ import annotations

import socket
import time
from typing import Any

import httpx
import pytest

from prefect_kie.simulator.answers import MESSAGES, merged
from prefect_kie.simulator.faults import NO_FAULT, Faults

from .conftest import KEY, Live, NewLive, World, text_job

CREATE = "/api/v1/jobs/createTask"


# When a fault strikes


def test_skip_and_times_count_matching_calls_only() -> None:
    faults = Faults()
    faults.add({"on": "poll", "skip": 1, "times": 2, "model": "kling", "code": 500})
    assert faults.take("poll", model="sora") is NO_FAULT
    struck = [faults.take("poll", model="kling") is not NO_FAULT for _ in range(5)]
    assert struck == [False, True, True, False, False]
    assert faults.take("create", model="kling") is NO_FAULT


def test_a_fault_strikes_once_unless_told_otherwise() -> None:
    faults = Faults()
    faults.add({"on": "credits", "reset": True})
    assert [faults.take("credits") is not NO_FAULT for _ in range(2)] == [True, False]
    faults.add({"on": "credits", "times": None, "reset": True})
    assert all(faults.take("credits").reset for _ in range(20))
    faults.clear()
    assert faults.take("credits") is NO_FAULT


def test_faults_strike_in_the_order_they_were_added() -> None:
    faults = Faults()
    for code in (429, 455):
        faults.add({"on": "create", "code": code})
    taken = [faults.take("create") for _ in range(3)]
    assert [fault.code for fault in taken] == [429, 455, None]


@pytest.mark.parametrize(
    "fields",
    [
        {"on": "create"},
        {"on": "create", "times": 2},
        {"on": "create", "cod": 500},
        {"on": "create", "stuck": True},
        {"on": "credits", "accept": True, "code": 500},
        {"on": "nowhere", "code": 500},
        {"on": "job", "fail": {"code": 1}},
    ],
)
def test_faults_that_mean_nothing_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"fault|valid|does nothing"):
        Faults().add(fields)


# What a fault makes of an answer


async def test_a_body_code_with_its_usual_words_or_others(world: World) -> None:
    await world.fault("create", code=433)
    assert await world.create(text_job()) == {"code": 433, "msg": MESSAGES[433], "data": None}
    await world.fault("create", code=999, msg="odd", data={"a": 1})
    assert await world.create(text_job()) == {"code": 999, "msg": "odd", "data": {"a": 1}}
    await world.fault("create", code=999)
    assert (await world.create(text_job()))["msg"] == "error"
    stats = await world.stats()
    assert (stats["created"], stats["rejected"]) == (0, 3)


async def test_a_create_creates_nothing_unless_accepted(world: World) -> None:
    await world.fault("create", status=502, body="<html>bad gateway</html>")
    await world.fault("create", status=502, accept=True)
    for created in (0, 1):
        answer = await world.client.post(CREATE, json=text_job())
        assert answer.status_code == 502
        assert answer.headers["content-type"].startswith("text/html")
        assert (await world.stats())["created"] == created


async def test_garbage_empty_redirect_and_merge(world: World) -> None:
    await world.fault("credits", body="{not json")
    answer = await world.client.get("/api/v1/chat/credit")
    assert (answer.status_code, answer.text) == (200, "{not json")
    assert answer.headers["content-type"] == "application/json"
    await world.fault("credits", body="")
    assert (await world.client.get("/api/v1/chat/credit")).content == b""
    await world.fault("credits", redirect="https://login.example/")
    answer = await world.client.get("/api/v1/chat/credit")
    assert (answer.status_code, answer.headers["location"]) == (302, "https://login.example/")
    await world.fault("create", merge={"msg": None, "message": "success", "data": {"taskId": None}})
    body = await world.create(text_job())
    assert set(body) == {"code", "message", "data"}
    assert set(body["data"]) == {"recordId"}
    assert (await world.stats())["created"] == 1


def test_merge_patch_follows_its_standard() -> None:
    assert merged({"a": 1, "b": {"c": 2}}, {"a": None, "b": {"d": 3}}) == {"b": {"c": 2, "d": 3}}
    assert merged([1], {"a": {"b": 1}}) == {"a": {"b": 1}}
    assert merged({"a": 1}, [2]) == [2]


@pytest.mark.parametrize("on", ["poll", "create"])
async def test_faults_are_chosen_by_model_and_prompt(world: World, on: str) -> None:
    task_id = await world.created(text_job("a big dog"))

    async def code() -> int:
        again = text_job("a big dog")
        return int((await (world.look(task_id) if on == "poll" else world.create(again)))["code"])

    await world.fault(on, code=455, model="kling")
    await world.fault(on, code=455, prompt="cat")
    assert await code() != 455
    await world.fault(on, code=505, model="sora-2-text-to-video", prompt="big")
    assert await code() == 505


async def test_a_create_that_names_nothing_is_struck_too(world: World) -> None:
    await world.fault("create", code=500)
    answer = await world.client.post(CREATE, content=b"not json")
    assert answer.json()["code"] == 500
    assert (await world.stats())["violations"] == 1


async def test_uploads_are_struck(world: World) -> None:
    await world.fault("upload", code=500)
    assert (await world.upload(b"x"))["code"] == 500
    assert (await world.stats())["uploads"] == 0


# What a fault does on the wire


def test_reset_closes_the_connection_without_an_answer(live: Live) -> None:
    live.server.fault("create", reset=True)
    live.server.fault("create", reset=True, accept=True)
    for created in (0, 1):
        with pytest.raises(httpx.RemoteProtocolError):
            live.create(text_job())
        assert live.server.stats()["created"] == created


def test_hang_is_silence_and_then_a_closed_connection(live: Live) -> None:
    live.server.fault("poll", hang=60)
    with pytest.raises(httpx.ReadTimeout):
        live.client.get("/api/v1/jobs/recordInfo", timeout=0.1)
    live.server.fault("poll", hang=0.05)
    with pytest.raises(httpx.RemoteProtocolError):
        live.look("x")


def test_delay_comes_before_the_true_answer(live: Live) -> None:
    live.server.fault("create", delay=0.1)
    began = time.monotonic()
    assert live.create(text_job())["code"] == 200
    assert time.monotonic() - began >= 0.1


def test_truncated_answers_announce_their_full_length(live: Live) -> None:
    live.server.fault("credits", truncate=10)
    with live.client.stream("GET", "/api/v1/chat/credit") as answer:
        assert int(answer.headers["content-length"]) > 10
        with pytest.raises(httpx.RemoteProtocolError, match="received 10 bytes"):
            answer.read()
    live.server.fault("credits", truncate=1000)
    assert live.client.get("/api/v1/chat/credit").json()["code"] == 200


def test_a_file_that_breaks_off_can_be_resumed(live: Live) -> None:
    url = live.url(text_job())
    whole = httpx.get(url).content
    live.server.fault("file", truncate=1000)
    with httpx.stream("GET", url) as answer:
        pieces = answer.iter_raw()
        received = next(pieces)
        with pytest.raises(httpx.RemoteProtocolError):
            next(pieces)
    assert received == whole[:1000]
    rest = httpx.get(url, headers={"Range": "bytes=1000-", "If-Range": answer.headers["etag"]})
    assert received + rest.content == whole
    [first, _, last] = live.client.get("/_sim/file-requests").json()
    assert "authorization" not in first["headers"]
    assert last["range"] == "bytes=1000-"


def test_drip_sends_slowly(live: Live) -> None:
    live.server.fault("credits", drip=200)
    began = time.monotonic()
    assert live.client.get("/api/v1/chat/credit").json()["data"] == 1000
    assert time.monotonic() - began > 0.1


async def test_without_its_own_server_a_reset_is_an_error(world: World) -> None:
    await world.fault("credits", reset=True)
    with pytest.raises(ConnectionResetError):
        await world.credits()


# Files


async def test_ignored_ranges_and_html_pages(world: World) -> None:
    [url] = await world.urls(text_job())
    whole = (await world.client.get(url)).content
    await world.fault("file", ignore_range=True)
    answer = await world.client.get(url, headers={"Range": "bytes=5-"})
    assert (answer.status_code, answer.content) == (200, whole)
    await world.fault("file", status=200, body="<html>", model="sora-2-text-to-video", prompt="dog")
    answer = await world.client.get(url)
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.text == "<html>"
    await world.fault("file", status=403, body="denied")
    assert (await world.client.get(url)).status_code == 403


async def test_a_dead_link_lives_again_through_download_url(world: World) -> None:
    [url] = await world.urls(text_job())
    await world.fault("file", dead=True, times=None)
    assert (await world.client.get(url)).status_code == 404
    fresh = (await world.ask("POST", "/api/v1/common/download-url", json={"url": url}))["data"]
    assert (await world.client.get(fresh)).status_code == 200
    assert (await world.client.get(url)).status_code == 404


def test_an_endless_file_has_no_length(live: Live) -> None:
    url = live.url(text_job())
    size = len(httpx.get(url).content)
    for total in (size + 200_000, size // 2):
        live.server.fault("file", endless=total)
        answer = httpx.get(url)
        assert "content-length" not in answer.headers
        assert len(answer.content) == total
    live.server.fault("file", endless=10)
    assert httpx.head(url).status_code == 200


# The job's life


async def test_an_ordered_failure(world: World) -> None:
    await world.fault("job", fail={"failCode": 500, "failMsg": "heavy load"})
    data = await world.finished(text_job())
    assert (data["state"], data["failCode"], data["failMsg"]) == ("fail", 500, "heavy load")
    assert await world.credits() == 1000
    await world.fault("job", fail={})
    assert (await world.finished(text_job()))["failMsg"] == "Internal Error, Please try again later."


async def test_stuck_and_short_jobs(world: World) -> None:
    await world.fault("job", stuck=True)
    assert (await world.finished(text_job()))["state"] == "generating"
    await world.fault("job", duration=0.5)
    task_id = await world.created(text_job())
    world.pass_time(0.5)
    assert (await world.look(task_id))["data"]["state"] == "success"
    stuck = (await world.stats())["jobs"][0]
    assert (stuck["state"], stuck["finishes_at"]) == ("generating", None)


def test_a_client_that_goes_away_in_the_middle_is_no_trouble(new_live: NewLive) -> None:
    live = new_live()
    host, port = httpx.URL(live.server.url).host, httpx.URL(live.server.url).port
    assert port is not None
    with socket.create_connection((host, port)) as connection:
        head = f"POST {CREATE} HTTP/1.1\r\nHost: x\r\nAuthorization: {KEY['Authorization']}\r\n"
        connection.sendall(f"{head}Content-Length: 100\r\n\r\nabc".encode())
    assert live.client.get("/api/v1/chat/credit").json()["code"] == 200
    assert live.server.stats()["rejected"] == 0
