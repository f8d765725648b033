"""Requests of the family hailuo.

Generated from catalog.json by `make models`; change that, or tools/models_overlay.json.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from prefect_kie.models.fields import (
    Address,
    NotBlank,
    NumberAsText,
    TextAsNumber,
)
from prefect_kie.models.rules import CatalogRequest, Variant


class Hailuo02ImageToVideoPro(CatalogRequest, title="Hailuo Pro Image to Video"):
    """A video of 6 seconds from a prompt, a first frame, and optionally a last one (hailuo/02-image-to-video-pro)."""

    usual_seconds: ClassVar[float] = 200.0

    model: Literal["hailuo/02-image-to-video-pro"] = "hailuo/02-image-to-video-pro"
    prompt: Annotated[str, Field(min_length=1, max_length=1500), NotBlank]
    """What to make, in words."""
    image_url: Address
    """The link to the picture to work from."""
    end_image_url: Address | None = None
    """The link to the picture the video ends with."""
    prompt_optimizer: bool | None = None
    """Lets the model improve your prompt."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Hailuo02ImageToVideoStandard(CatalogRequest, title="Hailuo Standard Image to Video"):
    """A video of 6 or 10 seconds, up to 768P, from a prompt and a first frame (hailuo/02-image-to-video-standard)."""

    usual_seconds: ClassVar[float] = 150.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"duration", "resolution"})

    model: Literal["hailuo/02-image-to-video-standard"] = "hailuo/02-image-to-video-standard"
    prompt: Annotated[str, Field(min_length=1, max_length=1500), NotBlank]
    """What to make, in words."""
    image_url: Address
    """The link to the picture to work from."""
    end_image_url: Address | None = None
    """The link to the picture the video ends with."""
    duration: Annotated[Literal["6", "10"], NumberAsText] = "10"
    """Length of the result, in seconds."""
    resolution: Literal["512P", "768P"] = "768P"
    """How large the result is; larger costs more."""
    prompt_optimizer: bool | None = None
    """Lets the model improve your prompt."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Hailuo02TextToVideoPro(CatalogRequest, title="Hailuo Pro Text to Video"):
    """A video of 6 seconds from a prompt (hailuo/02-text-to-video-pro)."""

    usual_seconds: ClassVar[float] = 200.0

    model: Literal["hailuo/02-text-to-video-pro"] = "hailuo/02-text-to-video-pro"
    prompt: Annotated[str, Field(min_length=1, max_length=1500), NotBlank]
    """What to make, in words."""
    prompt_optimizer: bool | None = None
    """Lets the model improve your prompt."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Hailuo02TextToVideoStandard(CatalogRequest, title="Hailuo Standard Text to Video"):
    """A video of 6 or 10 seconds at 768P from a prompt (hailuo/02-text-to-video-standard)."""

    usual_seconds: ClassVar[float] = 150.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"duration"})

    model: Literal["hailuo/02-text-to-video-standard"] = "hailuo/02-text-to-video-standard"
    prompt: Annotated[str, Field(min_length=1, max_length=1500), NotBlank]
    """What to make, in words."""
    duration: Annotated[Literal["6", "10"], NumberAsText] = "6"
    """Length of the result, in seconds."""
    prompt_optimizer: bool | None = None
    """Lets the model improve your prompt."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Hailuo23ImageToVideoPro(CatalogRequest, title="Hailuo 2.3 Pro Image to Video"):
    """A video of 6 or 10 seconds, up to 1080P, from a prompt and a first frame (hailuo/2-3-image-to-video-pro)."""

    usual_seconds: ClassVar[float] = 200.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"duration", "resolution"})
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("duration=10", "excludes", "resolution=1080P"),)

    model: Literal["hailuo/2-3-image-to-video-pro"] = "hailuo/2-3-image-to-video-pro"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    image_url: Address
    """The link to the picture to work from."""
    duration: Annotated[Literal["6", "10"], NumberAsText] = "6"
    """Length of the video, 6 or 10 seconds; 10 not at 1080P."""
    resolution: Literal["768P", "1080P"] = "768P"
    """How large the result is; larger costs more."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Hailuo23ImageToVideoStandard(CatalogRequest, title="Hailuo 2.3 Standard Image to Video"):
    """A video of 6 or 10 seconds, up to 1080P, from a prompt and a first frame, cheaper than pro (hailuo/2-3-image-to-video-standard)."""

    usual_seconds: ClassVar[float] = 150.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"duration", "resolution"})
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("duration=10", "excludes", "resolution=1080P"),)

    model: Literal["hailuo/2-3-image-to-video-standard"] = "hailuo/2-3-image-to-video-standard"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    image_url: Address
    """The link to the picture to work from."""
    duration: Annotated[Literal["6", "10"], NumberAsText] = "6"
    """Length of the video, 6 or 10 seconds; 10 not at 1080P."""
    resolution: Literal["768P", "1080P"] = "768P"
    """How large the result is; larger costs more."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class MinimaxH3ImageToVideo(CatalogRequest, title="MiniMax H3 (frames)"):
    """A video of 4 to 15 seconds, up to 2K, from a prompt and a first or last frame (minimax-h3/image-to-video)."""

    usual_seconds: ClassVar[float] = 180.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"duration"})
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("any-of", "first_frame_url", "last_frame_url"),)
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant("first frame", ("first_frame_url",), None, limits={}, values={}),
        Variant("last frame", ("last_frame_url",), None, limits={}, values={}),
    )

    model: Literal["minimax-h3/image-to-video"] = "minimax-h3/image-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=7000), NotBlank]
    """What to make, in words."""
    first_frame_url: Address | None = None
    """The link to the picture the video starts with; this or the last frame is needed."""
    last_frame_url: Address | None = None
    """The link to the picture the video ends with; this or the first frame is needed."""
    duration: Annotated[Literal[4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], TextAsNumber] = 6
    """Length of the result, in seconds."""
    resolution: Literal["768P", "2K"] = "2K"
    """How large the result is; larger costs more."""


class MinimaxH3ReferenceToVideo(CatalogRequest, title="MiniMax H3 Reference-to-Video"):
    """A video of 4 to 15 seconds, up to 2K, from a prompt and reference pictures or clips (minimax-h3/reference-to-video)."""

    usual_seconds: ClassVar[float] = 200.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"duration"})
    cast_into: ClassVar[str | None] = "reference_image_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("any-of", "reference_image_urls", "reference_video_urls"),
    )
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant("images", ("reference_image_urls",), None, limits={}, values={}),
        Variant("videos", ("reference_video_urls",), None, limits={}, values={}),
    )

    model: Literal["minimax-h3/reference-to-video"] = "minimax-h3/reference-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=7000), NotBlank]
    """What to make, in words."""
    reference_image_urls: Annotated[list[Address], Field(max_length=9)] | None = None
    """Links to pictures of the people, things, or places to use."""
    reference_video_urls: Annotated[list[Address], Field(max_length=3)] | None = None
    """Links to clips whose people, motion, or look to use."""
    reference_audio_urls: Annotated[list[Address], Field(max_length=3)] | None = None
    """Links to recordings, up to 15 seconds in all; only beside pictures or clips."""
    aspect_ratio: Literal["adaptive", "21:9", "16:9", "4:3", "1:1", "3:4", "9:16"] = "adaptive"
    """Width to height of the result."""
    duration: Annotated[Literal[4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], TextAsNumber] = 6
    """Length of the result, in seconds."""
    resolution: Literal["768P", "2K"] = "2K"
    """How large the result is; larger costs more."""


class MinimaxH3TextToVideo(CatalogRequest, title="MiniMax H3"):
    """A video of 4 to 15 seconds, up to 2K, from a prompt (minimax-h3/text-to-video)."""

    usual_seconds: ClassVar[float] = 180.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"duration"})

    model: Literal["minimax-h3/text-to-video"] = "minimax-h3/text-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=7000), NotBlank]
    """What to make, in words."""
    aspect_ratio: Literal["21:9", "16:9", "4:3", "1:1", "3:4", "9:16"]
    """Width to height of the result."""
    duration: Annotated[Literal[4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], TextAsNumber] = 6
    """Length of the result, in seconds."""
    resolution: Literal["768P", "2K"] = "2K"
    """How large the result is; larger costs more."""
