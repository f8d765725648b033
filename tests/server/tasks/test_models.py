"""Every model through its public task, against the simulator's counters."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prefect import flow

from prefect_kie import tasks
from prefect_kie.api import CharacterResult, InvalidRequest, Job, JobHandle, JobRequest
from prefect_kie.blocks import KieCredentials
from prefect_kie.models import (
    MarketModel,
    Sora2CharactersPro,
    Sora2ProTextToVideo,
    Sora2TextToVideo,
    parse_request,
)
from prefect_kie.simulator import SimulatorServer
from prefect_kie.tasks import sora_2_text_to_video, task_for, wait_for_job
from prefect_kie.tasks.models import shortened
from tests.conftest import QUICK
from tests.requests_of_all_models import CHARACTER, REQUESTS

pytestmark = pytest.mark.server

CAT = Sora2TextToVideo(prompt="a cat", n_frames="15")


async def test_each_model_is_submitted_once_and_ends_with_its_result(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    requests = [*REQUESTS, CHARACTER]

    async def made(request: JobRequest) -> Job:
        handle = await task_for(request)(request, credentials)
        return await wait_for_job(handle, credentials, poll=QUICK)

    @flow
    async def pipeline() -> list[Job]:
        return await asyncio.gather(*(made(request) for request in requests))

    jobs = await pipeline()

    stats = kie.stats()
    count = len(requests)
    assert (stats["created"], stats["succeeded"], stats["violations"]) == (count, count, 0)
    assert stats["charged"] == sum(job.credits or 0 for job in jobs)
    sent = {one["task_id"]: one for one in stats["jobs"]}
    for request, job in zip(requests, jobs, strict=True):
        assert sent[job.task_id]["model"] == request.model_name == job.model
        assert sent[job.task_id]["input"] == request.input_fields()
        assert parse_request(job.request_body) == request
        assert job.urls or isinstance(job.result, CharacterResult)


async def test_a_character_comes_from_a_slice_of_an_earlier_video(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    @flow
    async def pipeline() -> Job:
        origin = await sora_2_text_to_video(Sora2TextToVideo(prompt="a cat"), credentials)
        await wait_for_job(origin, credentials, poll=QUICK)
        request = Sora2CharactersPro(
            origin_task_id=origin.task_id,
            timestamps="1,3.5",
            character_prompt="calm",
            character_user_name="cat",
        )
        handle = await tasks.sora_2_characters_pro(request, credentials)
        return await wait_for_job(handle, credentials, poll=QUICK)

    job = await pipeline()

    assert isinstance(job.result, CharacterResult)
    assert job.result.character_user_name is not None
    assert job.result.character_user_name.startswith("cat")
    assert kie.stats()["created"] == 2
    assert kie.stats()["violations"] == 0


def test_tasks_are_named_like_the_models() -> None:
    for request in [*REQUESTS[:-1], CHARACTER]:
        assert task_for(request).name == request.model_name
        assert getattr(tasks, request.model_name.replace("-", "_")) is task_for(request)
    assert task_for(REQUESTS[-1]) is tasks.run_model
    help_text = sora_2_text_to_video.__doc__ or ""
    assert help_text.startswith("Submit a job of sora-2-text-to-video, once: A video from a prompt")
    assert all(f"    {name}: " in help_text for name in ("request", "credentials", "take", "job_key"))


async def test_any_model_by_its_name_and_fields(
    kie: SimulatorServer, credentials: KieCredentials, caplog: pytest.LogCaptureFixture
) -> None:
    @flow
    async def pipeline() -> Job:
        handle = await tasks.run_model("acme/any-video", credentials, prompt="a yak", duration="5")
        again = await tasks.run_model(
            MarketModel(model="acme/any-video", input={"prompt": "a yak", "duration": "5"}),
            credentials,
        )
        assert again.task_id == handle.task_id
        typed = await tasks.run_model("sora-2-text-to-video", credentials, prompt="a cat", n_frames="15")
        assert typed.task_id == (await sora_2_text_to_video(CAT, credentials)).task_id
        return await wait_for_job(handle.task_id, credentials, poll=QUICK)  # its id is enough

    job = await pipeline()

    assert job.model == "acme/any-video"
    assert kie.stats()["created"] == 2
    assert kie.stats()["jobs"][0]["input"] == {"prompt": "a yak", "duration": "5"}
    names = {getattr(record, "task_run_name", None) for record in caplog.records}
    assert {"acme/any-video: a yak", "sora-2-text-to-video: a cat"} <= names


@pytest.mark.parametrize(
    ("model", "fields", "refusal"),
    [
        ("sora-2-text-to-video", {"prompt": "a cat", "n_frames": "7"}, "'10' or '15'"),
        ("sora-2-text-to-video", {"promt": "a cat"}, "promt"),
        (CAT, {"prompt": "a dog"}, "the request says all of its input, and prompt came besides"),
        ("not a model", {"prompt": "a cat"}, "pattern"),
    ],
)
async def test_what_cannot_be_right_is_refused_before_anything_is_sent(
    model: Any, fields: dict[str, str], refusal: str, kie: SimulatorServer, credentials: KieCredentials
) -> None:
    with pytest.raises((ValueError, InvalidRequest), match=refusal):
        await tasks.run_model(model, credentials, **fields)
    assert kie.stats()["created"] == 0


async def test_a_task_run_is_named_by_what_it_makes(
    credentials: KieCredentials, caplog: pytest.LogCaptureFixture
) -> None:
    prompt = "a claymation conductor passionately leads a claymation orchestra"
    await sora_2_text_to_video(Sora2TextToVideo(prompt=prompt), credentials, take=2)
    names = {getattr(record, "task_run_name", None) for record in caplog.records}
    assert "sora-2-text-to-video: a claymation conductor passionately leads a… (take 2)" in names


async def test_a_wrong_input_is_refused_with_all_that_a_person_needs_at_night(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await tasks.run_model("kling-2.6/text-to-video", credentials, prompt="a yak", duration="7")
    said = str(caught.value).splitlines()
    assert said == [
        "kling-2.6/text-to-video does not take this input: duration: Input should be '5' or '10'.",
        "Charged: no.",
        "Next: Correct the input, then run again; nothing was submitted.",
    ]
    assert kie.stats()["created"] == 0


async def test_a_request_of_another_model_is_refused_before_anything_is_sent(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    with pytest.raises(ValueError, match="Sora2TextToVideo"):
        await sora_2_text_to_video(Sora2ProTextToVideo(prompt="a cat"), credentials)  # type: ignore[arg-type]
    assert kie.stats()["created"] == 0


def test_a_sync_pipeline_uses_futures(kie: SimulatorServer, credentials: KieCredentials) -> None:
    @flow
    def pipeline() -> list[Job]:
        requests = [Sora2TextToVideo(prompt=prompt) for prompt in ("a cat", "a dog")]
        handles = [sora_2_text_to_video.submit(request, credentials) for request in requests]
        jobs = [wait_for_job.submit(handle, credentials, poll=QUICK) for handle in handles]
        return [job.result() for job in jobs]

    jobs = pipeline()

    assert [job.prompt for job in jobs] == ["a cat", "a dog"]
    assert kie.stats()["created"] == 2


def test_handles_are_plain_data(credentials: KieCredentials) -> None:
    handle = JobHandle(task_id="1", model="sora-2-text-to-video", submission="kie-0")
    assert JobHandle.model_validate_json(handle.model_dump_json()) == handle


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("a cat", "a cat"),
        ("a" * 60, "a" * 48 + "…"),
        ("word " * 20, "word word word word word word word word word…"),
    ],
)
def test_long_prompts_are_cut_at_a_word(text: str, short: str) -> None:
    assert shortened(text) == short
