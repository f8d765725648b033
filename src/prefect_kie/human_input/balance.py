"""What the account has, beside what is about to be paid: shown, and never in the way."""

from __future__ import annotations

from prefect import get_run_logger

from prefect_kie.blocks import KieCredentials
from prefect_kie.runtime.best_effort import detach_after
from prefect_kie.runtime.logs import shown_error

LIMIT_SECONDS = 10.0


async def balance_of(credentials: KieCredentials) -> float | None:
    """The account's balance, credits; None where Kie does not tell it in time.

    Args:
        credentials: The key's block.
    """
    try:
        return await detach_after(_asked(credentials), LIMIT_SECONDS)
    except Exception as error:
        get_run_logger().info("Kie does not tell the account's balance: %s", shown_error(error))
        return None


async def _asked(credentials: KieCredentials) -> float:
    async with credentials.get_client() as client:
        return await client.get_credits()
