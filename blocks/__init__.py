"""What is configured once and stored on the Prefect server.

Prefect finds these blocks by the package's entry point; `prefect block register -m prefect_kie.blocks`
makes them known to a server, so that they can be filled in in its UI.
"""

from prefect_kie.blocks.credentials import DEFAULT_CREDENTIALS, KieCredentials, load_credentials

__all__ = ["DEFAULT_CREDENTIALS", "KieCredentials", "load_credentials"]
