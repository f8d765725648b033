"""What can be set about the simulated service: timing, money, limits, quirks and the look of its videos."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from prefect_kie.simulator.models import MODELS, Model

PAUSED_TODAY = ("sora-2-*",)  # what the real Kie has paused since June 2026, for `paused_models`


class SimulatorSettings(BaseModel):
    """Everything adjustable about a simulated Kie; the defaults behave like the real one, only faster.

    Settings are frozen. `PATCH /_sim/settings` replaces single ones while the simulator runs; jobs that
    were created before keep the durations and prices they were created with.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Time
    duration_seconds: float = Field(default=6.0, ge=0)  # from a job's creation to its end
    durations: Mapping[str, float] = {}  # by model name, in place of `duration_seconds`
    duration_sigma: float = Field(default=0.0, ge=0)  # of a log-normal factor around 1; 0 means no spread
    seed: int | None = None  # of every random choice but task ids; None means a different run each time
    visible_after_seconds: float = Field(default=0.0, ge=0)  # how long recordInfo does not know a new job
    clock_skew_seconds: float = 0.0  # added to every time in a body and to the Date header
    report_progress: bool = True  # whether recordInfo of a Sora job reports its progress

    # Money
    credits: float = 1000.0  # balance at the start
    prices: Mapping[str, float] = {  # of a successful job, by model
        name: model.credits for name, model in MODELS.items() if model.credits is not None
    }
    default_price: float = Field(default=15.0, ge=0)  # of a job whose model `prices` does not name

    # Keys and limits
    api_keys: tuple[str, ...] | None = None  # accepted keys; None accepts any key that is not empty
    signing_key: str | None = None  # of the callbacks' signature; None sends them unsigned
    create_per_10s: int | None = 20  # per account (a key is one here); None switches the limit off
    polls_per_second: int | None = 10  # per task; None switches the limit off
    catalog_per_second: int | None = 1  # the catalogue's four calls together, per key; None: no limit

    # Models
    # Beside Kie's: rows as of `catalog.json`, by name; one without `fields` takes any input.
    extra_models: Mapping[str, Model] = {"acme/any-video": Model()}
    retired_models: tuple[str, ...] = ()  # "not supported", as if Kie had dropped them
    paused_models: tuple[str, ...] = ()  # models, or patterns such as PAUSED_TODAY, refused as paused

    # Files
    result_days: float = Field(default=14.0, ge=0)  # how long a result file stays
    upload_days: float = Field(default=1.0, ge=0)  # how long an uploaded file stays
    video_height: int = Field(default=360, ge=16)  # pixels of the short side: 640x360, or of a picture
    video_fps: int = Field(default=12, ge=1)
    state_file: Path | None = None  # where jobs, credits and uploads are kept; None forgets them at the end

    # Callbacks
    callback_retry_seconds: float = Field(default=1.0, ge=0)  # between two tries
    callback_duplicates: int = Field(default=0, ge=0)  # further copies of each final callback

    def model(self, name: object) -> Model | None:
        """Return what is known about a model."""
        return self.extra_models.get(str(name)) or MODELS.get(str(name))

    def price_of(self, model: str) -> float:
        """Return the credits a successful job of this model costs."""
        return self.prices.get(model, self.default_price)
