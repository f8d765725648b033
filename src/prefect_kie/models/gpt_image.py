"""Requests of the family gpt-image.

Generated from catalog.json by `make models`; change that, or tools/models_overlay.json.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from prefect_kie.models.fields import (
    Address,
    NotBlank,
)
from prefect_kie.models.rules import CatalogRequest


class Gpt4oImage(CatalogRequest, title="4o-image-api"):
    """A picture from a prompt, up to five pictures, or both (4o-image-api)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 60.0
    cast_into: ClassVar[str | None] = "files_url"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("any-of", "prompt", "files_url"),)

    model: Literal["4o-image-api"] = "4o-image-api"
    prompt: str | None = None
    """What to make, in words; needed without a picture."""
    size: Literal["1:1", "3:2", "2:3"]
    """Width to height of the picture."""
    files_url: Annotated[list[Address], Field(max_length=5)] | None = None
    """Links to the pictures to work from."""
    file_url: Address | None = None
    """The link to one source picture; deprecated, use files_url."""


class GptImage25FlareImageToImage(CatalogRequest, title="gpt-image-2-5-flare-image-to-image"):
    """A picture, up to 4K, from a prompt and up to 16 pictures (gpt-image-2-5-flare-image-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 60.0
    cast_into: ClassVar[str | None] = "input_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("resolution=2K", "needs", "aspect_ratio"),
        ("resolution=4K", "needs", "aspect_ratio"),
        ("aspect_ratio=1:1", "excludes", "resolution=4K"),
        ("aspect_ratio=auto", "excludes", "resolution=2K"),
        ("aspect_ratio=auto", "excludes", "resolution=4K"),
        ("aspect_ratio=27:16", "excludes", "resolution=2K"),
        ("aspect_ratio=27:16", "excludes", "resolution=4K"),
        ("aspect_ratio=16:27", "excludes", "resolution=2K"),
        ("aspect_ratio=16:27", "excludes", "resolution=4K"),
        ("aspect_ratio=9:8", "excludes", "resolution=2K"),
        ("aspect_ratio=9:8", "excludes", "resolution=4K"),
        ("aspect_ratio=8:9", "excludes", "resolution=2K"),
        ("aspect_ratio=8:9", "excludes", "resolution=4K"),
        ("no @handle", "needs", "input_urls"),
    )

    model: Literal["gpt-image-2-5-flare-image-to-image"] = "gpt-image-2-5-flare-image-to-image"
    prompt: Annotated[str, Field(min_length=1, max_length=20000), NotBlank]
    """What to make, in words."""
    input_urls: Annotated[list[Address], Field(min_length=1, max_length=16)] | None = None
    """Links to the pictures to work from."""
    aspect_ratio: (
        Literal[
            "auto", "1:1", "3:2", "2:3", "4:3", "3:4", "16:9", "9:16", "21:9", "27:16", "16:27", "9:8", "8:9"
        ]
        | None
    ) = None
    """Width to height; 27:16, 16:27, 9:8, 8:9, and auto only at 1K, 1:1 not at 4K."""
    resolution: Literal["1K", "2K", "4K"] | None = None
    """How large the picture is; only 1K without an aspect ratio."""
    background: Literal["transparent", "opaque", "auto"] | None = None
    """Whether the background is transparent or opaque."""


class GptImage25FlareTextToImage(CatalogRequest, title="GPT Image 2.5 Flare"):
    """A picture, up to 4K, from a prompt (gpt-image-2-5-flare-text-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 50.0
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("resolution=2K", "needs", "aspect_ratio"),
        ("resolution=4K", "needs", "aspect_ratio"),
        ("aspect_ratio=1:1", "excludes", "resolution=4K"),
        ("aspect_ratio=auto", "excludes", "resolution=2K"),
        ("aspect_ratio=auto", "excludes", "resolution=4K"),
        ("aspect_ratio=27:16", "excludes", "resolution=2K"),
        ("aspect_ratio=27:16", "excludes", "resolution=4K"),
        ("aspect_ratio=16:27", "excludes", "resolution=2K"),
        ("aspect_ratio=16:27", "excludes", "resolution=4K"),
        ("aspect_ratio=9:8", "excludes", "resolution=2K"),
        ("aspect_ratio=9:8", "excludes", "resolution=4K"),
        ("aspect_ratio=8:9", "excludes", "resolution=2K"),
        ("aspect_ratio=8:9", "excludes", "resolution=4K"),
    )

    model: Literal["gpt-image-2-5-flare-text-to-image"] = "gpt-image-2-5-flare-text-to-image"
    prompt: Annotated[str, Field(min_length=1, max_length=20000), NotBlank]
    """What to make, in words."""
    aspect_ratio: (
        Literal[
            "auto", "1:1", "3:2", "2:3", "4:3", "3:4", "16:9", "9:16", "21:9", "27:16", "16:27", "9:8", "8:9"
        ]
        | None
    ) = None
    """Width to height; 27:16, 16:27, 9:8, 8:9, and auto only at 1K, 1:1 not at 4K."""
    resolution: Literal["1K", "2K", "4K"] | None = None
    """How large the picture is; only 1K without an aspect ratio."""
    background: Literal["transparent", "opaque", "auto"] | None = None
    """Whether the background is transparent or opaque."""


class GptImage25SunburstImageToImage(CatalogRequest, title="gpt-image-2-5-sunburst-image-to-image"):
    """A picture, up to 4K, from a prompt and up to 16 pictures (gpt-image-2-5-sunburst-image-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 60.0
    cast_into: ClassVar[str | None] = "input_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("resolution=2K", "needs", "aspect_ratio"),
        ("resolution=4K", "needs", "aspect_ratio"),
        ("aspect_ratio=1:1", "excludes", "resolution=4K"),
        ("aspect_ratio=auto", "excludes", "resolution=2K"),
        ("aspect_ratio=auto", "excludes", "resolution=4K"),
        ("aspect_ratio=27:16", "excludes", "resolution=2K"),
        ("aspect_ratio=27:16", "excludes", "resolution=4K"),
        ("aspect_ratio=16:27", "excludes", "resolution=2K"),
        ("aspect_ratio=16:27", "excludes", "resolution=4K"),
        ("aspect_ratio=9:8", "excludes", "resolution=2K"),
        ("aspect_ratio=9:8", "excludes", "resolution=4K"),
        ("aspect_ratio=8:9", "excludes", "resolution=2K"),
        ("aspect_ratio=8:9", "excludes", "resolution=4K"),
        ("no @handle", "needs", "input_urls"),
    )

    model: Literal["gpt-image-2-5-sunburst-image-to-image"] = "gpt-image-2-5-sunburst-image-to-image"
    prompt: Annotated[str, Field(min_length=1, max_length=20000), NotBlank]
    """What to make, in words."""
    input_urls: Annotated[list[Address], Field(min_length=1, max_length=16)] | None = None
    """Links to the pictures to work from."""
    aspect_ratio: (
        Literal[
            "auto", "1:1", "3:2", "2:3", "4:3", "3:4", "16:9", "9:16", "21:9", "27:16", "16:27", "9:8", "8:9"
        ]
        | None
    ) = None
    """Width to height; 27:16, 16:27, 9:8, 8:9, and auto only at 1K, 1:1 not at 4K."""
    resolution: Literal["1K", "2K", "4K"] | None = None
    """How large the picture is; only 1K without an aspect ratio."""
    background: Literal["transparent", "opaque", "auto"] | None = None
    """Whether the background is transparent or opaque."""


class GptImage25SunburstTextToImage(CatalogRequest, title="GPT 2.5"):
    """A picture, up to 4K, from a prompt (gpt-image-2-5-sunburst-text-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 60.0
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("resolution=2K", "needs", "aspect_ratio"),
        ("resolution=4K", "needs", "aspect_ratio"),
        ("aspect_ratio=1:1", "excludes", "resolution=4K"),
        ("aspect_ratio=auto", "excludes", "resolution=2K"),
        ("aspect_ratio=auto", "excludes", "resolution=4K"),
        ("aspect_ratio=27:16", "excludes", "resolution=2K"),
        ("aspect_ratio=27:16", "excludes", "resolution=4K"),
        ("aspect_ratio=16:27", "excludes", "resolution=2K"),
        ("aspect_ratio=16:27", "excludes", "resolution=4K"),
        ("aspect_ratio=9:8", "excludes", "resolution=2K"),
        ("aspect_ratio=9:8", "excludes", "resolution=4K"),
        ("aspect_ratio=8:9", "excludes", "resolution=2K"),
        ("aspect_ratio=8:9", "excludes", "resolution=4K"),
    )

    model: Literal["gpt-image-2-5-sunburst-text-to-image"] = "gpt-image-2-5-sunburst-text-to-image"
    prompt: Annotated[str, Field(min_length=1, max_length=20000), NotBlank]
    """What to make, in words."""
    aspect_ratio: (
        Literal[
            "auto", "1:1", "3:2", "2:3", "4:3", "3:4", "16:9", "9:16", "21:9", "27:16", "16:27", "9:8", "8:9"
        ]
        | None
    ) = None
    """Width to height; 27:16, 16:27, 9:8, 8:9, and auto only at 1K, 1:1 not at 4K."""
    resolution: Literal["1K", "2K", "4K"] | None = None
    """How large the picture is; only 1K without an aspect ratio."""
    background: Literal["transparent", "opaque", "auto"] | None = None
    """Whether the background is transparent or opaque."""


class GptImage2ImageToImage(CatalogRequest, title="GPT Image 2 - Image To Image"):
    """A picture, up to 4K, from a prompt and up to 16 pictures (gpt-image-2-image-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 60.0
    cast_into: ClassVar[str | None] = "input_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("resolution=2K", "needs", "aspect_ratio"),
        ("resolution=4K", "needs", "aspect_ratio"),
        ("aspect_ratio=1:1", "excludes", "resolution=4K"),
        ("aspect_ratio=auto", "excludes", "resolution=2K"),
        ("aspect_ratio=auto", "excludes", "resolution=4K"),
        ("background", "excludes", "resolution=2K"),
        ("background", "excludes", "resolution=4K"),
        ("no @handle", "needs", "input_urls"),
    )

    model: Literal["gpt-image-2-image-to-image"] = "gpt-image-2-image-to-image"
    prompt: Annotated[str, Field(min_length=1), NotBlank]
    """What to make, in words."""
    input_urls: Annotated[list[Address], Field(min_length=1, max_length=16)] | None = None
    """Links to the pictures to work from."""
    aspect_ratio: (
        Literal[
            "auto",
            "1:1",
            "3:2",
            "2:3",
            "4:3",
            "3:4",
            "5:4",
            "4:5",
            "16:9",
            "9:16",
            "2:1",
            "1:2",
            "3:1",
            "1:3",
            "21:9",
            "9:21",
        ]
        | None
    ) = None
    """Width to height; auto only at 1K, 1:1 not at 4K."""
    resolution: Literal["1K", "2K", "4K"] | None = None
    """How large the picture is; only 1K without an aspect ratio."""
    background: Literal["transparent", "opaque", "auto"] | None = None
    """Whether the background is transparent or opaque; only at 1K."""


class GptImage2TextToImage(CatalogRequest, title="GPT Image-2 - Text to Image"):
    """A picture, up to 4K, from a prompt (gpt-image-2-text-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 60.0
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("resolution=2K", "needs", "aspect_ratio"),
        ("resolution=4K", "needs", "aspect_ratio"),
        ("aspect_ratio=1:1", "excludes", "resolution=4K"),
        ("aspect_ratio=auto", "excludes", "resolution=2K"),
        ("aspect_ratio=auto", "excludes", "resolution=4K"),
        ("background", "excludes", "resolution=2K"),
        ("background", "excludes", "resolution=4K"),
        ("aspect_ratio=5:4", "excludes", "resolution=2K"),
        ("aspect_ratio=5:4", "excludes", "resolution=4K"),
        ("aspect_ratio=4:5", "excludes", "resolution=2K"),
        ("aspect_ratio=4:5", "excludes", "resolution=4K"),
        ("aspect_ratio=3:1", "excludes", "resolution=2K"),
        ("aspect_ratio=3:1", "excludes", "resolution=4K"),
        ("aspect_ratio=1:3", "excludes", "resolution=2K"),
        ("aspect_ratio=1:3", "excludes", "resolution=4K"),
        ("aspect_ratio=9:21", "excludes", "resolution=2K"),
        ("aspect_ratio=9:21", "excludes", "resolution=4K"),
    )

    model: Literal["gpt-image-2-text-to-image"] = "gpt-image-2-text-to-image"
    prompt: Annotated[str, Field(min_length=1, max_length=20000), NotBlank]
    """What to make, in words."""
    aspect_ratio: (
        Literal[
            "auto",
            "1:1",
            "3:2",
            "2:3",
            "4:3",
            "3:4",
            "5:4",
            "4:5",
            "16:9",
            "9:16",
            "2:1",
            "1:2",
            "3:1",
            "1:3",
            "21:9",
            "9:21",
        ]
        | None
    ) = None
    """Width to height; 5:4, 4:5, 3:1, 1:3, 9:21, and auto only at 1K, 1:1 not at 4K."""
    resolution: Literal["1K", "2K", "4K"] | None = None
    """How large the picture is; only 1K without an aspect ratio."""
    background: Literal["transparent", "opaque", "auto"] | None = None
    """Whether the background is transparent or opaque; only at 1K."""


class GptImage15ImageToImage(CatalogRequest, title="GPT Image-1.5 - Image to Image"):
    """A picture from a prompt and up to 16 pictures (gpt-image/1.5-image-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 50.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio", "quality"})

    model: Literal["gpt-image/1.5-image-to-image"] = "gpt-image/1.5-image-to-image"
    input_urls: Annotated[list[Address], Field(min_length=1, max_length=16)]
    """Links to the pictures to work from."""
    prompt: Annotated[str, Field(min_length=1), NotBlank]
    """What to make, in words."""
    aspect_ratio: Literal["1:1", "2:3", "3:2"] = "3:2"
    """Width to height of the result."""
    quality: Literal["medium", "high"] = "medium"
    """How fine or large the result is; higher may cost more."""


class GptImage15TextToImage(CatalogRequest, title="GPT Image-1.5 - Text to Image"):
    """A picture from a prompt (gpt-image/1.5-text-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 45.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio", "quality"})

    model: Literal["gpt-image/1.5-text-to-image"] = "gpt-image/1.5-text-to-image"
    prompt: Annotated[str, Field(min_length=1), NotBlank]
    """What to make, in words."""
    aspect_ratio: Literal["1:1", "2:3", "3:2"] = "1:1"
    """Width to height of the result."""
    quality: Literal["medium", "high"] = "medium"
    """How fine or large the result is; higher may cost more."""
