"""The slice of a video that becomes a character, as an object and in Kie's own form."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from prefect_kie.models import Slice, Sora2CharactersPro
from prefect_kie.models.fields import slice_within


def sent(timestamps: str) -> str:
    """The timestamps that a character request with these would send."""
    request = Sora2CharactersPro(origin_task_id="t1", timestamps=timestamps, character_prompt="a barista")
    return str(request.input_fields()["timestamps"])


@pytest.mark.parametrize(
    "timestamps",
    [
        "3.55,5.55",
        "0,1",
        "0,4",
        "0.0,1.0",
        "3.55,7.55",  # in floats a little more than 4
        "1.55,5.55",
        "0.1,1.1",
        "2.3,3.3",  # in floats a little less than 1
        "10.50,13.25",
        "9,10.333333333333333",
    ],
)
def test_a_slice_of_1_to_4_seconds_is_sent_as_written(timestamps: str) -> None:
    assert sent(timestamps) == timestamps
    part = Slice.parse(timestamps)
    assert [part.start, part.end] == [float(each) for each in timestamps.split(",")]
    assert Slice.parse(part.timestamps) == part


@pytest.mark.parametrize("length", [149 / 30, 121 / 24, 5.0, 4.29])
def test_the_end_that_is_offered_is_one(length: float) -> None:
    with pytest.raises(ValueError, match="choose an end of at most") as refused:
        Slice(start=1, end=6).check_within(length)
    end = float(str(refused.value).rpartition(" ")[2])
    Slice(start=1, end=end).check_within(length)
    assert length - end < 0.01 + 1e-9


@pytest.mark.parametrize(
    ("timestamps", "kies_form"),
    [(" 3.55, 5.55 ", "3.55,5.55"), ("3.55\n,5.55", "3.55,5.55"), ("-0,2", "0,2"), ("03,05", "3,5")],
    ids=ascii,
)
def test_an_odd_spelling_is_sent_in_kies_form(timestamps: str, kies_form: str) -> None:
    assert sent(timestamps) == kies_form


@pytest.mark.parametrize(
    ("timestamps", "said"),
    [
        ("5.55,3.55", "1 to 4 s"),
        ("3,3", "1 to 4 s"),
        ("3,3.99", "1 to 4 s"),
        ("3,7.01", "1 to 4 s"),
        ("3.55,7.5500001", "1 to 4 s"),
        ("-1,2", "starts at -1 s"),
        ("-0.001,2", "starts at -0.001 s"),
    ],
)
def test_a_slice_of_another_length_or_place_is_refused(timestamps: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        sent(timestamps)
    start, end = map(float, timestamps.split(","))
    if 4 < end - start <= 8:  # too long for Sora's own alone
        assert Slice.parse(timestamps).end == end
        with pytest.raises(ValueError, match=said):
            slice_within(start, end, 4)
    else:
        with pytest.raises(ValidationError):
            Slice.parse(timestamps)


@pytest.mark.parametrize(
    "timestamps",
    [
        "",
        ",",
        "3.55",
        "3.55;5.55",
        "3.55-5.55",
        "1,2,3",
        "1,2,",
        "a,b",
        "1s,3s",
        "00:01,00:03",
        "nan,2",
        "0,inf",
        "0,1e9999999",
        "1e0,3e0",
        "1_0,1_2",
        "+1,+3",
        "1.,3.",
        ".5,2",
        "١,٣",
        "\ud83d,3",
        "0," + "9" * 5000,
    ],
    ids=lambda text: ascii(text[:20]),
)
def test_what_is_not_two_numbers_is_refused_with_an_example(timestamps: str) -> None:
    with pytest.raises(ValidationError, match=r"like '3.55,5.55'"):
        sent(timestamps)
    with pytest.raises(ValueError, match=r"like '3.55,5.55'"):
        Slice.parse(timestamps)


@pytest.mark.parametrize(
    ("start", "end", "timestamps"),
    [
        (3.55, 5.55, "3.55,5.55"),
        (0, 1, "0.0,1.0"),
        (-0.0, 2, "0.0,2.0"),
        (1e-5, 2, "0.00001,2.0"),
        (3.55, 7.55, "3.55,7.55"),
        (123456, 123458.5, "123456.0,123458.5"),
    ],
)
def test_a_slice_is_written_in_kies_form_without_exponents(start: float, end: float, timestamps: str) -> None:
    part = Slice(start=start, end=end)
    assert part.timestamps == timestamps
    assert sent(part.timestamps) == timestamps
    assert Slice.parse(timestamps) == part


@pytest.mark.parametrize(
    "fields",
    [
        {"start": 5, "end": 3},
        {"start": 1, "end": 1.99},
        {"start": 1, "end": 9.01},
        {"start": -1, "end": 1},
        {"start": float("nan"), "end": 2},
        {"start": 0, "end": float("inf")},
        {"start": 0},
        {"start": "a", "end": 2},
        {"start": 0, "end": 2, "middle": 1},
    ],
    ids=repr,
)
def test_a_slice_that_kie_refuses_cannot_be_made(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Slice.model_validate(fields)


@pytest.mark.parametrize("length", [5.55, 5.551, 10.0])
def test_a_slice_inside_of_the_video_passes(length: float) -> None:
    Slice.parse("3.55,5.55").check_within(length)


@pytest.mark.parametrize("length", [5.54, 5.0, 1.0])
def test_a_slice_that_ends_after_the_video_is_refused_with_both_numbers(length: float) -> None:
    with pytest.raises(ValueError, match=rf"3\.55,5\.55 ends after the video, which is {length:.2f} s"):
        Slice.parse("3.55,5.55").check_within(length)


def test_a_video_shorter_than_any_slice_is_refused_as_such() -> None:
    with pytest.raises(ValueError, match=r"the video is 0\.00 s long, and a slice at least 1 s"):
        Slice.parse("3.55,5.55").check_within(0.0)
