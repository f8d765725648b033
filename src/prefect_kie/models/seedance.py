"""Requests of the family seedance.

Generated from catalog.json by `make models`; change that, or tools/models_overlay.json.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from prefect_kie.models.fields import (
    Address,
    IsNumber,
    NotBlank,
    NumberAsText,
    TextAsNumber,
)
from prefect_kie.models.rules import CatalogRequest


class Seedance15Pro(CatalogRequest, title="Bytedance Seedance 1.5 Pro"):
    """A video of 4 to 12 seconds, with sound if you like, from a prompt and up to two pictures (bytedance/seedance-1.5-pro)."""

    usual_seconds: ClassVar[float] = 120.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio"})

    model: Literal["bytedance/seedance-1.5-pro"] = "bytedance/seedance-1.5-pro"
    prompt: Annotated[str, Field(min_length=3, max_length=20000), NotBlank]
    """What to make, in words."""
    input_urls: Annotated[list[Address], Field(max_length=2)] | None = None
    """Links to up to two pictures; leave it out to film the prompt alone."""
    aspect_ratio: Literal["1:1", "4:3", "3:4", "16:9", "9:16", "21:9"] = "1:1"
    """Width to height of the result."""
    resolution: Literal["480p", "720p", "1080p"] = "720p"
    """How large the result is; larger costs more."""
    duration: Annotated[float, Field(ge=4, le=12), IsNumber]
    """Length of the video, 4 to 12 seconds."""
    fixed_lens: bool = False
    """Keeps the camera still."""
    generate_audio: bool = False
    """Adds sound to the video."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Seedance2(CatalogRequest, title="Bytedance Seedance 2.0"):
    """A video of 4 to 15 seconds, with sound, from a prompt, frames, or reference media (bytedance/seedance-2)."""

    usual_seconds: ClassVar[float] = 180.0
    cast_into: ClassVar[str | None] = "reference_image_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("first_frame_url", "excludes", "reference_image_urls"),
        ("first_frame_url", "excludes", "reference_video_urls"),
        ("first_frame_url", "excludes", "reference_audio_urls"),
        ("last_frame_url", "needs", "first_frame_url"),
        ("web_search=true", "excludes", "first_frame_url"),
        ("web_search=true", "excludes", "reference_image_urls"),
        ("web_search=true", "excludes", "reference_video_urls"),
        ("web_search=true", "excludes", "reference_audio_urls"),
    )

    model: Literal["bytedance/seedance-2"] = "bytedance/seedance-2"
    resolution: Literal["480p", "720p", "1080p", "4k"] = "720p"
    """How large the result is; larger costs more."""
    duration: Annotated[int, Field(ge=4, le=15), IsNumber] = 5
    """Length of the video, 4 to 15 seconds."""
    generate_audio: bool = True
    """Adds sound to the video."""
    return_last_frame: bool = False
    """Also returns the last frame as a picture, to continue from."""
    web_search: bool | None = None
    """Lets the model look things up on the web first; only when working from the prompt alone."""
    aspect_ratio: Literal["1:1", "4:3", "3:4", "16:9", "9:16", "21:9", "adaptive"] = "16:9"
    """Width to height of the result."""
    prompt: Annotated[str, Field(min_length=3, max_length=20000)] | None = None
    """What to make, in words."""
    reference_image_urls: Annotated[list[Address], Field(max_length=9)] | None = None
    """Links to pictures of the people, things, or places to use."""
    reference_audio_urls: Annotated[list[Address], Field(max_length=3)] | None = None
    """Links to recordings to use in the video, such as voices or music."""
    first_frame_url: Address | None = None
    """The link or asset:// ID of the picture the video starts with; not with reference media."""
    last_frame_url: Address | None = None
    """The link or asset:// ID of the picture the video ends with; needs a first frame."""
    reference_video_urls: Annotated[list[Address], Field(max_length=3)] | None = None
    """Links to clips whose people, motion, or look to use."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Seedance25(CatalogRequest, title="Seedance 2.5"):
    """A video of 4 to 30 seconds, with sound, from a prompt, frames, or reference media (bytedance/seedance-2-5)."""

    usual_seconds: ClassVar[float] = 210.0
    cast_into: ClassVar[str | None] = "reference_image_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("first_frame_url", "excludes", "reference_image_urls"),
        ("first_frame_url", "excludes", "reference_video_urls"),
        ("first_frame_url", "excludes", "reference_audio_urls"),
        ("last_frame_url", "needs", "first_frame_url"),
        ("web_search=true", "excludes", "first_frame_url"),
        ("web_search=true", "excludes", "reference_image_urls"),
        ("web_search=true", "excludes", "reference_video_urls"),
        ("web_search=true", "excludes", "reference_audio_urls"),
    )

    model: Literal["bytedance/seedance-2-5"] = "bytedance/seedance-2-5"
    prompt: Annotated[str, Field(max_length=30000)] | None = None
    """What to make, in words."""
    first_frame_url: Address | None = None
    """The link or asset:// ID of the picture the video starts with; not with reference media."""
    last_frame_url: Address | None = None
    """The link or asset:// ID of the picture the video ends with; needs a first frame."""
    reference_image_urls: Annotated[list[Address], Field(max_length=30)] | None = None
    """Links to pictures of the people, things, or places to use."""
    reference_video_urls: Annotated[list[Address], Field(max_length=10)] | None = None
    """Links to clips whose people, motion, or look to use."""
    reference_audio_urls: Annotated[list[Address], Field(max_length=10)] | None = None
    """Links to recordings to use in the video, such as voices or music."""
    return_last_frame: bool = False
    """Also returns the last frame as a picture, to continue from."""
    generate_audio: bool = True
    """Adds sound to the video."""
    resolution: Literal["480p", "720p", "1080p"] = "720p"
    """How large the result is; larger costs more."""
    aspect_ratio: Literal["1:1", "4:3", "3:4", "16:9", "9:16", "21:9", "adaptive"] = "adaptive"
    """Width to height of the result."""
    duration: Annotated[
        Literal[
            -1,
            4,
            5,
            6,
            7,
            8,
            9,
            10,
            11,
            12,
            13,
            14,
            15,
            16,
            17,
            18,
            19,
            20,
            21,
            22,
            23,
            24,
            25,
            26,
            27,
            28,
            29,
            30,
        ],
        TextAsNumber,
    ] = 5
    """Length of the video, 4 to 30 seconds; -1 lets the model choose."""
    output_format: Literal["mp4", "mov"] = "mp4"
    """The file type of the result."""
    web_search: bool | None = None
    """Lets the model look things up on the web first; only when working from the prompt alone."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Seedance2Fast(CatalogRequest, title="Bytedance Seedance 2.0 Fast"):
    """A video of 4 to 15 seconds, up to 720p, from a prompt, frames, or references; made faster (bytedance/seedance-2-fast)."""

    usual_seconds: ClassVar[float] = 120.0
    cast_into: ClassVar[str | None] = "reference_image_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("first_frame_url", "excludes", "reference_image_urls"),
        ("first_frame_url", "excludes", "reference_video_urls"),
        ("first_frame_url", "excludes", "reference_audio_urls"),
        ("last_frame_url", "needs", "first_frame_url"),
        ("web_search=true", "excludes", "first_frame_url"),
        ("web_search=true", "excludes", "reference_image_urls"),
        ("web_search=true", "excludes", "reference_video_urls"),
        ("web_search=true", "excludes", "reference_audio_urls"),
    )

    model: Literal["bytedance/seedance-2-fast"] = "bytedance/seedance-2-fast"
    prompt: Annotated[str, Field(min_length=3, max_length=20000)] | None = None
    """What to make, in words."""
    first_frame_url: Address | None = None
    """The link or asset:// ID of the picture the video starts with; not with reference media."""
    last_frame_url: Address | None = None
    """The link or asset:// ID of the picture the video ends with; needs a first frame."""
    reference_image_urls: Annotated[list[Address], Field(max_length=9)] | None = None
    """Links to pictures of the people, things, or places to use."""
    reference_video_urls: Annotated[list[Address], Field(max_length=3)] | None = None
    """Links to clips whose people, motion, or look to use."""
    reference_audio_urls: Annotated[list[Address], Field(max_length=3)] | None = None
    """Links to recordings to use in the video, such as voices or music."""
    return_last_frame: bool = False
    """Also returns the last frame as a picture, to continue from."""
    generate_audio: bool = True
    """Adds sound to the video."""
    resolution: Literal["480p", "720p"] = "720p"
    """How large the result is; larger costs more."""
    aspect_ratio: Literal["1:1", "4:3", "3:4", "16:9", "9:16", "21:9", "adaptive"] = "16:9"
    """Width to height of the result."""
    duration: Annotated[int, Field(ge=4, le=15), IsNumber] = 5
    """Length of the video, 4 to 15 seconds."""
    web_search: bool | None = None
    """Lets the model look things up on the web first; only when working from the prompt alone."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Seedance2Mini(CatalogRequest, title="Bytedance Seedance 2.0 Mini"):
    """A cheap video of 4 to 15 seconds, up to 720p, from a prompt, frames, or reference media (bytedance/seedance-2-mini)."""

    usual_seconds: ClassVar[float] = 100.0
    cast_into: ClassVar[str | None] = "reference_image_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("first_frame_url", "excludes", "reference_image_urls"),
        ("first_frame_url", "excludes", "reference_video_urls"),
        ("first_frame_url", "excludes", "reference_audio_urls"),
        ("last_frame_url", "needs", "first_frame_url"),
        ("web_search=true", "excludes", "first_frame_url"),
        ("web_search=true", "excludes", "reference_image_urls"),
        ("web_search=true", "excludes", "reference_video_urls"),
        ("web_search=true", "excludes", "reference_audio_urls"),
    )

    model: Literal["bytedance/seedance-2-mini"] = "bytedance/seedance-2-mini"
    prompt: Annotated[str, Field(min_length=3, max_length=20000)] | None = None
    """What to make, in words."""
    first_frame_url: Address | None = None
    """The link or asset:// ID of the picture the video starts with; not with reference media."""
    last_frame_url: Address | None = None
    """The link or asset:// ID of the picture the video ends with; needs a first frame."""
    reference_image_urls: Annotated[list[Address], Field(max_length=9)] | None = None
    """Links to pictures of the people, things, or places to use."""
    reference_video_urls: Annotated[list[Address], Field(max_length=3)] | None = None
    """Links to clips whose people, motion, or look to use."""
    reference_audio_urls: Annotated[list[Address], Field(max_length=3)] | None = None
    """Links to recordings to use in the video, such as voices or music."""
    generate_audio: bool = True
    """Adds sound to the video."""
    resolution: Literal["480p", "720p"] = "720p"
    """How large the result is; larger costs more."""
    aspect_ratio: Literal["1:1", "4:3", "3:4", "16:9", "9:16", "21:9", "adaptive"] = "16:9"
    """Width to height of the result."""
    duration: Annotated[int, Field(ge=4, le=15), IsNumber] = 5
    """Length of the video, 4 to 15 seconds."""
    web_search: bool | None = None
    """Lets the model look things up on the web first; only when working from the prompt alone."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Seedance10LiteImageToVideo(CatalogRequest, title="Bytedance - V1 Lite Image to Video"):
    """A video of 5 or 10 seconds from a prompt, a first frame, and optionally a last one (bytedance/v1-lite-image-to-video)."""

    usual_seconds: ClassVar[float] = 90.0

    model: Literal["bytedance/v1-lite-image-to-video"] = "bytedance/v1-lite-image-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=10000), NotBlank]
    """What to make, in words."""
    image_url: Address
    """The link to the picture to work from."""
    resolution: Literal["480p", "720p", "1080p"] = "720p"
    """How large the result is; larger costs more."""
    duration: Annotated[Literal["5", "10"], NumberAsText] = "5"
    """Length of the result, in seconds."""
    camera_fixed: bool | None = None
    """Keeps the camera still."""
    seed: Annotated[float, Field(ge=-1, le=2147483647), IsNumber] = -1
    """Repeats a result: the same number gives a similar one; -1 picks one at random."""
    enable_safety_checker: bool | None = None
    """Checks the request and the result for unsafe content."""
    end_image_url: Address | None = None
    """The link to the picture the video ends with."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Seedance10LiteTextToVideo(CatalogRequest, title="Bytedance - V1 Lite Text to Video"):
    """A video of 5 or 10 seconds from a prompt (bytedance/v1-lite-text-to-video)."""

    usual_seconds: ClassVar[float] = 90.0

    model: Literal["bytedance/v1-lite-text-to-video"] = "bytedance/v1-lite-text-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=10000), NotBlank]
    """What to make, in words."""
    aspect_ratio: Literal["16:9", "4:3", "1:1", "3:4", "9:16", "9:21"] = "16:9"
    """Width to height of the result."""
    resolution: Literal["480p", "720p", "1080p"] = "720p"
    """How large the result is; larger costs more."""
    duration: Annotated[Literal["5", "10"], NumberAsText] = "5"
    """Length of the result, in seconds."""
    camera_fixed: bool | None = None
    """Keeps the camera still."""
    seed: Annotated[int, IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    enable_safety_checker: bool | None = None
    """Checks the request and the result for unsafe content."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Seedance10ProFastImageToVideo(CatalogRequest, title="Bytedance V1 Pro Fast Image to Video"):
    """A video of 5 or 10 seconds from a prompt and a first frame, made faster (bytedance/v1-pro-fast-image-to-video)."""

    usual_seconds: ClassVar[float] = 75.0

    model: Literal["bytedance/v1-pro-fast-image-to-video"] = "bytedance/v1-pro-fast-image-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=10000), NotBlank]
    """What to make, in words."""
    image_url: Address
    """The link to the picture to work from."""
    resolution: Literal["720p", "1080p"] = "720p"
    """How large the result is; larger costs more."""
    duration: Annotated[Literal["5", "10"], NumberAsText] = "5"
    """Length of the result, in seconds."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Seedance10ProImageToVideo(CatalogRequest, title="Bytedance V1 Pro Image to Video"):
    """A video of 5 or 10 seconds, up to 1080p, from a prompt and a first frame (bytedance/v1-pro-image-to-video)."""

    usual_seconds: ClassVar[float] = 120.0

    model: Literal["bytedance/v1-pro-image-to-video"] = "bytedance/v1-pro-image-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=10000), NotBlank]
    """What to make, in words."""
    image_url: Address
    """The link to the picture to work from."""
    resolution: Literal["480p", "720p", "1080p"] = "720p"
    """How large the result is; larger costs more."""
    duration: Annotated[Literal["5", "10"], NumberAsText] = "5"
    """Length of the result, in seconds."""
    camera_fixed: bool | None = None
    """Keeps the camera still."""
    seed: Annotated[float, Field(ge=-1, le=2147483647), IsNumber] = -1
    """Repeats a result: the same number gives a similar one; -1 picks one at random."""
    enable_safety_checker: bool | None = None
    """Checks the request and the result for unsafe content."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Seedance10ProTextToVideo(CatalogRequest, title="Bytedance - V1 Pro Text to Video"):
    """A video of 5 or 10 seconds, up to 1080p, from a prompt (bytedance/v1-pro-text-to-video)."""

    usual_seconds: ClassVar[float] = 120.0

    model: Literal["bytedance/v1-pro-text-to-video"] = "bytedance/v1-pro-text-to-video"
    prompt: Annotated[str, Field(min_length=1, max_length=10000), NotBlank]
    """What to make, in words."""
    aspect_ratio: Literal["21:9", "16:9", "4:3", "1:1", "3:4", "9:16"] = "16:9"
    """Width to height of the result."""
    resolution: Literal["480p", "720p", "1080p"] = "720p"
    """How large the result is; larger costs more."""
    duration: Annotated[Literal["5", "10"], NumberAsText] = "5"
    """Length of the result, in seconds."""
    camera_fixed: bool | None = None
    """Keeps the camera still."""
    seed: Annotated[float, Field(ge=-1, le=2147483647), IsNumber] = -1
    """Repeats a result: the same number gives a similar one; -1 picks one at random."""
    enable_safety_checker: bool | None = None
    """Checks the request and the result for unsafe content."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""
