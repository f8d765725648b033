"""The client against a simulated Kie: what it sends, what it makes of the answers."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from prefect_kie.api import (
    AuthenticationFailed,
    CharacterResult,
    ContentRejected,
    FeatureDisabled,
    InsufficientCredits,
    InvalidRequest,
    JobFailed,
    JobHandle,
    JobNotFound,
    JobResult,
    JobState,
    KieClient,
    KieError,
    Maintenance,
    ModelNotSupported,
    RateLimited,
    ServiceUnavailable,
    UnexpectedResponse,
    UsageLimitReached,
)
from prefect_kie.models import MarketModel, Sora2CharactersPro, Sora2TextToVideo, parse_request
from prefect_kie.simulator import SimulatorServer

from .bodies import EXAMPLES, FULL
from .conftest import KEY, NewClient, http_answer, wire

DOG = Sora2TextToVideo(prompt="a dog")
PICTURE = b"\x89PNG\r\n\x1a\n" + b"x" * 500


async def finished_video(client: KieClient) -> JobHandle:
    """A job that has a video already, since the simulator's jobs take no time."""
    return await client.create_job(DOG)


# createTask


async def body_in_the_simulator(client: KieClient, name: str) -> dict[str, Any]:
    """A full body that the simulator takes: its origin and its characters are known there."""
    body = FULL[name]
    given = dict(body["input"])
    if "origin_task_id" in given:
        given["origin_task_id"] = (await finished_video(client)).task_id
    return {"model": body["model"], "input": given}


@pytest.mark.parametrize("name", FULL)
async def test_every_model_is_submitted_once_and_as_documented(
    kie: SimulatorServer, client: KieClient, name: str
) -> None:
    body = await body_in_the_simulator(client, name)
    before = kie.stats()["created"]
    handle = await client.create_job(parse_request(body))
    stats = kie.stats()
    assert (stats["created"] - before, stats["violations"]) == (1, 0), stats["violation_notes"]
    job = stats["jobs"][-1]
    assert (job["task_id"], job["model"], job["input"]) == (handle.task_id, handle.model, body["input"])
    assert handle.model == body["model"]
    assert handle.submission is None


@pytest.mark.parametrize("body", EXAMPLES.values(), ids=EXAMPLES)
async def test_the_providers_examples_are_submitted(
    kie: SimulatorServer, client: KieClient, body: dict[str, Any]
) -> None:
    await client.create_job(parse_request(body))
    assert (kie.stats()["created"], kie.stats()["violations"]) == (1, 0)


async def test_a_handle_knows_when_its_job_was_submitted(client: KieClient) -> None:
    before = datetime.now(timezone.utc)
    handle = await client.create_job(DOG)
    assert handle.submitted_at is not None
    assert before <= handle.submitted_at <= datetime.now(timezone.utc)


async def test_callback_addresses_are_sent_beside_the_input(kie: SimulatorServer, client: KieClient) -> None:
    await client.create_job(DOG, "http://127.0.0.1:9/end", "http://127.0.0.1:9/progress")
    (job,) = kie.stats()["jobs"]
    assert job["callBackUrl"] == "http://127.0.0.1:9/end"
    assert job["progressCallBackUrl"] == "http://127.0.0.1:9/progress"
    assert kie.stats()["violations"] == 0


async def test_what_is_not_asked_for_is_not_sent(new_client: NewClient) -> None:
    async with wire(http_answer('{"code": 200, "msg": "success", "data": {"recordId": "t1"}}')) as server:
        handle = await new_client(server.url).create_job(DOG)
    ((head, body),) = server.requests
    assert json.loads(body) == {
        "model": "sora-2-text-to-video",
        "input": {"prompt": "a dog", "aspect_ratio": "landscape", "n_frames": "10", "upload_method": "s3"},
    }
    assert head.startswith("POST /api/v1/jobs/createTask HTTP/1.1\r\n")
    assert "content-type: application/json\r\n" in head.lower()
    assert handle.task_id == "t1"


async def test_every_submission_has_a_connection_of_its_own(new_client: NewClient) -> None:
    # One that is kept alive may be closed by the server just then, which would leave a job in doubt.
    async with wire(http_answer('{"code": 200, "data": {"taskId": "t1", "state": "waiting"}}')) as server:
        client = new_client(server.url)
        for _ in range(3):
            await client.create_job(DOG)
        assert server.connections == 3
        for _ in range(3):
            await client.get_job("t1")
        assert server.connections == 4
        await client.aclose()


# Refusals

REFUSALS: list[tuple[int, type[KieError], bool]] = [
    (401, AuthenticationFailed, False),
    (402, InsufficientCredits, False),
    (404, InvalidRequest, False),
    (422, InvalidRequest, False),
    (429, RateLimited, True),
    (433, UsageLimitReached, False),
    (455, Maintenance, True),
    (505, FeatureDisabled, False),
]


@pytest.mark.parametrize(("code", "error", "retryable"), REFUSALS, ids=lambda value: str(value))
async def test_a_refused_submission_creates_nothing_and_says_why(
    kie: SimulatorServer, client: KieClient, code: int, error: type[KieError], retryable: bool
) -> None:
    kie.fault("create", code=code, msg="these are the words of Kie")
    with pytest.raises(error, match="these are the words of Kie") as caught:
        await client.create_job(DOG)
    assert type(caught.value) is error
    assert (caught.value.code, caught.value.retryable, caught.value.billed) == (code, retryable, "no")
    assert (kie.stats()["created"], kie.stats()["rejected"]) == (0, 1)


async def test_a_retired_model_is_named(kie: SimulatorServer, client: KieClient) -> None:
    kie.change(retired_models=("sora-2-text-to-video",))
    with pytest.raises(ModelNotSupported, match=r"kie\.ai/market"):
        await client.create_job(DOG)


async def test_an_unknown_model_is_named(client: KieClient) -> None:
    with pytest.raises(ModelNotSupported):
        await client.create_job(MarketModel(model="veo-9", input={}))


@pytest.mark.parametrize("form", [None, {"code": 500, "msg": "Credits insufficient"}], ids=["402", "500"])
async def test_an_empty_account_is_told_in_either_form(
    kie: SimulatorServer, client: KieClient, form: dict[str, Any] | None
) -> None:
    kie.change(credits=1)
    if form:
        kie.fault("create", **form)
    with pytest.raises(InsufficientCredits):
        await client.create_job(DOG)
    assert kie.stats()["created"] == 0


async def test_a_missing_input_is_told_though_it_comes_as_a_server_error(client: KieClient) -> None:
    unchecked = Sora2TextToVideo.model_construct(
        prompt=None, aspect_ratio="landscape", n_frames="10", upload_method="s3", model="sora-2-text-to-video"
    )
    with pytest.raises(InvalidRequest, match="prompt is required") as caught:
        await client.create_job(unchecked)
    assert caught.value.code == 500


async def test_a_wrong_key_is_refused(kie: SimulatorServer, new_client: NewClient) -> None:
    with pytest.raises(AuthenticationFailed):
        await new_client(kie.url, key="sk-another").get_credits()


async def test_a_key_may_come_as_a_secret(kie: SimulatorServer) -> None:
    async with KieClient(SecretStr(KEY), base_url=kie.url, upload_url=kie.url) as client:
        assert await client.get_credits() == 1000.0


# recordInfo


@pytest.mark.parametrize("state", ["waiting", "queuing", "generating", "polishing"])
async def test_an_unfinished_job_is_returned_with_its_state(
    kie: SimulatorServer, client: KieClient, state: str
) -> None:
    kie.fault("job", stuck=True)
    kie.fault("poll", merge={"data": {"state": state, "progress": 43}})
    job = await client.get_job((await client.create_job(DOG)).task_id)
    assert (job.raw_state, job.state.finished, job.result) == (state, False, None)
    assert job.progress == 43
    assert parse_request(job.request_body) == DOG


async def test_a_finished_job_is_returned_with_its_result(client: KieClient) -> None:
    handle = await client.create_job(DOG)
    job = await client.get_job(handle.task_id)
    assert (job.task_id, job.model, job.state) == (handle.task_id, handle.model, JobState.SUCCESS)
    assert isinstance(job.result, JobResult)
    assert len(job.urls) == 1
    assert parse_request(job.request_body) == DOG
    assert job.seconds == 0


async def test_a_removed_watermark_gives_both_videos(client: KieClient) -> None:
    handle = await client.create_job(Sora2TextToVideo(prompt="a dog", remove_watermark=True))
    result = (await client.get_job(handle.task_id)).result
    assert isinstance(result, JobResult)
    assert (len(result.urls), len(result.watermarked_urls)) == (1, 1)


async def test_a_character_is_returned_with_its_handle(client: KieClient) -> None:
    origin = await finished_video(client)
    request = Sora2CharactersPro(
        origin_task_id=origin.task_id,
        timestamps="3.55,5.55",
        character_prompt="a barista",
        character_user_name="sky_ranger",
    )
    job = await client.get_job((await client.create_job(request)).task_id)
    assert isinstance(job.result, CharacterResult)
    assert job.result.character_user_name is not None
    assert job.result.character_user_name.startswith("sky_ranger.")


@pytest.mark.parametrize(
    "form",
    [
        {"resultJson": '{"resultUrls": ["https://a.example/v.mp4"]}'},
        {"resultJson": {"resultUrls": ["https://a.example/v.mp4"]}},
        {"resultJson": {"resultUrls": ["https://a.example/v.mp4"], "firstFrameUrl": None, "meta": {}}},
    ],
    ids=["string", "object", "extra"],
)
async def test_a_result_is_read_in_any_form(
    kie: SimulatorServer, client: KieClient, form: dict[str, Any]
) -> None:
    kie.fault("poll", merge={"data": {**form, "queueTime": 3}})
    assert len((await client.get_job((await client.create_job(DOG)).task_id)).urls) == 1


@pytest.mark.parametrize("lenient", [False, True], ids=["envelope says 501", "envelope says success"])
async def test_a_failed_job_is_returned_and_not_raised(
    kie: SimulatorServer, client: KieClient, lenient: bool
) -> None:
    reason = {"failCode": "500", "failMsg": "Internal Error, Please try again later."}
    kie.fault("job", fail=reason)
    if lenient:
        kie.fault("poll", merge={"code": 200, "msg": "success"})
    job = await client.get_job((await client.create_job(DOG)).task_id)
    assert (job.state, job.fail_code, job.fail_message) == (
        JobState.FAIL,
        "500",
        "Internal Error, Please try again later.",
    )


async def test_a_success_without_any_url_is_returned(kie: SimulatorServer, client: KieClient) -> None:
    kie.fault("job", no_url=True)
    job = await client.get_job((await client.create_job(DOG)).task_id)
    assert (job.state, job.urls) == (JobState.SUCCESS, ())


async def test_the_age_of_a_job_is_told_by_kies_clock(kie: SimulatorServer, client: KieClient) -> None:
    kie.change(clock_skew_seconds=-86_400)
    job = await client.get_job((await client.create_job(DOG)).task_id)
    assert job.seen_at is not None
    assert job.seen_at < datetime.now(timezone.utc) - timedelta(hours=23)
    assert job.age is not None
    assert job.age < 10


async def test_a_young_job_may_not_show_yet(kie: SimulatorServer, client: KieClient) -> None:
    kie.change(visible_after_seconds=90)
    handle = await client.create_job(DOG)
    with pytest.raises(JobNotFound) as caught:
        await client.get_job(handle.task_id)
    assert (caught.value.task_id, caught.value.billed) == (handle.task_id, "unknown")


@pytest.mark.parametrize(
    "answer",
    [
        '{"code": 422, "msg": "recordInfo is null", "data": null}',
        '{"code": 404, "message": "not found"}',
        '{"code": 200, "msg": "success", "data": null}',
        '{"code": 200, "msg": "success", "data": {}}',
        '{"code": 200, "msg": "success", "data": {"state": "success"}}',
        '{"code": 200, "msg": "success", "data": "t1"}',
    ],
)
async def test_a_job_that_kie_does_not_know_is_not_found(new_client: NewClient, answer: str) -> None:
    async with wire(http_answer(answer)) as server:
        client = new_client(server.url)
        with pytest.raises(JobNotFound) as caught:
            await client.get_job("t1")
        await client.aclose()
    assert caught.value.task_id == "t1"


async def test_an_answer_about_another_job_is_not_taken(new_client: NewClient) -> None:
    async with wire(http_answer('{"code": 200, "data": {"taskId": "t2", "state": "success"}}')) as server:
        client = new_client(server.url)
        with pytest.raises(UnexpectedResponse, match="another \\('t2'\\)") as caught:
            await client.get_job("t1")
        await client.aclose()
    assert (caught.value.task_id, caught.value.retryable) == ("t1", True)


@pytest.mark.parametrize(
    ("message", "error"), [("no reason", JobFailed), ("violates our guardrails", ContentRejected)]
)
async def test_a_failure_without_its_record_is_told(
    kie: SimulatorServer, client: KieClient, message: str, error: type[KieError]
) -> None:
    kie.fault("poll", code=501, msg=message)
    with pytest.raises(error, match=message) as caught:
        await client.get_job("t1")
    assert (type(caught.value), caught.value.task_id, caught.value.retryable) == (error, "t1", False)


@pytest.mark.parametrize("task_id", ["a b&c=d", "ü/../x", "task_1"])
async def test_a_task_id_is_sent_as_it_is(new_client: NewClient, task_id: str) -> None:
    answer = json.dumps({"code": 200, "data": {"taskId": task_id}})
    async with wire(http_answer(answer)) as server:
        client = new_client(server.url)
        assert (await client.get_job(task_id)).task_id == task_id
        await client.aclose()
    ((head, _),) = server.requests
    asked = httpx.URL(head.split(" ")[1])
    assert (asked.path, dict(asked.params)) == ("/api/v1/jobs/recordInfo", {"taskId": task_id})


# Credits and links


async def test_the_balance_is_told(kie: SimulatorServer, client: KieClient) -> None:
    kie.change(credits=5916.25)
    assert await client.get_credits() == 5916.25


@pytest.mark.parametrize(("data", "balance"), [("12", 12.0), ('"12.5"', 12.5), ("0", 0.0)])
async def test_a_balance_may_be_any_number(new_client: NewClient, data: str, balance: float) -> None:
    async with wire(http_answer(f'{{"code": 200, "data": {data}}}')) as server:
        client = new_client(server.url)
        assert await client.get_credits() == balance
        await client.aclose()


@pytest.mark.parametrize("data", ["null", '"many"', "{}", "NaN", "true", "[" * 500 + "]" * 500], ids=len)
async def test_a_balance_that_is_no_number_is_an_error(new_client: NewClient, data: str) -> None:
    async with wire(http_answer(f'{{"code": 200, "data": {data}}}')) as server:
        client = new_client(server.url)
        with pytest.raises(UnexpectedResponse, match="not a number"):
            await client.get_credits()
        await client.aclose()


async def test_a_result_gets_a_fresh_link_that_works(client: KieClient) -> None:
    url = (await client.get_job((await finished_video(client)).task_id)).urls[0]
    fresh = await client.get_download_url(url)
    assert fresh.startswith(url)
    assert fresh != url


async def test_a_foreign_address_gets_no_link(client: KieClient) -> None:
    with pytest.raises(InvalidRequest, match="url is wrong"):
        await client.get_download_url("https://a.example/v.mp4")


@pytest.mark.parametrize(
    "data", [None, {"url": "https://a.example"}, "v.mp4", "file:///etc/passwd"], ids=repr
)
async def test_a_link_that_is_none_is_an_error(kie: SimulatorServer, client: KieClient, data: object) -> None:
    kie.fault("download-url", code=200, data=data)
    with pytest.raises(UnexpectedResponse, match="no download link"):
        await client.get_download_url("https://a.example/v.mp4")


# Uploads


async def fetched(url: str) -> bytes:
    async with httpx.AsyncClient(trust_env=False, verify=False) as http:
        return (await http.get(url)).content


@pytest.mark.parametrize("name", ["cat.png", "shot #3.png", "who?.png", 'a"b.png', "кот.png"])
@pytest.mark.parametrize("given", [str, Path], ids=["as text", "as path"])
async def test_a_file_is_uploaded_as_it_is(
    kie: SimulatorServer, client: KieClient, tmp_path: Path, name: str, given: type[str | Path]
) -> None:
    (tmp_path / name).write_bytes(PICTURE)
    file = await client.upload_file(given(tmp_path / name))
    assert await fetched(file.url) == PICTURE
    assert (file.size, file.mime_type) == (len(PICTURE), "image/png")
    assert file.file_name.endswith(".png")
    assert "/prefect-kie/" in file.url
    assert kie.stats()["uploads"] == 1


async def test_bytes_are_uploaded_as_they_are(client: KieClient) -> None:
    first = await client.upload_bytes(PICTURE, "cat.png", upload_path="/my/pictures/")
    second = await client.upload_bytes(PICTURE + b"2", "cat.png", upload_path="my/pictures")
    assert first.url != second.url  # the same name would overwrite, with a stale cache
    assert "/my/pictures/cat-" in first.url
    assert [await fetched(first.url), await fetched(second.url)] == [PICTURE, PICTURE + b"2"]


async def test_kie_fetches_a_file_from_an_address(client: KieClient) -> None:
    source = await client.upload_bytes(PICTURE, "cat.png")
    file = await client.upload_from_url(f"{source.url}?size=full#top")
    assert file.url != source.url
    assert file.file_name.endswith(".png")
    assert await fetched(file.url) == PICTURE


async def test_an_address_that_kie_cannot_fetch_is_refused(client: KieClient) -> None:
    with pytest.raises(InvalidRequest, match="Failed to fetch the file"):
        await client.upload_from_url("https://a.example/cat.png")


@pytest.mark.parametrize("name", ["missing.png", "empty.png"])
async def test_a_file_that_kie_refuses_is_never_sent(
    kie: SimulatorServer, client: KieClient, tmp_path: Path, name: str
) -> None:
    (tmp_path / "empty.png").touch()
    with pytest.raises(ValueError, match=name):
        await client.upload_file(tmp_path / name)
    with pytest.raises(ValueError, match=r"cat\.gif"):
        await client.upload_bytes(b"", "cat.gif")
    assert kie.stats()["uploads"] == 0


async def test_an_upload_without_an_address_is_an_error(kie: SimulatorServer, client: KieClient) -> None:
    kie.fault("upload", merge={"data": {"downloadUrl": None}})
    with pytest.raises(UnexpectedResponse, match="no address"):
        await client.upload_bytes(PICTURE, "cat.png")


async def test_a_broken_upload_may_be_repeated(kie: SimulatorServer, client: KieClient) -> None:
    kie.fault("upload", status=502)
    with pytest.raises(ServiceUnavailable) as caught:
        await client.upload_bytes(PICTURE, "cat.png")
    assert caught.value.retryable


async def test_uploads_go_to_their_own_host(kie: SimulatorServer, free_url: str) -> None:
    async with KieClient(KEY, base_url=free_url, upload_url=kie.url) as client:
        assert (await client.upload_bytes(PICTURE, "cat.png")).url.startswith(kie.url)
        with pytest.raises(ServiceUnavailable):
            await client.get_credits()
