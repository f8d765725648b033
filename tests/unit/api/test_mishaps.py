"""On a paid call Kie's mishap is a doubt; a refusal names a field that was sent or that the model takes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from prefect_kie.api import (
    InsufficientCredits,
    InvalidRequest,
    JobRequest,
    KieClient,
    KieError,
    ModelNotSupported,
    SubmissionInDoubt,
)
from prefect_kie.models import (
    MarketModel,
    Shot,
    Sora2CharactersPro,
    Sora2ProStoryboard,
    Sora2TextToVideo,
    parse_request,
)
from prefect_kie.simulator import SimulatorServer

from .conftest import NewClient, http_answer, wire

DOG = Sora2TextToVideo(prompt="a dog")
BOARD = Sora2ProStoryboard(shots=[Shot(Scene="dawn", duration=7.5)])
CHARACTER = Sora2CharactersPro(origin_task_id="t0", timestamps="1,2", character_prompt="calm")
YAK = MarketModel(model="acme/any-video", input={"prompt": "a yak", "options": {"cfgScale": 1}})
EXTENDED = MarketModel(model="acme/extend", input={"taskId": "t0", "prompt": "on"})

MISHAPS: list[tuple[JobRequest, int, str]] = [
    *(
        (DOG, 500, f"{name} cannot be null")
        for name in ("taskNo", "id", "taskId", "recordId", "orderNo", "userId")
    ),
    *((DOG, code, "recordInfo is null") for code in (400, 422, 500)),
    (DOG, 422, "taskId cannot be null"),
    (DOG, 422, "The record does not exist"),
    (DOG, 500, "This field is required"),
    (DOG, 500, "is required"),
    (DOG, 500, "name is required"),
    (DOG, 500, "data.prompt is required"),
    (DOG, 500, "prompt is required, task was created"),
    (DOG, 500, "callbackId is invalid"),
    (DOG, 500, "Server exception, please try again later or contact customer service"),
    (DOG, 500, "The task of this model is paused"),
    (DOG, 503, "service temporarily unavailable"),
    (YAK, 500, "aspect_ratio is required"),  # nobody knows that this model takes it
    (EXTENDED, 500, "taskId cannot be null"),  # it was not null when it was sent
]

REFUSALS: list[tuple[JobRequest, int, str, type[KieError]]] = [
    (DOG, 500, "aspect_ratio is required", InvalidRequest),
    (DOG, 500, "aspectRatio cannot be empty", InvalidRequest),
    (DOG, 500, "character_id_list is required", InvalidRequest),  # the model takes it, it was not sent
    (DOG, 500, "'input.prompt' cannot be blank.", InvalidRequest),
    (DOG, 500, "model is required", InvalidRequest),
    (DOG, 500, "n_frames is not within the range of allowed options", InvalidRequest),
    (BOARD, 500, "shots[0].Scene is required", InvalidRequest),
    (CHARACTER, 500, "origin_task_id is invalid", InvalidRequest),
    (YAK, 500, "options.cfgScale must be between 0 and 1", InvalidRequest),
    (EXTENDED, 422, "taskId is invalid", InvalidRequest),
    (CHARACTER, 422, "Task does not exist", InvalidRequest),
    (DOG, 422, "prompt length cannot exceed 10000 characters", InvalidRequest),
    (DOG, 500, "Credits insufficient", InsufficientCredits),
    (DOG, 500, "The model name you specified is not supported", ModelNotSupported),
    (DOG, 500, "This interface is temporarily paused", ModelNotSupported),
    (DOG, 422, "This interface is temporarily paused", ModelNotSupported),
    (DOG, 455, "This interface is temporarily paused", ModelNotSupported),
    (DOG, 500, "The model sora-2 is currently offline.", ModelNotSupported),
    (DOG, 500, "This model has been suspended", ModelNotSupported),
    (DOG, 500, "Model wan/2-6 is no longer available", ModelNotSupported),
    (DOG, 500, "This API has been discontinued", ModelNotSupported),
]


async def answered(new_client: NewClient, request: JobRequest, code: int, said: str) -> KieError:
    async with wire(http_answer(json.dumps({"code": code, "msg": said, "data": None}))) as server:
        client = new_client(server.url)
        with pytest.raises(KieError) as caught:
            await client.create_job(request)
        await client.aclose()
    assert len(server.requests) == 1
    return caught.value


@pytest.mark.parametrize(("request_", "code", "said"), MISHAPS, ids=lambda each: str(each)[:40])
async def test_a_mishap_leaves_a_doubt(
    new_client: NewClient, request_: JobRequest, code: int, said: str
) -> None:
    error = await answered(new_client, request_, code, said)
    assert (type(error), error.billed, error.retryable) == (SubmissionInDoubt, "unknown", False)


@pytest.mark.parametrize(("request_", "code", "said", "kind"), REFUSALS, ids=lambda each: str(each)[:40])
async def test_a_refusal_stays_one(
    new_client: NewClient, request_: JobRequest, code: int, said: str, kind: type[KieError]
) -> None:
    error = await answered(new_client, request_, code, said)
    assert (type(error), error.billed, error.retryable) == (kind, "no", False)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        *((500, f"{name} cannot be null") for name in ("taskNo", "id", "taskId")),
        (500, "This field is required"),
        (422, "recordInfo is null"),
    ],
)
async def test_what_the_simulator_created_before_its_mishap_is_in_doubt(
    kie: SimulatorServer, client: KieClient, code: int, said: str
) -> None:
    kie.fault("create", code=code, msg=said, accept=True)
    with pytest.raises(SubmissionInDoubt):
        await client.create_job(DOG)
    assert kie.stats()["created"] == 1


@pytest.mark.parametrize("model", ["sora-2-text-to-video", "sora-2-pro-storyboard", "sora-2-characters"])
async def test_a_paused_model_is_not_supported_and_costs_nothing(
    kie: SimulatorServer, client: KieClient, model: str
) -> None:
    kie.change(paused_models=("sora-2-*",))
    inputs: dict[str, dict[str, Any]] = {
        "sora-2-pro-storyboard": {"shots": [{"Scene": "dawn", "duration": 3}]},
        "sora-2-characters": {"character_file_url": ["https://a.example/v.mp4"]},
    }
    request = parse_request({"model": model, "input": inputs.get(model, {"prompt": "a dog"})})
    with pytest.raises(ModelNotSupported, match="temporarily paused") as caught:
        await client.create_job(request)
    assert (caught.value.billed, caught.value.code) == ("no", 500)
    assert "run another one" in caught.value.next_step
    assert (kie.stats()["created"], kie.stats()["charged"]) == (0, 0)
    assert await client.create_job(YAK)
