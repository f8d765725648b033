"""What providers say of content they refuse: families of words, never worth another job."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from prefect_kie.api import ContentRejected, JobFailed
from prefect_kie.api.classification import failure_class, is_passing


class Said(NamedTuple):
    """A failed job as its record tells of it."""

    code: str | None
    message: str
    error: type[JobFailed]
    transient: bool = False


FIELD = [
    Said(
        "400", "Content was flagged by the safety system. Try different prompts or inputs.", ContentRejected
    ),
    Said(
        "400",
        "The input or output was flagged as sensitive. Please try again with different inputs.",
        ContentRejected,
    ),
    Said("400", "Request blocked: The uploaded audio was flagged by Google safety review.", ContentRejected),
    Said("500", "Internal Error", JobFailed, True),
    Said("500", "internal error, please try again later", JobFailed, True),
    Said("500", "the server is busy", JobFailed, True),
    Said(
        "400",
        "The parameters `ratio` and `duration` specified in the request are not valid. Seedance identified "
        "your task as video editing.",
        JobFailed,
    ),
    Said("400", "resolution is not within the range of allowed options", JobFailed),
    Said("400", "Each reference video must be between 2 and 30 seconds", JobFailed),
    Said(
        "400",
        "content[1].video_url: invalid param: video duration 52838 ms, expected [2000, 15000] ms",
        JobFailed,
    ),
    Said("400", "continueAt cannot be empty or less than 1", JobFailed),
    Said(
        "400",
        "The parameter `content[1]` specified in the request is not valid: the parameter video pixel count "
        "specified in the request must be greater than or equal to 407696 for model m in r2v.",
        JobFailed,
    ),
    Said(
        "500",
        "The request failed because the output video may be related to copyright restrictions.",
        ContentRejected,
    ),
    Said("500", "internal error, please try again later.", JobFailed, True),
    Said("500", "nsfw", ContentRejected),
    Said("422", "CONTENT_POLICY_BLOCKED: The input or output was flagged as sensitive.", ContentRejected),
    Said("500", "Internal Error, Please try again later.", JobFailed, True),
    Said(
        "400",
        "image fetch failed. Check access settings or use our File Upload API instead.",
        JobFailed,
    ),
    Said("400", "The current content could not be processed", ContentRejected),
    Said("400", "Sorry, but the image we created may violate OpenAI's content policies", ContentRejected),
    Said(None, "PUBLIC_ERROR_PROMINENT_PEOPLE_FILTER_FAILED", ContentRejected),
    Said(None, "PUBLIC_ERROR_AUDIO_FILTERED", ContentRejected),
    Said("422", "generate playground failed, task id is blank", JobFailed),
    Said("422", "Your media file is unavailable, please replace it.", JobFailed),
    Said("400", "The Google model was unable to generate audio for this request.", JobFailed),
    Said("500", "Inappropriate content, please try another prompt.", ContentRejected),
    Said("501", "Generation Failed", JobFailed),
    Said("422", "blocked", JobFailed),
]
"""As Kie's records were seen."""

MORE = [
    "PUBLIC_ERROR_MINOR_UPLOAD",
    "PUBLIC_ERROR_UNSAFE_GENERATION",
    "PUBLIC_ERROR_SEXUAL, please try again",
    "public_error_celebrity_filter",
    "CONTENT_POLICY",
    "content-policy-violation",
    "moderation_blocked: your request was rejected, please try again",
    "IMAGE_SAFETY",
    "SAFETY.INPUT.TEXT",
    "InputImageSensitiveContentDetected.PrivacyInformation",
    "DataInspectionFailed: the system is busy",
    "Failure to pass the risk control system, try again later",
    "The prompt may show harmful acts. Try again.",
    "depicts nudity",
    "The image shows a minor",
    "It resembles a celebrity; please try again later",
    "The video shows prominent people",
    "Detected a public figure",
    "contains graphic violence",
    "self-harm",
    "Your prompt was rejected, please retry: internal error",
    "The uploaded image couldn\u2019t be processed. Please try again later.",
    "Please rephrase the prompt and try again",
    "Please try again with a different prompt",
    "This is against our community guidelines",
    "Song description contained artist name",
    "Uploaded audio matches existing work of art",
    "third-party content",
    "may infringe intellectual property",
    "内容违规，请稍后再试 (try again later)",
]

PASSING = [
    "We are under heavy load. Please try again later.",
    "The service is temporarily unavailable",
    "Request timed out",
    "PUBLIC_ERROR_HIGH_TRAFFIC: high traffic",
    "too many requests",
]


@pytest.mark.parametrize("said", FIELD, ids=lambda said: said.message[:50])
def test_what_the_field_saw_is_read_as_it_was_meant(said: Said) -> None:
    reasons = said.code, said.message
    assert (failure_class(*reasons), is_passing(*reasons)) == (said.error, said.transient)


@pytest.mark.parametrize("message", MORE)
@pytest.mark.parametrize("code", [None, "400", "500"])
def test_moderation_is_known_by_its_family_and_is_never_passing(code: str | None, message: str) -> None:
    assert failure_class(code, message) is ContentRejected
    assert not is_passing(code, message)


@pytest.mark.parametrize("message", PASSING)
def test_what_passes_is_no_moderation(message: str) -> None:
    assert failure_class("500", message) is JobFailed
    assert is_passing("500", message)
