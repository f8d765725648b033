"""What is configured once and stored on the Prefect server.

Prefect finds these blocks by the package's entry point; `prefect block register -m prefect_kie.blocks`
makes them known to a server, so that they can be filled in in its UI.
"""

from prefect_kie.blocks.callbacks import KieCallbacks
from prefect_kie.blocks.character import KieCharacter, load_character
from prefect_kie.blocks.credentials import DEFAULT_CREDENTIALS, KieCredentials, load_credentials
from prefect_kie.blocks.prices import PRICES, PriceTable, load_prices

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
