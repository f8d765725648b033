"""Prefect flows: compositions of the tasks, each deployable and usable as a subflow."""

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
from prefect_kie.flows.series import EpisodeSettings, character_series

__all__ = [
    "Character",
    "CharacterTraits",
    "CollectedJob",
    "EpisodeSettings",
    "GeneratedVideos",
    "ResolvedSubmission",
    "ResolvedSubmissions",
    "SeriesResult",
    "VideoOutcome",
    "character_series",
    "collect_job",
    "create_character",
    "generate_video",
    "resolve_submission",
    "resume_waiting",
]
