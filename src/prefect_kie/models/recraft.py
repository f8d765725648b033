"""Requests of the family recraft.

Generated from catalog.json by `make models`; change that, or tools/models_overlay.json.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from prefect_kie.models.fields import (
    NotBlank,
)
from prefect_kie.models.rules import CatalogRequest


class RecraftCrispUpscale(CatalogRequest, title="Recraft - Crisp Upscale"):
    """A picture made larger and sharper (recraft/crisp-upscale)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 30.0

    model: Literal["recraft/crisp-upscale"] = "recraft/crisp-upscale"
    image: Annotated[str, Field(min_length=1), NotBlank]
    """The link to the picture to process."""


class RecraftRemoveBackground(CatalogRequest, title="Recraft - Remove Background"):
    """A picture with its background removed (recraft/remove-background)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 20.0

    model: Literal["recraft/remove-background"] = "recraft/remove-background"
    image: Annotated[str, Field(min_length=1), NotBlank]
    """The link to the picture to process."""
