"""What can be set about the simulated service: timing, money, limits, quirks and the look of its videos."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from prefect_kie.simulator.models import MODELS

PAUSED_TODAY = ("sora-2-*",)
"""What the real Kie has paused since June 2026, for `paused_models`."""


class SimulatorSettings(BaseModel):
    """Everything adjustable about a simulated Kie; the defaults behave like the real one, only faster.

    Settings are frozen. `PATCH /_sim/settings` replaces single ones while the simulator runs; jobs that
    were created before keep the durations and prices they were created with.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    # Time
    duration_seconds: float = Field(default=6.0, ge=0)
    """Seconds from a job's creation to its end."""
    durations: Mapping[str, float] = {}
    """Seconds per model name, in place of `duration_seconds`."""
    duration_sigma: float = Field(default=0.0, ge=0)
    """Spread of the durations: the sigma of a log-normal factor around 1; 0 means no spread."""
    seed: int | None = None
    """Seed of every random choice but task ids; None means a different run each time."""
    visible_after_seconds: float = Field(default=0.0, ge=0)
    """Seconds for which recordInfo does not know a job that was just created."""
    clock_skew_seconds: float = 0.0
    """Added to every time in a body and to the Date header."""

    report_progress: bool = True
    """Whether recordInfo of a Sora job reports its progress."""

    # Money
    credits: float = 1000.0
    """Balance at the start."""
    prices: Mapping[str, float] = {name: model.price for name, model in MODELS.items()}
    """Credits per successful job, by model name."""
    default_price: float = Field(default=15.0, ge=0)
    """Credits per successful job of a model which `prices` does not name."""
    insufficient_credits_code: int = 402
    """Body code for a balance too small; 500 has been seen in production as well."""

    # Keys
    api_keys: tuple[str, ...] | None = None
    """Accepted keys; None accepts any key that is not empty."""
    signing_key: str | None = None
    """Key of the callbacks' signature; None sends them unsigned."""

    # Limits
    create_per_10s: int | None = 20
    """Creates within ten seconds and per account (a key is one here); None switches the limit off."""
    polls_per_second: int | None = 10
    """Queries within one second; None switches the limit off."""
    polls_counted_per: Literal["task", "key"] = "task"
    """What queries are counted for: the task (Kie's guide of September 2026) or the key (an older page)."""

    # Models
    extra_models: tuple[str, ...] = (
        "kling-2.6/text-to-video",
        "wan/2-6-text-to-video",
        "grok-imagine/text-to-video",
        "bytedance/seedance-1.5-pro",
    )
    """Models beside those of `models.json`; they take any input object and answer with resultUrls."""
    retired_models: tuple[str, ...] = ()
    """Models that are answered as "not supported", as if Kie had dropped them."""
    paused_models: tuple[str, ...] = ()
    """Models, or patterns of their names, that are answered "This interface is temporarily paused"; with
    `PAUSED_TODAY` the simulator answers as the real Kie has since June 2026."""
    moderated_words: tuple[str, ...] = ("gore",)
    """A prompt with one of these words makes the job fail when its time is over."""
    known_handles: tuple[str, ...] = ()
    """Handles of characters that exist beside those created in this simulator."""
    dotted_handles: bool = True
    """Whether a new character's handle gets a suffix (`mzsdaag.ab`), so that only the returned one works."""

    # Files
    result_days: float = Field(default=14.0, ge=0)
    """Days a result file stays."""
    upload_days: float = Field(default=1.0, ge=0)
    """Days an uploaded file stays."""
    download_url_minutes: float = Field(default=20.0, ge=0)
    """Minutes a link from download-url works."""
    video_height: int = Field(default=360, ge=16)
    """Pixels of a video's short side: 360 means 640x360 or, in portrait, 360x640."""
    video_fps: int = Field(default=12, ge=1)
    """Pictures per second of a video."""

    # Callbacks
    callback_tries: int = Field(default=3, ge=1)
    """How often a callback is tried until it is answered with a 2xx status."""
    callback_retry_seconds: float = Field(default=1.0, ge=0)
    """Seconds between two tries."""
    callback_duplicates: int = Field(default=0, ge=0)
    """How many further copies of each final callback are sent."""

    def price_of(self, model: str) -> float:
        """Return the credits a successful job of this model costs."""
        return self.prices.get(model, self.default_price)
