"""Kie AI's models as Prefect tasks and flows: you pay for each result exactly once, and never lose one.

| look for | in |
|---|---|
| the key, callbacks: `from prefect_kie import KieCredentials` | `prefect_kie.blocks` |
| a typed request per model | `prefect_kie.models` |
| the HTTP client, jobs, Kie's errors | `prefect_kie.api` |
| a run's own errors | `prefect_kie.errors` |
| one task per model; wait, save, upload | `prefect_kie.tasks` |
| compositions to run, deploy or call as subflows | `prefect_kie.flows` |
| a local Kie for trying out and testing | `prefect_kie.simulator` |
"""

from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect_kie.blocks import KieCallbacks, KieCharacter, KieCredentials

__all__ = ["KieCallbacks", "KieCharacter", "KieCredentials", "__version__"]

__version__ = version("prefect-kie")

if not TYPE_CHECKING:  # a type checker would take any name for one of this module's

    def __getattr__(name: str) -> object:
        """Import a block when it is first asked for: `prefect_kie.api` works without Prefect."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from prefect_kie import blocks

        value = globals()[name] = getattr(blocks, name)
        return value
