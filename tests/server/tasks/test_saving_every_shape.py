"""Whatever shape a paid result has, all of it is saved; through flows, by the simulator's counters."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from prefect_kie.api import CharacterResult, Job, JobHandle, ResultFile
from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import DownloadFailed
from prefect_kie.flows import Output, Waiting, collect_job, generate_video
from prefect_kie.media.saved import file_stem
from prefect_kie.models import MarketModel, Sora2CharactersPro
from prefect_kie.run_page.sections import result_section
from prefect_kie.simulator import SimulatorServer
from prefect_kie.tasks import save_result, wait_for_job
from tests.conftest import KEY, QUICK, QUICKLY
from tests.file_hosts import finished
from tests.server.tasks.test_saving import files_in, save_now
from tests.unit.tasks.test_markup import EVIL, rendered

MODEL = "acme/any-video"
BOAT = MarketModel(model=MODEL, input={"prompt": "a boat"})
BODIES = {
    "v.mp4": None,
    "a.mp3": b"ID3\4" + bytes(99),
    "b.mp3": b"ID3\4" + bytes(98),
    "c.jpg": b"\xff\xd8\xff" + bytes(99),
    "p.png": b"\x89PNG\r\n\x1a\n" + bytes(99),
}


@pytest.fixture
async def urls(kie: SimulatorServer, credentials: KieCredentials) -> dict[str, str]:
    """Addresses of small files of each kind."""
    async with credentials.get_client() as client:
        return {name: (await client.upload_bytes(body, name)).url for name, body in BODIES.items() if body}


SHAPES: dict[str, tuple[Any, list[str]]] = {
    "several files": ({"resultUrls": ["p.png", "c.jpg"]}, [".png", "_2.jpg"]),
    "frames": (
        {"firstFrameUrl": ["c.jpg"], "lastFrameUrl": ["p.png"], "resultUrls": ["a.mp3"]},
        [".mp3", "_first_frame.jpg", "_last_frame.png"],
    ),
    "tracks": (
        {
            "code": 200,
            "data": [
                {"audio_url": "a.mp3", "stream_audio_url": "no", "image_url": "c.jpg", "title": "sea"},
                {"audio_url": "b.mp3", "image_url": "p.png", "title": "sky", "duration": 17.96},
            ],
        },
        [".mp3", "_2.mp3", "_cover.jpg", "_cover_2.png"],
    ),
    "lyrics": ({"resultObject": {"lyricsData": [{"text": "la"}]}}, [".txt", "_data.json"]),
    "a transcript": ({"resultObject": {"text": "hi", "words": [1]}}, [".txt", "_data.json"]),
    "a status": ({"resultObject": {"subject_status": 1}}, ["_data.json"]),
    "masks": (
        {"resultObject": {"mask_urls": ["p.png", "c.jpg"], "n": 2}},
        ["_mask.png", "_mask_2.jpg", "_data.json"],
    ),
    "an unknown shape": ({"scenes": [{"clip": "a.mp3"}]}, [".mp3"]),
    "a text alone": ({"resultObject": "la la"}, [".txt"]),
}


def addressed(shape: Any, urls: dict[str, str]) -> Any:
    """The same shape with the files' true addresses."""
    text = json.dumps(shape)
    for name, url in urls.items():
        text = text.replace(f'"{name}"', json.dumps(url))
    return json.loads(text)


def suffixes(stem: str, names: list[str]) -> list[str]:
    return [name.removeprefix(stem) for name in names]


@pytest.mark.parametrize("shape", SHAPES)
async def test_all_of_it_is_saved(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, urls: dict[str, str], shape: str
) -> None:
    given, expected = SHAPES[shape]
    result = addressed(given, urls)
    kie.fault("job", record={"resultJson": result})
    job = await finished(kie, credentials, BOAT)
    saved = await save_now(job, credentials, directory=tmp_path)
    stem = file_stem(job)
    assert suffixes(stem, [file.name for file in saved.files]) == expected
    assert files_in(tmp_path) == sorted([f"{stem}.json", *(file.name for file in saved.files)])
    sidecar = json.loads((tmp_path / f"{stem}.json").read_text())
    assert json.loads(sidecar["record"]["resultJson"]) == result  # the whole of it, with the addresses


@pytest.mark.server
@pytest.mark.parametrize(
    ("shape", "in_response"),
    [("masks", False), ("tracks", True)],
    ids=["masks", "tracks in `response`"],
)
async def test_all_of_it_is_saved_by_the_flows(
    kie: SimulatorServer,
    credentials: KieCredentials,
    tmp_path: Path,
    urls: dict[str, str],
    shape: str,
    in_response: bool,
) -> None:
    given, expected = SHAPES[shape]
    result = addressed(given, urls)
    kie.fault(
        "job",
        record={"resultJson": "", "response": result} if in_response else {"resultJson": result},
    )

    made = await generate_video(BOAT, credentials, output=Output(directory=tmp_path / "a"), waiting=QUICKLY)

    video = made.videos[0].video
    assert video is not None
    assert (kie.stats()["created"], kie.stats()["charged"]) == (1, 15.0)
    stem = f"a-boat_acme-any-video_{video.task_id}"
    assert suffixes(stem, [file.name for file in video.files]) == expected
    assert files_in(tmp_path / "a") == sorted([f"{stem}.json", *(file.name for file in video.files)])
    assert video.path == str(tmp_path / "a" / f"{stem}{expected[0]}")
    for file in video.files:
        content = (tmp_path / "a" / file.name).read_bytes()
        assert len(content) == file.size
        if file.url:
            assert content in BODIES.values()
    sidecar = json.loads((tmp_path / "a" / f"{stem}.json").read_text())
    told = sidecar["record"]["response" if in_response else "resultJson"]
    assert (told if in_response else json.loads(told)) == result  # the whole of it, with the addresses
    assert KEY not in json.dumps(sidecar)

    collected = await collect_job(
        video.task_id, credentials, output=Output(directory=tmp_path / "b"), waiting=QUICKLY
    )
    assert collected.video is not None
    assert [file.sha256 for file in collected.video.files] == [file.sha256 for file in video.files]
    asked = kie.stats()["file_requests"]
    again = await collect_job(
        video.task_id, credentials, output=Output(directory=tmp_path / "b"), waiting=QUICKLY
    )
    assert again == collected
    assert kie.stats()["file_requests"] == asked
    assert (kie.stats()["created"], kie.stats()["charged"]) == (1, 15.0)


async def test_a_text_is_its_own_file_and_data_readable_json(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.fault("job", record={"resultJson": {"resultObject": {"text": "Grüße 👋\n", "words": [{"at": 1}]}}})
    saved = await save_now(await finished(kie, credentials, BOAT), credentials, directory=tmp_path)
    assert Path(saved.path).read_text() == "Grüße 👋"
    assert json.loads(Path(saved.files[1].path).read_text()) == {"text": "Grüße 👋\n", "words": [{"at": 1}]}
    assert [file.role for file in saved.files] == ["text", "data"]
    assert [file.url for file in saved.files] == [None, None]


async def test_a_track_keeps_its_title_and_length(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, urls: dict[str, str]
) -> None:
    kie.fault("job", record={"resultJson": addressed(SHAPES["tracks"][0], urls)})
    saved = await save_now(await finished(kie, credentials, BOAT), credentials, directory=tmp_path)
    told = [(file.title, file.seconds, file.role) for file in saved.files]
    assert told == [
        ("sea", None, "result"),
        ("sky", 17.96, "result"),
        ("sea", None, "cover"),
        ("sky", 17.96, "cover"),
    ]


async def test_a_characters_record_is_kept(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    origin = await finished(kie, credentials)
    request = Sora2CharactersPro(origin_task_id=origin.task_id, timestamps="1,3", character_prompt="a cat")
    job = await finished(kie, credentials, request)
    assert isinstance(job.result, CharacterResult)
    saved = await save_now(job, credentials, directory=tmp_path)
    assert json.loads(Path(saved.path).read_text()) == job.result.model_dump()
    sidecar = json.loads((tmp_path / f"{file_stem(job)}.json").read_text())
    assert "insert this username" in sidecar["record"]["resultJson"]
    assert kie.stats()["file_requests"] == 0


# What came beside the result and is gone


def ended_before(job: Job, minutes: float) -> Job:
    assert job.completed_at
    return job.model_copy(update={"completed_at": job.completed_at - timedelta(minutes=minutes)})


@pytest.mark.server
@pytest.mark.parametrize("minutes", [0, 60], ids=["just ended", "ended an hour ago"])
async def test_a_cover_that_is_gone_does_not_cost_the_track(
    kie: SimulatorServer,
    credentials: KieCredentials,
    tmp_path: Path,
    urls: dict[str, str],
    caplog: pytest.LogCaptureFixture,
    minutes: float,
) -> None:
    """It is tried again while it may still appear; then the track is saved without it."""
    gone = f"{kie.url}/files/uploads/gone.jpg"
    kie.fault("job", record={"resultJson": addressed(SHAPES["tracks"][0], {**urls, "c.jpg": gone})})
    job = ended_before(await finished(kie, credentials, BOAT), minutes)
    saved = await save_result(job, credentials, directory=tmp_path / "a")
    assert [file.role for file in saved.files] == ["result", "result", "cover"]
    assert "The cover of job" in caplog.text
    assert kie.stats()["file_requests"] == (4 if minutes else 5 * 3 + 4)
    assert gone in (tmp_path / "a" / f"{file_stem(job)}.json").read_text()


@pytest.mark.server
async def test_a_break_on_the_way_costs_no_cover(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, urls: dict[str, str]
) -> None:
    kie.fault("job", record={"resultJson": addressed(SHAPES["tracks"][0], urls)})
    job = ended_before(await finished(kie, credentials, BOAT), 60)
    kie.fault("file", skip=2, times=2, reset=True)
    saved = await save_result(job, credentials, directory=tmp_path)
    assert len(saved.files) == 4


async def test_a_track_that_is_gone_is_told(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, urls: dict[str, str]
) -> None:
    kie.fault("job", record={"resultJson": addressed(SHAPES["tracks"][0], urls)})
    job = ended_before(await finished(kie, credentials, BOAT), 60 * 24)
    kie.fault("file", skip=1, times=None, status=404)
    with pytest.raises(DownloadFailed, match="no fresh one"):
        await save_now(job, credentials, directory=tmp_path)
    assert f"{file_stem(job)}.json" not in files_in(tmp_path)


async def test_a_result_that_is_gone_does_not_cost_those_after_it(
    kie: SimulatorServer,
    credentials: KieCredentials,
    tmp_path: Path,
    urls: dict[str, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its error is told in the end, when the others are here."""
    gone = f"{kie.url}/files/uploads/gone.png"
    result = {"resultUrls": [urls["p.png"], gone, urls["c.jpg"]], "resultObject": {"text": "la"}}
    kie.fault("job", record={"resultJson": result})
    job = ended_before(await finished(kie, credentials, BOAT), 60)
    with pytest.raises(DownloadFailed, match="no fresh one"):
        await save_now(job, credentials, directory=tmp_path)
    stem = file_stem(job)
    assert suffixes(stem, files_in(tmp_path)) == [".png", "_3.jpg"]
    assert "The result 2 of job" in caplog.text


async def test_a_picture_in_place_of_a_video_is_kept_with_a_warning(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    job = await finished(kie, credentials)
    kie.fault("file", status=200, body="GIF89a, and what follows", content_type="image/gif")
    saved = await save_now(job, credentials, directory=tmp_path)
    assert Path(saved.path).read_text() == "GIF89a, and what follows"
    assert "ends in .mp4 and it is a .gif file" in caplog.text


# Success before its result


@pytest.mark.server
@pytest.mark.parametrize("in_record", [True, False], ids=["a shape of its own", "usual"])
async def test_a_success_whose_result_comes_late_is_asked_again(
    kie: SimulatorServer,
    credentials: KieCredentials,
    tmp_path: Path,
    urls: dict[str, str],
    in_record: bool,
) -> None:
    record = {"record": {"resultJson": {"resultObject": {"text": "hi"}}}} if in_record else {}
    kie.fault("job", no_url_seconds=0.3, **record)
    poll = QUICK.model_copy(update={"late_result_seconds": 20})
    made = await generate_video(
        BOAT, credentials, output=Output(directory=tmp_path / "a"), waiting=Waiting(poll=poll)
    )
    assert made.videos[0].status == "saved"
    assert kie.stats()["created"] == 1
    assert len(files_in(tmp_path / "a")) == (3 if in_record else 2)


@pytest.mark.server
async def test_a_success_without_any_result_is_asked_for_a_while_and_then_told(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    kie.fault("job", no_url=True)
    kie.change(duration_seconds=0)
    async with credentials.get_client() as client:
        handle = await client.create_job(BOAT)
    job = await wait_for_job(JobHandle(task_id=handle.task_id, model=MODEL), credentials, poll=QUICK)
    looks = kie.stats()["polls"]
    assert not job.has_result
    assert 3 <= looks <= 8
    with pytest.raises(DownloadFailed, match="names no file and no data") as caught:
        await save_result(job, credentials, directory=tmp_path)
    assert (caught.value.billed, caught.value.task_id) == ("yes", job.task_id)
    assert caught.value.next_step.startswith("Run collect_job with this task id later")
    assert kie.stats()["polls"] == looks + 6  # each try looks again: while it is young it may still come
    assert files_in(tmp_path) == []
    with pytest.raises(DownloadFailed) as caught:
        await save_result(ended_before(job, 60), credentials, directory=tmp_path)


@pytest.mark.server
async def test_an_old_success_without_any_result_is_not_waited_for(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    kie.fault("job", no_url=True)
    kie.change(duration_seconds=0)
    async with credentials.get_client() as client:
        handle = await client.create_job(BOAT)
    kie.fault("poll", times=None, merge={"data": {"completeTime": 1_700_000_000_000}})
    poll = QUICK.model_copy(update={"late_result_seconds": 60})
    await wait_for_job(JobHandle(task_id=handle.task_id, model=MODEL), credentials, poll=poll)
    assert kie.stats()["polls"] == 1


async def test_save_finds_a_result_that_came_since(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path
) -> None:
    job = await finished(kie, credentials, BOAT)
    saved = await save_now(job.model_copy(update={"result": None}), credentials, directory=tmp_path)
    assert saved.files[0].url == job.urls[0]


@pytest.mark.server
@pytest.mark.parametrize(
    "faults",
    [
        [{"status": 404}, {"status": 403}, {"status": 200, "body": "<html>"}, {"body": ""}],
        [{"body": '{"error": "not yet"}', "times": 4}],
    ],
    ids=["404, 403, a page, empty", "JSON"],
)
async def test_an_address_that_gives_nothing_yet_is_asked_again(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, faults: list[dict[str, Any]]
) -> None:
    """Right after the end of its job, though Kie gives no fresh link either."""
    for fault in faults:
        kie.fault("file", **fault)
    kie.fault("download-url", times=None, code=422, msg="url is wrong")
    saved = await save_result(await finished(kie, credentials), credentials, directory=tmp_path)
    assert saved.seconds == pytest.approx(10, abs=0.1)
    assert kie.stats()["file_requests"] == 5
    assert kie.stats()["created"] == 1


# What is shown


async def markdown(
    kie: SimulatorServer, credentials: KieCredentials, directory: Path, record: dict[str, Any]
) -> str:
    kie.fault("job", record=record)
    job = await finished(kie, credentials, BOAT)
    return rendered(result_section(job, await save_now(job, credentials, directory=directory), None))


async def test_sound_has_a_player_pictures_are_shown_and_texts_quoted(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, urls: dict[str, str]
) -> None:
    shapes = {name: {"resultJson": addressed(shape, urls)} for name, (shape, _) in SHAPES.items()}
    sound = await markdown(kie, credentials, tmp_path, shapes["tracks"])
    assert f'<audio controls preload="none" src="{urls["a.mp3"]}">' in sound
    assert sound.count("Also saved") == 3
    assert "cover, at Kie" in sound
    picture = await markdown(kie, credentials, tmp_path, shapes["several files"])
    assert f'<img src="{urls["p.png"]}"' in picture
    words = await markdown(kie, credentials, tmp_path, shapes["lyrics"])
    assert "<blockquote>\n<p><code>la</code>" in words
    assert "Deleted by Kie" not in words
    status = await markdown(kie, credentials, tmp_path, shapes["a status"])
    assert "subject_status" in status


@pytest.mark.parametrize("as_data", [False, True], ids=["text", "data"])
async def test_nothing_in_a_text_acts(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, as_data: bool
) -> None:
    text = "\n\n".join(EVIL)  # one by one: tests/unit/tasks/test_markup.py
    result = {"resultObject": {"x": text} if as_data else {"text": text}}
    shown = await markdown(kie, credentials, tmp_path, {"resultJson": result})
    assert "href" not in shown
    for tag in ("<script", "<img", "<h1", "<ol", "<hr", "<em>"):
        assert tag not in shown


def test_a_file_without_a_role_is_what_was_asked_for() -> None:
    assert ResultFile(url="https://a.example/v.mp4").role == "result"
