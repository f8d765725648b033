"""What `prefect_kie.api` exports: a name that comes or goes is a decision."""

from __future__ import annotations

import subprocess
import sys

import prefect_kie.api as package

EXPORTED = [
    "AuthenticationFailed",
    "BudgetExceeded",
    "CallbackRejected",
    "CharacterResult",
    "ContentRejected",
    "DownloadFailed",
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
    "JobTimedOut",
    "KieClient",
    "KieError",
    "Maintenance",
    "MarketModel",
    "ModelNotSupported",
    "NotAnswered",
    "NotApproved",
    "PollPolicy",
    "RateLimited",
    "ResultFile",
    "RunIncomplete",
    "ServiceUnavailable",
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
    "SubmissionInDoubt",
    "SubmissionNotRecorded",
    "UnexpectedResponse",
    "UploadedFile",
    "UsageLimitReached",
    "VideoRequest",
    "next_poll",
    "parse_request",
    "verify_signature",
]

DESIGNED = [
    "KieClient",
    "Sora2TextToVideo",
    "Sora2ImageToVideo",
    "Sora2ProTextToVideo",
    "Sora2ProImageToVideo",
    "Sora2TextToVideoStable",
    "Sora2ImageToVideoStable",
    "Sora2CharactersPro",
    "Sora2Characters",
    "Sora2ProStoryboard",
    "SoraWatermarkRemover",
    "MarketModel",
    "UploadedFile",
    "JobHandle",
    "Job",
    "JobState",
    "CharacterResult",
    "PollPolicy",
    "KieError",
    "AuthenticationFailed",
    "InsufficientCredits",
    "InvalidRequest",
    "ModelNotSupported",
    "RateLimited",
    "UsageLimitReached",
    "Maintenance",
    "FeatureDisabled",
    "JobNotFound",
    "JobFailed",
    "ContentRejected",
    "JobTimedOut",
    "SubmissionInDoubt",
    "UnexpectedResponse",
    "DownloadFailed",
    "CallbackRejected",
]
"""The names that the design promises."""


def test_exactly_these_names_are_exported() -> None:
    assert package.__all__ == EXPORTED
    assert sorted(set(EXPORTED)) == EXPORTED


def test_every_designed_name_is_exported_and_there() -> None:
    assert set(DESIGNED) <= set(package.__all__)
    assert all(hasattr(package, name) for name in package.__all__)


def test_the_layer_knows_no_prefect() -> None:
    script = "import sys, prefect_kie.api; print([name for name in sys.modules if name == 'prefect'])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
