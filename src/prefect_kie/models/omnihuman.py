"""Requests of the family omnihuman.

Generated from catalog.json by `make models`; change that, or tools/models_overlay.json.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from prefect_kie.models.fields import (
    Address,
    IsNumber,
    NumberAsText,
)
from prefect_kie.models.rules import CatalogRequest


class Omnihuman15(CatalogRequest, title="Omnihuman 1.5"):
    """A video of a pictured person speaking a recording (omnihuman-1-5)."""

    usual_seconds: ClassVar[float] = 240.0

    model: Literal["omnihuman-1-5"] = "omnihuman-1-5"
    image_url: Address
    """The link to a picture of the person who speaks."""
    mask_url: Annotated[list[Address], Field(max_length=5)] | None = None
    """Masks from omnihuman-1-5/subject-detection that mark who speaks."""
    audio_url: Address
    """The link to the recording, under 60 seconds; up to 15 works best."""
    prompt: Annotated[str, Field(max_length=300)] | None = None
    """How the person acts, in words; Kie's sources disagree whether 300 or 1000 characters fit."""
    output_resolution: Annotated[Literal["720", "1080"], NumberAsText] = "1080"
    """The height of the video, in pixels."""
    pe_fast_mode: bool = False
    """Works faster, at a lower quality."""
    seed: Annotated[int, IsNumber] = -1
    """Repeats a result: the same number gives a similar one; -1 picks one at random."""


class Omnihuman15HumanIdentification(CatalogRequest, title="Omnihuman 1.5 Human Identification"):
    """Whether a picture shows a person OmniHuman can animate (omnihuman-1-5/human-identification)."""

    result_kind: ClassVar[str] = "text"
    usual_seconds: ClassVar[float] = 10.0

    model: Literal["omnihuman-1-5/human-identification"] = "omnihuman-1-5/human-identification"
    image_url: Address
    """The link to the picture to work from."""


class Omnihuman15SubjectDetection(CatalogRequest, title="OmniHuman 1.5 Subject Detection"):
    """Masks of the people in a picture, to choose who speaks in OmniHuman 1.5 (omnihuman-1-5/subject-detection)."""

    result_kind: ClassVar[str] = "text"
    usual_seconds: ClassVar[float] = 10.0

    model: Literal["omnihuman-1-5/subject-detection"] = "omnihuman-1-5/subject-detection"
    image_url: Address
    """The link to the picture to work from."""
