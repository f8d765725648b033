"""createTask, recordInfo, credit and download-url as a client sees them, under a clock of our own."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from prefect_kie.simulator.settings import PAUSED_TODAY

from .conftest import KEY, NewWorld, World, character_job, text_job

SUPPORTED = [
    text_job(),
    text_job(model="sora-2-image-to-video", image_urls=["https://a.example/cat.webp"]),
    text_job(model="sora-2-pro-text-to-video"),
    text_job(model="sora-2-pro-image-to-video", image_urls=["https://a.example/cat"]),
    text_job(model="sora-2-text-to-video-stable"),
    text_job(model="sora-2-image-to-video-stable", image_urls=["https://a.example/cat.jpeg"]),
    {
        "model": "sora-2-pro-storyboard",
        "input": {"shots": [{"Scene": "dawn", "duration": 15}], "upload_method": "s3"},
    },
    {
        "model": "sora-watermark-remover",
        "input": {"video_url": "https://a.example/v.mp4", "upload_method": "s3"},
    },
    {"model": "kling-2.6/text-to-video", "input": {"prompt": "x", "duration": "5", "sound": False}},
    {"model": "acme/any-video", "input": {"origin_task_id": "anything"}},
]


@pytest.mark.parametrize("body", SUPPORTED, ids=lambda body: body["model"])
async def test_every_video_model_runs_from_create_to_url(world: World, body: dict[str, Any]) -> None:
    answer = await world.create(body)
    assert answer["code"] == 200
    assert answer["data"]["taskId"] == answer["data"]["recordId"]
    assert re.fullmatch("[0-9a-f]{32}", answer["data"]["taskId"])
    before = await world.look(answer["data"]["taskId"])
    assert (before["code"], before["msg"], before["data"]["state"]) == (200, "success", "waiting")
    world.pass_time(6)
    data = (await world.look(answer["data"]["taskId"]))["data"]
    assert data["state"] == "success"
    assert json.loads(data["resultJson"])["resultUrls"][0].startswith("http://kie.test/files/results/")
    assert (await world.stats())["violations"] == 0


async def test_errors_come_as_http_200_with_the_code_in_the_body(world: World) -> None:
    answer = await world.client.post("/api/v1/jobs/createTask", json=text_job(model="sora-3"))
    assert answer.status_code == 200
    assert answer.json()["code"] == 422
    assert answer.json()["msg"].startswith("The model name you specified is not supported")
    assert answer.json()["data"] is None


@pytest.mark.parametrize(
    ("body", "code", "msg"),
    [
        ("nonsense", 422, "The request body must be a JSON object"),
        ({}, 500, "model is required"),
        ({"model": "sora-2-text-to-video"}, 500, "input is required"),
        ({"model": "sora-2-text-to-video", "input": {}}, 500, "prompt is required"),
        ({**text_job(), "callBackUrl": "nowhere"}, 422, "callBackUrl must be a valid URL"),
        (text_job(n_frames="11"), 422, "n_frames is not within the range of allowed options"),
    ],
)
async def test_refused_creates_create_nothing(world: World, body: Any, code: int, msg: str) -> None:
    answer = await world.create(body)
    assert (answer["code"], answer["msg"]) == (code, msg)
    stats = await world.stats()
    assert (stats["created"], stats["rejected"], stats["jobs"]) == (0, 1, [])


async def test_unknown_fields_are_accepted_and_counted_as_violations(world: World) -> None:
    assert (await world.create(text_job(seed=1)))["code"] == 200
    stats = await world.stats()
    assert stats["violations"] == 1
    assert stats["violation_notes"] == ["sora-2-text-to-video: input.seed: no such field"]


@pytest.mark.parametrize("header", [None, "", "Bearer ", "Basic a-key", "Bearer other"])
async def test_wrong_keys_are_refused(new_world: NewWorld, header: str | None) -> None:
    world = new_world(api_keys=("a-key",))
    del world.client.headers["authorization"]
    headers = {} if header is None else {"Authorization": header}
    for method, path in [("POST", "/api/v1/jobs/createTask"), ("GET", "/api/v1/chat/credit")]:
        answer = await world.client.request(method, path, headers=headers, json=text_job())
        assert (answer.status_code, answer.json()["code"]) == (200, 401)
    assert (await world.client.get("/api/v1/chat/credit", headers=KEY)).json()["code"] == 200


async def test_any_key_does_by_default_but_not_none(world: World) -> None:
    world.client.headers["authorization"] = "bearer whatever"
    assert await world.credits() == 1000
    del world.client.headers["authorization"]
    assert (await world.ask("GET", "/api/v1/chat/credit"))["code"] == 401


async def test_unknown_tasks_and_endpoints(world: World) -> None:
    assert await world.look("f" * 32) == {"code": 422, "msg": "recordInfo is null", "data": None}
    assert (await world.ask("GET", "/api/v1/jobs/recordInfo"))["code"] == 422
    missing = await world.client.get("/api/v1/jobs/list")
    assert (missing.status_code, missing.json()["code"]) == (404, 404)


async def test_a_young_job_is_not_found_for_a_while(new_world: NewWorld) -> None:
    world = new_world(visible_after_seconds=90)
    task_id = await world.created(text_job())
    world.pass_time(89)
    assert (await world.look(task_id))["msg"] == "recordInfo is null"
    world.pass_time(1)
    assert (await world.look(task_id))["data"]["state"] == "success"


async def test_durations_differ_by_model_and_are_spread_by_seed(new_world: NewWorld) -> None:
    async def durations(**settings: Any) -> list[float]:
        world = new_world(duration_seconds=10, durations={"acme/any-video": 100}, **settings)
        for model in ("sora-2-text-to-video", "acme/any-video"):
            await world.created(text_job(model=model))
        return [job["finishes_at"] - job["created_at"] for job in (await world.stats())["jobs"]]

    assert await durations() == [10, 100]
    spread = await durations(duration_sigma=0.5, seed=1)
    assert spread != [10, 100]
    assert spread == await durations(duration_sigma=0.5, seed=1)


async def test_a_job_is_charged_when_it_succeeds_and_not_before(world: World) -> None:
    await world.created(text_job())
    await world.created(text_job("much gore"))
    assert await world.credits() == 1000
    world.pass_time(6)
    assert await world.credits() == 970
    stats = await world.stats()
    assert (stats["charged"], stats["credits"], stats["succeeded"], stats["failed"]) == (30, 970, 1, 1)
    assert [job["credits"] for job in stats["jobs"]] == [30, 0]


async def test_an_empty_balance_refuses_creates(new_world: NewWorld) -> None:
    world = new_world(credits=29.5)
    answer = await world.create(text_job())
    assert answer["code"] == 402
    assert "balance is not enough" in answer["msg"]
    assert (await world.create(text_job(model="acme/any-video")))["code"] == 200


async def test_creates_above_the_limit_are_rejected_per_key(new_world: NewWorld) -> None:
    world = new_world(create_per_10s=20)
    codes = [(await world.create(text_job()))["code"] for _ in range(25)]
    assert codes == [200] * 20 + [429] * 5
    other = {"headers": {"Authorization": "Bearer other"}}
    assert (await world.create(text_job(), **other))["code"] == 200
    world.pass_time(10)
    assert (await world.create(text_job()))["code"] == 200
    stats = await world.stats()
    assert (stats["created"], stats["rejected"], len(stats["creates_times"])) == (22, 5, 22)


async def test_looks_above_the_limit_are_rejected(new_world: NewWorld) -> None:
    world = new_world(polls_per_second=10)
    task_id = await world.created(text_job())
    codes = [(await world.look(task_id))["code"] for _ in range(12)]
    assert codes == [200] * 10 + [429] * 2
    world.pass_time(1)
    assert (await world.look(task_id))["code"] == 200
    stats = await world.stats()
    assert (stats["polls"], stats["jobs"][0]["polls"]) == (13, 13)


async def test_polls_are_counted_for_each_task(new_world: NewWorld) -> None:
    world = new_world(polls_per_second=10)
    one, other = await world.created(text_job()), await world.created(text_job())
    assert {(await world.look(one))["code"] for _ in range(10)} == {200}
    assert (await world.look(other))["code"] == 200
    assert (await world.look(one))["code"] == 429


async def test_rejected_creates_do_not_count_and_those_that_passed_leave_one_after_another(
    new_world: NewWorld,
) -> None:
    world, began, codes = new_world(create_per_10s=3), 1_780_000_000.0, []
    for second in (0, 1, 2, 3, 4, 9.9, 10, 10.5, 11, 12, 12.5):
        world.now = began + second
        codes.append((await world.create(text_job()))["code"])
    assert codes == [200, 200, 200, 429, 429, 429, 200, 429, 200, 200, 429]


async def test_a_paused_model_is_refused_in_kies_words_and_others_are_served(new_world: NewWorld) -> None:
    world = new_world(paused_models=PAUSED_TODAY)
    answer = await world.create(text_job())
    assert answer == {"code": 500, "msg": "This interface is temporarily paused", "data": None}
    source = "https://a.example/v.mp4"
    remover = {"model": "sora-watermark-remover", "input": {"video_url": source, "upload_method": "s3"}}
    assert (await world.create(remover))["code"] == 200
    assert (await world.stats())["created"] == 1


async def test_skew_moves_bodies_and_the_date_header(new_world: NewWorld) -> None:
    world = new_world(clock_skew_seconds=-3600)
    data = (await world.look(await world.created(text_job())))["data"]
    assert data["createTime"] == (world.now - 3600) * 1000
    answer = await world.client.get("/api/v1/chat/credit")
    assert answer.headers["date"] == "Thu, 28 May 2026 19:26:40 GMT"


async def test_progress_settings_reach_record_info(new_world: NewWorld) -> None:
    world = new_world(report_progress=False)
    assert "progress" not in (await world.look(await world.created(text_job())))["data"]


async def test_a_failed_job_is_reported_with_501(world: World) -> None:
    task_id = await world.created(text_job("GORE everywhere"))
    world.pass_time(6)
    answer = await world.look(task_id)
    assert (answer["code"], answer["msg"]) == (501, "Playground task failed.")
    assert answer["data"]["state"] == "fail"
    assert answer["data"]["failMsg"].startswith("This content may violate our guardrails")


async def test_retired_models_are_refused(new_world: NewWorld) -> None:
    world = new_world(retired_models=("sora-2-text-to-video",))
    answer = await world.create(text_job())
    assert answer["code"] == 422
    assert "not supported" in answer["msg"]


# Characters


async def test_a_character_comes_from_a_finished_video_and_can_be_mentioned(world: World) -> None:
    origin = (await world.finished(text_job()))["taskId"]
    result = json.loads((await world.finished(character_job(origin, "sky")))["resultJson"])["resultObject"]
    assert set(result) == {"character_id", "character_user_name", "remark"}
    handle = result["character_user_name"]
    assert re.fullmatch(r"sky\.[a-z]{2}", handle)
    assert (await world.finished(text_job(f"@{handle}, dancing. Seen by @{handle}.")))["state"] == "success"
    missed = await world.finished(text_job("@sky dances"))
    assert (missed["state"], missed["failCode"]) == ("fail", "500")
    assert "@sky" in missed["failMsg"]


async def test_a_handle_that_is_taken_makes_the_job_fail(world: World) -> None:
    origin = (await world.finished(text_job()))["taskId"]
    for handle in ("sky", "sea", "sky"):
        data = await world.finished(character_job(origin, handle))
    assert data["state"] == "fail"
    assert "already taken" in data["failMsg"]
    assert [job["state"] for job in (await world.stats())["jobs"][1:]] == ["success", "success", "fail"]


async def test_a_character_without_a_name_gets_one(world: World) -> None:
    origin = (await world.finished(text_job()))["taskId"]
    result = json.loads((await world.finished(character_job(origin)))["resultJson"])["resultObject"]
    assert re.fullmatch(r"[0-9a-f]{7}\.[a-z]{2}", result["character_user_name"])


async def test_a_character_from_a_file_is_a_bare_id(world: World) -> None:
    given = {"character_file_url": ["https://a.example/cat.mp4"]}
    data = await world.finished({"model": "sora-2-characters", "input": given})
    assert set(json.loads(data["resultJson"])) == {"character_id"}
    assert data["creditsConsumed"] == 5


async def test_a_character_needs_a_finished_video_and_a_slice_inside_it(world: World) -> None:
    assert "not the task of a generated video" in (await world.create(character_job("f" * 32)))["msg"]
    origin = await world.created(text_job())
    early = await world.create(character_job(origin))
    assert early["code"] == 422
    assert "not finished" in early["msg"]
    world.pass_time(6)
    outside = await world.create(character_job(origin, timestamps="8,11"))
    assert outside["code"] == 422
    assert "within the original video of 10 seconds" in outside["msg"]
    assert (await world.create(character_job(origin, timestamps="8,10")))["code"] == 200


async def test_moderation_also_reads_scenes_and_character_prompts(world: World) -> None:
    shots = {"shots": [{"Scene": "some gore", "duration": 5}], "upload_method": "s3"}
    assert (await world.finished({"model": "sora-2-pro-storyboard", "input": shots}))["state"] == "fail"
    origin = (await world.finished(text_job()))["taskId"]
    assert (await world.finished(character_job(origin, character_prompt="gore")))["state"] == "fail"
    assert (await world.finished(text_job("Gorey people, gorelets")))["state"] == "success"


async def test_other_models_may_mention_what_they_like(world: World) -> None:
    body = text_job("@Image1 turns to me@mail.example", model="acme/any-video")
    assert (await world.finished(body))["state"] == "success"
    assert (await world.finished(text_job("write to me@mail.example")))["state"] == "success"


# Links


async def test_download_url_gives_a_link_that_works_for_20_minutes(world: World) -> None:
    [url] = await world.urls(text_job())
    answer = await world.ask("POST", "/api/v1/common/download-url", json={"url": url})
    assert answer["code"] == 200
    assert answer["data"].startswith(f"{url}?token=")
    world.pass_time(1199)
    assert (await world.client.get(answer["data"])).status_code == 200
    world.pass_time(1)
    assert (await world.client.get(answer["data"])).status_code == 403


async def test_download_url_refuses_what_is_not_an_own_result(world: World) -> None:
    task_id = await world.created(text_job())
    own = f"http://kie.test/files/results/{task_id}.mp4"
    foreign = f"http://a.example/files/results/{task_id}.mp4"
    for url in (own, foreign, "http://kie.test/files/x.mp4", None):
        answer = await world.ask("POST", "/api/v1/common/download-url", json={"url": url})
        assert (answer["code"], answer["msg"]) == (422, "url is wrong")
    assert (await world.ask("POST", "/api/v1/common/download-url", json=[]))["code"] == 422
