"""Reading a job: the `data` of recordInfo in every form it is known to take."""

from __future__ import annotations

import json
import pickle
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from prefect_kie.api import CharacterResult, Job, JobHandle, JobResult, JobState, ResultFile
from prefect_kie.api.jobs import parse_job, parse_result
from prefect_kie.models import parse_request

from .bodies import EXAMPLES, FULL

CREATED = datetime(2025, 8, 19, 10, 33, 54, tzinfo=timezone.utc)  # 1755599634000 ms
DOCUMENTED: dict[str, Any] = {
    "completeTime": 1755599644000,
    "costTime": 8,
    "createTime": 1755599634000,
    "model": "sora-2-text-to-video",
    "param": json.dumps({"callBackUrl": "https://your-domain.com/api/callback", **EXAMPLES["text"]}),
    "resultJson": '{"resultUrls":["https://example.com/generated-image.jpg"],'
    '"resultWaterMarkUrls":["https://example.com/generated-watermark-image.jpg"]}',
    "state": "success",
    "taskId": "e989621f54392584b05867f87b160672",
    "failCode": None,
    "failMsg": None,
}
"""The provider's own example of a finished job."""


def job(**data: Any) -> Job:
    """The job that the documented example becomes with these changes."""
    read = parse_job({**DOCUMENTED, **data})
    assert read is not None
    return read


def test_the_documented_success_is_read_whole() -> None:
    read = job()
    assert read == Job(
        task_id="e989621f54392584b05867f87b160672",
        model="sora-2-text-to-video",
        state=JobState.SUCCESS,
        raw_state="success",
        result=JobResult(
            files=(
                ResultFile(url="https://example.com/generated-image.jpg"),
                ResultFile(url="https://example.com/generated-watermark-image.jpg", role="watermarked"),
            )
        ),
        created_at=CREATED,
        completed_at=CREATED + timedelta(seconds=10),
        request_body=EXAMPLES["text"],
        record={**DOCUMENTED, "param": EXAMPLES["text"]},
    )
    assert read.urls == ("https://example.com/generated-image.jpg",)
    assert read.handle == JobHandle(task_id=read.task_id, model=read.model)


def test_the_documented_failure_is_read_whole() -> None:
    read = parse_job(
        {
            "completeTime": 1755597081000,
            "costTime": 0,
            "createTime": 1755596341000,
            "failCode": "500",
            "failMsg": "Internal server error",
            "model": "sora-2-characters-pro",
            "param": '{"callBackUrl":"https://your-domain.com/api/callback",'
            '"model":"sora-2-characters-pro","input":{"timestamps":"3.55,5.55"}}',
            "state": "fail",
            "taskId": "bd3a37c523149e4adf45a3ddb5faf1a8",
            "resultJson": None,
        }
    )
    assert read is not None
    assert (read.state, read.fail_code, read.fail_message) == (JobState.FAIL, "500", "Internal server error")
    assert (read.result, read.urls, read.seconds) == (None, (), 740.0)
    assert read.request_body == {"model": "sora-2-characters-pro", "input": {"timestamps": "3.55,5.55"}}


# Which job


@pytest.mark.parametrize("name", ["taskId", "task_id", "recordId"])
def test_a_job_is_named_by_any_of_its_three_fields(name: str) -> None:
    read = parse_job({name: "t1"})
    assert read is not None
    assert (read.task_id, read.model, read.state) == ("t1", "unknown", JobState.UNKNOWN)


@pytest.mark.parametrize(
    "data", [{}, {"taskId": ""}, {"taskId": None}, {"taskId": True}, {"state": "success"}]
)
def test_data_that_names_no_task_is_no_job(data: dict[str, Any]) -> None:
    assert parse_job(data) is None


def test_a_number_is_an_id_too() -> None:
    read = parse_job({"taskId": 3})
    assert read is not None
    assert read.task_id == "3"


def test_the_model_is_taken_from_the_echo_where_the_record_lacks_it() -> None:
    assert job(model=None).model == "sora-2-text-to-video"
    assert job(model="", param=None).model == "unknown"


# State and progress


@pytest.mark.parametrize(
    ("raw", "state", "finished"),
    [
        ("waiting", JobState.WAITING, False),
        ("queuing", JobState.QUEUING, False),
        ("generating", JobState.GENERATING, False),
        ("success", JobState.SUCCESS, True),
        ("fail", JobState.FAIL, True),
        ("SUCCESS", JobState.SUCCESS, True),
        ("polishing", JobState.UNKNOWN, False),
        ("unknown", JobState.UNKNOWN, False),
    ],
)
def test_a_state_is_read_and_an_unknown_one_means_not_finished(
    raw: str, state: JobState, finished: bool
) -> None:
    read = job(state=raw)
    assert (read.state, read.state.finished, read.raw_state) == (state, finished, raw)


@pytest.mark.parametrize("raw", ["", None, 3, ["success"]], ids=repr)
def test_a_missing_state_means_not_finished(raw: object) -> None:
    read = job(state=raw)
    assert (read.state, read.raw_state, read.result) == (JobState.UNKNOWN, "", None)


@pytest.mark.parametrize(
    ("given", "progress"),
    [
        (0, 0.0),
        (43, 43.0),
        ("43.5", 43.5),
        (100, 100.0),
        (140, 100.0),
        (-3, 0.0),
        (None, None),
        ("", None),
        ("half", None),
        (True, None),
    ],
    ids=repr,
)
def test_progress_is_a_number_from_0_to_100(given: object, progress: float | None) -> None:
    assert job(state="generating", progress=given).progress == progress


def test_a_failed_job_with_full_progress_has_failed() -> None:
    read = job(state="fail", progress=100, failCode="500", failMsg="Internal Error")
    assert (read.state, read.progress, read.result) == (JobState.FAIL, 100.0, None)


@pytest.mark.parametrize("state", ["waiting", "generating", "fail", "polishing"])
def test_only_a_success_has_a_result_and_only_an_end_has_a_time(state: str) -> None:
    read = job(state=state)
    assert read.result is None
    assert (read.completed_at is not None) == (state == "fail")


# Failure, money


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (None, None),
        ("", None),
        (" ", None),
        (500, "500"),
        ("422", "422"),
        ("GENERATION_FAILED", "GENERATION_FAILED"),
        ("SENSITIVE_WORD_ERROR", "SENSITIVE_WORD_ERROR"),
        (True, None),
        ({"code": 500}, None),
        ([500], None),
        ("x" * 200, "x" * 100),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_fail_code_of_any_form_is_read_as_text(given: object, code: str | None) -> None:
    assert job(state="fail", failCode=given).fail_code == code


@pytest.mark.parametrize(
    ("given", "credits"), [(30, 30.0), (30.5, 30.5), ("30", 30.0), (0, 0.0), (None, None), ("free", None)]
)
def test_what_was_charged_is_read_where_it_is_told(given: object, credits: float | None) -> None:
    assert job(creditsConsumed=given).credits == credits


# Times


@pytest.mark.parametrize(
    ("given", "time"),
    [
        (1755599634000, CREATED),
        ("1755599634000", CREATED),
        (1755599634000.0, CREATED),
        (1755599634123, CREATED + timedelta(milliseconds=123)),
        (None, None),
        ("", None),
        (0, None),
        (-1, None),
        ("2025-08-19", datetime(2025, 8, 19, tzinfo=timezone.utc)),
        ("19 August", None),
        (10**15, None),
        (10**30, None),
        (True, None),
        (1755599634, None),
        (253402300799000, None),
        ("9999-12-31T23:59:59", None),
        ("0001-01-01T00:00:00+14:00", None),
    ],
    ids=repr,
)
def test_times_are_epoch_milliseconds_or_dates(given: object, time: datetime | None) -> None:
    read = job(createTime=given, completeTime=given)
    assert (read.created_at, read.completed_at) == (time, time)


@pytest.mark.parametrize("cost", [8, 8000, None, "soon"])
def test_the_duration_comes_from_the_times_and_never_from_cost_time(cost: object) -> None:
    assert job(costTime=cost).seconds == 10.0


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        ({"completeTime": None}, None),
        ({"createTime": None}, None),
        ({"completeTime": 1755599633000}, 0.0),
        ({"state": "generating"}, None),
    ],
    ids=repr,
)
def test_a_duration_is_never_negative_and_unknown_without_both_times(
    changes: dict[str, Any], seconds: float | None
) -> None:
    assert job(**changes).seconds == seconds


@pytest.mark.parametrize(
    ("after", "age"), [(timedelta(seconds=42), 42.0), (timedelta(seconds=-3), 0.0), (None, None)], ids=repr
)
def test_the_age_at_a_look_is_told_by_kies_clock_alone(after: timedelta | None, age: float | None) -> None:
    seen_at = None if after is None else CREATED + after
    read = parse_job({**DOCUMENTED, "state": "generating"}, seen_at=seen_at)
    assert read is not None
    assert (read.seen_at, read.age) == (seen_at, age)
    assert job(createTime=None).age is None


# The echo of the request


@pytest.mark.parametrize("body", [*EXAMPLES.values(), *FULL.values()], ids=lambda body: body["model"])
@pytest.mark.parametrize(
    "form", ["documented", "recorded", "object"], ids=["nested object", "double-encoded", "plain object"]
)
def test_the_request_is_read_back_from_its_echo(body: dict[str, Any], form: str) -> None:
    # In all recordings `input` is a JSON string within the JSON string, in the documentation an object.
    inner = json.dumps(body["input"]) if form == "recorded" else body["input"]
    echo = {"callBackUrl": "https://a.example/?key=secret", "model": body["model"], "input": inner}
    read = job(model=body["model"], param=echo if form == "object" else json.dumps(echo))
    assert read.request_body == body
    assert parse_request(read.request_body) == parse_request(body)
    assert read.prompt == parse_request(body).title
    assert "callBackUrl" not in read.request_body


@pytest.mark.parametrize(
    ("param", "body"),
    [
        (None, {}),
        ("", {}),
        ("no json", {}),
        ("[]", {}),
        ('"text"', {}),
        (3, {}),
        ("{}", {"input": {}}),
        ('{"model": "kling-2.6"}', {"model": "kling-2.6", "input": {}}),
        ('{"model": 3, "input": "no json"}', {"input": {}}),
        ('{"model": "kling-2.6", "input": "[1]"}', {"model": "kling-2.6", "input": {}}),
        ('{"input": {"prompt": "a dog"}}', {"input": {"prompt": "a dog"}}),
    ],
    ids=repr,
)
def test_an_echo_that_cannot_be_read_is_empty(param: object, body: dict[str, Any]) -> None:
    read = job(param=param)
    assert read.request_body == body
    assert read.prompt == body.get("input", {}).get("prompt", "")


def test_the_prompt_is_told_even_where_the_request_cannot_be_read_back() -> None:
    echo = {"model": "sora-2-text-to-video", "input": {"prompt": "a\n dog", "new_field": 1}}
    read = job(param=json.dumps(echo))
    assert read.prompt == "a dog"
    assert job(param=json.dumps({"model": "sora-2-text-to-video", "input": {"prompt": 3}})).prompt == ""


# Results


CLIP = ResultFile(url="https://a.example/v.mp4")
MARKED = ResultFile(url="http://a.example/w.mp4", role="watermarked")
VIDEO = JobResult(files=(CLIP,))
CHARACTER = {"character_id": "example_123456789", "character_user_name": "mzsdaag.ab", "remark": "insert"}
NAMED = CharacterResult(character_id="example_123456789", character_user_name="mzsdaag.ab")


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ('{"resultUrls":["https://a.example/v.mp4"]}', VIDEO),
        ({"resultUrls": ["https://a.example/v.mp4"]}, VIDEO),
        ('{"resultUrls":"https://a.example/v.mp4"}', VIDEO),
        ({"resultUrls": '["https://a.example/v.mp4"]'}, VIDEO),
        (json.dumps({"resultUrls": json.dumps(["https://a.example/v.mp4"])}), VIDEO),
        ('{"resultUrls":[" https://a.example/v.mp4 "], "extra": {"a": 1}}', VIDEO),
        (
            '{"resultUrls":["https://a.example/v.mp4", null, "", "v.mp4", 3, "ftp://a/b", "http://[::1"]}',
            VIDEO,
        ),
        (
            '{"resultUrls":["https://a.example/v.mp4"],"resultWaterMarkUrls":["http://a.example/w.mp4"]}',
            JobResult(files=(CLIP, MARKED)),
        ),
        (
            {"resultWaterMarkUrls": '["http://a.example/w.mp4"]'},
            JobResult(files=(MARKED,)),
        ),
        (json.dumps({"resultObject": CHARACTER}), NAMED),
        ({"resultObject": CHARACTER}, NAMED),
        ({"resultObject": json.dumps(CHARACTER)}, NAMED),
        (json.dumps(CHARACTER), NAMED),
        ({**CHARACTER, "character_user_name": "@mzsdaag.ab"}, NAMED),
        ({"characterId": "example_123456789", "characterUserName": "mzsdaag.ab"}, NAMED),
        ('{"character_id": "ch_1"}', CharacterResult(character_id="ch_1")),
        (
            {"resultObject": {"character_id": "ch_1", "character_user_name": ""}},
            CharacterResult(character_id="ch_1"),
        ),
        ({"resultObject": {}, "character_id": "ch_1"}, CharacterResult(character_id="ch_1")),
        ({"resultObject": None, "resultUrls": ["https://a.example/v.mp4"]}, VIDEO),
    ],
    ids=lambda value: ascii(value)[:60] if not isinstance(value, JobResult | CharacterResult) else "",
)
def test_a_result_is_read_in_every_form_it_is_known_to_take(
    value: object, result: JobResult | CharacterResult
) -> None:
    assert parse_result(value) == result
    assert job(resultJson=value).result == result


@pytest.mark.parametrize(
    "value",
    [
        "",
        None,
        "null",
        "{}",
        {},
        "[]",
        3,
        True,
        {"resultUrls": None},
        {"resultUrls": []},
        {"resultUrls": ""},
        {"resultUrls": "[no json"},
        {"resultObject": "[]"},
    ],
    ids=repr,
)
def test_a_success_without_any_url_is_a_value_not_a_crash(value: object) -> None:
    read = job(resultJson=value)
    assert (read.state, read.result, read.urls) == (JobState.SUCCESS, JobResult(), ())


def test_a_result_of_endless_urls_is_cut() -> None:
    result = parse_result({"resultUrls": [f"https://a.example/{number}" for number in range(1000)]})
    assert isinstance(result, JobResult)
    assert len(result.urls) == 100


def test_a_character_has_no_urls() -> None:
    assert job(resultJson=CHARACTER).urls == ()


# What is kept


def test_a_job_and_its_handle_survive_storage() -> None:
    read = job(resultJson={"resultObject": CHARACTER})
    assert Job.model_validate_json(read.model_dump_json()) == read
    assert pickle.loads(pickle.dumps(read)) == read
    handle = JobHandle(task_id="t1", model="m", submission="key", submitted_at=CREATED)
    assert JobHandle.model_validate_json(handle.model_dump_json()) == handle
