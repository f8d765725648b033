"""Kie's live catalogue as a machine shares it: asked once a second at most, and remembered for a day.

What was answered is kept in `kie-catalog` in Prefect's home, and so is the lock that keeps the processes of
this machine apart. The catalogue only ever helps: where it is away an older answer does, and where there is
none nothing is held up for longer than a few seconds, nor fails.
"""

import asyncio
import hashlib
import os
import random
import re
import sys
import time
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from prefect.settings import get_current_settings
from pydantic import BaseModel, TypeAdapter, ValidationError

from prefect_kie.api import (
    CatalogModel,
    KieClient,
    KieError,
    ModelNotSupported,
    ModelPrice,
    ModelSchema,
    RateLimited,
    ServiceUnavailable,
    SuccessRate,
)
from prefect_kie.blocks import KieCredentials
from prefect_kie.runtime.clients import ask_kie
from prefect_kie.runtime.logs import run_logger
from prefect_kie.runtime.loop import per_process

if sys.platform == "win32":  # pragma: no cover
    import msvcrt
else:
    import fcntl

T = TypeVar("T")

FOLDER = "kie-catalog"
GAP_SECONDS, REFUSED_SECONDS = 1.0, 3.0
"""Kie takes one of these calls a second of an account; after a refusal it is left alone for longer."""
FRESH_SECONDS = 24 * 3600.0
UNKNOWN_SECONDS = 600.0
"""How long it counts that Kie has no such model, or no schema of it yet; and a success rate."""
PAYING_SECONDS = 4.0
"""For so long a submission is held up, in all."""
AWAY_SECONDS = 60.0
"""For so long afterwards no submission of this process asks again."""
MAX_BYTES = 512 * 1024
MAX_FILES = 500
LOCK_POLL_SECONDS = 0.05


class _Kept(BaseModel, Generic[T]):
    """An answer as it is kept: None where Kie has none."""

    name: str
    at: float
    value: T | None


class LiveCatalog:
    """Kie's catalogue with one account's key.

    Each question is answered from what this machine remembers, or by Kie; where Kie does not answer, by what
    was remembered before.

    Args:
        kie: The account.
        seconds: How long to wait for an answer, with the wait for its turn.
        max_age: How old an answer may be that is remembered, seconds; 0: Kie is asked anew.

    Raises:
        KieError: from each method, when Kie does not say and nothing is remembered.
    """

    def __init__(self, kie: KieCredentials, seconds: float = 30.0, max_age: float = FRESH_SECONDS) -> None:
        self._kie, self._seconds, self._max_age = kie, seconds, max_age
        host = re.sub(r"[^A-Za-z0-9.-]", "-", urlsplit(kie.base_url).netloc)[:100]
        self.folder = get_current_settings().home / FOLDER / host

    async def models(self, *needed: str) -> list[CatalogModel]:
        """All models that Kie serves; asked anew where a needed one is not among those remembered."""

        async def listed(max_age: float) -> list[CatalogModel]:
            catalog = LiveCatalog(self._kie, self._seconds, max_age)
            return await catalog._answer("models", list[CatalogModel], lambda kie: kie.list_models()) or []

        found = await listed(self._max_age)
        missing = set(needed) - {model.model for model in found}
        return await listed(0) if missing and self._max_age else found

    async def schema(self, model: str) -> ModelSchema | None:
        """What a model takes; None where Kie does not know the model, or has no schema of it."""

        async def ask(kie: KieClient) -> ModelSchema | None:
            try:
                schema = await kie.get_schema(model)
            except ModelNotSupported:
                return None
            return schema if schema.input is not None else None

        return await self._answer(f"schema {model}", ModelSchema, ask)

    async def price(self, model: str) -> ModelPrice:
        """What Kie says of a model's price."""
        found = await self._answer(f"price {model}", ModelPrice, lambda kie: kie.get_price(model))
        return found or ModelPrice(model=model)

    async def success_rate(self, model: str) -> SuccessRate:
        """How a model's jobs did in the last 24 hours."""
        name = f"success-rate {model}"
        found = await self._answer(
            name, SuccessRate, lambda kie: kie.get_success_rate(model), UNKNOWN_SECONDS
        )
        return found or SuccessRate(model=model)

    async def _answer(
        self,
        name: str,
        kind: type[T],
        ask: Callable[[KieClient], Coroutine[None, None, T | None]],
        counts: float = FRESH_SECONDS,
    ) -> T | None:
        def fresh_one() -> _Kept[T] | None:
            kept = _read(self.folder, name, kind)
            if kept is None:
                return None
            most = min(self._max_age, counts if kept.value is not None else UNKNOWN_SECONDS)
            return kept if 0 <= time.time() - kept.at < most else None

        async def once(client: KieClient) -> T | None:
            async with asyncio.timeout(self._seconds):
                with _opened(self.folder) as lock:
                    while (kept := fresh_one()) is None:  # else another process has asked meanwhile
                        # Nobody holds the lock while it waits, so that each has its chance.
                        wait = 0.0
                        if _locked(lock):
                            if not (wait := _seconds_left(lock)):
                                with _call_of(lock):
                                    value = await ask(client)
                                    _write(self.folder, _Kept(name=name, at=time.time(), value=value))
                                    return value
                            _unlock(lock)
                        await asyncio.sleep(wait + random.uniform(0, LOCK_POLL_SECONDS))  # noqa: S311
                    return kept.value

        if (kept := fresh_one()) is not None:
            return kept.value
        try:
            return await ask_kie(self._kie, once)
        except (KieError, TimeoutError, OSError) as error:
            if (older := _read(self.folder, name, kind)) is not None:
                return older.value
            if isinstance(error, KieError):
                raise
            raise ServiceUnavailable(
                f"Kie's catalogue was not to be asked within {self._seconds:g} s ({type(error).__name__})"
            ) from None


async def schema_before_paying(kie: KieCredentials, model: str) -> ModelSchema | None:
    """A model's schema, where one is to be had soon; nothing is ever raised for the catalogue's sake."""
    away = _away()
    if time.monotonic() < away.get(kie.base_url, 0.0):
        return _kept_schema(kie, model)
    try:
        return await LiveCatalog(kie, PAYING_SECONDS).schema(model)
    except Exception as error:
        away[kie.base_url] = time.monotonic() + AWAY_SECONDS
        # What a refusal says may be long; the call that pays will say it again.
        run_logger().debug("Kie's catalogue was not asked for %s: %s", model, type(error).__name__)
        return None


def _kept_schema(kie: KieCredentials, model: str) -> ModelSchema | None:
    kept = _read(LiveCatalog(kie).folder, f"schema {model}", ModelSchema)
    return kept.value if kept is not None else None


@per_process
def _away() -> dict[str, float]:
    return {}


@contextmanager
def _opened(folder: Path) -> Generator[int, None, None]:
    """The lock of this machine's processes, which ends with its process, whatever becomes of that.

    It holds the time from when on the next call may be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield lock
    finally:
        os.close(lock)


def _seconds_left(lock: int) -> float:
    os.lseek(lock, 0, os.SEEK_SET)
    try:
        left = float(os.read(lock, 40)) - time.time()
    except ValueError:
        return 0.0
    # A clock that was set back holds nobody up.
    return left if 0 < left <= REFUSED_SECONDS else 0.0


@contextmanager
def _call_of(lock: int) -> Generator[None, None, None]:
    """The one call of whoever has the lock; the next one has to wait from its end."""
    pause = GAP_SECONDS
    try:
        yield
    except RateLimited:  # somebody else uses this account
        pause = REFUSED_SECONDS
        raise
    finally:
        os.ftruncate(lock, 0)
        os.lseek(lock, 0, os.SEEK_SET)
        os.write(lock, f"{time.time() + pause:.3f}".encode())
        _unlock(lock)


def _locked(lock: int) -> bool:
    try:
        if sys.platform == "win32":  # pragma: no cover
            os.lseek(lock, 1000, os.SEEK_SET)
            msvcrt.locking(lock, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _unlock(lock: int) -> None:
    if sys.platform == "win32":  # pragma: no cover
        os.lseek(lock, 1000, os.SEEK_SET)
        msvcrt.locking(lock, msvcrt.LK_UNLCK, 1)
    else:
        fcntl.flock(lock, fcntl.LOCK_UN)  # also for a process that was forked meanwhile


def _file(folder: Path, name: str) -> Path:
    return folder / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.json"


def _read(folder: Path, name: str, kind: type[T]) -> _Kept[T] | None:
    """What is remembered, however old; None where there is nothing, or it cannot be read."""
    with suppress(OSError, ValidationError):
        with _file(folder, name).open("rb") as file:
            kept: _Kept[T] = TypeAdapter(_Kept[kind]).validate_json(file.read(MAX_BYTES + 1))  # type: ignore[valid-type]
        return kept if kept.name == name else None
    return None


def _write(folder: Path, kept: _Kept[T]) -> None:
    """Remember an answer, whole or not at all; a disk that does not take it keeps nobody from going on."""
    content = kept.model_dump_json().encode()
    if len(content) > MAX_BYTES:
        return
    target = _file(folder, kept.name)
    part = target.with_suffix(f".{os.getpid()}.part")
    with suppress(OSError):
        try:
            part.write_bytes(content)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        files = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime)
        for old in files[:-MAX_FILES]:
            old.unlink(missing_ok=True)
