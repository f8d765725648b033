"""What `prefect_kie.api` and `prefect_kie.models` export: a name that comes or goes is a decision."""

from __future__ import annotations

import subprocess
import sys

from prefect_kie import api, models

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
    "MarketModel",
    "Shot",
    "Slice",
    "Sora2Characters",
    "Sora2CharactersPro",
    "Sora2ImageToVideo",
    "Sora2ImageToVideoStable",
    "Sora2ProImageToVideo",
    "Sora2ProStoryboard",
    "Sora2ProTextToVideo",
    "Sora2TextToVideo",
    "Sora2TextToVideoStable",
    "SoraWatermarkRemover",
    "VideoRequest",
    "parse_request",
    "request_class",
]


def test_exactly_these_names_are_exported() -> None:
    for module, names in ((api, EXPORTED), (models, MODELS)):
        assert module.__all__ == names == sorted(set(names))
        assert all(hasattr(module, name) for name in names)


def test_the_layer_knows_no_prefect() -> None:
    script = "import sys, prefect_kie.models, prefect_kie.errors; print('prefect' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
