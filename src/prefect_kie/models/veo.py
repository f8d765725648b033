"""Requests of the family veo.

Generated from catalog.json by `make models`; change that, or tools/models_overlay.json.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from prefect_kie.models.fields import (
    Address,
    IsNumber,
    NotBlank,
    TextAsNumber,
)
from prefect_kie.models.rules import CatalogRequest


class Veo31(CatalogRequest, title="Veo 3.1"):
    """A video of 4, 6, or 8 seconds, up to 4K, from a prompt, frames, or reference pictures (veo-3-1)."""

    usual_seconds: ClassVar[float] = 120.0
    cast_into: ClassVar[str | None] = "image_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("generation_type=REFERENCE_2_VIDEO", "needs", "duration=8"),
    )

    model: Literal["veo-3-1"] = "veo-3-1"
    prompt: Annotated[str, Field(min_length=1), NotBlank]
    """What to make, in words."""
    image_urls: Annotated[list[Address], Field(max_length=3)] | None = None
    """Links to pictures: one or two as first and last frame, or up to three as references."""
    generation_type: Literal["TEXT_2_VIDEO", "FIRST_AND_LAST_FRAMES_2_VIDEO", "REFERENCE_2_VIDEO"] | None = (
        None
    )
    """How to use the pictures: not at all, as first and last frame, or as references."""
    aspect_ratio: Literal["16:9", "9:16", "Auto"] = "16:9"
    """Width to height of the result."""
    enable_fallback: bool = False
    """Lets another model take over if this one refuses; deprecated."""
    enable_translation: bool = False
    """Translates the prompt into English first; Kie's texts disagree on the default."""
    watermark: str | None = None
    """The text of a watermark to put on the video."""
    resolution: Literal["720p", "1080p", "4k"] = "720p"
    """How large the result is; larger costs more."""
    duration: Annotated[Literal[4, 6, 8], TextAsNumber] = 8
    """Length of the video: 4, 6, or 8 seconds; only 8 with references."""


class VeoExtend(CatalogRequest, title="veo/extend"):
    """A Veo video continued as the prompt says (veo/extend)."""

    usual_seconds: ClassVar[float] = 150.0

    model: Literal["veo/extend"] = "veo/extend"
    task_id: Annotated[str, Field(min_length=1), NotBlank]
    """The ID of the Veo task that made the video; not one made at 1080p."""
    prompt: Annotated[str, Field(min_length=1), NotBlank]
    """What happens next, in words."""
    seeds: Annotated[int, Field(ge=10000, le=99999), IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    watermark: str | None = None
    """The text of a watermark to put on the video."""


class VeoGet1080pVideo(CatalogRequest, title="veo/get-1080p-video"):
    """A finished Veo video at 1080p (veo/get-1080p-video)."""

    usual_seconds: ClassVar[float] = 90.0

    model: Literal["veo/get-1080p-video"] = "veo/get-1080p-video"
    taskId: Annotated[str, Field(min_length=1), NotBlank]
    """The ID of the Veo task that made the video; camelCase in this model only."""
    index: str | None = None
    """Which of the results to fetch, counted from 0, written as a string."""


class VeoGet4kVideo(CatalogRequest, title="veo/get-4k-video"):
    """A finished Veo video at 4K (veo/get-4k-video)."""

    usual_seconds: ClassVar[float] = 240.0

    model: Literal["veo/get-4k-video"] = "veo/get-4k-video"
    task_id: Annotated[str, Field(min_length=1), NotBlank]
    """The ID of the Veo task that made the video."""
    index: Annotated[int, IsNumber] = 0
    """Which of the results to fetch, counted from 0."""
