"""Prefect flows: compositions of the tasks, each deployable and usable as a subflow.

Each name is imported when it is first asked for. Prefect works out the form of a flow's parameters when the
flow is defined, which takes some 50 ms of the bigger ones: whoever runs one flow does not wait for all.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect_kie.flows.batch import generate_batch
    from prefect_kie.flows.batch_results import BatchResult
    from prefect_kie.flows.characters import CharacterTraits, create_character
    from prefect_kie.flows.collect import collect_job
    from prefect_kie.flows.generate import generate_video
    from prefect_kie.flows.outcomes import (
        Character,
        CollectedJob,
        GeneratedVideos,
        SeriesResult,
        VideoOutcome,
    )
    from prefect_kie.flows.resolve import resolve_submission
    from prefect_kie.flows.resolved import ResolvedSubmission, ResolvedSubmissions
    from prefect_kie.flows.resuming import resume_waiting
    from prefect_kie.flows.second_tries import SecondTries
    from prefect_kie.flows.series import EpisodeSettings, character_series

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
    "BatchResult": "batch_results",
    "Character": "outcomes",
    "CharacterTraits": "characters",
    "CollectedJob": "outcomes",
    "EpisodeSettings": "series",
    "GeneratedVideos": "outcomes",
    "ResolvedSubmission": "resolved",
    "ResolvedSubmissions": "resolved",
    "SecondTries": "second_tries",
    "SeriesResult": "outcomes",
    "VideoOutcome": "outcomes",
    "character_series": "series",
    "collect_job": "collect",
    "create_character": "characters",
    "generate_batch": "batch",
    "generate_video": "generate",
    "resolve_submission": "resolve",
    "resume_waiting": "resuming",
}

if not TYPE_CHECKING:  # a type checker would take any name for one of this module's

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        globals()[name] = value  # asked once
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
