"""One account pays for all jobs of a run: a refusal that would meet each of them is met once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

from prefect_kie.api import ContentRejected, InvalidRequest, JobHandle, KieError
from prefect_kie.outcomes.results import ACCOUNT_REFUSALS


class Account:
    """Whether the account is still served: one submission goes ahead, and the others follow once it is taken.

    A refusal that would meet every other job too (no credits, a wrong key, a cap) ends all further
    submissions: what is left is told, and not tried.

    Args:
        max_concurrency: How many submissions may be on their way at the same time: as many as Kie takes in a
            moment, so that a refusal meets few.
    """

    def __init__(self, max_concurrency: int) -> None:
        self._refusal: KieError | None = None
        self._ahead, self._is_served = asyncio.Lock(), False
        self._gate = asyncio.Semaphore(max_concurrency)

    async def submit(
        self, submission: Callable[[], Coroutine[Any, Any, JobHandle | Exception]]
    ) -> JobHandle | Exception:
        """The submission's outcome, or the refusal that keeps it from being tried."""
        async with self._gate, AsyncExitStack() as stack:
            if not self._is_served:
                await stack.enter_async_context(self._ahead)
            if self._is_served:
                await stack.aclose()  # the others follow side by side
            if self._refusal is not None:
                return self._not_tried(self._refusal)
            return self._taken(await submission())

    def _taken(self, outcome: JobHandle | Exception) -> JobHandle | Exception:
        if isinstance(outcome, ACCOUNT_REFUSALS):
            self._refusal = self._refusal or outcome
        # What Kie refuses for its own input tells nothing of the account.
        self._is_served = self._is_served or not isinstance(outcome, InvalidRequest | ContentRejected)
        return outcome

    @staticmethod
    def _not_tried(refusal: KieError) -> KieError:
        return type(refusal)(
            refusal.message,
            code=refusal.code,
            billed="no",
            next_step=refusal.next_step,
            remedy=refusal.remedy,
        )
