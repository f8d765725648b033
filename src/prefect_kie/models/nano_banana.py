"""Requests of the family nano-banana.

Generated from catalog.json by `make models`; change that, or tools/models_overlay.json.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from prefect_kie.models.fields import (
    Address,
    NotBlank,
)
from prefect_kie.models.rules import CatalogRequest


class NanoBanana(CatalogRequest, title="Google - Nano Banana"):
    """A picture from a prompt (the first Nano Banana) (google/nano-banana)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 20.0

    model: Literal["google/nano-banana"] = "google/nano-banana"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    output_format: Literal["png", "jpeg"] = "png"
    """The file type of the result."""
    aspect_ratio: Literal["1:1", "9:16", "16:9", "3:4", "4:3", "3:2", "2:3", "5:4", "4:5", "21:9", "auto"] = (
        "1:1"
    )
    """Width to height of the result."""
    image_size: Literal["1:1", "9:16", "16:9", "3:4", "4:3", "3:2", "2:3", "5:4", "4:5", "21:9", "auto"] = (
        "1:1"
    )
    """The shape of the picture, or its shape and size."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class NanoBananaEdit(CatalogRequest, title="Google - Nano Banana Edit"):
    """A picture from a prompt and up to ten pictures (the first Nano Banana) (google/nano-banana-edit)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 25.0
    cast_into: ClassVar[str | None] = "image_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("no @handle", "needs", "image_urls"),)

    model: Literal["google/nano-banana-edit"] = "google/nano-banana-edit"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    image_urls: Annotated[list[Address], Field(min_length=1, max_length=10)] | None = None
    """Links to the pictures to work from."""
    output_format: Literal["png", "jpeg"] = "png"
    """The file type of the result."""
    aspect_ratio: Literal["1:1", "9:16", "16:9", "3:4", "4:3", "3:2", "2:3", "5:4", "4:5", "21:9", "auto"] = (
        "1:1"
    )
    """Width to height of the result."""
    image_size: Literal["1:1", "9:16", "16:9", "3:4", "4:3", "3:2", "2:3", "5:4", "4:5", "21:9", "auto"] = (
        "1:1"
    )
    """The shape of the picture, or its shape and size."""


class NanoBanana2(CatalogRequest, title="Banana 2"):
    """A picture, up to 4K, from a prompt and up to 14 pictures (nano-banana-2)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 40.0
    cast_into: ClassVar[str | None] = "image_input"

    model: Literal["nano-banana-2"] = "nano-banana-2"
    prompt: Annotated[str, Field(min_length=1, max_length=20000), NotBlank]
    """What to make, in words."""
    image_input: Annotated[list[Address], Field(max_length=14)] | None = None
    """Links to pictures to work from."""
    aspect_ratio: Literal[
        "1:1",
        "2:3",
        "3:2",
        "1:4",
        "4:1",
        "3:4",
        "4:3",
        "4:5",
        "5:4",
        "1:8",
        "8:1",
        "9:16",
        "16:9",
        "21:9",
        "auto",
    ] = "auto"
    """Width to height of the result."""
    resolution: Literal["1K", "2K", "4K"] = "1K"
    """How large the result is; larger costs more."""
    output_format: Literal["png", "jpg"] = "jpg"
    """The file type of the result."""


class NanoBanana2Lite(CatalogRequest, title="Google - Nano Banana 2 Lite"):
    """A picture from a prompt and up to ten pictures, at a lower price (nano-banana-2-lite)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 20.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio"})
    cast_into: ClassVar[str | None] = "image_urls"

    model: Literal["nano-banana-2-lite"] = "nano-banana-2-lite"
    image_urls: Annotated[list[Address], Field(max_length=10)] | None = None
    """Links to the pictures to work from."""
    prompt: Annotated[str, Field(min_length=1, max_length=20000), NotBlank]
    """What to make, in words."""
    aspect_ratio: Literal[
        "1:1",
        "1:4",
        "1:8",
        "2:3",
        "3:2",
        "3:4",
        "4:1",
        "4:3",
        "4:5",
        "5:4",
        "8:1",
        "9:16",
        "16:9",
        "21:9",
        "auto",
    ] = "auto"
    """Width to height of the result."""


class NanoBananaPro(CatalogRequest, title="Banana Pro"):
    """A picture, up to 4K, from a prompt and up to eight pictures (nano-banana-pro)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 50.0
    cast_into: ClassVar[str | None] = "image_input"

    model: Literal["nano-banana-pro"] = "nano-banana-pro"
    prompt: Annotated[str, Field(min_length=1, max_length=10000), NotBlank]
    """What to make, in words."""
    image_input: Annotated[list[Address], Field(max_length=8)] | None = None
    """Links to pictures to work from."""
    aspect_ratio: Literal["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9", "auto"] = (
        "1:1"
    )
    """Width to height of the result."""
    resolution: Literal["1K", "2K", "4K"] = "1K"
    """How large the result is; larger costs more."""
    output_format: Literal["png", "jpg"] = "png"
    """The file type of the result."""
