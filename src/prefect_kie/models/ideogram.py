"""Requests of the family ideogram.

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


class IdeogramCharacter(CatalogRequest, title="Ideogram - Character"):
    """One to four pictures of the person in a reference picture, from a prompt (ideogram/character)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 40.0
    cast_into: ClassVar[str | None] = "reference_image_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("no @handle", "needs", "reference_image_urls"),)

    model: Literal["ideogram/character"] = "ideogram/character"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    reference_image_urls: Annotated[list[Address], Field(min_length=1)] | None = None
    """The link to a picture of the person; only the first link counts."""
    rendering_speed: Literal["TURBO", "BALANCED", "QUALITY"] = "BALANCED"
    """Trades quality for speed; QUALITY costs the most."""
    style: Literal["AUTO", "REALISTIC", "FICTION"] = "AUTO"
    """The style to follow."""
    expand_prompt: bool | None = None
    """Lets the model add detail to your prompt."""
    num_images: Annotated[Literal["1", "2", "3", "4"], NumberAsText] = "1"
    """How many pictures to make; you pay for each."""
    image_size: Literal[
        "square", "square_hd", "portrait_4_3", "portrait_16_9", "landscape_4_3", "landscape_16_9"
    ] = "square_hd"
    """The shape of the picture, or its shape and size."""
    seed: Annotated[int, IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    negative_prompt: Annotated[str, Field(max_length=5000)] | None = None
    """What to keep out of the result, in words."""


class IdeogramCharacterEdit(CatalogRequest, title="Ideogram - Character Edit"):
    """A picture whose masked part is redrawn with the person in a reference picture (ideogram/character-edit)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 40.0
    cast_into: ClassVar[str | None] = "reference_image_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("no @handle", "needs", "reference_image_urls"),)

    model: Literal["ideogram/character-edit"] = "ideogram/character-edit"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to draw in the masked part, in words."""
    image_url: Address
    """The link to the picture to work from."""
    mask_url: Address
    """The link to a mask that marks the part to redraw."""
    reference_image_urls: Annotated[list[Address], Field(min_length=1)] | None = None
    """The link to a picture of the person; only the first link counts."""
    rendering_speed: Literal["TURBO", "BALANCED", "QUALITY"] = "BALANCED"
    """Trades quality for speed; QUALITY costs the most."""
    style: Literal["AUTO", "REALISTIC", "FICTION"] = "AUTO"
    """The style to follow."""
    expand_prompt: bool | None = None
    """Lets the model add detail to your prompt."""
    num_images: Annotated[Literal["1", "2", "3", "4"], NumberAsText] = "1"
    """How many pictures to make; you pay for each."""
    seed: Annotated[int, IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""


class IdeogramCharacterRemix(CatalogRequest, title="Ideogram - Character Remix"):
    """A picture redone from a prompt with the person in a reference picture (ideogram/character-remix)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 40.0
    cast_into: ClassVar[str | None] = "reference_image_urls"
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (("no @handle", "needs", "reference_image_urls"),)

    model: Literal["ideogram/character-remix"] = "ideogram/character-remix"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    image_url: Address
    """The link to the picture to work from."""
    reference_image_urls: Annotated[list[Address], Field(min_length=1)] | None = None
    """The link to a picture of the person; only the first link counts."""
    rendering_speed: Literal["TURBO", "BALANCED", "QUALITY"] = "BALANCED"
    """Trades quality for speed; QUALITY costs the most."""
    style: Literal["AUTO", "REALISTIC", "FICTION"] = "AUTO"
    """The style to follow."""
    expand_prompt: bool | None = None
    """Lets the model add detail to your prompt."""
    image_size: Literal[
        "square", "square_hd", "portrait_4_3", "portrait_16_9", "landscape_4_3", "landscape_16_9"
    ] = "square_hd"
    """The shape of the picture, or its shape and size."""
    num_images: Annotated[Literal["1", "2", "3", "4"], NumberAsText] = "1"
    """How many pictures to make; you pay for each."""
    seed: Annotated[int, IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    strength: Annotated[float, Field(ge=0.1, le=1), IsNumber] = 0.8
    """How much to change the picture; higher changes more."""
    negative_prompt: Annotated[str, Field(max_length=500)] | None = None
    """What to keep out of the result, in words."""
    image_urls: list[Address] | None = None
    """Links to the pictures to work from."""
    reference_mask_urls: Address | None = None
    """The link to a mask that marks the person in the reference picture."""


class IdeogramV3Edit(CatalogRequest, title="Ideogram V3 Edit"):
    """A picture whose masked part is redrawn as the prompt says (ideogram/v3-edit)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 30.0

    model: Literal["ideogram/v3-edit"] = "ideogram/v3-edit"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to draw in the masked part, in words."""
    image_url: Address
    """The link to the picture to work from."""
    mask_url: Address
    """The link to a mask that marks the part to redraw."""
    rendering_speed: Literal["TURBO", "BALANCED", "QUALITY"] = "BALANCED"
    """Trades quality for speed; QUALITY costs the most."""
    expand_prompt: bool = True
    """Lets the model add detail to your prompt."""
    seed: Annotated[int, IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""


class IdeogramV3Remix(CatalogRequest, title="Ideogram V3 Remix"):
    """One to four new versions of a picture from a prompt (ideogram/v3-remix)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 30.0

    model: Literal["ideogram/v3-remix"] = "ideogram/v3-remix"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    image_url: Address
    """The link to the picture to work from."""
    rendering_speed: Literal["TURBO", "BALANCED", "QUALITY"] | None = None
    """Trades quality for speed; QUALITY costs the most."""
    style: Literal["AUTO", "GENERAL", "REALISTIC", "DESIGN"] | None = None
    """The style to follow."""
    expand_prompt: bool | None = None
    """Lets the model add detail to your prompt."""
    image_size: (
        Literal["square", "square_hd", "portrait_4_3", "portrait_16_9", "landscape_4_3", "landscape_16_9"]
        | None
    ) = None
    """The shape of the picture, or its shape and size."""
    num_images: Annotated[Literal["1", "2", "3", "4"], NumberAsText] | None = None
    """How many pictures to make; you pay for each."""
    seed: Annotated[int, IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    strength: Annotated[float, Field(ge=0.01, le=1), IsNumber] | None = None
    """How much to change the picture; higher changes more."""
    negative_prompt: Annotated[str, Field(max_length=5000)] | None = None
    """What to keep out of the result, in words."""


class IdeogramV3TextToImage(CatalogRequest, title="Ideogram 3"):
    """A picture from a prompt (ideogram/v3-text-to-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 25.0

    model: Literal["ideogram/v3-text-to-image"] = "ideogram/v3-text-to-image"
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    rendering_speed: Literal["TURBO", "BALANCED", "QUALITY"] | None = None
    """Trades quality for speed; QUALITY costs the most."""
    style: Literal["AUTO", "GENERAL", "REALISTIC", "DESIGN"] | None = None
    """The style to follow."""
    expand_prompt: bool | None = None
    """Lets the model add detail to your prompt."""
    image_size: (
        Literal["square", "square_hd", "portrait_4_3", "portrait_16_9", "landscape_4_3", "landscape_16_9"]
        | None
    ) = None
    """The shape of the picture, or its shape and size."""
    seed: Annotated[int, IsNumber] | None = None
    """Repeats a result: the same number and request give a similar one."""
    negative_prompt: Annotated[str, Field(max_length=5000)] | None = None
    """What to keep out of the result, in words."""
