"""A job's life as a function of the clock, without a server."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from prefect_kie.simulator.faults import Failure, Fault
from prefect_kie.simulator.jobs import Job, record

START = 1_780_000_000.0


def job(**changes: Any) -> Job:
    fields: dict[str, Any] = {
        "task_id": "a" * 32,
        "model": "sora-2-text-to-video",
        "body": {"model": "sora-2-text-to-video", "input": {"prompt": "köter"}, "callBackUrl": "http://cb/"},
        "created_at": START,
        "visible_at": START,
        "duration": 100.0,
        "price": 30.0,
        "result": {"resultUrls": ["http://kie/v.mp4"]},
        "reports_progress": True,
    }
    return Job(**{**fields, **changes})


def quirk(**fields: Any) -> Fault:
    return Fault.model_validate({"on": "job", **fields})


@pytest.mark.parametrize(
    ("after", "state", "progress"),
    [
        (0, "waiting", 0),
        (4.9, "waiting", 0),
        (5, "queuing", 0),
        (15, "generating", 0),
        (57.5, "generating", 50),
        (99.9, "generating", 99),
        (100, "success", 100),
    ],
)
def test_states_and_progress_follow_the_clock(after: float, state: str, progress: int) -> None:
    data = record(job(), START + after)
    assert (data["state"], data["progress"]) == (state, progress)


def test_asking_changes_nothing() -> None:
    one = job()
    assert record(one, START + 50) == record(one, START + 50)
    assert record(one, START + 5)["state"] == "queuing"


def test_unfinished_job_has_no_result_and_no_end() -> None:
    data = record(job(), START + 50)
    assert data["resultJson"] == ""
    assert data["completeTime"] is data["costTime"] is data["failCode"] is None
    assert "creditsConsumed" not in data


def test_success_tells_times_in_milliseconds_and_cost_in_whole_seconds() -> None:
    data = record(job(duration=8.7), START + 50)
    assert data["createTime"] == START * 1000
    assert data["completeTime"] == data["updateTime"] == START * 1000 + 8700
    assert data["costTime"] == 8
    assert data["creditsConsumed"] == 30
    assert json.loads(data["resultJson"]) == {"resultUrls": ["http://kie/v.mp4"]}


def test_param_echoes_the_request_with_its_input_encoded_twice() -> None:
    echo = json.loads(record(job(), START)["param"])
    assert echo["callBackUrl"] == "http://cb/"
    assert json.loads(echo["input"]) == {"prompt": "köter"}


def test_failure_keeps_its_progress_and_costs_nothing() -> None:
    data = record(job(failure=Failure(failMsg="heavy load")), START + 500)
    assert (data["state"], data["failCode"], data["failMsg"]) == ("fail", "500", "heavy load")
    assert data["resultJson"] is None
    assert "creditsConsumed" not in data


def test_progress_is_told_for_sora_models_only_and_can_be_switched_off() -> None:
    assert "progress" not in record(job(reports_progress=False), START)
    assert "progress" not in record(job(), START, report_progress=False)


def test_skew_moves_every_time() -> None:
    data = record(job(), START + 100, skew=3600)
    assert data["createTime"] == (START + 3600) * 1000
    assert data["completeTime"] == (START + 3700) * 1000


def test_a_job_without_duration_has_ended_at_once() -> None:
    assert record(job(duration=0.0), START)["state"] == "success"


def test_a_stuck_job_never_ends() -> None:
    stuck = job(quirks=quirk(stuck=True))
    assert stuck.finishes_at == math.inf
    assert record(stuck, START + 1e9)["state"] == "generating"


def test_a_stuck_job_of_no_duration_waits_at_the_end() -> None:
    assert job(duration=0.0, quirks=quirk(stuck=True)).state(START) == "generating"
