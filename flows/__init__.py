"""Prefect flows: compositions of the tasks, each deployable and usable as a subflow.

Each name is imported when it is first asked for. Prefect works out the form of a flow's parameters when the
flow is defined, which takes some 50 ms of the bigger ones: whoever runs one flow does not wait for all.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect_kie.batches.results import BatchResult
    from prefect_kie.flows._characters import CharacterTraits, NewCharacter
    from prefect_kie.flows._episodes import Episodes, EpisodeSettings, Film
    from prefect_kie.flows._options import Approval, BatchRetry, Output, Retry, Scope, Table, Waiting
    from prefect_kie.flows.batch import generate_batch
    from prefect_kie.flows.characters import create_character
    from prefect_kie.flows.collect import collect_job
    from prefect_kie.flows.costs import report_costs
    from prefect_kie.flows.generate import generate_audio, generate_image, generate_video, make
    from prefect_kie.flows.resolve import resolve_submission
    from prefect_kie.flows.resuming import resume_waiting
    from prefect_kie.flows.series import character_series
    from prefect_kie.outcomes.results import (
        Character,
        CollectedJob,
        GeneratedAudio,
        GeneratedImages,
        GeneratedVideos,
        SeriesResult,
        VideoOutcome,
    )
    from prefect_kie.submissions.cost_report import CostGroup, CostReport, SubmissionCost
    from prefect_kie.submissions.resolution import ResolvedSubmission, ResolvedSubmissions

__all__ = [
    "Approval",
    "BatchResult",
    "BatchRetry",
    "Character",
    "CharacterTraits",
    "CollectedJob",
    "CostGroup",
    "CostReport",
    "EpisodeSettings",
    "Episodes",
    "Film",
    "GeneratedAudio",
    "GeneratedImages",
    "GeneratedVideos",
    "NewCharacter",
    "Output",
    "ResolvedSubmission",
    "ResolvedSubmissions",
    "Retry",
    "Scope",
    "SeriesResult",
    "SubmissionCost",
    "Table",
    "VideoOutcome",
    "Waiting",
    "character_series",
    "collect_job",
    "create_character",
    "generate_audio",
    "generate_batch",
    "generate_image",
    "generate_video",
    "make",
    "report_costs",
    "resolve_submission",
    "resume_waiting",
]

_MODULES = {
    "batches.results": "BatchResult",
    "flows._options": "Approval BatchRetry Output Retry Scope Table Waiting",
    "flows.batch": "generate_batch",
    "flows._characters": "CharacterTraits NewCharacter",
    "flows._episodes": "EpisodeSettings Episodes Film",
    "flows.characters": "create_character",
    "flows.collect": "collect_job",
    "flows.costs": "report_costs",
    "flows.generate": "generate_audio generate_image generate_video make",
    "flows.resolve": "resolve_submission",
    "flows.resuming": "resume_waiting",
    "flows.series": "character_series",
    "outcomes.results": "Character CollectedJob GeneratedAudio GeneratedImages GeneratedVideos SeriesResult "
    "VideoOutcome",
    "submissions.cost_report": "CostGroup CostReport SubmissionCost",
    "submissions.resolution": "ResolvedSubmission ResolvedSubmissions",
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names.split()}

if not TYPE_CHECKING:  # a type checker would take any name for one of this module's

    def __getattr__(name: str) -> object:
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"prefect_kie.{_MODULE_OF[name]}"), name)
        globals()[name] = value  # asked once
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
