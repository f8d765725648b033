"""Trying things out: faults by words in a prompt, a balance that ends, a restart that forgets nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefect_kie.cli.main import main
from prefect_kie.simulator import SimulatorServer, SimulatorSettings, create_app
from prefect_kie.simulator.faults import PROMPT_FAULTS

from .conftest import KEY, NewLive, NewWorld, Receiver, World, character_job, text_job


async def test_a_prompt_can_ask_for_each_end_of_a_job(world: World) -> None:
    failed = await world.finished(text_job("a dog [sim: fail]"))
    assert (failed["state"], failed["failMsg"]) == ("fail", "Internal Error, Please try again later.")
    moderated = await world.finished(text_job("a dog [SIM:moderated]"))
    assert moderated["failMsg"].startswith("This content may violate our guardrails")
    empty = await world.finished(text_job("[sim: no file] a dog"))
    assert json.loads(empty["resultJson"]) == {"resultUrls": []}


async def test_a_prompt_can_ask_for_a_slow_and_a_stuck_job(world: World) -> None:
    slow, stuck = [await world.created(text_job(f"[sim: {word}]")) for word in ("slow", "stuck")]
    world.pass_time(59)
    assert (await world.look(slow))["data"]["state"] == "generating"
    world.pass_time(1)
    assert (await world.look(slow))["data"]["state"] == "success"
    world.pass_time(1e6)
    assert (await world.look(stuck))["data"]["state"] == "generating"


async def test_a_prompt_can_ask_for_refusals_and_a_lost_job(world: World) -> None:
    assert (await world.create(text_job("[sim: no credits]")))["code"] == 402
    assert (await world.create(text_job("[sim: paused]")))["msg"] == "This interface is temporarily paused"
    lost = await world.created(text_job("[sim: lost job]"))
    world.pass_time(1000)
    assert (await world.look(lost))["msg"] == "recordInfo is null"


async def test_a_dead_link_lives_again_by_download_url(world: World) -> None:
    [url] = await world.urls(text_job("[sim: dead link]"))
    assert (await world.client.get(url)).status_code == 404
    fresh = await world.ask("POST", "/api/v1/common/download-url", json={"url": url})
    assert (await world.client.get(fresh["data"])).status_code == 200


def test_a_lost_answer_has_made_a_job(new_live: NewLive) -> None:
    live = new_live()
    with pytest.raises(httpx.TransportError):
        live.create(text_job("[sim: lost answer]"))
    assert live.server.stats()["created"] == 1


async def test_other_brackets_mean_nothing(world: World) -> None:
    data = await world.finished(text_job("[Verse] [slow] [fail] [sim: dance]"))
    assert data["state"] == "success"


def test_the_help_names_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["simulate", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert [words for words in PROMPT_FAULTS if f"[sim: {words}]" not in told] == []


async def test_jobs_that_run_reserve_their_price(new_world: NewWorld) -> None:
    world = new_world(credits=75)
    assert [(await world.create(text_job()))["code"] for _ in range(3)] == [200, 200, 402]
    assert await world.credits() == 75
    world.pass_time(6)
    assert await world.credits() == 15
    assert (await world.create(text_job()))["code"] == 402


async def test_what_a_failed_job_reserved_is_free_again(new_world: NewWorld) -> None:
    world = new_world(credits=30)
    await world.created(text_job("[sim: fail]"))
    assert (await world.create(text_job()))["code"] == 402
    world.pass_time(6)
    assert (await world.create(text_job()))["code"] == 200


async def test_the_balance_never_falls_below_zero(world: World) -> None:
    await world.created(text_job())
    await world.client.patch("/_sim/settings", json={"credits": 10})
    world.pass_time(6)
    assert await world.credits() == 0
    await world.client.patch("/_sim/settings", json={"credits": 50})
    assert await world.credits() == 50


async def test_a_restart_keeps_jobs_credits_uploads_and_handles(new_world: NewWorld, tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    world = new_world(state_file=file, credits=100)
    origin = (await world.finished(text_job()))["taskId"]
    await world.finished(character_job(origin, "sky"))
    upload = (await world.upload(b"\x00\x01\x02\xff"))["data"]["downloadUrl"]
    running = await world.created(text_job())
    again = new_world(state_file=file)
    again.now = world.now + 6
    for job in (origin, running):
        data: dict[str, Any] = (await again.look(job))["data"]
        [url] = json.loads(data["resultJson"])["resultUrls"]
        assert (await again.client.get(url)).content[4:8] == b"ftyp"
    assert await again.credits() == 100 - 30 - 5 - 30
    assert (await again.client.get(upload)).content == b"\x00\x01\x02\xff"
    taken = await again.finished(character_job(origin, "sky"))
    assert "already taken" in taken["failMsg"]
    await again.client.post("/_sim/reset")
    assert (await new_world(state_file=file).stats())["jobs"] == []


def test_a_file_that_is_no_state_is_told_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    file.write_text("{}")
    with pytest.raises(ValueError, match="granted"):
        create_app(SimulatorSettings(state_file=file))


def test_a_job_that_outlives_a_restart_calls_back(receiver: Receiver, tmp_path: Path) -> None:
    settings = SimulatorSettings(duration_seconds=1, state_file=tmp_path / "state.json")
    with SimulatorServer(settings) as kie, httpx.Client(headers=KEY) as client:
        body = {**text_job(), "callBackUrl": receiver.url}
        client.post(f"{kie.url}/api/v1/jobs/createTask", json=body).raise_for_status()
    assert receiver.calls == []
    with SimulatorServer(settings):
        receiver.wait()
    assert receiver.calls[0][1]["data"]["state"] == "success"
