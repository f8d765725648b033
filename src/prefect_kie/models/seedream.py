"""Requests of the family seedream.

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


class Seedream(CatalogRequest, title="Seedream3.0 - Text to Image"):
    """A picture from a prompt (Seedream 3.0) (bytedance/seedream)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 20.0

    model: Literal["bytedance/seedream"] = "bytedance/seedream"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    image_size: Literal[
        "square", "square_hd", "portrait_4_3", "portrait_16_9", "landscape_4_3", "landscape_16_9"
    ] = "square_hd"
    """The shape of the picture, or its shape and size."""
    guidance_scale: Annotated[float, Field(ge=1, le=10), IsNumber] = 2.5
    """How strictly to follow the prompt; higher is stricter."""
    seed: Annotated[int, IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""


class SeedreamV4Edit(CatalogRequest, title="Seedream4.0 - Edit"):
    """One to six pictures, up to 4K, from a prompt and up to ten pictures (bytedance/seedream-v4-edit)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 35.0
    cast_into: ClassVar[str | None] = "image_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("no @handle", "needs", "image_urls"),)

    model: Literal["bytedance/seedream-v4-edit"] = "bytedance/seedream-v4-edit"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    image_urls: Annotated[list[Address], Field(min_length=1, max_length=10)] | None = None
    """Links to the pictures to work from."""
    image_size: Literal[
        "square",
        "square_hd",
        "portrait_4_3",
        "portrait_3_2",
        "portrait_16_9",
        "landscape_4_3",
        "landscape_3_2",
        "landscape_16_9",
        "landscape_21_9",
    ] = "square_hd"
    """The shape of the picture, or its shape and size."""
    image_resolution: Literal["1K", "2K", "4K"] = "1K"
    """How large the picture is."""
    max_images: Annotated[float, Field(ge=1, le=6), IsNumber] = 1
    """The most pictures to make; you pay for each."""
    seed: Annotated[int, IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class SeedreamV4TextToImage(CatalogRequest, title="Seedream4.0 - Text to Image"):
    """One to six pictures, up to 4K, from a prompt (bytedance/seedream-v4-text-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 30.0

    model: Literal["bytedance/seedream-v4-text-to-image"] = "bytedance/seedream-v4-text-to-image"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    image_size: Literal[
        "square",
        "square_hd",
        "portrait_4_3",
        "portrait_3_2",
        "portrait_16_9",
        "landscape_4_3",
        "landscape_3_2",
        "landscape_16_9",
        "landscape_21_9",
    ] = "square_hd"
    """The shape of the picture, or its shape and size."""
    image_resolution: Literal["1K", "2K", "4K"] = "1K"
    """How large the picture is."""
    max_images: Annotated[float, Field(ge=1, le=6), IsNumber] = 1
    """The most pictures to make; you pay for each."""
    seed: Annotated[int, IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Seedream45Edit(CatalogRequest, title="Seedream4.5 - Edit"):
    """A picture, 2K or 4K, from a prompt and up to 14 pictures (seedream/4.5-edit)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 40.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio", "quality"})
    cast_into: ClassVar[str | None] = "image_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("no @handle", "needs", "image_urls"),)

    model: Literal["seedream/4.5-edit"] = "seedream/4.5-edit"
    prompt: Annotated[str, Field(min_length=1, max_length=3000), NotBlank]
    """What to make, in words."""
    image_urls: Annotated[list[Address], Field(min_length=1, max_length=14)] | None = None
    """Links to the pictures to work from."""
    aspect_ratio: Literal["1:1", "4:3", "3:4", "16:9", "9:16", "2:3", "3:2", "21:9"] = "1:1"
    """Width to height of the result."""
    quality: Literal["basic", "high"] = "basic"
    """How large the picture is: basic is 2K, high is 4K."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Seedream45TextToImage(CatalogRequest, title="Seedream4.5 - Text to Image"):
    """A picture, 2K or 4K, from a prompt (seedream/4.5-text-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 35.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio", "quality"})

    model: Literal["seedream/4.5-text-to-image"] = "seedream/4.5-text-to-image"
    prompt: Annotated[str, Field(min_length=1, max_length=3000), NotBlank]
    """What to make, in words."""
    aspect_ratio: Literal["1:1", "4:3", "3:4", "16:9", "9:16", "2:3", "3:2", "21:9"] = "1:1"
    """Width to height of the result."""
    quality: Literal["basic", "high"] = "basic"
    """How large the picture is: basic is 2K, high is 4K."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Seedream5FlashImageToImage(CatalogRequest, title="seedream/5-flash-image-to-image"):
    """A picture, up to 2K, from a prompt and up to ten pictures, faster and cheaper (seedream/5-flash-image-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 25.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio"})
    cast_into: ClassVar[str | None] = "image_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("no @handle", "needs", "image_urls"),)

    model: Literal["seedream/5-flash-image-to-image"] = "seedream/5-flash-image-to-image"
    prompt: Annotated[str, Field(min_length=3, max_length=5000), NotBlank]
    """What to make, in words."""
    aspect_ratio: Literal["1:1", "4:3", "3:4", "16:9", "9:16", "2:3", "3:2", "21:9"] = "1:1"
    """Width to height of the result."""
    size: Literal["1K", "1.5K", "2K"] = "1K"
    """How large the picture is."""
    output_format: Literal["png", "jpeg"] = "png"
    """The file type of the result."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""
    image_urls: Annotated[list[Address], Field(min_length=1, max_length=10)] | None = None
    """Links to the pictures to work from."""


class Seedream5FlashLayerDecomposition(CatalogRequest, title="seedream/5-flash-layer-decomposition"):
    """The layers of a picture, each as a picture of its own, cheaper than pro (seedream/5-flash-layer-decomposition)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 40.0

    model: Literal["seedream/5-flash-layer-decomposition"] = "seedream/5-flash-layer-decomposition"
    image_url: Address
    """The link to the picture to work from."""
    prompt: Annotated[str, Field(min_length=3, max_length=5000)] | None = None
    """Which layers to make, in words."""
    size: Literal["auto", "1K", "1.5K", "2K"] = "auto"
    """How large the layers are."""
    output_format: Literal["png", "jpeg"] = "jpeg"
    """The file type of the result."""


class Seedream5FlashTextToImage(CatalogRequest, title="seedream/5-flash-text-to-image"):
    """A picture, up to 2K, from a prompt, faster and cheaper (seedream/5-flash-text-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 20.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio"})

    model: Literal["seedream/5-flash-text-to-image"] = "seedream/5-flash-text-to-image"
    prompt: Annotated[str, Field(min_length=3, max_length=5000), NotBlank]
    """What to make, in words."""
    aspect_ratio: Literal["1:1", "4:3", "3:4", "16:9", "9:16", "2:3", "3:2", "21:9"] = "1:1"
    """Width to height of the result."""
    size: Literal["1K", "1.5K", "2K"] = "1K"
    """How large the picture is."""
    output_format: Literal["png", "jpeg"] = "png"
    """The file type of the result."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Seedream5LiteImageToImage(CatalogRequest, title="Seedream5.0 Lite - Image to Image"):
    """A picture, 2K to 4K, from a prompt and up to 14 pictures (seedream/5-lite-image-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 35.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio", "quality"})
    cast_into: ClassVar[str | None] = "image_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("no @handle", "needs", "image_urls"),)

    model: Literal["seedream/5-lite-image-to-image"] = "seedream/5-lite-image-to-image"
    prompt: Annotated[str, Field(min_length=3, max_length=3000), NotBlank]
    """What to make, in words."""
    image_urls: Annotated[list[Address], Field(min_length=1, max_length=14)] | None = None
    """Links to the pictures to work from."""
    aspect_ratio: Literal["1:1", "4:3", "3:4", "16:9", "9:16", "2:3", "3:2", "21:9"] = "1:1"
    """Width to height of the result."""
    quality: Literal["basic", "high", "ultra"] = "basic"
    """How large the picture is: basic is 2K, high 3K, ultra 4K."""
    output_format: Literal["png", "jpeg"] = "png"
    """The file type of the result."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Seedream5LiteTextToImage(CatalogRequest, title="Seedream5.0 Lite - Text to Image"):
    """A picture, 2K to 4K, from a prompt (seedream/5-lite-text-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 30.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio", "quality"})

    model: Literal["seedream/5-lite-text-to-image"] = "seedream/5-lite-text-to-image"
    prompt: Annotated[str, Field(min_length=3, max_length=3000), NotBlank]
    """What to make, in words."""
    aspect_ratio: Literal["1:1", "4:3", "3:4", "16:9", "9:16", "2:3", "3:2", "21:9"] = "1:1"
    """Width to height of the result."""
    quality: Literal["basic", "high", "ultra"] = "basic"
    """How large the picture is: basic is 2K, high 3K, ultra 4K."""
    output_format: Literal["png", "jpeg"] = "png"
    """The file type of the result."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Seedream5ProImageToImage(CatalogRequest, title="Seedream5.0 Pro - Image to Image"):
    """A picture, 1K or 2K, from a prompt and up to ten pictures (seedream/5-pro-image-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 50.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio", "quality"})
    cast_into: ClassVar[str | None] = "image_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("no @handle", "needs", "image_urls"),)

    model: Literal["seedream/5-pro-image-to-image"] = "seedream/5-pro-image-to-image"
    prompt: Annotated[str, Field(min_length=3, max_length=5000), NotBlank]
    """What to make, in words."""
    image_urls: Annotated[list[Address], Field(min_length=1, max_length=10)] | None = None
    """Links to the pictures to work from."""
    aspect_ratio: Literal["1:1", "4:3", "3:4", "16:9", "9:16", "2:3", "3:2", "21:9"] = "1:1"
    """Width to height of the result."""
    quality: Literal["basic", "high"] = "basic"
    """How large the picture is: basic is 1K, high is 2K."""
    output_format: Literal["png", "jpeg"] = "png"
    """The file type of the result."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""


class Seedream5ProLayerDecomposition(CatalogRequest, title="Seedream 5.0 Pro -  Layer Decomposition"):
    """The layers of a picture, each as a picture of its own (seedream/5-pro-layer-decomposition)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 60.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"size"})

    model: Literal["seedream/5-pro-layer-decomposition"] = "seedream/5-pro-layer-decomposition"
    prompt: Annotated[str, Field(max_length=5000)] | None = None
    """Which layers to make, in words."""
    image_url: Address
    """The link to the picture to take apart; not HEIC or HEIF."""
    size: Literal["auto", "1K", "1.5K", "2K"] = "auto"
    """How large the layers are."""
    output_format: Literal["png", "jpeg"] = "jpeg"
    """The file type of the result."""


class Seedream5ProTextToImage(CatalogRequest, title="Seedream 5"):
    """A picture, 1K or 2K, from a prompt (seedream/5-pro-text-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 45.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio", "quality"})

    model: Literal["seedream/5-pro-text-to-image"] = "seedream/5-pro-text-to-image"
    prompt: Annotated[str, Field(min_length=3, max_length=5000), NotBlank]
    """What to make, in words."""
    aspect_ratio: Literal["1:1", "4:3", "3:4", "16:9", "9:16", "2:3", "3:2", "21:9"] = "1:1"
    """Width to height of the result."""
    quality: Literal["basic", "high"] = "basic"
    """How large the picture is: basic is 1K, high is 2K."""
    output_format: Literal["png", "jpeg"] = "png"
    """The file type of the result."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""
