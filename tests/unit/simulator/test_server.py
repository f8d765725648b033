"""Starting, steering and stopping: in a thread, and in the foreground."""

from __future__ import annotations

import concurrent.futures
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any

import httpx
import pytest

import prefect_kie.simulator as package
from prefect_kie.simulator import SimulatorServer, SimulatorSettings, serve

from .conftest import KEY, Live, NewLive, World, text_job


def test_public_names() -> None:
    assert package.__all__ == [
        "Fault",
        "RendererMissing",
        "Simulator",
        "SimulatorServer",
        "SimulatorSettings",
        "check_renderer",
        "create_app",
        "serve",
    ]


def test_it_starts_and_stops_quickly_whatever_hangs(capfd: pytest.CaptureFixture[str]) -> None:
    before = set(threading.enumerate())  # other tests' simulators among them
    began = time.monotonic()
    server = SimulatorServer(SimulatorSettings(duration_seconds=60, video_height=1080, video_fps=60))
    with server, concurrent.futures.ThreadPoolExecutor() as pool:
        assert time.monotonic() - began < 5
        server.fault("poll", hang=60)
        server.fault("credits", drip=1)
        server.fault("job", duration=0)
        client = httpx.Client(base_url=server.url, headers=KEY)
        body = {**text_job(), "callBackUrl": "http://127.0.0.1:1/"}
        # One job whose long rendering runs, one that is not finished.
        film = client.post("/api/v1/jobs/createTask", json=body).json()["data"]["taskId"]
        client.post("/api/v1/jobs/createTask", json=body)
        paths = ["/api/v1/jobs/recordInfo?taskId=x", "/api/v1/chat/credit", f"/files/results/{film}.mp4"]
        calls = [pool.submit(client.get, path) for path in paths]
        while not (server.stats()["polls"] and server.stats()["file_requests"]):
            time.sleep(0.01)
        time.sleep(0.1)
        began = time.monotonic()
        server.__exit__(None, None, None)
        assert time.monotonic() - began < 10  # what hangs would hang for a minute
        for call in calls:
            with pytest.raises(httpx.RemoteProtocolError):
                call.result()
        client.close()
    gc.collect()
    assert server.stats()["created"] == 2
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert not set(threading.enumerate()) - before


def test_a_port_that_is_taken_is_an_oserror(live: Live) -> None:
    port = httpx.URL(live.server.url).port
    assert port is not None
    with pytest.raises(OSError, match="in use"), SimulatorServer(port=port):
        pass


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_it_listens_on_ipv6() -> None:
    try:
        with SimulatorServer(host="::1") as server:
            assert httpx.get(f"{server.url}/_sim/stats").json()["created"] == 0
    except OSError as error:
        pytest.skip(f"no IPv6 loopback: {error}")


def test_answers_do_not_wait_for_acknowledgements(live: Live) -> None:
    live.look("x")
    took: list[float] = []
    for _ in range(20):
        began = time.monotonic()
        live.look("x")
        took.append(time.monotonic() - began)
    assert min(took) < 0.03  # a delayed acknowledgement takes 0.04 s, every time


def test_many_clients_at_once(new_live: NewLive) -> None:
    live = new_live(credits=1e6)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(lambda _: live.create(text_job())["code"], range(200)))
    assert codes == [200] * 200
    assert live.server.stats()["created"] == 200


def test_it_is_steered_in_process(live: Live) -> None:
    live.server.change(credits=12.5, default_price=3)
    live.server.fault("poll", code=455)
    assert live.client.get("/api/v1/chat/credit").json()["data"] == 12.5
    assert live.look("x")["code"] == 455
    live.server.reset()
    assert live.server.stats()["credits"] == 1000
    assert live.server.stats()["polls"] == 0


# Over HTTP


async def test_reset_goes_back_to_the_start(world: World) -> None:
    await world.fault("create", code=429, skip=3)
    await world.client.patch("/_sim/settings", json={"duration_seconds": 1, "create_per_10s": 2})
    for _ in range(3):
        await world.create({**text_job(), "callBackUrl": "http://127.0.0.1:1/"})
    upload = (await world.upload(b"x"))["data"]["downloadUrl"]
    await world.client.get(upload)
    assert (await world.client.post("/_sim/reset")).json() == {"ok": True}
    stats = await world.stats()
    assert not any(stats[name] for name in stats if name != "credits")
    assert stats["credits"] == 1000
    assert (await world.client.get(upload)).status_code == 404
    assert (await world.ask("GET", "/_sim/settings"))["duration_seconds"] == 6
    assert [(await world.create(text_job()))["code"] for _ in range(4)] == [200] * 4


async def test_settings_change_on_the_fly(world: World) -> None:
    await world.created(text_job())
    world.pass_time(6)
    answer = await world.client.patch(
        "/_sim/settings", json={"credits": 40, "duration_seconds": 50, "create_per_10s": 1}
    )
    assert answer.json() == {"ok": True}
    assert await world.credits() == 40
    world.pass_time(10)
    task_id = await world.created(text_job())
    assert (await world.create(text_job()))["code"] == 429
    world.pass_time(49)
    assert (await world.look(task_id))["data"]["state"] == "generating"
    world.pass_time(1)
    assert await world.credits() == 10


@pytest.mark.parametrize("changes", [{"duration": 1}, {"duration_seconds": -1}, [], "x"])
async def test_settings_that_make_no_sense_are_answered_400(world: World, changes: Any) -> None:
    answer = await world.client.patch("/_sim/settings", json=changes)
    assert answer.status_code == 400
    assert answer.json()["ok"] is False


async def test_faults_over_http(world: World) -> None:
    assert (await world.client.post("/_sim/faults", json={"on": "nowhere"})).status_code == 400
    assert (await world.client.post("/_sim/faults", content=b"{")).status_code == 400
    await world.fault("create", code=429, times=2)
    await world.create(text_job())
    await world.client.delete("/_sim/faults")
    assert (await world.create(text_job()))["code"] == 200


async def test_stats_describe_every_job(world: World) -> None:
    body = {**text_job(), "callBackUrl": "https://a.example/", "progressCallBackUrl": "https://b.example/"}
    task_id = await world.created(body)
    [line] = (await world.stats())["jobs"]
    assert line == {
        "task_id": task_id,
        "model": "sora-2-text-to-video",
        "input": body["input"],
        "state": "waiting",
        "polls": 0,
        "credits": 0,
        "callBackUrl": "https://a.example/",
        "progressCallBackUrl": "https://b.example/",
        "created_at": world.now,
        "finishes_at": world.now + 6,
    }


# In the foreground


def test_serve_runs_until_ctrl_c(capfd: pytest.CaptureFixture[str]) -> None:
    urls: list[str] = []

    def on_start(url: str) -> None:
        def use_and_stop() -> None:
            urls.append(url)
            assert httpx.get(f"{url}/_sim/stats").status_code == 200
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=use_and_stop).start()

    serve(SimulatorSettings(), port=0, on_start=on_start)
    assert urls
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_serve_in_a_process_of_its_own_ends_in_silence() -> None:
    code = (
        "from prefect_kie.simulator import serve; serve(port=0, on_start=lambda url: print(url, flush=True))"
    )
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert httpx.get(f"{url}/_sim/stats").status_code == 200
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=5)
    assert (process.returncode, out, err) == (0, "", "")
