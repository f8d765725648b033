"""What is configured once and stored on the Prefect server.

Prefect finds these blocks by the package's entry point; `prefect block register -m prefect_kie.blocks`
makes them known to a server, so that they can be filled in in its UI.
"""

from typing import TYPE_CHECKING

from prefect_kie.blocks.callbacks import KieCallbacks
from prefect_kie.blocks.credentials import DEFAULT_CREDENTIALS, KieCredentials, load_credentials
from prefect_kie.blocks.prices import PRICES, PriceTable, load_prices

if TYPE_CHECKING:
    from prefect_kie.blocks.character import KieCharacter, load_character

__all__ = [
    "DEFAULT_CREDENTIALS",
    "PRICES",
    "KieCallbacks",
    "KieCharacter",
    "KieCredentials",
    "PriceTable",
    "load_character",
    "load_credentials",
    "load_prices",
]

if not TYPE_CHECKING:  # a type checker would take any name for one of this module's

    def __getattr__(name: str) -> object:
        """Import the character's block when it is first asked for: few runs need it."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from prefect_kie.blocks import character

        value = globals()[name] = getattr(character, name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
