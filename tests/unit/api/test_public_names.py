"""What `prefect_kie.api` and `prefect_kie.models` export: a name that comes or goes is a decision."""

from __future__ import annotations

import subprocess
import sys

import pytest

from prefect_kie import api, models, tasks
from prefect_kie.models.index import MODELS as KNOWN

EXPORTED = [
    "AuthenticationFailed",
    "CallbackRejected",
    "CatalogModel",
    "CharacterResult",
    "ContentRejected",
    "FeatureDisabled",
    "InsufficientCredits",
    "InvalidRequest",
    "Job",
    "JobFailed",
    "JobHandle",
    "JobNotFound",
    "JobRequest",
    "JobResult",
    "JobState",
    "KieClient",
    "KieError",
    "Maintenance",
    "ModelNotSupported",
    "ModelPrice",
    "ModelSchema",
    "PollPolicy",
    "RateLimited",
    "ResultFile",
    "ServiceUnavailable",
    "SubmissionInDoubt",
    "SuccessRate",
    "UnexpectedResponse",
    "UploadedFile",
    "UsageLimitReached",
    "next_poll",
    "verify_signature",
]

MODELS = [
    "AnyRequest",
    "AudioRequest",
    "ImageRequest",
    "MarketModel",
    "Shot",
    "Slice",
    "VideoRequest",
    "parse_request",
    "request_class",
]


def test_exactly_these_names_are_exported() -> None:
    assert api.__all__ == EXPORTED == sorted(set(EXPORTED))
    assert all(hasattr(api, name) for name in EXPORTED)


def test_models_exports_a_class_for_each_model_beside_these_names() -> None:
    classes = [known.class_name for known in KNOWN.values()]
    assert models.__all__ == [*MODELS, *classes]
    assert len(set(models.__all__)) == len(models.__all__)
    assert set(models.__all__) <= set(dir(models))
    for model, known in KNOWN.items():
        assert getattr(models, known.class_name) is models.request_class(model)


def test_each_model_has_a_task_of_its_own() -> None:
    assert len({known.task for known in KNOWN.values()}) == len(KNOWN) == 189
    assert {known.task for known in KNOWN.values()} < set(tasks.__all__) <= set(dir(tasks))
    assert tasks.kling_3_0_video.name == "kling-3.0/video"
    assert tasks.kling_3_0_video is tasks.kling_3_0_video
    with pytest.raises(AttributeError, match="has no attribute 'kling_9'"):
        getattr(tasks, "kling_9")  # noqa: B009
    with pytest.raises(AttributeError, match="has no attribute 'Kling9'"):
        getattr(models, "Kling9")  # noqa: B009


def test_the_layer_knows_no_prefect() -> None:
    script = "import sys, prefect_kie.models, prefect_kie.errors; print('prefect' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
