"""Requests of the family grok-imagine.

Generated from catalog.json by `make models`; change that, or tools/models_overlay.json.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from prefect_kie.models.fields import (
    Address,
    IsNumber,
    NotBlank,
    NumberAsText,
    one_of,
)
from prefect_kie.models.rules import CatalogRequest, Variant


class GrokImagineImage20ImageEdit(CatalogRequest, title="grok-imagine-image-2-0/image-edit"):
    """A picture edited as the prompt says, from one to five pictures (grok-imagine-image-2-0/image-edit)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 25.0
    cast_into: ClassVar[str | None] = "image_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("no @handle", "needs", "image_urls"),)

    model: Literal["grok-imagine-image-2-0/image-edit"] = "grok-imagine-image-2-0/image-edit"
    prompt: Annotated[str, Field(max_length=390000)] | None = None
    """What to change, in words."""
    aspect_ratio: Literal["1:1", "2:3", "3:2", "16:9", "9:16", "auto"]
    """Width to height of the result."""
    image_urls: Annotated[list[Address], Field(min_length=1, max_length=5)] | None = None
    """Links to the pictures to work from."""


class GrokImagineImage20SegmentEdit(CatalogRequest, title="grok-imagine-image-2-0/segment-edit"):
    """A Grok picture with chosen segments changed as the prompt says (grok-imagine-image-2-0/segment-edit)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 25.0

    model: Literal["grok-imagine-image-2-0/segment-edit"] = "grok-imagine-image-2-0/segment-edit"
    prompt: Annotated[str, Field(min_length=1, max_length=390000), NotBlank]
    """What to change, in words."""
    task_id: Annotated[str, Field(min_length=1), NotBlank]
    """The ID of a text-to-image or segment-map task of Grok Imagine Image 2.0."""
    mask_indexs: Annotated[list[Annotated[int, IsNumber]], Field(min_length=1)] | None = None
    """The numbers of the segments to change, counted from 1; the field is really spelt so."""


class GrokImagineImage20SegmentMap(CatalogRequest, title="Grok Imagine Image 2.0 Segment Map"):
    """The numbered segments of a picture, which segment-edit can change one by one (grok-imagine-image-2-0/segment-map)."""

    result_kind: ClassVar[str] = "text"
    usual_seconds: ClassVar[float] = 10.0
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("any-of", "task_id", "image_url"),
        ("task_id", "excludes", "image_url"),
    )
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant("by task", ("task_id",), ("task_id",), limits={}, values={}),
        Variant("by URL", ("image_url",), ("image_url",), limits={}, values={}),
    )

    model: Literal["grok-imagine-image-2-0/segment-map"] = "grok-imagine-image-2-0/segment-map"
    task_id: Annotated[str, Field(min_length=1)] | None = None
    """The ID of the Grok task that made the picture; give this or image_url."""
    image_url: Address | None = None
    """The link to the picture; give this or task_id."""


class GrokImagineImage20TextToImage(CatalogRequest, title="Grok 2"):
    """A picture from a prompt (grok-imagine-image-2-0/text-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 20.0

    model: Literal["grok-imagine-image-2-0/text-to-image"] = "grok-imagine-image-2-0/text-to-image"
    prompt: Annotated[str, Field(min_length=1), NotBlank]
    """What to make, in words."""
    aspect_ratio: Literal["1:1", "2:3", "3:2", "16:9", "9:16"]
    """Width to height of the result."""


class GrokImagineVideo15Preview(CatalogRequest, title="Grok Imagine Video 1.5"):
    """A video of 1 to 15 seconds from pictures and a prompt (grok-imagine-video-1-5-preview)."""

    usual_seconds: ClassVar[float] = 90.0
    cast_into: ClassVar[str | None] = "image_urls"

    model: Literal["grok-imagine-video-1-5-preview"] = "grok-imagine-video-1-5-preview"
    prompt: Annotated[str, Field(max_length=4096)] | None = None
    """What to make, in words."""
    image_urls: Annotated[list[Address], Field(max_length=7)] | None = None
    """Links to up to seven pictures, 20 MB each; only one at 1080p."""
    aspect_ratio: Literal["1:1", "16:9", "9:16", "3:2", "2:3", "auto"] = "auto"
    """Width to height of the video; not used with a single picture."""
    resolution: Literal["480p", "720p", "1080p"] = "480p"
    """How large the result is; larger costs more."""
    duration: Annotated[int, Field(ge=1, le=15), IsNumber] = 8
    """Length of the result, in seconds."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class GrokImagineExtend(CatalogRequest, title="Grok Imagine - Video Extend"):
    """A Grok video continued by 6 or 10 seconds (grok-imagine/extend)."""

    usual_seconds: ClassVar[float] = 90.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"extend_at"})

    model: Literal["grok-imagine/extend"] = "grok-imagine/extend"
    task_id: Annotated[str, Field(min_length=1, max_length=100), NotBlank]
    """The ID of the Grok task that made the video."""
    prompt: Annotated[str, Field(min_length=1), NotBlank]
    """What happens next, in words."""
    extend_at: Annotated[float, Field(ge=2), IsNumber] = 2
    """Where in the source video to continue from, in seconds."""
    extend_times: Annotated[float, one_of(6, 10), Field(json_schema_extra={"enum": [6, 10]}), IsNumber]
    """How much to add: 6 or 10 seconds."""


class GrokImagineImageToImage(CatalogRequest, title="Grok Imagine - image to image"):
    """A picture from up to five pictures and a prompt (grok-imagine/image-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 25.0
    cast_into: ClassVar[str | None] = "image_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("no @handle", "needs", "image_urls"),)

    model: Literal["grok-imagine/image-to-image"] = "grok-imagine/image-to-image"
    prompt: Annotated[str, Field(max_length=390000)] | None = None
    """What to make, in words."""
    image_urls: Annotated[list[Address], Field(min_length=1, max_length=5)] | None = None
    """Links to the pictures to work from."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class GrokImagineImageToVideo(CatalogRequest, title="Grok Imagine Image to Video"):
    """A video of 6 to 30 seconds from pictures, or from a picture Grok made (grok-imagine/image-to-video)."""

    usual_seconds: ClassVar[float] = 90.0
    cast_into: ClassVar[str | None] = "image_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("task_id", "excludes", "image_urls"),
        ("index", "needs", "task_id"),
        ("mode=spicy", "excludes", "image_urls"),
    )

    model: Literal["grok-imagine/image-to-video"] = "grok-imagine/image-to-video"
    image_urls: Annotated[list[Address], Field(max_length=7)] | None = None
    """Links to up to seven pictures; not with task_id."""
    task_id: Annotated[str, Field(max_length=100)] | None = None
    """The ID of a Grok task that made the picture; not with image_urls."""
    index: Annotated[int, Field(ge=0, le=5), IsNumber] = 0
    """Which of the task's pictures to film, counted from 0; only with task_id."""
    prompt: str | None = None
    """What to make, in words."""
    mode: Literal["fun", "normal", "spicy"] = "normal"
    """The mood of the video; spicy only with pictures Grok made."""
    duration: (
        Annotated[
            Literal[
                "6",
                "7",
                "8",
                "9",
                "10",
                "11",
                "12",
                "13",
                "14",
                "15",
                "16",
                "17",
                "18",
                "19",
                "20",
                "21",
                "22",
                "23",
                "24",
                "25",
                "26",
                "27",
                "28",
                "29",
                "30",
            ],
            NumberAsText,
        ]
        | None
    ) = None
    """Length of the video, 6 to 30 whole seconds."""
    resolution: Literal["480p", "720p", "1080p"] = "480p"
    """How large the result is; larger costs more."""
    aspect_ratio: Literal["2:3", "3:2", "1:1", "16:9", "9:16"] = "16:9"
    """Width to height of the video; used with several pictures only."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class GrokImagineTextToImage(CatalogRequest, title="Grok Imagine - Text to Image"):
    """Pictures from a prompt (grok-imagine/text-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 20.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio"})

    model: Literal["grok-imagine/text-to-image"] = "grok-imagine/text-to-image"
    prompt: Annotated[str, Field(min_length=1), NotBlank]
    """What to make, in words."""
    aspect_ratio: Literal["2:3", "3:2", "1:1", "16:9", "9:16"] = "3:2"
    """Width to height of the result."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""
    enable_pro: bool | None = None
    """Makes the pictures in the pro mode, which costs more."""


class GrokImagineTextToVideo(CatalogRequest, title="Grok"):
    """A video of 6 to 30 seconds from a prompt (grok-imagine/text-to-video)."""

    usual_seconds: ClassVar[float] = 90.0

    model: Literal["grok-imagine/text-to-video"] = "grok-imagine/text-to-video"
    prompt: Annotated[str, Field(min_length=1), NotBlank]
    """What to make, in words."""
    aspect_ratio: Literal["2:3", "3:2", "1:1", "16:9", "9:16"] = "2:3"
    """Width to height of the result."""
    mode: Literal["fun", "normal", "spicy"] = "normal"
    """The mood of the video."""
    duration: (
        Annotated[
            float,
            one_of(
                6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
            ),
            Field(
                json_schema_extra={
                    "enum": [
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
                    ]
                }
            ),
            IsNumber,
        ]
        | None
    ) = None
    """Length of the video, 6 to 30 whole seconds."""
    resolution: Literal["480p", "720p", "1080p"] = "480p"
    """How large the result is; larger costs more."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class GrokImagineUpscale(CatalogRequest, title="Grok Imagine - Video Upscale"):
    """A Grok video at 720p or 1080p (grok-imagine/upscale)."""

    usual_seconds: ClassVar[float] = 120.0

    model: Literal["grok-imagine/upscale"] = "grok-imagine/upscale"
    task_id: Annotated[str, Field(min_length=1, max_length=100), NotBlank]
    """The ID of the Grok task that made the video."""
    resolution: Literal["720p", "1080p"] = "720p"
    """How large the result is; larger costs more."""
