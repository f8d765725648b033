"""Calls to Kie's API: so many at once, bounded in time and size, the key in no error, answers classified."""

import asyncio
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from typing import Any, Self

import httpx
from pydantic import SecretStr

from prefect_kie.api.classification import Call, Classification, classify, classify_exception, names_in
from prefect_kie.api.envelope import Envelope, parse_envelope
from prefect_kie.api.errors import KieError, RateLimited
from prefect_kie.api.hosts import KeyHider, bare, check_host, check_key, http_client, read_bounded

CREATES_PER_10_SECONDS = 20  # what Kie takes from one account; what is more is refused, not queued

POLLS_PER_SECOND = 9
"""Of all jobs together. Kie takes 10 of each job; an older page said 10 of a key, and this is below both."""

REFUSED_SECONDS = 60.0
"""How long a slot stays taken after a refusal: somebody else uses the key, so fewer calls go out."""


class RateLimiter:
    """Slots for calls, first come, first served; of one event loop.

    A call has a slot from before it is sent until `seconds` after its *answer*, so nothing need be known of
    how long it was on its way: of `calls` + 1 calls two had the same slot, and came there `seconds` apart.
    """

    def __init__(self, calls: int, seconds: float, refused_seconds: float = REFUSED_SECONDS) -> None:
        self._slots = asyncio.Semaphore(calls)
        self._seconds, self._refused_seconds = seconds, refused_seconds

    @asynccontextmanager
    async def slot(self) -> AsyncGenerator[None, None]:
        """Wait for a slot, for one call to be made within."""
        await self._slots.acquire()
        hold = self._seconds
        try:
            yield
        except RateLimited:
            hold = self._refused_seconds
            raise
        finally:
            asyncio.get_running_loop().call_later(hold, self._slots.release)


class Calls:
    """What a client of Kie's API asks with: two pools of connections, and the key."""

    def __init__(
        self,
        api_key: SecretStr | str,
        base_url: str,
        timeout: float,
        call_seconds: float,
        create_seconds: float,
        max_answer_bytes: int,
    ) -> None:
        self._key = check_key(api_key)
        self.base_url = check_host(base_url)
        self._hide = KeyHider(self._key)
        self._seconds, self._create_seconds = call_seconds, create_seconds
        self._max_bytes = max_answer_bytes
        connect = min(10.0, timeout)
        self._http = http_client(self.base_url, httpx.Timeout(timeout, connect=connect), keepalive=10)
        # A kept-alive connection that the server closes meanwhile would leave a submission in doubt,
        # so every createTask has a connection of its own.
        create_timeout = httpx.Timeout(timeout, connect=connect, read=create_seconds)
        self._create_http = http_client(self.base_url, create_timeout, keepalive=0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()
        await self._create_http.aclose()

    async def _ask(
        self,
        call: Call,
        url: str,
        *,
        task_id: str | None = None,
        names: Collection[str] | None = None,
        seconds: float | None = None,
        **content: Any,
    ) -> Envelope:
        name = url.rpartition("/")[2]
        seconds = self._seconds if seconds is None else seconds
        answer: Envelope | BaseException
        try:
            async with asyncio.timeout(seconds):
                answer = await self._exchange(call, url, **content)
        except BaseException as error:
            answer = self._failure(call, error, name, seconds, task_id)
        if isinstance(answer, BaseException):
            # Raised out here: in there its context, or its frames, would hold the request with the key.
            try:
                raise answer
            finally:
                del answer
        classification = classify(call, answer, names or set(names_in(content)))
        if classification.error is not None:
            happened = f"Kie answered {name} with {answer.code}: {answer.text or 'no reason given'}"
            raise _error(classification, happened, task_id or answer.task_id, code=answer.code)
        return answer

    def _with_key(self, request: httpx.Request) -> httpx.Request:
        # Here alone, so that no frame of ours ever holds it in clear.
        request.headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        return request

    async def _exchange(self, call: Call, url: str, **content: Any) -> Envelope:
        # A frame of its own: of one that is left by an error the request, with the key, would be seen.
        http = self._create_http if call is Call.CREATE else self._http
        method = "POST" if content.keys() & {"json", "files"} else "GET"
        async with http.stream(method, url, auth=self._with_key, **content) as response:
            body = await read_bounded(response, self._max_bytes)
            # Kie, or a proxy on the way, may quote the key; nothing past this line ever sees it.
            return parse_envelope(response.status_code, body, response.headers.get("Date"), self._hide)

    def _failure(
        self, call: Call, error: BaseException, name: str, seconds: float, task_id: str | None
    ) -> BaseException:
        if isinstance(error, TimeoutError):
            happened = f"{name} had not answered in full after {seconds:.4g} s"
        elif isinstance(error, httpx.HTTPError | httpx.InvalidURL) or (
            call is Call.CREATE and isinstance(error, Exception)  # nobody knows how far it came
        ):
            details = self._hide(str(error)) or "no details"
            happened = f"{name} got no answer ({type(error).__name__}: {details})"
        else:  # it was cancelled, or the fault is ours
            return bare(error)
        return _error(classify_exception(call, error), happened, task_id, code=None)


def _error(classification: Classification, message: str, task_id: str | None, code: int | None) -> KieError:
    assert classification.error is not None
    return classification.error(
        message,
        task_id=task_id,
        code=code,
        retryable=classification.retryable,
        next_step=classification.next_step,
    )
