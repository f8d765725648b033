"""What an operator may change for a whole process: `PREFECT_INTEGRATIONS_KIE_…`, or a Prefect profile."""

from prefect.settings.base import PrefectBaseSettings, build_settings_config
from pydantic import Field

from prefect_kie.api.client import CALL_SECONDS, CREATE_SECONDS


class KieSettings(PrefectBaseSettings):
    """Timeouts, intervals and options, read when they are needed.

    Each is an environment variable, an entry of `[integrations.kie]` in `prefect.toml` or
    `[tool.prefect.integrations.kie]` in `pyproject.toml`, or one of a Prefect profile.

    Example:
        Give a slow network more time for each poll:
        ```console
        $ export PREFECT_INTEGRATIONS_KIE_CALL_TIMEOUT_SECONDS=120
        ```
    """

    model_config = build_settings_config(("integrations", "kie"))

    create_timeout_seconds: float = Field(default=CREATE_SECONDS, gt=0, le=CREATE_SECONDS)
    """How long a submission waits for Kie's answer. Less only leaves more of them in doubt."""
    call_timeout_seconds: float = Field(default=CALL_SECONDS, gt=0)
    """How long any other call to Kie may take; an upload may take longer, by its size."""
    limit_timeout_seconds: float = Field(default=300.0, gt=0)
    """How long a call waits for a slot of the Prefect server's limits before it goes without."""
    heartbeat_seconds: float = Field(default=30.0, gt=0)
    """How often a flow run sends its heartbeat. Run `prefect-kie setup` again after a change: three that are
    missing mark the run as crashed."""
    ownership_check_seconds: float = Field(default=10.0, gt=0)
    """How often a process checks that its run was not taken over: at most as long as a crashed run waits
    before it runs again."""
    subscription_linger_seconds: float = Field(default=10.0, ge=0)
    """How long a process stays subscribed to callbacks when nobody waits for one."""
    subscribe_timeout_seconds: float = Field(default=2.0, gt=0)
    """How long a submission waits until the process is subscribed to callbacks."""
    callback_body_timeout_seconds: float = Field(default=5.0, gt=0)
    """How long the receiver waits for a callback's body. Kie waits 15 s for its answer."""
    callback_event_timeout_seconds: float = Field(default=8.0, gt=0)
    """How long the receiver waits until the Prefect server has a callback's event."""
    assets: bool = False
    """Whether saved results, characters and films are reported as Prefect assets."""
