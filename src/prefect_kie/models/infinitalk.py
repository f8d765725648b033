"""Requests of the family infinitalk.

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


class InfinitalkFromAudio(CatalogRequest, title="Infinitalk - From Audio"):
    """A video of a person in a picture speaking a recording (infinitalk/from-audio)."""

    usual_seconds: ClassVar[float] = 240.0

    model: Literal["infinitalk/from-audio"] = "infinitalk/from-audio"
    image_url: Address
    """The link to a picture of the person who speaks."""
    audio_url: Address
    """The link to the recording to speak; up to 15 seconds are billed."""
    prompt: Annotated[str, Field(min_length=1, max_length=5000), NotBlank]
    """What to make, in words."""
    resolution: Literal["480p", "720p"] = "480p"
    """How large the result is; larger costs more."""
    seed: Annotated[float, Field(ge=10000, le=1000000), IsNumber] | None = None
    """Repeats a result: the same number gives a similar one; 10000 to 1000000."""
