"""Telling rings to the Prefect server, as events, in the background and in bounded memory.

Not by Prefect's own background worker of `emit_event`. Its queue has no bound unless the environment sets
one; where the server is away when it starts it gives up within seconds and what waits is lost, though each
worker that gave up stays in memory with its queue until the process ends; and at the end it waits for the
server without a limit. Here a ring waits until the server has confirmed it, and when too many wait the
caller is told, so that Kie can ring again later.
"""

from __future__ import annotations

import asyncio

from prefect.events.clients import EventsClient, get_events_client

from prefect_kie.callbacks.receiver.log import logger
from prefect_kie.callbacks.receiver.reading import Ring
from prefect_kie.run_page.events import ring_event

MAX_WAITING = 1000
CONFIRM_SECONDS = 20.0
"""How long the server may take to confirm one event."""
PAUSES = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before another try, by how many have failed in a row."""
LAST_SECONDS = 3.0
"""How long what waits may still be told when the receiver stops."""


class RingTeller:
    """Takes rings at once, and tells them one after the other; to be used in one event loop.

    Args:
        most: How many may wait.
    """

    def __init__(self, most: int = MAX_WAITING) -> None:
        self._waiting: asyncio.Queue[Ring] = asyncio.Queue(most)
        self._held: Ring | None = None
        self._task: asyncio.Task[None] | None = None

    def __call__(self, ring: Ring) -> None:
        """Take a ring.

        Raises:
            asyncio.QueueFull: when too many wait.
        """
        self._waiting.put_nowait(ring)
        self.start()

    def __len__(self) -> int:
        return self._waiting.qsize() + (self._held is not None)

    def start(self) -> None:
        """Connect to the Prefect server, and stay connected."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._tell())

    async def stop(self, seconds: float = LAST_SECONDS) -> None:
        """Tell what waits, as far as that is possible soon, and end."""
        if self._task is None:
            return
        try:
            await asyncio.wait_for(self._waiting.join(), seconds)
        except TimeoutError:
            logger.warning("%s rings were not told: the Prefect server does not take them", len(self))
        self._task.cancel()
        await asyncio.wait([self._task], timeout=1.0)

    async def _tell(self) -> None:
        failures = 0
        while True:
            try:
                # Each event is confirmed before the next one goes out.
                async with get_events_client(reconnection_attempts=0, checkpoint_every=1) as client:
                    while True:
                        await self._tell_next(client)
                        if failures > 1:
                            logger.info("The Prefect server takes rings again")
                        failures = 0
            except Exception as error:
                failures += 1
                if failures == 2:  # a connection that ended while nothing rang is no trouble
                    logger.warning(
                        "The Prefect server takes no rings (%s); they wait, %s so far",
                        type(error).__name__,
                        len(self),
                    )
            await asyncio.sleep(PAUSES[min(failures, len(PAUSES)) - 1])

    async def _tell_next(self, client: EventsClient) -> None:
        if self._held is None:
            self._held = await self._waiting.get()
        ring = self._held
        # A new event for each try: a server on SQLite may refuse all that comes with an id it knows.
        event = ring_event(
            ring.task_id,
            kind=ring.kind,
            state=ring.state,
            progress=ring.progress,
            submission=ring.submission,
        )
        await asyncio.wait_for(client.emit(event), CONFIRM_SECONDS)
        self._held = None
        self._waiting.task_done()
