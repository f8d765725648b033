"""Prefect flows: compositions of the tasks, each deployable and usable as a subflow.

Each name is imported when it is first asked for. Prefect works out the form of a flow's parameters when the
flow is defined, which takes some 50 ms of the bigger ones: whoever runs one flow does not wait for all.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect_kie.batches.results import BatchResult
    from prefect_kie.flows.batch import generate_batch
    from prefect_kie.flows.characters import CharacterTraits, create_character
    from prefect_kie.flows.collect import collect_job
    from prefect_kie.flows.generate import generate_video
    from prefect_kie.flows.resolve import resolve_submission
    from prefect_kie.flows.resuming import resume_waiting
    from prefect_kie.flows.series import EpisodeSettings, character_series
    from prefect_kie.outcomes.results import (
        Character,
        CollectedJob,
        GeneratedVideos,
        SeriesResult,
        VideoOutcome,
    )
    from prefect_kie.retry_policy import SecondTries
    from prefect_kie.submissions.resolution import ResolvedSubmission, ResolvedSubmissions

__all__ = [
    "BatchResult",
    "Character",
    "CharacterTraits",
    "CollectedJob",
    "EpisodeSettings",
    "GeneratedVideos",
    "ResolvedSubmission",
    "ResolvedSubmissions",
    "SecondTries",
    "SeriesResult",
    "VideoOutcome",
    "character_series",
    "collect_job",
    "create_character",
    "generate_batch",
    "generate_video",
    "resolve_submission",
    "resume_waiting",
]

_MODULES = {
    "BatchResult": "prefect_kie.batches.results",
    "Character": "prefect_kie.outcomes.results",
    "CharacterTraits": "prefect_kie.flows.characters",
    "CollectedJob": "prefect_kie.outcomes.results",
    "EpisodeSettings": "prefect_kie.flows.series",
    "GeneratedVideos": "prefect_kie.outcomes.results",
    "ResolvedSubmission": "prefect_kie.submissions.resolution",
    "ResolvedSubmissions": "prefect_kie.submissions.resolution",
    "SecondTries": "prefect_kie.retry_policy",
    "SeriesResult": "prefect_kie.outcomes.results",
    "VideoOutcome": "prefect_kie.outcomes.results",
    "character_series": "prefect_kie.flows.series",
    "collect_job": "prefect_kie.flows.collect",
    "create_character": "prefect_kie.flows.characters",
    "generate_batch": "prefect_kie.flows.batch",
    "generate_video": "prefect_kie.flows.generate",
    "resolve_submission": "prefect_kie.flows.resolve",
    "resume_waiting": "prefect_kie.flows.resuming",
}

if not TYPE_CHECKING:  # a type checker would take any name for one of this module's

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_MODULES[name]), name)
        globals()[name] = value  # asked once
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
