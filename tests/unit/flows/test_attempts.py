"""When a failed job is made again, and by which request: the policy, and a batch's fallbacks."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from prefect_kie.api import (
    AuthenticationFailed,
    ContentRejected,
    FeatureDisabled,
    JobFailed,
    JobRequest,
    ModelNotSupported,
    SubmissionInDoubt,
)
from prefect_kie.batches.manifest import parse_table
from prefect_kie.batches.tables import ManifestError, table_of
from prefect_kie.errors import JobTimedOut
from prefect_kie.flows import BatchRetry, Retry
from prefect_kie.flows._attempts import Attempts
from prefect_kie.models import MarketModel, Sora2ProTextToVideo, Sora2TextToVideo, Sora2TextToVideoStable
from prefect_kie.outcomes.results import Wanted

CAT = Sora2TextToVideo(prompt="a cat")
STABLE = Sora2TextToVideoStable(prompt="a cat")
PRO = Sora2ProTextToVideo(prompt="a cat")
PICTURE = "https://pictures.example/boat.png"
KLING = "acme/any-video"


def failure(*, transient: bool = True, confirmed: bool = True, billed: Any = "no") -> JobFailed:
    error = JobFailed("failed", billed=billed)
    error.transient, error.confirmed = transient, confirmed
    return error


def after(error: BaseException, *requests: JobRequest, allowed: int = 2) -> tuple[str, int] | None:
    """The attempt that follows a failure of this run: its model and which repetition of it it is."""
    attempts = Attempts(list(requests) or [CAT], allowed)
    goes_on = attempts.advance(error, of_this_run=True)
    return (attempts.request.model_name, attempts.repetition) if goes_on else None


def fallbacks(row: dict[str, Any], *instead: dict[str, Any]) -> tuple[JobRequest, ...]:
    """What a batch makes instead of a row's request."""
    (made,) = parse_table(table_of([row]), fallbacks=instead)
    return made.fallbacks


def test_a_passing_failure_is_tried_again_as_often_as_the_policy_says() -> None:
    attempts = Attempts([CAT], allowed=3)
    assert [attempts.advance(failure(), of_this_run=True) for _ in range(3)] == [True, True, False]
    assert (attempts.repetition, attempts.made) == (2, 3)


def test_each_request_has_its_own_attempts() -> None:
    attempts = Attempts([CAT, STABLE], allowed=2)
    walked: list[tuple[str, int, int]] = []
    while attempts.advance(failure(), of_this_run=True):
        walked.append((attempts.request.model_name, attempts.repetition, attempts.made))
    assert walked == [
        ("sora-2-text-to-video", 1, 2),
        ("sora-2-text-to-video-stable", 0, 3),
        ("sora-2-text-to-video-stable", 1, 4),
    ]


def test_a_lasting_failure_goes_to_the_next_request_at_once() -> None:
    assert after(failure(transient=False), CAT, STABLE, allowed=6) == ("sora-2-text-to-video-stable", 0)
    assert after(failure(transient=False), CAT, allowed=6) is None


@pytest.mark.parametrize("error", [ModelNotSupported("gone"), FeatureDisabled("off")])
def test_a_model_that_is_not_served_goes_to_the_next_and_is_not_asked_again(error: Exception) -> None:
    assert after(error, CAT, allowed=6) is None
    assert after(error, CAT, STABLE, allowed=6) == ("sora-2-text-to-video-stable", 0)


def refused() -> ContentRejected:
    error = ContentRejected("guardrails")
    error.transient = error.confirmed = True  # however it looks otherwise
    return error


@pytest.mark.parametrize(
    "error",
    [
        refused(),
        failure(confirmed=False),  # a 408 or 501 without Kie's record of the job: it may yet succeed
        failure(billed="unknown"),
        failure(billed="yes"),
        SubmissionInDoubt("lost"),
        JobTimedOut("late"),
        AuthenticationFailed("key"),
        RuntimeError("ours"),
    ],
    ids=lambda error: f"{type(error).__name__}",
)
def test_what_may_have_cost_or_will_be_refused_again_is_never_made_again(error: Exception) -> None:
    assert after(error, CAT, STABLE, allowed=11) is None


def test_without_a_policy_nothing_is_made_again_whoever_made_it() -> None:
    for of_this_run in (True, False):
        assert not Attempts([CAT], allowed=1).advance(failure(), of_this_run=of_this_run)


def test_attempts_of_earlier_runs_do_not_count() -> None:
    attempts = Attempts([CAT], allowed=2)
    assert [attempts.advance(failure(), of_this_run=False) for _ in range(5)] == [True] * 5
    assert [attempts.advance(failure(), of_this_run=True) for _ in range(2)] == [True, False]
    assert attempts.repetition == 6  # behind all that are known


def test_an_attempt_that_was_made_before_is_polled_whatever_the_policy_is_now() -> None:
    attempts = Attempts([CAT, STABLE], allowed=1)
    assert attempts.advance(failure(), of_this_run=False, made_before=True)
    assert (attempts.request, attempts.repetition) == (CAT, 1)


def test_a_fallback_that_was_made_before_is_polled_before_the_request_is_made_again() -> None:
    attempts = Attempts([CAT, PRO, STABLE], allowed=2)
    assert attempts.advance(failure(), of_this_run=False, made_instead=2)
    assert (attempts.request, attempts.repetition, attempts.fallbacks) == (STABLE, 0, [])
    walked: list[tuple[JobRequest, int]] = []
    while attempts.advance(failure(transient=False), of_this_run=False):  # it failed as well
        walked.append((attempts.request, attempts.repetition))
    assert walked == [(CAT, 0), (PRO, 0)]


def test_a_fallback_equal_to_the_request_is_not_asked_twice() -> None:
    other = MarketModel(model=KLING, input={"prompt": "a cat"})
    assert Wanted(CAT, 1, (CAT, STABLE, other, other, STABLE)).requests == (CAT, STABLE, other)


@pytest.mark.parametrize(
    "wrong", [{"attempts": 12}, {"attempts": 0}, {"fallbacks": ["sora-3"]}, {"tries": 1}]
)
def test_a_policy_that_cannot_be_right_is_refused(wrong: dict[str, Any]) -> None:
    for model in (Retry, BatchRetry):
        with pytest.raises(ValidationError):
            model.model_validate(wrong)


def test_fallbacks_come_as_json_from_forms() -> None:
    policy = Retry.model_validate_json(
        '{"fallbacks": [{"model": "sora-2-text-to-video-stable", "prompt": "a cat"}]}'
    )
    assert policy.fallbacks == (STABLE,)


def test_another_model_gets_a_rows_values_without_what_only_says_how() -> None:
    row = {"model": "sora-2-pro-text-to-video", "prompt": "a cat", "n_frames": "15", "size": "high"}
    row |= {"remove_watermark": True}
    plain, stable = fallbacks(
        row, {"model": "sora-2-text-to-video"}, {"model": "sora-2-text-to-video-stable", "n_frames": None}
    )
    assert plain == Sora2TextToVideo(prompt="a cat", n_frames="15", remove_watermark=True)
    assert stable == Sora2TextToVideoStable(prompt="a cat")
    assert Sora2ProTextToVideo.model_fields.keys() >= row.keys() - {"model"}


@pytest.mark.parametrize(
    ("row", "model", "said"),
    [
        (
            {"model": "sora-2-image-to-video", "prompt": "it moves", "image_urls": [PICTURE]},
            STABLE.model,
            "no field",
        ),
        ({"model": CAT.model, "prompt": "@a_cat", "character_id_list": ["ch"]}, STABLE.model, "no field"),
        ({"model": CAT.model, "prompt": "a cat"}, "sora-2-image-to-video", "image_urls.* is missing"),
        ({"model": CAT.model, "prompt": "a cat"}, "sora-2-characters-pro", "makes a character, no video"),
    ],
)
def test_a_model_that_would_make_another_video_is_refused_with_its_row(
    row: dict[str, Any], model: str, said: str
) -> None:
    with pytest.raises(ManifestError, match=rf"row 1.*fallback {model}: .*{said}|row 1.*{said}"):
        fallbacks(row, {"model": model})


def test_an_input_of_its_own_is_filled_from_the_row() -> None:
    row = {"model": "sora-2-image-to-video", "prompt": "it moves", "image_urls": [PICTURE], "mood": "noir"}
    given = {"prompt": "in film {mood}: {prompt}", "duration": "5", "tags": ["{{prompt}}"]}
    (second,) = fallbacks(row, {"model": KLING, "input": given})
    assert second == MarketModel(
        model=KLING, input={"prompt": "in film noir: it moves", "duration": "5", "tags": ["{prompt}"]}
    )


def test_a_template_without_a_value_is_refused() -> None:
    with pytest.raises(ManifestError, match=r"fallback acme.*\{mood\} names no column"):
        fallbacks({"model": CAT.model, "prompt": "a cat"}, {"model": KLING, "input": {"prompt": "{mood}"}})
