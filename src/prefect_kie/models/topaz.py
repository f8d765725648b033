"""Requests of the family topaz.

Generated from catalog.json by `make models`; change that, or tools/models_overlay.json.
"""

from typing import Annotated, ClassVar, Literal

from prefect_kie.models.fields import (
    Address,
    NumberAsText,
)
from prefect_kie.models.rules import CatalogRequest


class TopazImageUpscale(CatalogRequest, title="Topaz - Image Upscale"):
    """A picture made sharper and up to four times as large (topaz/image-upscale)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 60.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"upscale_factor"})

    model: Literal["topaz/image-upscale"] = "topaz/image-upscale"
    image_url: Address
    """The link to the picture to work from."""
    upscale_factor: Annotated[Literal["1", "2", "4"], NumberAsText] = "2"
    """How many times as wide and high to make it."""


class TopazVideoUpscale(CatalogRequest, title="Topaz - Video Upscale"):
    """A video made sharper and up to four times as large (topaz/video-upscale)."""

    usual_seconds: ClassVar[float] = 180.0

    model: Literal["topaz/video-upscale"] = "topaz/video-upscale"
    video_url: Address
    """The link to the video to work from."""
    upscale_factor: Annotated[Literal["1", "2", "4"], NumberAsText] = "2"
    """How many times as wide and high to make it."""
