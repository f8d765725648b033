"""Requests of the family qwen-image.

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
from prefect_kie.models.rules import CatalogRequest


class QwenImageEdit(CatalogRequest, title="Qwen - Image Edit"):
    """One to four pictures edited as the prompt says (qwen/image-edit)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 25.0

    model: Literal["qwen/image-edit"] = "qwen/image-edit"
    prompt: Annotated[str, Field(min_length=1, max_length=2000), NotBlank]
    """What to make, in words."""
    image_url: Address
    """The link to the picture to work from."""
    acceleration: Literal["none", "regular", "high"] = "none"
    """Trades some quality for speed."""
    image_size: Literal[
        "square", "square_hd", "portrait_4_3", "portrait_16_9", "landscape_4_3", "landscape_16_9"
    ] = "landscape_4_3"
    """The shape of the picture, or its shape and size."""
    num_inference_steps: Annotated[float, Field(ge=2, le=49), IsNumber] = 25
    """How many steps to spend; more take longer and give more detail."""
    seed: Annotated[int, IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    guidance_scale: Annotated[float, Field(ge=0, le=20), IsNumber] = 4
    """How strictly to follow the prompt; higher is stricter."""
    sync_mode: bool | None = None
    """Has no known effect here."""
    num_images: Annotated[Literal["1", "2", "3", "4"], NumberAsText] | None = None
    """How many pictures to make; you pay for each."""
    enable_safety_checker: bool | None = None
    """Checks the request and the result for unsafe content."""
    output_format: Literal["jpeg", "png"] = "png"
    """The file type of the result."""
    negative_prompt: Annotated[str, Field(max_length=500)] | None = None
    """What to keep out of the result, in words."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class QwenImageToImage(CatalogRequest, title="Qwen - Image to Image"):
    """A new version of a picture from a prompt (qwen/image-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 25.0

    model: Literal["qwen/image-to-image"] = "qwen/image-to-image"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    image_url: Address
    """The link to the picture to work from."""
    strength: Annotated[float, Field(ge=0, le=1), IsNumber] = 0.8
    """How much to change the picture; higher changes more."""
    output_format: Literal["png", "jpeg"] = "png"
    """The file type of the result."""
    acceleration: Literal["none", "regular", "high"] = "none"
    """Trades some quality for speed."""
    negative_prompt: Annotated[str, Field(max_length=500)] | None = None
    """What to keep out of the result, in words."""
    seed: Annotated[int, IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    num_inference_steps: Annotated[float, Field(ge=2, le=250), IsNumber] = 30
    """How many steps to spend; more take longer and give more detail."""
    guidance_scale: Annotated[float, Field(ge=0, le=20), IsNumber] = 2.5
    """How strictly to follow the prompt; higher is stricter."""
    enable_safety_checker: bool | None = None
    """Checks the request and the result for unsafe content."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class QwenTextToImage(CatalogRequest, title="Qwen - Text to Image"):
    """A picture from a prompt (qwen/text-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 20.0

    model: Literal["qwen/text-to-image"] = "qwen/text-to-image"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    image_size: Literal[
        "square", "square_hd", "portrait_4_3", "portrait_16_9", "landscape_4_3", "landscape_16_9"
    ] = "square_hd"
    """The shape of the picture, or its shape and size."""
    num_inference_steps: Annotated[float, Field(ge=2, le=250), IsNumber] = 30
    """How many steps to spend; more take longer and give more detail."""
    seed: Annotated[int, IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    guidance_scale: Annotated[float, Field(ge=0, le=20), IsNumber] = 2.5
    """How strictly to follow the prompt; higher is stricter."""
    enable_safety_checker: bool | None = None
    """Checks the request and the result for unsafe content."""
    output_format: Literal["png", "jpeg"] = "png"
    """The file type of the result."""
    negative_prompt: Annotated[str, Field(max_length=500)] | None = None
    """What to keep out of the result, in words."""
    acceleration: Literal["none", "regular", "high"] = "none"
    """Trades some quality for speed."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Qwen21ImageToImage(CatalogRequest, title="qwen2-1/image-to-image"):
    """A picture, up to 2K, from a prompt and up to ten pictures, masked if you like (qwen2-1/image-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 30.0
    cast_into: ClassVar[str | None] = "image_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("background=transparent", "excludes", "output_format=jpeg"),
        ("no @handle", "needs", "image_urls"),
    )

    model: Literal["qwen2-1/image-to-image"] = "qwen2-1/image-to-image"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    image_urls: Annotated[list[Address], Field(min_length=1, max_length=10)] | None = None
    """Links to the pictures to work from."""
    mask_url: Address | None = None
    """The link to a mask that marks the part to redraw."""
    aspect_ratio: Literal["auto", "1:1", "4:3", "3:4", "3:2", "2:3", "16:9", "9:16", "21:9", "9:21"] = "auto"
    """Width to height of the result."""
    resolution: Literal["1K", "2K"] = "1K"
    """How large the result is; larger costs more."""
    background: Literal["opaque", "transparent"] = "opaque"
    """Whether the background is transparent or opaque."""
    output_format: Literal["png", "webp", "jpeg"] = "png"
    """The file type of the result; jpeg not with a transparent background."""
    enhance_prompt: bool = True
    """Lets the model add detail to your prompt."""
    seed: Annotated[int, IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Qwen21TextToImage(CatalogRequest, title="qwen2-1/text-to-image"):
    """A picture, up to 2K, from a prompt, with a transparent background if you like (qwen2-1/text-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 25.0
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("background=transparent", "excludes", "output_format=jpeg"),
    )

    model: Literal["qwen2-1/text-to-image"] = "qwen2-1/text-to-image"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    aspect_ratio: Literal["1:1", "4:3", "3:4", "3:2", "2:3", "16:9", "9:16", "21:9", "9:21"] = "1:1"
    """Width to height of the result."""
    resolution: Literal["1K", "2K"] = "1K"
    """How large the result is; larger costs more."""
    background: Literal["opaque", "transparent"] = "opaque"
    """Whether the background is transparent or opaque."""
    output_format: Literal["png", "webp", "jpeg"] = "png"
    """The file type of the result; jpeg not with a transparent background."""
    enhance_prompt: bool = True
    """Lets the model add detail to your prompt."""
    seed: Annotated[int, IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Qwen2ImageEdit(CatalogRequest, title="Qwen2 - Image Edit"):
    """A picture edited as the prompt says (qwen2/image-edit)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 25.0

    model: Literal["qwen2/image-edit"] = "qwen2/image-edit"
    prompt: Annotated[str, Field(min_length=1, max_length=800), NotBlank]
    """What to make, in words."""
    image_url: Address
    """The link to the picture to work from."""
    image_size: Literal["1:1", "2:3", "3:2", "3:4", "4:3", "9:16", "16:9", "21:9"] = "16:9"
    """The shape of the picture, or its shape and size."""
    seed: Annotated[int, IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    output_format: Literal["jpeg", "png"] = "png"
    """The file type of the result."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Qwen2TextToImage(CatalogRequest, title="Qwen2 - Text To Image"):
    """A picture from a prompt (qwen2/text-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 25.0

    model: Literal["qwen2/text-to-image"] = "qwen2/text-to-image"
    prompt: Annotated[str, Field(min_length=1, max_length=800), NotBlank]
    """What to make, in words."""
    image_size: Literal["1:1", "3:4", "4:3", "9:16", "16:9"] = "16:9"
    """The shape of the picture, or its shape and size."""
    seed: Annotated[int, IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    output_format: Literal["jpeg", "png"] = "png"
    """The file type of the result."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Qwen3ImageToImage(CatalogRequest, title="Qwen3 Image to Image"):
    """A picture, up to 2K, from a prompt and up to three pictures (qwen3/image-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 30.0
    cast_into: ClassVar[str | None] = "image_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("no @handle", "needs", "image_urls"),)

    model: Literal["qwen3/image-to-image"] = "qwen3/image-to-image"
    image_urls: Annotated[list[Address], Field(min_length=1, max_length=3)] | None = None
    """Links to the pictures to work from."""
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    resolution: Literal["1K", "2K"] = "1K"
    """How large the result is; larger costs more."""
    image_size: Literal["1:1", "3:2", "2:3", "4:3", "3:4", "16:9", "9:16", "21:9"] = "16:9"
    """The shape of the picture, or its shape and size."""
    output_format: Literal["png", "jpeg"] = "png"
    """The file type of the result."""
    prompt_extend: bool = True
    """Lets the model add detail to your prompt."""
    nsfw_checker: bool = False
    """Checks the result for adult content."""
    negative_prompt: Annotated[str, Field(max_length=5000)] | None = None
    """What to keep out of the result, in words."""
    seed: Annotated[int, Field(ge=0, le=2147483647), IsNumber] = 1
    """Repeats a result: the same number and request give a similar one."""


class Qwen3ProImageToImage(CatalogRequest, title="Qwen3 Pro Image to Image"):
    """A picture, up to 2K, from a prompt and up to three pictures; the dearer tier (qwen3/pro-image-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 40.0

    model: Literal["qwen3/pro-image-to-image"] = "qwen3/pro-image-to-image"
    image_urls: Annotated[list[Address], Field(min_length=1, max_length=3)]
    """Links to the pictures to work from."""
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    resolution: Literal["1K", "2K"] = "1K"
    """How large the result is; larger costs more."""
    image_size: Literal["1:1", "3:2", "2:3", "4:3", "3:4", "16:9", "9:16", "21:9"] = "16:9"
    """The shape of the picture, or its shape and size."""
    output_format: Literal["png", "jpeg"] = "png"
    """The file type of the result."""
    prompt_extend: bool = True
    """Lets the model add detail to your prompt."""
    nsfw_checker: bool = False
    """Checks the result for adult content."""
    negative_prompt: Annotated[str, Field(max_length=5000)] | None = None
    """What to keep out of the result, in words."""
    seed: Annotated[int, Field(ge=0, le=2147483647), IsNumber] = 1
    """Repeats a result: the same number and request give a similar one."""


class Qwen3ProTextToImage(CatalogRequest, title="Qwen 3"):
    """A picture, up to 2K, from a prompt; the dearer tier (qwen3/pro-text-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 40.0

    model: Literal["qwen3/pro-text-to-image"] = "qwen3/pro-text-to-image"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    resolution: Literal["1K", "2K"] | None = None
    """How large the result is; larger costs more."""
    image_size: Literal["1:1", "3:2", "2:3", "4:3", "3:4", "16:9", "9:16", "21:9"] = "16:9"
    """The shape of the picture, or its shape and size."""
    output_format: Literal["png", "jpeg"] = "png"
    """The file type of the result."""
    prompt_extend: bool = True
    """Lets the model add detail to your prompt."""
    nsfw_checker: bool = False
    """Checks the result for adult content."""
    negative_prompt: Annotated[str, Field(max_length=5000)] | None = None
    """What to keep out of the result, in words."""
    seed: Annotated[int, Field(ge=0, le=2147483647), IsNumber] = 1
    """Repeats a result: the same number and request give a similar one."""


class Qwen3TextToImage(CatalogRequest, title="Qwen3 Text to Image"):
    """A picture, up to 2K, from a prompt (qwen3/text-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 30.0

    model: Literal["qwen3/text-to-image"] = "qwen3/text-to-image"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    resolution: Literal["1K", "2K"] | None = None
    """How large the result is; larger costs more."""
    image_size: Literal["1:1", "3:2", "2:3", "4:3", "3:4", "16:9", "9:16", "21:9"] = "16:9"
    """The shape of the picture, or its shape and size."""
    output_format: Literal["png", "jpeg"] = "png"
    """The file type of the result."""
    prompt_extend: bool = True
    """Lets the model add detail to your prompt."""
    nsfw_checker: bool = False
    """Checks the result for adult content."""
    negative_prompt: Annotated[str, Field(max_length=5000)] | None = None
    """What to keep out of the result, in words."""
    seed: Annotated[int, Field(ge=0, le=2147483647), IsNumber] = 1
    """Repeats a result: the same number and request give a similar one."""
