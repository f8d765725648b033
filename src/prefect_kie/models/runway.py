"""Requests of the family runway.

Generated from catalog.json by `make models`; change that, or tools/models_overlay.json.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from prefect_kie.models.fields import (
    Address,
    IsNumber,
    NotBlank,
    one_of,
)
from prefect_kie.models.rules import CatalogRequest


class Runway(CatalogRequest, title="Runway"):
    """A video of 5 or 10 seconds, up to 1080p, from a prompt and optionally a first frame (runway)."""

    usual_seconds: ClassVar[float] = 120.0
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("duration=10", "excludes", "quality=1080p"),
        ("no image_url", "needs", "aspect_ratio"),
    )

    model: Literal["runway"] = "runway"
    prompt: Annotated[str, Field(min_length=1), NotBlank]
    """What to film, in words; up to 1800 characters."""
    duration: Annotated[float, one_of(5, 10), Field(json_schema_extra={"enum": [5, 10]}), IsNumber]
    """Length of the video, 5 or 10 seconds; 10 not at 1080p."""
    quality: Literal["720p", "1080p"]
    """How large the video is: 720p, or 1080p for 5 seconds."""
    image_url: Address | None = None
    """The link to the picture the video starts with."""
    aspect_ratio: Literal["16:9", "4:3", "1:1", "3:4", "9:16"] | None = None
    """Width to height of the video; needed without a picture, ignored with one."""
    watermark: str | None = None
    """The text of a watermark to put on the video."""


class RunwayExtendAiVideo(CatalogRequest, title="runway/extend-ai-video"):
    """A Runway video continued as the prompt says (runway/extend-ai-video)."""

    usual_seconds: ClassVar[float] = 120.0

    model: Literal["runway/extend-ai-video"] = "runway/extend-ai-video"
    task_id: Annotated[str, Field(min_length=1), NotBlank]
    """The ID of the Runway task that made the video."""
    prompt: Annotated[str, Field(min_length=1), NotBlank]
    """What happens next, in words."""
    quality: Literal["720p", "1080p"]
    """How large the video is: 720p or 1080p."""
    watermark: str | None = None
    """The text of a watermark to put on the video."""
