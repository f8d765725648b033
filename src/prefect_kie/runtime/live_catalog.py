"""Kie's live catalogue as a machine shares it: asked once a second at most, and remembered for a day.

What was answered is kept in `kie-catalog` in Prefect's home, in a database whose lock keeps the processes of
this machine apart. The catalogue only ever helps: where it is away an older answer does, and where there is
none nothing is held up for longer than a few seconds, nor fails.
"""

import asyncio
import random
import re
import sqlite3
import time
from collections.abc import Callable, Coroutine, Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from prefect.settings import get_current_settings
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from prefect_kie import api
from prefect_kie.api import KieClient, KieError, ModelSchema
from prefect_kie.blocks import KieCredentials
from prefect_kie.runtime.clients import ask_kie
from prefect_kie.runtime.logs import run_logger
from prefect_kie.runtime.loop import per_process

T = TypeVar("T")

FOLDER = "kie-catalog"
GAP_SECONDS, REFUSED_SECONDS = 1.0, 3.0
"""Kie takes one of these calls a second of an account; after a refusal it is left alone for longer."""
FRESH_SECONDS = 24 * 3600.0
UNKNOWN_SECONDS = 600.0
"""How long it counts that Kie has no such model, or no schema of it yet; and a success rate."""
PAYING_SECONDS = 4.0  # for so long a submission is held up, in all
AWAY_SECONDS = 60.0  # for so long afterwards no submission of this process asks again
MAX_CHARACTERS = 512 * 1024
MAX_ANSWERS = 500
LOCK_POLL_SECONDS = 0.05


class LiveCatalog:
    """Kie's catalogue with one account's key, waiting `seconds` for an answer, with the wait for its turn.

    Each question is answered from what this machine remembers (at most `max_age` seconds old), or by Kie;
    where Kie does not answer, by what was remembered before, else a KieError is raised.
    """

    def __init__(self, kie: KieCredentials, seconds: float = 30.0, max_age: float = FRESH_SECONDS) -> None:
        self._kie, self._seconds, self._max_age = kie, seconds, max_age
        host = re.sub(r"[^A-Za-z0-9.-]", "-", urlsplit(kie.base_url).netloc)[:100]
        self.file = get_current_settings().home / FOLDER / host / "answers.db"

    async def models(self, *needed: str) -> list[api.CatalogModel]:
        """All models that Kie serves; asked anew where a needed one is not among those remembered."""

        async def listed(counts: float) -> list[api.CatalogModel]:
            kind = list[api.CatalogModel]
            return await self._answer("models", kind, lambda kie: kie.list_models(), counts) or []

        found = await listed(FRESH_SECONDS)
        missing = set(needed) - {model.model for model in found}
        return await listed(0) if missing and self._max_age else found

    async def schema(self, model: str) -> ModelSchema | None:
        """What a model takes; None where Kie does not know the model, or has no schema of it."""

        async def ask(kie: KieClient) -> ModelSchema | None:
            try:
                schema = await kie.get_schema(model)
            except api.ModelNotSupported:
                return None
            return schema if schema.input is not None else None

        return await self._answer(f"schema {model}", ModelSchema, ask)

    async def price(self, model: str) -> api.ModelPrice:
        """What Kie says of a model's price."""
        found = await self._answer(f"price {model}", api.ModelPrice, lambda kie: kie.get_price(model))
        return found or api.ModelPrice(model=model)

    async def success_rate(self, model: str) -> api.SuccessRate:
        """How a model's jobs did in the last 24 hours."""
        name = f"success-rate {model}"
        found = await self._answer(
            name, api.SuccessRate, lambda kie: kie.get_success_rate(model), UNKNOWN_SECONDS
        )
        return found or api.SuccessRate(model=model)

    async def _answer(
        self,
        name: str,
        kind: type[T],
        ask: Callable[[KieClient], Coroutine[None, None, T | None]],
        counts: float = FRESH_SECONDS,
    ) -> T | None:
        def fresh_one() -> tuple[float, T | None] | None:
            if (kept := _read(self.file, name, kind)) is None:
                return None
            most = min(self._max_age, counts if kept[1] is not None else UNKNOWN_SECONDS)
            return kept if 0 <= time.time() - kept[0] < most else None

        async def once(client: KieClient) -> T | None:
            async with asyncio.timeout(self._seconds):
                with _opened(self.file) as kept:
                    while (found := fresh_one()) is None:  # else another process has asked meanwhile
                        # Nobody holds the lock while it waits, so that each has its chance.
                        wait = 0.0
                        if _locked(kept):
                            if not (wait := _seconds_left(kept)):
                                return await _asked(kept, name, ask(client))
                            kept.rollback()
                        await asyncio.sleep(wait + random.uniform(0, LOCK_POLL_SECONDS))  # noqa: S311
                    return found[1]

        if (kept := fresh_one()) is not None:
            return kept[1]
        try:
            return await ask_kie(self._kie, once)
        except (KieError, TimeoutError, OSError, sqlite3.Error) as error:
            if (older := _read(self.file, name, kind)) is not None:
                return older[1]
            if isinstance(error, KieError):
                raise
            raise api.ServiceUnavailable(
                f"Kie's catalogue was not to be asked within {self._seconds:g} s ({type(error).__name__})"
            ) from None


async def schema_before_paying(kie: KieCredentials, model: str) -> ModelSchema | None:
    """A model's schema, where one is to be had soon; nothing is ever raised for the catalogue's sake."""
    away = _away()
    if time.monotonic() < away.get(kie.base_url, 0.0):
        kept = _read(LiveCatalog(kie).file, f"schema {model}", ModelSchema)
        return kept[1] if kept is not None else None
    try:
        return await LiveCatalog(kie, PAYING_SECONDS).schema(model)
    except Exception as error:
        away[kie.base_url] = time.monotonic() + AWAY_SECONDS
        # What a refusal says may be long; the call that pays will say it again.
        run_logger().debug("Kie's catalogue was not asked for %s: %s", model, type(error).__name__)
        return None


@per_process
def _away() -> dict[str, float]:
    return {}


@contextmanager
def _opened(file: Path) -> Generator[sqlite3.Connection, None, None]:
    """What this machine remembers: each answer and its time; without a name, when Kie may be asked next.

    A transaction is the lock of this machine's processes: it ends with its process, whatever becomes of that.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(sqlite3.connect(file, timeout=0.5, isolation_level=None)) as kept:
            kept.execute("CREATE TABLE IF NOT EXISTS answers (name TEXT PRIMARY KEY, at REAL, value TEXT)")
            yield kept
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:  # it is damaged
        file.unlink(missing_ok=True)
        raise


def _locked(kept: sqlite3.Connection) -> bool:
    kept.execute("PRAGMA busy_timeout = 0")  # all others wait on the spot, for the moment that a commit takes
    with suppress(sqlite3.OperationalError):
        kept.execute("BEGIN IMMEDIATE")
    kept.execute("PRAGMA busy_timeout = 500")
    return kept.in_transaction


def _seconds_left(kept: sqlite3.Connection) -> float:
    for (at,) in kept.execute("SELECT at FROM answers WHERE name = ''"):
        if 0 < (left := at - time.time()) <= REFUSED_SECONDS:  # a clock that was set back holds nobody up
            return float(left)
    return 0.0


async def _asked(kept: sqlite3.Connection, name: str, answer: Coroutine[None, None, T | None]) -> T | None:
    """The one call of whoever has the lock, remembered; the next one has to wait from its end."""
    pause = GAP_SECONDS
    try:
        value = await answer
        _keep(kept, name, to_json(value).decode())
        return value
    except api.RateLimited:  # somebody else uses this account
        pause = REFUSED_SECONDS
        raise
    finally:
        kept.execute("REPLACE INTO answers VALUES ('', ?, '')", (time.time() + pause,))
        kept.commit()


def _keep(kept: sqlite3.Connection, name: str, value: str) -> None:
    if len(value) <= MAX_CHARACTERS:
        kept.execute("REPLACE INTO answers VALUES (?, ?, ?)", (name, time.time(), value))
        newest = "SELECT name FROM answers ORDER BY at DESC LIMIT ?"
        kept.execute(f"DELETE FROM answers WHERE name NOT IN ({newest})", (MAX_ANSWERS,))  # noqa: S608


def _read(file: Path, name: str, kind: type[T]) -> tuple[float, T | None] | None:
    """What is remembered, however old, and since when; None where there is nothing, or it cannot be read."""
    with suppress(OSError, sqlite3.Error, ValidationError), _opened(file) as kept:
        for at, value in kept.execute("SELECT at, value FROM answers WHERE name = ?", (name,)):
            found: TypeAdapter[T | None] = TypeAdapter(kind | None)  # type: ignore[arg-type]
            return at, found.validate_json(value)
    return None
