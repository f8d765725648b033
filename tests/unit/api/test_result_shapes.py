"""Results of every shape are results: what Kie is known to answer, and what nobody has seen yet."""

from __future__ import annotations

import json
from typing import Any

import pytest

from prefect_kie.api import CharacterResult, JobResult, ResultFile
from prefect_kie.api.jobs import parse_job
from prefect_kie.api.results import parse_result

V, W, A, B, C = (f"https://files.example/{name}" for name in ("v.mp4", "w.mp4", "a.mp3", "b.mp3", "c.jpeg"))
SONG = "https://files.example/My Song (1).mp3"


def track(number: int, audio: str, **fields: Any) -> dict[str, Any]:
    """A track as Suno tells it."""
    return {
        "id": f"t{number}",
        "audio_url": audio,
        "stream_audio_url": f"https://stream.example/{number}",
        "source_audio_url": f"https://source.example/{number}",
        "image_url": C,
        "title": "waves",
        "duration": 14.2,
        "prompt": "https://not.example/a-file",
        **fields,
    }


def tracks(*given: dict[str, Any]) -> dict[str, Any]:
    return {"code": 200, "data": list(given), "msg": "success", "task_id": "1"}


ONE = ResultFile(url=A, title="waves", seconds=14.2, id="t1")
COVER = ResultFile(url=C, role="cover", title="waves", seconds=14.2, id="t1")

SHAPES: dict[str, tuple[Any, JobResult]] = {
    "one file": ({"resultUrls": [V]}, JobResult(files=(ResultFile(url=V),))),
    "several files": (
        {"resultUrls": [V, W]},
        JobResult(files=(ResultFile(url=V), ResultFile(url=W))),
    ),
    "a watermarked twin": (
        {"resultUrls": [V], "resultWaterMarkUrls": [W]},
        JobResult(files=(ResultFile(url=V), ResultFile(url=W, role="watermarked"))),
    ),
    "first and last frame": (
        {"resultUrls": [V], "firstFrameUrl": [A], "lastFrameUrl": [B]},
        JobResult(
            files=(
                ResultFile(url=V),
                ResultFile(url=A, role="first_frame"),
                ResultFile(url=B, role="last_frame"),
            )
        ),
    ),
    "tracks": (
        tracks(track(1, A), track(2, B)),
        JobResult(files=(ONE, COVER, ResultFile(url=B, title="waves", seconds=14.2, id="t2"))),
    ),
    "a track that only streams yet": (
        tracks(track(1, "", source_audio_url="")),
        JobResult(files=(ONE.model_copy(update={"url": "https://stream.example/1"}), COVER)),
    ),
    "tracks as the older calls spell them": (
        tracks({"audioUrl": A, "imageUrl": C, "streamAudioUrl": V, "title": "waves", "duration": "14.2"}),
        JobResult(files=(ONE.model_copy(update={"id": None}), COVER.model_copy(update={"id": None}))),
    ),
    "lyrics": (
        {"resultObject": {"lyricsData": [{"text": "la"}, {"text": "lo"}, {"status": "x"}]}},
        JobResult(
            text="la\n\n---\n\nlo", data={"lyricsData": [{"text": "la"}, {"text": "lo"}, {"status": "x"}]}
        ),
    ),
    "speech to text": (
        {"resultObject": {"language_code": "eng", "text": "hi", "words": []}},
        JobResult(text="hi", data={"language_code": "eng", "text": "hi", "words": []}),
    ),
    "speech to text, without resultObject": (
        {"language_code": "eng", "text": "hi"},
        JobResult(text="hi"),
    ),
    "a text alone": ({"resultObject": "la la"}, JobResult(text="la la")),
    "a status": ({"resultObject": {"subject_status": 1}}, JobResult(data={"subject_status": 1})),
    "a list": ({"resultObject": json.dumps([1, 2])}, JobResult(data=[1, 2])),
    "zero": ({"resultObject": 0}, JobResult(data=0)),
    "masks": (
        {"resultObject": {"mask_urls": [V, W]}},
        JobResult(
            files=(ResultFile(url=V, role="mask"), ResultFile(url=W, role="mask")),
            data={"mask_urls": [V, W]},
        ),
    ),
    "a list of addresses": ([V, W], JobResult(files=(ResultFile(url=V), ResultFile(url=W)))),
    "addresses by another name": ({"videos": [V]}, JobResult(files=(ResultFile(url=V),))),
    "addresses in objects": ({"resultUrls": [{"url": V}]}, JobResult(files=(ResultFile(url=V),))),
    "an address beside": (
        {"resultUrls": [V], "preview": W, "callBackUrl": A, "param": {"image_url": B}},
        JobResult(files=(ResultFile(url=V), ResultFile(url=W, role="other"))),
    ),
    "a file's name with blanks": (
        {"resultUrls": [f" {SONG}"], "title": "https://not.example/a file"},
        JobResult(files=(ResultFile(url=SONG),)),
    ),
    "a track's name with blanks": (
        tracks(track(1, SONG, stream_audio_url="")),
        JobResult(files=(ONE.model_copy(update={"url": SONG}), COVER)),
    ),
    "a text that begins with an address": (
        {"resultUrls": [V], "caption": f"{W} is the second one"},
        JobResult(files=(ResultFile(url=V),)),
    ),
    "the same address twice": ({"resultUrls": [V, V]}, JobResult(files=(ResultFile(url=V),))),
    "anything else": ({"code": 200, "shots": [1, 2]}, JobResult(data={"code": 200, "shots": [1, 2]})),
}

LATE: dict[str, Any] = {
    "nothing": None,
    "an empty text": "",
    "null": "null",
    "an empty list": {"resultUrls": []},
    "no list": {"resultUrls": None, "code": 200, "msg": "success"},
    "what came beside it": {"resultUrls": [], "meta": {"engine": "x"}},
    "an envelope": {"code": 200, "msg": "success", "data": None, "task_id": "1"},
    "an empty object": {"resultObject": {}},
    "a text cut short": '{"resultUrls": ["https://files',
    "a number": 3,
    "too deep": {"resultUrls": [[[[[[[[[[[[V]]]]]]]]]]]]},
}


def job_data(**fields: Any) -> dict[str, Any]:
    return {"taskId": "1", "model": "m/n", "state": "success", **fields}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_read_wherever_it_stands(shape: str) -> None:
    """As a JSON string, as an object, and in `response` where resultJson is empty."""
    given, result = SHAPES[shape]
    assert parse_result(given) == result
    for place in ({"resultJson": json.dumps(given)}, {"resultJson": "", "response": given}):
        job = parse_job(job_data(**place))
        assert job is not None
        assert (job.result, job.has_result) == (result, True)
        assert job.urls == result.urls


@pytest.mark.parametrize("shape", LATE)
def test_what_tells_of_nothing_is_no_result(shape: str) -> None:
    job = parse_job(job_data(resultJson=LATE[shape]))
    assert job is not None
    assert (job.result, job.has_result) == (JobResult(), False)


def test_a_plain_text_is_a_result() -> None:
    assert parse_result("la la la") == JobResult(text="la la la")
    assert parse_result(V) == JobResult(files=(ResultFile(url=V),))


def test_a_character_is_read_from_response_too() -> None:
    character = CharacterResult(character_id="ch_1", character_user_name="cat")
    assert (
        parse_result("", {"resultObject": {"character_id": "ch_1", "character_user_name": "@cat"}})
        == character
    )


def test_the_record_is_kept_without_the_addresses_that_kie_calls_back() -> None:
    echo = {"callBackUrl": "https://me.example/secret", "input": '{"prompt": "a"}', "model": "m/n"}
    job = parse_job(
        job_data(
            param=json.dumps(echo),
            paramJson=json.dumps(echo),
            response={
                "data": [],
                "param": json.dumps(echo),
                "progressCallbackUrl": "https://me.example/secret",
            },
            callBackUrl="https://me.example/secret",
            successFlag=1,
        )
    )
    assert job is not None
    assert "secret" not in json.dumps(job.record)
    assert job.record["successFlag"] == 1
    assert job.record["param"] == {"input": '{"prompt": "a"}', "model": "m/n"}
    assert "record" not in repr(job)


def test_a_record_of_any_depth_is_read() -> None:
    deep: Any = {}
    for _ in range(200):
        deep = {"a": [deep]}
    job = parse_job(job_data(response=deep))
    assert job is not None
    assert len(json.dumps(job.record)) < 1000
