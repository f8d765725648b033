"""Requests of the family z-image.

Generated from catalog.json by `make models`; change that, or tools/models_overlay.json.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from prefect_kie.models.fields import (
    NotBlank,
)
from prefect_kie.models.rules import CatalogRequest


class ZImage(CatalogRequest, title="Z-Image"):
    """A cheap picture from a prompt (z-image)."""

    result_kind: ClassVar[str] = "image"
    usual_seconds: ClassVar[float] = 15.0
    always_sent: ClassVar[frozenset[str]] = frozenset({"aspect_ratio"})

    model: Literal["z-image"] = "z-image"
    prompt: Annotated[str, Field(min_length=1, max_length=1000), NotBlank]
    """What to make, in words."""
    aspect_ratio: Literal["1:1", "4:3", "3:4", "16:9", "9:16"] = "1:1"
    """Width to height of the result."""
    nsfw_checker: bool | None = None
    """Checks the result for adult content."""
