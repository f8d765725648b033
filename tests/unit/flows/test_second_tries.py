"""When a failed job is made again, and by which model: the policy, and a suspended run that follows it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from prefect_kie.api import (
    AuthenticationFailed,
    ContentRejected,
    FeatureDisabled,
    InvalidRequest,
    JobFailed,
    JobRequest,
    ModelNotSupported,
    SubmissionInDoubt,
)
from prefect_kie.errors import JobTimedOut
from prefect_kie.flows import SecondTries
from prefect_kie.models import (
    MarketModel,
    Sora2CharactersPro,
    Sora2ImageToVideo,
    Sora2ProTextToVideo,
    Sora2TextToVideo,
    Sora2TextToVideoStable,
)
from prefect_kie.retry_policy import Tries

CAT = Sora2TextToVideo(prompt="a cat")


STABLE = Sora2TextToVideoStable(prompt="a cat")


PICTURE = "https://pictures.example/boat.png"


KLING: dict[str, Any] = {"model": "kling-2.6/image-to-video", "input": {}}


def failure(*, transient: bool = True, confirmed: bool = True, billed: Any = "no") -> JobFailed:
    error = JobFailed("failed", billed=billed)
    error.transient, error.confirmed = transient, confirmed
    return error


def after(error: BaseException, *requests: JobRequest, times: int = 1) -> tuple[str, int] | None:
    """The try that follows a failure of this run: its model and which of that model's tries it is."""
    tries = Tries(list(requests) or [CAT], times)
    goes_on = tries.goes_on(error, of_this_run=True)
    return (tries.request.model_name, tries.second_try) if goes_on else None


def policy(*models: Any, times: int = 0) -> SecondTries:
    return SecondTries.model_validate({"times": times, "models": models})


def test_a_passing_failure_is_tried_again_as_often_as_the_policy_says() -> None:
    tries = Tries([CAT], times=2)
    assert [tries.goes_on(failure(), of_this_run=True) for _ in range(3)] == [True, True, False]
    assert (tries.second_try, tries.made) == (2, 3)


def test_each_model_has_its_own_tries() -> None:
    tries = Tries([CAT, STABLE], times=1)
    walked: list[tuple[str, int, int]] = []
    while tries.goes_on(failure(), of_this_run=True):
        walked.append((tries.request.model_name, tries.second_try, tries.made))
    assert walked == [
        ("sora-2-text-to-video", 1, 2),
        ("sora-2-text-to-video-stable", 0, 3),
        ("sora-2-text-to-video-stable", 1, 4),
    ]


def test_a_lasting_failure_goes_to_the_next_model_at_once() -> None:
    assert after(failure(transient=False), CAT, STABLE, times=5) == ("sora-2-text-to-video-stable", 0)
    assert after(failure(transient=False), CAT, times=5) is None


@pytest.mark.parametrize("error", [ModelNotSupported("gone"), FeatureDisabled("off")])
def test_a_model_that_is_not_served_goes_to_the_next_and_is_not_asked_again(error: Exception) -> None:
    assert after(error, CAT, times=5) is None
    assert after(error, CAT, STABLE, times=5) == ("sora-2-text-to-video-stable", 0)


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
    assert after(error, CAT, STABLE, times=10) is None


def test_without_a_policy_nothing_is_made_again_whoever_made_it() -> None:
    for of_this_run in (True, False):
        assert not Tries([CAT], times=0).goes_on(failure(), of_this_run=of_this_run)


def test_tries_of_earlier_runs_do_not_count() -> None:
    tries = Tries([CAT], times=1)
    assert [tries.goes_on(failure(), of_this_run=False) for _ in range(5)] == [True] * 5
    assert [tries.goes_on(failure(), of_this_run=True) for _ in range(2)] == [True, False]
    assert tries.second_try == 6  # behind all that are known


def test_another_model_gets_the_same_video_without_what_only_says_how() -> None:
    first = Sora2ProTextToVideo(prompt="a cat", n_frames="15", size="high", remove_watermark=True)
    _, plain, stable = policy("sora-2-text-to-video", "sora-2-text-to-video-stable").requests(first)
    assert plain == Sora2TextToVideo(prompt="a cat", n_frames="15", remove_watermark=True)
    assert stable == Sora2TextToVideoStable(prompt="a cat", n_frames="15")


@pytest.mark.parametrize(
    ("first", "model"),
    [
        (Sora2ImageToVideo(prompt="it moves", image_urls=[PICTURE]), "sora-2-text-to-video"),
        (Sora2TextToVideo(prompt="@a_cat", character_id_list=["ch"]), "sora-2-text-to-video-stable"),
        (CAT, "sora-2-image-to-video"),
        (CAT, "sora-2-characters-pro"),
        (MarketModel(model="kling-2.6/text-to-video", input={"text": "a cat"}), "sora-2-text-to-video"),
    ],
)
def test_a_model_that_would_make_another_video_is_refused_by_name(first: JobRequest, model: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^{model} cannot make what is asked of {first.model_name} "):
        policy(model).requests(first)


def test_a_market_models_input_is_filled_from_the_first_request() -> None:
    first = Sora2ImageToVideo(prompt="it moves", image_urls=[PICTURE], n_frames="15")
    given = {
        "prompt": "in film noir: {prompt}",
        "images": "{image_urls}",
        "options": {"duration": "{n_frames}", "seed": 7, "tags": ["{aspect_ratio}", "{{prompt}}"]},
    }
    _, second = policy({**KLING, "input": given}).requests(first)
    assert second.input_fields() == {
        "prompt": "in film noir: it moves",
        "images": [PICTURE],
        "options": {"duration": "15", "seed": 7, "tags": ["landscape", "{prompt}"]},
    }


def test_a_template_without_a_value_is_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"mentions \{image_urls\}, which sora-2-text-to-video does not"):
        policy({**KLING, "input": {"images": "{image_urls}"}}).requests(CAT)


def test_a_requests_own_model_in_the_list_is_not_asked_twice() -> None:
    models = ("sora-2-text-to-video", "sora-2-text-to-video-stable", "sora-2-text-to-video")
    assert policy(*models).requests(CAT) == [CAT, STABLE]


def test_a_character_has_no_second_model() -> None:
    character = Sora2CharactersPro(origin_task_id="1", timestamps="1,2", character_prompt="calm")
    assert policy("sora-2-text-to-video").requests(character) == [character]


@pytest.mark.parametrize("wrong", [{"times": 11}, {"times": -1}, {"models": ["sora-3"]}, {"tries": 1}])
def test_a_policy_that_cannot_be_right_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SecondTries.model_validate(wrong)
