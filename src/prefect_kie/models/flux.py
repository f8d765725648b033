"""Requests of the family flux.

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


class Flux2FlexImageToImage(CatalogRequest, title="Flux-2 - Image to Image"):
    """A picture, up to 2K, from a prompt and up to eight pictures (flux-2/flex-image-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 40.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio", "resolution"})
    cast_into: ClassVar[str | None] = "input_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("no @handle", "needs", "input_urls"),)

    model: Literal["flux-2/flex-image-to-image"] = "flux-2/flex-image-to-image"
    input_urls: Annotated[list[Address], Field(min_length=1, max_length=8)] | None = None
    """Links to the pictures to work from."""
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    aspect_ratio: Literal["1:1", "4:3", "3:4", "16:9", "9:16", "3:2", "2:3", "auto"] = "1:1"
    """Width to height of the result."""
    resolution: Literal["1K", "2K"] = "1K"
    """How large the result is; larger costs more."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Flux2FlexTextToImage(CatalogRequest, title="Flux-2 - Text to Image"):
    """A picture, up to 2K, from a prompt (flux-2/flex-text-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 30.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio", "resolution"})

    model: Literal["flux-2/flex-text-to-image"] = "flux-2/flex-text-to-image"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    aspect_ratio: Literal["1:1", "4:3", "3:4", "16:9", "9:16", "3:2", "2:3"] = "1:1"
    """Width to height of the result."""
    resolution: Literal["1K", "2K"] = "1K"
    """How large the result is; larger costs more."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Flux2ProImageToImage(CatalogRequest, title="Flux-2 - Pro Image to Image"):
    """A picture, up to 2K, from a prompt and up to eight pictures, at a lower price than flex (flux-2/pro-image-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 35.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio", "resolution"})
    cast_into: ClassVar[str | None] = "input_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("no @handle", "needs", "input_urls"),)

    model: Literal["flux-2/pro-image-to-image"] = "flux-2/pro-image-to-image"
    input_urls: Annotated[list[Address], Field(min_length=1, max_length=8)] | None = None
    """Links to the pictures to work from."""
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    aspect_ratio: Literal["1:1", "4:3", "3:4", "16:9", "9:16", "3:2", "2:3", "auto"] = "1:1"
    """Width to height of the result."""
    resolution: Literal["1K", "2K"] = "1K"
    """How large the result is; larger costs more."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Flux2ProTextToImage(CatalogRequest, title="Flux 2"):
    """A picture, up to 2K, from a prompt, at a lower price than flex (flux-2/pro-text-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 25.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio", "resolution"})

    model: Literal["flux-2/pro-text-to-image"] = "flux-2/pro-text-to-image"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    aspect_ratio: Literal["1:1", "4:3", "3:4", "16:9", "9:16", "3:2", "2:3"] = "1:1"
    """Width to height of the result."""
    resolution: Literal["1K", "2K"] = "1K"
    """How large the result is; larger costs more."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Flux1Kontext(CatalogRequest, title="flux1-kontext"):
    """A picture from a prompt, or a picture edited as the prompt says (flux1-kontext)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 25.0

    model: Literal["flux1-kontext"] = "flux1-kontext"
    prompt: Annotated[str, Field(min_length=1), NotBlank]
    """What to make or change, in English; see enable_translation."""
    enable_translation: bool | None = None
    """Translates the prompt into English first."""
    upload_cn: bool | None = None
    """Sends the source picture by way of a server in China."""
    input_image: str | None = None
    """The link to a picture to edit; leave it out to make a new one."""
    aspect_ratio: Literal["21:9", "16:9", "4:3", "1:1", "3:4", "9:16"] = "16:9"
    """Width to height of the result."""
    output_format: Literal["jpeg", "png"] = "jpeg"
    """The file type of the result."""
    prompt_upsampling: bool = False
    """Lets the model add detail to your prompt."""
    safety_tolerance: Annotated[int, Field(ge=0, le=6), IsNumber] = 2
    """How much to let through, from 0 (strict) to 6 (lenient); up to 2 when editing."""
    watermark: str | None = None
    """The text of a watermark to put on the picture."""
