"""Requests of the family happyhorse.

Generated from catalog.json by `make models`; change that, or tools/models_overlay.json.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from prefect_kie.models.fields import (
    Address,
    IsNumber,
    NotBlank,
)
from prefect_kie.models.rules import CatalogRequest


class Happyhorse11ImageToVideo(CatalogRequest, title="HappyHorse-1-1 image-to-video"):
    """A video of 3 to 15 seconds from a picture and, if you like, a prompt (happyhorse-1-1/image-to-video)."""

    usual_seconds: ClassVar[float] = 150.0

    model: Literal["happyhorse-1-1/image-to-video"] = "happyhorse-1-1/image-to-video"
    prompt: Annotated[str, Field(max_length=5000)] | None = None
    """What to make, in words."""
    image_urls: Annotated[list[Address], Field(min_length=1, max_length=1)]
    """The link to one picture, which the video starts with."""
    resolution: Literal["720p", "1080p"] = "1080p"
    """How large the result is; larger costs more."""
    duration: Annotated[float, Field(ge=3, le=15), IsNumber] = 5
    """Length of the result, in seconds."""


class Happyhorse11ReferenceToVideo(CatalogRequest, title="HappyHorse-1-1 reference-to-video"):
    """A video of 3 to 15 seconds from a prompt and up to nine reference pictures (happyhorse-1-1/reference-to-video)."""

    usual_seconds: ClassVar[float] = 150.0
    cast_into: ClassVar[str | None] = "reference_image"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("no @handle", "needs", "reference_image"),)

    model: Literal["happyhorse-1-1/reference-to-video"] = "happyhorse-1-1/reference-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    reference_image: Annotated[list[Address], Field(min_length=1, max_length=9)] | None = None
    """Links to pictures of the people, things, or places to use."""
    resolution: Literal["720p", "1080p"] = "1080p"
    """How large the result is; larger costs more."""
    aspect_ratio: Literal["16:9", "9:16", "3:4", "4:3", "4:5", "5:4", "1:1", "9:21", "21:9"] = "16:9"
    """Width to height of the result."""
    duration: Annotated[float, Field(ge=3, le=15), IsNumber] = 5
    """Length of the result, in seconds."""


class Happyhorse11TextToVideo(CatalogRequest, title="HappyHorse"):
    """A video of 3 to 15 seconds from a prompt (happyhorse-1-1/text-to-video)."""

    usual_seconds: ClassVar[float] = 150.0

    model: Literal["happyhorse-1-1/text-to-video"] = "happyhorse-1-1/text-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=4999), NotBlank]
    """What to make, in words."""
    resolution: Literal["720p", "1080p"] = "1080p"
    """How large the result is; larger costs more."""
    aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4", "4:5", "5:4", "9:21", "21:9"] = "16:9"
    """Width to height of the result."""
    duration: Annotated[float, Field(ge=3, le=15), IsNumber] = 5
    """Length of the result, in seconds."""


class HappyhorseImageToVideo(CatalogRequest, title="HappyHorse - image-to-video"):
    """A video of 3 to 15 seconds from a picture and, if you like, a prompt (first generation) (happyhorse/image-to-video)."""

    usual_seconds: ClassVar[float] = 150.0

    model: Literal["happyhorse/image-to-video"] = "happyhorse/image-to-video"
    prompt: Annotated[str, Field(max_length=5000)] | None = None
    """What to make, in words."""
    image_urls: Annotated[list[Address], Field(min_length=1, max_length=1)]
    """The link to exactly one picture, which the video starts with."""
    resolution: Literal["720p", "1080p"] = "1080p"
    """How large the result is; larger costs more."""
    duration: Annotated[int, Field(ge=3, le=15), IsNumber] = 5
    """Length of the result, in seconds."""
    seed: Annotated[int, Field(ge=0, le=2147483647), IsNumber] = 0
    """Repeats a result: the same number and request give a similar one."""


class HappyhorseReferenceToVideo(CatalogRequest, title="HappyHorse - reference-to-video"):
    """A video of 3 to 15 seconds from a prompt and up to nine pictures (first generation) (happyhorse/reference-to-video)."""

    usual_seconds: ClassVar[float] = 150.0
    cast_into: ClassVar[str | None] = "reference_image"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("no @handle", "needs", "reference_image"),)

    model: Literal["happyhorse/reference-to-video"] = "happyhorse/reference-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    reference_image: (
        Annotated[list[Annotated[str, Field(min_length=1), NotBlank]], Field(min_length=1, max_length=9)]
        | None
    ) = None
    """Links to pictures of the people, things, or places to use."""
    resolution: Literal["720p", "1080p"] = "1080p"
    """How large the result is; larger costs more."""
    aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4"] = "16:9"
    """Width to height of the result."""
    duration: Annotated[int, Field(ge=3, le=15), IsNumber] = 5
    """Length of the result, in seconds."""
    seed: Annotated[int, Field(ge=0, le=2147483647), IsNumber] = 0
    """Repeats a result: the same number and request give a similar one."""


class HappyhorseTextToVideo(CatalogRequest, title="HappyHorse - text-to-video"):
    """A video of 3 to 15 seconds from a prompt (first generation) (happyhorse/text-to-video)."""

    usual_seconds: ClassVar[float] = 150.0

    model: Literal["happyhorse/text-to-video"] = "happyhorse/text-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    resolution: Literal["720p", "1080p"] = "1080p"
    """How large the result is; larger costs more."""
    aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4"] = "16:9"
    """Width to height of the result."""
    duration: Annotated[int, Field(ge=3, le=15), IsNumber] = 5
    """Length of the result, in seconds."""
    seed: Annotated[int, Field(ge=0, le=2147483647), IsNumber] = 0
    """Repeats a result: the same number and request give a similar one."""


class HappyhorseVideoEdit(CatalogRequest, title="HappyHorse - video-edit"):
    """A video edited as the prompt says, with up to five reference pictures (happyhorse/video-edit)."""

    usual_seconds: ClassVar[float] = 180.0
    cast_into: ClassVar[str | None] = "reference_image"

    model: Literal["happyhorse/video-edit"] = "happyhorse/video-edit"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to change, in words."""
    video_url: Address
    """The link to the video to work from."""
    reference_image: (
        Annotated[list[Annotated[str, Field(min_length=1), NotBlank]], Field(max_length=5)] | None
    ) = None
    """Links to pictures of the people, things, or places to use."""
    resolution: Literal["720p", "1080p"] = "1080p"
    """How large the result is; larger costs more."""
    audio_setting: Literal["auto", "origin"] = "auto"
    """Whether to keep the original sound (origin) or let the model decide (auto)."""
    seed: Annotated[int, Field(ge=0, le=2147483647), IsNumber] = 0
    """Repeats a result: the same number and request give a similar one."""
