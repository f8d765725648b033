"""Requests of the family gemini-omni.

Generated from catalog.json by `make models`; change that, or tools/models_overlay.json.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from prefect_kie.models.fields import (
    Address,
    IsNumber,
    NotBlank,
    NumberAsText,
)
from prefect_kie.models.rules import CatalogRequest, Part


class GeminiOmniVideoVideoList(Part):
    """One of `video_list` of gemini-omni-video."""

    url: Address
    """The link to the clip."""
    start: Annotated[float, Field(ge=0), IsNumber]
    """Where the part to use starts, in seconds."""
    ends: Annotated[float, Field(ge=0), IsNumber]
    """Where the part to use ends, in seconds."""


class GeminiOmniVideo(CatalogRequest, title="Gemini Omni Video"):
    """A video of 4 to 10 seconds from a prompt, with pictures, characters, voices, or a clip (gemini-omni-video)."""

    usual_seconds: ClassVar[float] = 150.0
    cast_into: ClassVar[str | None] = "image_urls"

    model: Literal["gemini-omni-video"] = "gemini-omni-video"
    prompt: Annotated[str, Field(min_length=1, max_length=20000), NotBlank]
    """What to make, in words."""
    image_urls: Annotated[list[Address], Field(max_length=7)] | None = None
    """Links to pictures; of 7 places in all a picture or a character takes one, a clip two."""
    audio_ids: Annotated[list[Annotated[str, Field(min_length=1), NotBlank]], Field(max_length=3)] | None = (
        None
    )
    """IDs of up to three voices made with Gemini Omni's voice endpoint."""
    video_list: Annotated[list[GeminiOmniVideoVideoList], Field(max_length=1)] | None = None
    """One clip, up to 100 MB and 30 seconds long, and up to 10 seconds of it to use."""
    character_ids: (
        Annotated[list[Annotated[str, Field(min_length=1), NotBlank]], Field(max_length=3)] | None
    ) = None
    """IDs of up to three characters made with Gemini Omni's character endpoint."""
    duration: Annotated[Literal["4", "6", "8", "10"], NumberAsText]
    """Length of the video: 4, 6, 8, or 10 seconds; ignored with a clip."""
    aspect_ratio: Literal["16:9", "9:16"] | None = None
    """Width to height of the result."""
    seed: Annotated[int, IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    resolution: Literal["720p", "1080p", "4k"] = "720p"
    """How large the result is; larger costs more."""


class GeminiOmniFlash11VideoList(Part):
    """One of `video_list` of google/gemini-omni-flash-1-1."""

    url: Address
    """The link to the clip."""
    start: Annotated[float, Field(ge=0), IsNumber]
    """Where the part to use starts, in seconds."""
    ends: Annotated[float, Field(ge=0), IsNumber]
    """Where the part to use ends, in seconds."""


class GeminiOmniFlash11(CatalogRequest, title="Omni Flash"):
    """A video of 4 to 10 seconds from a prompt, with frames, pictures, characters, voices, or a clip (google/gemini-omni-flash-1-1)."""

    usual_seconds: ClassVar[float] = 150.0
    cast_into: ClassVar[str | None] = "image_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("last_frame_url", "needs", "first_frame_url"),
        ("first_frame_url", "excludes", "image_urls"),
        ("first_frame_url", "excludes", "audio_ids"),
        ("first_frame_url", "excludes", "character_ids"),
        ("first_frame_url", "excludes", "video_list"),
    )

    model: Literal["google/gemini-omni-flash-1-1"] = "google/gemini-omni-flash-1-1"
    prompt: Annotated[str, Field(min_length=1, max_length=20000), NotBlank]
    """What to make, in words."""
    image_urls: Annotated[list[Address], Field(max_length=7)] | None = None
    """Links to pictures; of 7 places in all a picture or a character takes one, a clip two."""
    audio_ids: Annotated[list[Annotated[str, Field(min_length=1), NotBlank]], Field(max_length=3)] | None = (
        None
    )
    """IDs of up to three voices made with Gemini Omni's voice endpoint."""
    video_list: Annotated[list[GeminiOmniFlash11VideoList], Field(max_length=1)] | None = None
    """One clip, up to 100 MB and 30 seconds long, and up to 10 seconds of it to use."""
    character_ids: (
        Annotated[list[Annotated[str, Field(min_length=1), NotBlank]], Field(max_length=3)] | None
    ) = None
    """IDs of up to three characters made with Gemini Omni's character endpoint."""
    duration: Annotated[Literal["4", "6", "8", "10"], NumberAsText]
    """Length of the result, in seconds."""
    aspect_ratio: Literal["16:9", "9:16"] | None = None
    """Width to height of the result."""
    seed: Annotated[int, IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    resolution: Literal["360p", "720p", "1080p", "4k"] = "720p"
    """How large the result is; larger costs more."""
    first_frame_url: Address | None = None
    """The link to the picture the video starts with; not with pictures, characters, voices, or a clip."""
    last_frame_url: Address | None = None
    """The link to the picture the video ends with; needs a first frame."""
