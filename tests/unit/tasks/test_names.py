"""Names of saved files: readable, valid on every system, one per job."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from prefect_kie.api import Job, JobState
from prefect_kie.media.saved import file_stem
from prefect_kie.models import Sora2ProStoryboard

RESERVED = {"con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)}
"""What Windows takes for devices, with any suffix."""

LETTERS = st.text(max_size=200)
TASK_IDS = st.one_of(
    st.text(alphabet="ab-_.", min_size=1, max_size=60),
    st.uuids().map(lambda each: each.hex),
    st.text(min_size=1, max_size=100),
)


def job(prompt: str = "a cat", model: str = "sora-2-text-to-video", task_id: str = "1f3a") -> Job:
    body = {"model": model, "input": {"prompt": prompt}}
    return Job(task_id=task_id, model=model, state=JobState.SUCCESS, request_body=body)


@pytest.mark.parametrize(
    ("prompt", "stem"),
    [
        ("A claymation conductor!", "a-claymation-conductor"),
        ("  Ein Café,\nin Zürich…  ", "ein-cafe-in-zurich"),
        ("@mzsdaag.ab says: 50% off", "mzsdaag-ab-says-50-off"),
        ("../../etc/passwd", "etc-passwd"),
        ("CON", "con"),
        ("sunset—golden hour’s light", "sunset-golden-hour-s-light"),
        ("猫が走る", "video"),
        ("🐈", "video"),
        ("", "video"),
        ("word " * 40, "-".join(["word"] * 12)),
        ("a" * 80, "a" * 60),
        ("ab " + "c" * 80, "ab-" + "c" * 57),
        ("a" * 60 + " b", "a" * 60),
        ("ﬁne ½", "fine-1-2"),
    ],
    ids=lambda value: value[:24] or "nothing",
)
def test_a_prompt_is_readable_in_the_name(prompt: str, stem: str) -> None:
    assert file_stem(job(prompt)) == f"{stem}_sora-2-text-to-video_1f3a"


@pytest.mark.parametrize(
    ("model", "plain"),
    [
        ("kling-2.6/text-to-video", "kling-2-6-text-to-video"),
        ("bytedance/seedance-1.5-pro", "bytedance-seedance-1-5-pro"),
        ("x" * 60, "x" * 40),
        ("//", "unknown"),
    ],
)
def test_a_model_is_readable_in_the_name(model: str, plain: str) -> None:
    assert file_stem(job(model=model)) == f"a-cat_{plain}_1f3a"


@pytest.mark.parametrize(
    "task_id", ["e989621f54392584b05867f87b160672", "task_12345678", "0b2c-4d5e", "task_a-b_c"]
)
def test_an_id_of_plain_characters_stays_as_it_is(task_id: str) -> None:
    assert file_stem(job(task_id=task_id)) == f"a-cat_sora-2-text-to-video_{task_id}"


@pytest.mark.parametrize("task_id", ["task/1", "1\x00", "../..", "x" * 41, "ä", "1\n", "\ud800", ""])
def test_an_id_of_other_characters_gets_a_checksum(task_id: str) -> None:
    last = file_stem(job(task_id=task_id)).rpartition("_")[2]
    assert re.fullmatch(r"[A-Za-z0-9-]+-[0-9a-f]{8}", last)


def test_a_storyboard_is_named_by_its_scenes() -> None:
    request = Sora2ProStoryboard.model_validate({"shots": [{"Scene": "Dawn over Rome", "duration": 5}]})
    named = job().model_copy(update={"request_body": request.body(), "model": request.model_name})
    assert file_stem(named).startswith("dawn-over-rome_sora-2-pro-storyboard_")


@settings(max_examples=50, deadline=None)
@given(LETTERS, LETTERS, TASK_IDS)
def test_every_name_is_valid_on_every_system(prompt: str, model: str, task_id: str) -> None:
    stem = file_stem(job(prompt, model, task_id))
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,150}", stem)
    assert not stem.startswith("-")
    assert stem.lower() not in RESERVED
    assert (Path("/videos") / stem).resolve().parent == Path("/videos")
    assert file_stem(job(prompt, model, task_id)) == stem


@settings(max_examples=50, deadline=None)
@given(LETTERS, TASK_IDS, TASK_IDS)
def test_two_jobs_never_share_a_name(prompt: str, first: str, second: str) -> None:
    assume(first != second)
    assert file_stem(job(prompt, task_id=first)) != file_stem(job(prompt, task_id=second))


def test_an_underscore_and_a_dash_are_two_jobs() -> None:
    assert file_stem(job(task_id="task_1")) != file_stem(job(task_id="task-1"))
