"""Requests of the family volcengine.

Generated from catalog.json by `make models`; change that, or tools/models_overlay.json.
"""

from typing import Annotated, ClassVar, Literal

from prefect_kie.models.fields import (
    Address,
    IsNumber,
)
from prefect_kie.models.rules import CatalogRequest


class VolcengineVideoToVideoLipSync(CatalogRequest, title="Volcengine video to video lip sync"):
    """A video whose speaker's lips follow a new recording (volcengine/video-to-video-lip-sync)."""

    usual_seconds: ClassVar[float] = 180.0
    constraints: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("open_scenedet=true", "needs", "mode=basic"),
        ("align_audio_reverse=true", "needs", "mode=lite"),
        ("align_audio_reverse=true", "excludes", "align_audio=false"),
        ("templ_start_seconds", "needs", "mode=lite"),
    )

    model: Literal["volcengine/video-to-video-lip-sync"] = "volcengine/video-to-video-lip-sync"
    mode: Literal["lite", "basic"]
    """How to work: lite is simpler, basic copes with cuts and several speakers."""
    video_url: Address
    """The link to the clip, 360p to 1080p, 24 to 60 frames per second."""
    audio_url: Address
    """The link to the recording to speak."""
    separate_vocal: bool = False
    """Separates the voice from background noise and music first."""
    open_scenedet: bool = False
    """Finds cuts in the clip and tells speakers apart; basic mode only."""
    align_audio: bool = True
    """Repeats the clip where the recording is longer; lite mode only."""
    align_audio_reverse: bool = False
    """Plays the clip backwards on every other repeat; lite mode with align_audio only."""
    templ_start_seconds: Annotated[float, IsNumber] = 0
    """Where in the clip to start, in seconds; lite mode only."""
