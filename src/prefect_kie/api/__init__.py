"""Kie's jobs API in plain Python: typed requests, jobs, the HTTP client, the error tree.

Knows no Prefect; usable on its own::

    async with KieClient(key) as client:
        handle = await client.create_job(Sora2TextToVideo(prompt="a claymation conductor"))
        job = await client.get_job(handle.task_id)
"""

from prefect_kie.api.callbacks import verify_signature
from prefect_kie.api.catalog import MarketModel, VideoRequest, parse_request
from prefect_kie.api.client import KieClient
from prefect_kie.api.errors import (
    AuthenticationFailed,
    BudgetExceeded,
    CallbackRejected,
    ContentRejected,
    DownloadFailed,
    FeatureDisabled,
    InsufficientCredits,
    InvalidRequest,
    JobFailed,
    JobNotFound,
    JobTimedOut,
    KieError,
    Maintenance,
    ModelNotSupported,
    NotAnswered,
    NotApproved,
    RateLimited,
    RunIncomplete,
    ServiceUnavailable,
    SubmissionInDoubt,
    SubmissionNotRecorded,
    UnexpectedResponse,
    UsageLimitReached,
)
from prefect_kie.api.fields import Slice
from prefect_kie.api.jobs import Job, JobHandle, JobState
from prefect_kie.api.polling import PollPolicy, next_poll
from prefect_kie.api.requests import (
    JobRequest,
    Shot,
    Sora2Characters,
    Sora2CharactersPro,
    Sora2ImageToVideo,
    Sora2ImageToVideoStable,
    Sora2ProImageToVideo,
    Sora2ProStoryboard,
    Sora2ProTextToVideo,
    Sora2TextToVideo,
    Sora2TextToVideoStable,
    SoraWatermarkRemover,
)
from prefect_kie.api.results import CharacterResult, JobResult, ResultFile
from prefect_kie.api.uploads import UploadedFile

__all__ = [
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
