"""The public flows against the simulator: what they make, pay, report and survive."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.exceptions import ParameterTypeError
from prefect.filesystems import LocalFileSystem
from prefect.flow_engine import run_flow
from pydantic import ValidationError

from prefect_kie.api import (
    AuthenticationFailed,
    ContentRejected,
    InvalidRequest,
    JobFailed,
    JobNotFound,
    UnexpectedResponse,
)
from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import RunIncomplete
from prefect_kie.flows import (
    Character,
    CharacterTraits,
    EpisodeSettings,
    Output,
    Scope,
    character_series,
    collect_job,
    create_character,
    generate_video,
    make,
)
from prefect_kie.flows._episodes import with_handle
from prefect_kie.models import MarketModel, Slice, Sora2ImageToVideo, Sora2TextToVideo, Sora2TextToVideoStable
from prefect_kie.simulator import SimulatorServer
from prefect_kie.tasks import save_result, sora_2_text_to_video, upload_file, wait_for_job
from tests.conftest import QUICK, QUICKLY, grouped

CAT = Sora2TextToVideo(prompt="a cat on a red sofa")
TRAITS = CharacterTraits(character_prompt="a calm cat", character_user_name="sofa_cat")
SLICE = Slice(start=1, end=3.5)


# generate_video


@pytest.mark.server
async def test_a_video_is_made_saved_and_told(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = await generate_video(
        CAT, credentials, output=Output(directory=tmp_path / "videos"), waiting=QUICKLY
    )

    (outcome,) = made.videos
    assert outcome.status == "saved"
    assert outcome.video is not None
    assert outcome.video.seconds == pytest.approx(10, abs=0.1)
    assert Path(outcome.video.path).name == f"a-cat-on-a-red-sofa_sora-2-text-to-video_{outcome.task_id}.mp4"
    assert sorted(file.suffix for file in (tmp_path / "videos").iterdir()) == [".json", ".mp4"]
    assert kie.stats()["created"] == 1
    assert {record.levelname for record in caplog.records} == {"INFO"}


@pytest.mark.server
async def test_one_failed_video_does_not_lose_the_others(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kie.fault("job", skip=1, times=1, fail={"failCode": "500", "failMsg": "heavy load"})
    with pytest.raises(RunIncomplete) as caught:
        await generate_video(CAT, credentials, count=3, output=Output(directory=tmp_path), waiting=QUICKLY)

    outcomes = caught.value.result.videos
    assert [outcome.take for outcome in outcomes] == [1, 2, 3]
    assert len({outcome.task_id for outcome in outcomes}) == 3
    assert sorted(outcome.status for outcome in outcomes) == ["failed", "saved", "saved"]
    assert len(list(tmp_path.glob("*.mp4"))) == 2
    lines = str(caught.value).splitlines()
    assert lines[0] == "1 of 3 videos failed:"
    assert len(lines) == 5
    assert lines[4].startswith("To go on without paying again, start a new run with job_key='")
    (failed,) = [outcome for outcome in outcomes if outcome.status == "failed"]
    (line,) = [line for line in lines if line.startswith("- failed")]
    assert "heavy load" in line
    assert failed.task_id is not None
    assert failed.task_id in line
    assert "Charged: no" in line
    assert caught.value.billed == "yes"
    assert kie.stats()["created"] == 3
    assert "Traceback" not in caplog.text


@pytest.mark.server
async def test_a_mistake_of_the_machine_is_told_with_its_place(
    credentials: KieCredentials,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> object:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("prefect_kie.tasks.files.keep_alive", broken)
    with pytest.raises(RunIncomplete, match="ZeroDivisionError: a bug"):
        await generate_video(CAT, credentials, output=Output(directory=tmp_path), waiting=QUICKLY)
    assert "unexpected error" in caplog.text
    assert "broken" in caplog.text


@pytest.mark.server
async def test_parameters_come_as_json_from_forms_and_schedules(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    await credentials.asave("kie", overwrite=True)
    parameters: Any = {
        "request": {"model": "sora-2-text-to-video-stable", "prompt": "an owl", "n_frames": "15"},
        **grouped(directory=str(tmp_path), poll=QUICK.model_dump()),
    }
    made = await generate_video(**parameters)
    assert made.video.seconds == pytest.approx(15, abs=0.1)
    assert made.paths == [made.path] == [str(next(tmp_path.glob("*.mp4")))]
    assert kie.stats()["jobs"][0]["model"] == "sora-2-text-to-video-stable"


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"model": "sora-2-text-to-video", "prompt": ""}, "at least 1 character"),
        ({"model": "sora-2-text-to-video", "prompt": "x", "size": "high"}, "unknown field 'size'"),
        ({"model": "sora-2-image-to-video", "prompt": "x"}, "image_urls"),
        (
            {"model": "sora-2-characters", "character_file_url": ["https://a.example/b.mp4"]},
            "makes a character: run create_character",
        ),
        ({"model": "acme/any-video"}, "input"),
        ({}, "request"),
    ],
    ids=["empty prompt", "unknown field", "no image", "no video model", "no input", "nothing"],
)
def test_bad_input_is_no_parameter(request_: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterTypeError, match=said):
        generate_video.validate_parameters({"request": request_})


@pytest.mark.server
async def test_bad_input_is_refused_before_anything_is_paid(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    with pytest.raises(ParameterTypeError, match="unknown field 'size'"):
        await generate_video({"model": CAT.model, "prompt": "x", "size": "high"}, credentials)  # type: ignore[arg-type]
    assert kie.stats()["created"] == 0


@pytest.mark.server
async def test_a_count_out_of_bounds_is_refused(kie: SimulatorServer, credentials: KieCredentials) -> None:
    with pytest.raises(ParameterTypeError, match="less than or equal to 100"):
        await generate_video(CAT, credentials, count=1000)
    assert kie.stats()["created"] == 0


@pytest.mark.server
async def test_videos_of_any_model_go_into_a_storage_block(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    block = LocalFileSystem(basepath=str(tmp_path / "shelf"))
    await block.asave("flows-test", overwrite=True)
    any_model = MarketModel(model="acme/any-video", input={"prompt": "a yak", "duration": "5"})
    for request, storage in ((any_model, block), (CAT, "local-file-system/flows-test")):
        made = await generate_video(request, credentials, output=Output(storage=storage), waiting=QUICKLY)
        assert made.videos[0].status == "saved"
    assert len(list((tmp_path / "shelf").glob("*.mp4"))) == 2
    assert kie.stats()["jobs"][0]["input"] == {"prompt": "a yak", "duration": "5"}


@pytest.mark.server
async def test_a_run_started_again_uploads_pays_and_fetches_nothing(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    from PIL import Image

    Image.new("RGB", (64, 36), "red").save(tmp_path / "red.png")
    crashes = iter([True, False])

    @flow(retries=1, retry_delay_seconds=0)
    async def pipeline() -> None:
        picture = await upload_file(tmp_path / "red.png", credentials)
        request = Sora2ImageToVideo(prompt="the red moves", image_urls=[picture.url])
        await generate_video(request, credentials, output=Output(directory=tmp_path), waiting=QUICKLY)
        if next(crashes):
            raise RuntimeError("the next step crashed")

    await pipeline()

    stats = kie.stats()
    assert (stats["uploads"], stats["created"], stats["file_requests"]) == (1, 1, 1)
    assert stats["violations"] == 0


@pytest.mark.server
@pytest.mark.parametrize(
    "where", [{"storage": "local-file-system/typo"}, {"storage": "nonsense"}, {"both": True}], ids=str
)
async def test_a_wrong_destination_is_told_before_anything_is_paid(
    where: dict[str, Any], kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    if where.pop("both", False):
        where |= {"directory": tmp_path, "storage": LocalFileSystem(basepath=str(tmp_path))}
    with pytest.raises(InvalidRequest) as caught:
        await generate_video(CAT, credentials, **grouped(**where))
    assert caught.value.billed == "no"
    assert kie.stats()["created"] == 0


@pytest.mark.server
async def test_a_flow_with_retries_is_retried(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.fault("create", code=402)
    patient = generate_video.with_options(retries=1, retry_delay_seconds=0)
    made = await patient(CAT, credentials, **grouped(directory=tmp_path, poll=QUICK))
    assert made.videos[0].status == "saved"
    assert kie.stats()["created"] == 1


@pytest.mark.server
async def test_no_credentials_no_run() -> None:
    with pytest.raises(AuthenticationFailed, match="no KieCredentials block named 'nobody'"):
        await generate_video(CAT, "nobody")


@pytest.mark.server
def test_a_sync_flow_of_someone_else_composes_the_tasks(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    @flow
    def pipeline() -> str:
        handle = sora_2_text_to_video.submit(CAT, credentials)
        job = wait_for_job.submit(handle, credentials, poll=QUICK)
        return save_result.submit(job, credentials, directory=tmp_path).result().path

    assert Path(pipeline()).is_file()
    assert kie.stats()["created"] == 1


# create_character


async def finished_job(credentials: KieCredentials, request: Any = CAT) -> str:
    """The task id of a finished video."""
    handle = await sora_2_text_to_video(request, credentials)
    await wait_for_job(handle, credentials, poll=QUICK)
    return handle.task_id


@pytest.mark.server
async def test_a_character_is_made_from_a_slice_of_an_earlier_video_and_collected(
    kie: SimulatorServer, credentials: KieCredentials, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(JobNotFound):
        await create_character("f" * 32, TRAITS, SLICE, credentials, waiting=QUICKLY)
    origin = await finished_job(credentials)
    caplog.clear()
    with pytest.raises(InvalidRequest, match=r"ends after the video, which is 10\.\d* s long") as caught:
        await create_character(origin, TRAITS, Slice(start=8, end=11), credentials, waiting=QUICKLY)
    assert "create_character" in caught.value.next_step
    assert kie.stats()["created"] == 1
    assert "Traceback" not in caplog.text

    character = await create_character(origin, TRAITS, SLICE, credentials, waiting=QUICKLY)
    assert character.origin == origin
    assert character.slice == SLICE
    assert character.handle is not None
    assert character.handle.startswith("sofa_cat")
    assert kie.stats()["jobs"][-1]["input"]["timestamps"] == "1.0,3.5"
    collected = await collect_job(character.task_id, credentials, waiting=QUICKLY)
    assert collected.character is not None
    assert collected.character.character_id == character.character_id
    with pytest.raises(InvalidRequest, match="made no video"):
        await create_character(character.task_id, TRAITS, SLICE, credentials, waiting=QUICKLY)
    assert (kie.stats()["created"], kie.stats()["violations"]) == (2, 0)


@pytest.mark.server
async def test_a_character_that_kie_does_not_name_is_told(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    origin = await finished_job(credentials)
    kie.fault("job", no_url=True)
    kie.fault("poll", skip=1, times=None, merge={"data": {"resultJson": "{}"}})
    with pytest.raises(UnexpectedResponse, match="names none") as caught:
        await create_character(origin, TRAITS, SLICE, credentials, waiting=QUICKLY)
    assert caught.value.billed == "yes"


# character_series


PROMPTS = ["{character} surfs at dawn", "A night train, empty but for one cat", "{character} surfs at dawn"]


@pytest.mark.server
async def test_a_series_uses_the_handle_that_kie_returns_and_one_refused_episode_loses_no_others(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    with pytest.raises(RunIncomplete, match="1 of 4 episodes failed") as caught:
        await character_series(
            CAT,
            TRAITS,
            [*PROMPTS, "{character} in a film full of gore"],
            SLICE,
            credentials=credentials,
            output=Output(directory=tmp_path),
            waiting=QUICKLY,
        )
    made = caught.value.result
    assert made.character is not None
    handle = made.character.handle
    assert handle != TRAITS.character_user_name  # Kie gave another one than was asked for
    prompts = sorted(job["input"].get("prompt", "") for job in kie.stats()["jobs"])
    assert prompts == sorted(
        [
            CAT.prompt,
            "",
            f"@{handle} surfs at dawn",
            f"@{handle} surfs at dawn",
            f"@{handle} A night train, empty but for one cat",
            f"@{handle} in a film full of gore",
        ]
    )
    assert [outcome.status for outcome in made.episodes] == [*["saved"] * 3, "rejected"]
    assert [outcome.take for outcome in made.episodes] == [1, 1, 2, 1]
    assert len(list(tmp_path.glob("*.mp4"))) == 4
    assert (kie.stats()["created"], kie.stats()["violations"]) == (6, 0)


@pytest.mark.server
async def test_an_original_that_fails_ends_the_series(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.fault("job", fail={"failCode": "500", "failMsg": "heavy load"})
    with pytest.raises(RunIncomplete, match="heavy load") as caught:
        await character_series(
            CAT,
            TRAITS,
            PROMPTS,
            SLICE,
            credentials=credentials,
            output=Output(directory=tmp_path),
            waiting=QUICKLY,
        )
    assert caught.value.result.character is None
    assert kie.stats()["created"] == 1


@pytest.mark.server
async def test_whatever_ends_a_series_at_its_character_leaves_the_original_saved_and_paid_once(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    async def ended(slice: Slice = SLICE) -> RunIncomplete:
        with pytest.raises(RunIncomplete) as caught:
            await character_series(
                CAT,
                TRAITS,
                PROMPTS,
                slice,
                credentials=credentials,
                output=Output(directory=tmp_path),
                waiting=QUICKLY,
                scope=Scope(job_key="ended"),
            )
        assert caught.value.result.original.status == "saved"
        return caught.value

    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    said = str(await ended(Slice(start=9, end=12)))  # longer than the real original
    assert "ends after the video" in said
    assert "create_character" in said
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("prefect_kie.flows._runner.JobRunner.character", broken)
        assert "a bug" in str(await ended())
    assert kie.stats()["created"] == 1
    kie.fault("job", model="sora-2-characters-pro", fail={"failCode": "500", "failMsg": "busy"})
    said = str(await ended())
    assert re.search(r"The original is saved, but this run made no episode: .*busy", said)
    assert kie.stats()["created"] == 2
    assert len(list(tmp_path.glob("*.mp4"))) == 1


@pytest.mark.server
async def test_the_stable_model_makes_episodes_too(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    await character_series(
        Sora2TextToVideoStable(prompt="a cat"),
        TRAITS,
        ["{character} surfs"],
        SLICE,
        EpisodeSettings(model="sora-2-text-to-video-stable", aspect_ratio="portrait"),
        credentials=credentials,
        output=Output(directory=tmp_path),
        waiting=QUICKLY,
    )
    assert kie.stats()["jobs"][-1]["model"] == "sora-2-text-to-video-stable"
    assert kie.stats()["jobs"][-1]["input"]["aspect_ratio"] == "portrait"
    assert kie.stats()["violations"] == 0


@pytest.mark.server
async def test_prompts_that_leave_no_room_for_the_handle_are_refused_before_paying(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    with pytest.raises(ParameterTypeError, match="leave room for the handle"):
        await character_series(CAT, TRAITS, ["{character} " * 800], SLICE, credentials=credentials)
    assert kie.stats()["created"] == 0


@pytest.mark.parametrize(
    "settings",
    [
        {"model": "sora-2-text-to-video-stable", "remove_watermark": True},
        {"model": "sora-2-text-to-video", "size": "high"},
    ],
    ids=["stable with remove_watermark", "size without pro"],
)
def test_episode_settings_that_the_model_does_not_take_are_refused_at_once(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="unknown field"):
        EpisodeSettings(**settings)


def character(handle: str | None) -> Character:
    return Character(character_id="ch_1", handle=handle, origin="o", slice=SLICE, task_id="t")


def test_a_character_without_a_handle_is_named_by_its_id() -> None:
    request = EpisodeSettings(model="sora-2-pro-text-to-video", size="standard").request(
        "{character} surfs", character(None)
    )
    assert (
        request.input_fields() | {"size": "standard", "character_id_list": ["ch_1"]} == request.input_fields()
    )
    assert request.title == "the character surfs"
    with pytest.raises(UnexpectedResponse, match="takes no ids") as caught:
        EpisodeSettings(model="sora-2-text-to-video-stable").request("x", character(None))
    assert "generate_video" in caught.value.next_step


@pytest.mark.parametrize(
    ("prompt", "made"),
    [
        ("{character} surfs, then {character} sleeps", "@a.b surfs, then @a.b sleeps"),
        ("surfs at dawn", "@a.b surfs at dawn"),
        ("a wave and @a.b", "a wave and @a.b"),
    ],
)
def test_the_handle_goes_where_the_prompt_says_else_in_front(prompt: str, made: str) -> None:
    assert with_handle(prompt, "a.b") == made


# collect_job


@pytest.mark.server
async def test_a_job_of_a_dead_run_is_collected_by_its_id(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.change(duration_seconds=0.5)
    handle = await sora_2_text_to_video(CAT, credentials)
    collected = await collect_job(
        f" {handle.task_id} ", credentials, output=Output(directory=tmp_path), waiting=QUICKLY
    )
    assert collected.video is not None
    assert Path(collected.video.path).is_file()
    sidecar = json.loads(Path(collected.video.path).with_suffix(".json").read_text())
    assert sidecar["request"]["input"]["prompt"] == CAT.prompt
    assert kie.stats()["created"] == 1


@pytest.mark.server
async def test_collecting_a_failed_job_tells_why(kie: SimulatorServer, credentials: KieCredentials) -> None:
    handle = await sora_2_text_to_video(Sora2TextToVideo(prompt="gore"), credentials)
    with pytest.raises(ContentRejected):
        await collect_job(handle.task_id, credentials, waiting=QUICKLY)


@pytest.mark.server
@pytest.mark.parametrize(
    ("typed", "shown"),
    [("For Anna, take 2", "For Anna, take 2"), ("delectable-kudu", "collect-job: 0123456789abcdef0123")],
)
async def test_a_name_that_a_person_typed_for_a_run_stays(
    typed: str, shown: str, credentials: KieCredentials
) -> None:
    await credentials.asave("a-typed-name", overwrite=True)
    parameters = {"task_id": "0123456789abcdef0123", "credentials": "a-typed-name"}
    async with get_client() as client:
        run = await client.create_flow_run(collect_job, parameters=parameters, name=typed)
        state: Any = await run_flow(collect_job, flow_run=run, parameters=parameters, return_type="state")
        assert state.is_failed()
        assert (await client.read_flow_run(run.id)).name == shown


@pytest.mark.server
async def test_make_saves_one_result_and_is_the_same_job_by_its_scope(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    output, scope = Output(directory=tmp_path), Scope(job_key="one boat")
    first, again = [
        await make(CAT, credentials, output=output, waiting=QUICKLY, scope=scope) for _ in range(2)
    ]
    assert first == again
    assert Path(first.path).is_file()
    assert kie.stats()["created"] == 1


@pytest.mark.server
async def test_make_raises_what_went_wrong_and_leaves_its_siblings_alone(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.fault("job", prompt="a fox", fail={"failCode": "500", "failMsg": "it is cursed"})
    output = Output(directory=tmp_path)

    @flow
    async def films() -> list[Any]:
        requests = [Sora2TextToVideo(prompt=f"a {animal}") for animal in ("yak", "fox")]
        made = (make(request, credentials, output=output, waiting=QUICKLY) for request in requests)
        return await asyncio.gather(*made, return_exceptions=True)

    yak, fox = await films()
    assert Path(yak.path).is_file()
    assert isinstance(fox, JobFailed)
    assert (fox.billed, "it is cursed" in fox.message) == ("no", True)


@pytest.mark.server
async def test_make_outside_of_a_flow_asks_for_a_name(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    with pytest.raises(InvalidRequest, match="outside of a flow"):
        await make(CAT, credentials)
    assert kie.stats()["created"] == 0
