"""Kie's jobs API in plain Python: jobs, the HTTP client, the error tree.

Knows no Prefect; usable on its own::

    async with KieClient(key) as client:
        handle = await client.create_job(Sora2TextToVideo(prompt="a claymation conductor"))
        job = await client.get_job(handle.task_id)
"""

from prefect_kie.api.callbacks import verify_signature
from prefect_kie.api.catalog import CatalogModel, ModelPrice, SuccessRate
from prefect_kie.api.client import KieClient
from prefect_kie.api.errors import (
    AuthenticationFailed,
    CallbackRejected,
    ContentRejected,
    FeatureDisabled,
    InsufficientCredits,
    InvalidRequest,
    JobFailed,
    JobNotFound,
    KieError,
    Maintenance,
    ModelNotSupported,
    RateLimited,
    ServiceUnavailable,
    SubmissionInDoubt,
    UnexpectedResponse,
    UsageLimitReached,
)
from prefect_kie.api.jobs import Job, JobHandle, JobState
from prefect_kie.api.polling import PollPolicy, next_poll
from prefect_kie.api.requests import JobRequest
from prefect_kie.api.results import CharacterResult, JobResult, ResultFile
from prefect_kie.api.schemas import ModelSchema
from prefect_kie.api.uploads import UploadedFile

__all__ = [
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
