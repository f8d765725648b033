"""The HTTP client of Kie's API: jobs, credits, download links and uploads.

Each method asks once and either returns or raises a `KieError`; nothing here repeats a call. What an
answer means is decided in `verdicts`. The key goes into one header, to Kie's own hosts only. Creates and
looks wait their turn among all of this process with the same key (`pace`).
"""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from prefect_kie.api.envelope import Envelope, as_float, parse_envelope
from prefect_kie.api.errors import (
    JobNotFound,
    KieError,
    RateLimited,
    SubmissionInDoubt,
    UnexpectedResponse,
)
from prefect_kie.api.hosts import API_URL, UPLOAD_URL, check_host, check_key, http_client
from prefect_kie.api.jobs import Job, JobHandle, parse_job
from prefect_kie.api.limits import CREATES_PER_10_SECONDS, LOOKS_PER_SECOND
from prefect_kie.api.pace import KeyPace, Turn, pace_of
from prefect_kie.api.requests import JobRequest
from prefect_kie.api.uploads import UploadedFile, check_file, open_checked, parse_upload, unique_name
from prefect_kie.api.verdicts import Call, Verdict, judge, judge_exception

MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""Kie's answers are a few KiB; a longer one than this is not read to its end."""

CREATE_READ_TIMEOUT = 180.0
"""Seconds to wait for createTask's answer: giving up sooner would only leave a paid job in doubt."""


class KieClient:
    """An async client for Kie's jobs API, to be used as `async with KieClient(key) as client:`.

    Args:
        api_key: The key from kie.ai/api-key.
        base_url: Where the jobs API lives.
        upload_url: Where uploads go.
        timeout: Seconds to wait for an answer (connecting: at most 10 s; createTask's answer: 180 s).
        creates_per_10_seconds: How many jobs Kie lets this key submit in 10 seconds.
        looks_per_second: How often Kie lets this key look at jobs in a second.

    Raises:
        ValueError: when the key cannot be a key, or an address is neither https nor this machine.
    """

    def __init__(
        self,
        api_key: SecretStr | str,
        *,
        base_url: str = API_URL,
        upload_url: str = UPLOAD_URL,
        timeout: float = 30.0,
        creates_per_10_seconds: int = CREATES_PER_10_SECONDS,
        looks_per_second: int = LOOKS_PER_SECOND,
    ) -> None:
        self._key = check_key(api_key)
        self.base_url = check_host(base_url)
        self.upload_url = check_host(upload_url)
        self._limits = creates_per_10_seconds, looks_per_second
        connect = min(10.0, timeout)
        self._http = http_client(self.base_url, httpx.Timeout(timeout, connect=connect), keepalive=10)
        # A kept-alive connection that the server closes meanwhile would leave a submission in doubt,
        # so every createTask has a connection of its own.
        create_timeout = httpx.Timeout(timeout, connect=connect, read=CREATE_READ_TIMEOUT)
        self._create_http = http_client(self.base_url, create_timeout, keepalive=0)

    def __repr__(self) -> str:
        return f"KieClient(base_url={self.base_url!r}, upload_url={self.upload_url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    @property
    def pace(self) -> KeyPace:
        """The turns of all calls of this process with this key."""
        return pace_of(self.base_url, self._key, *self._limits)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()
        await self._create_http.aclose()

    async def create_job(
        self,
        request: JobRequest,
        callback_url: str | None = None,
        progress_callback_url: str | None = None,
        *,
        turn: Turn | None = None,
    ) -> JobHandle:
        """Submit a job. **Paid when the job succeeds**, and Kie knows no idempotency key.

        Args:
            request: What to make.
            callback_url: Where Kie posts the end of the job.
            progress_callback_url: Where Kie posts its progress (four Sora models only).
            turn: Of `pace.creates`, where one was taken already; None: it is waited for.

        Returns:
            The job's handle.

        Raises:
            SubmissionInDoubt: when it is not known whether the job was created; do not call again.
            KieError: another one when surely nothing was created; `retryable` says whether to repeat.
        """
        body = request.body()
        if callback_url:
            body["callBackUrl"] = callback_url
        if progress_callback_url:
            body["progressCallBackUrl"] = progress_callback_url
        answer = await self._in_turn(
            turn or await self.pace.creates.turn(),
            Call.CREATE,
            self._create_http,
            "POST",
            f"{self.base_url}/api/v1/jobs/createTask",
            json=body,
        )
        if (task_id := answer.task_id) is None:  # pragma: no cover - judged before
            raise SubmissionInDoubt("createTask named no task")
        return JobHandle(task_id=task_id, model=request.model_name, submitted_at=datetime.now(timezone.utc))

    async def get_job(self, task_id: str, *, turn: Turn | None = None) -> Job:
        """Look at a job once; a failed job is returned, not raised.

        Args:
            task_id: The job.
            turn: Of `pace.looks`, where one was taken already; None: it is waited for.

        Raises:
            JobNotFound: when Kie does not know the job (a young one may take 90 s to show).
            KieError: when the look failed; `retryable` says whether another may succeed.
        """
        answer = await self._in_turn(
            turn or await self.pace.looks.turn(),
            Call.LOOK,
            self._http,
            "GET",
            f"{self.base_url}/api/v1/jobs/recordInfo",
            params={"taskId": task_id},
            task_id=task_id,
        )
        job = parse_job(answer.fields, seen_at=answer.date) if answer.fields else None
        if job is None:
            raise JobNotFound("Kie does not know this job (or not yet)", task_id=task_id)
        if job.task_id != task_id:
            raise UnexpectedResponse(
                f"asked for a job, Kie answered about another ({job.task_id[:100]!r})",
                task_id=task_id,
                billed="unknown",
                retryable=True,
            )
        return job

    async def get_credits(self) -> float:
        """The account's balance in credits (1 credit = 0.005 USD).

        Raises:
            KieError: when Kie does not tell it.
        """
        answer = await self._ask(Call.FREE, self._http, "GET", f"{self.base_url}/api/v1/chat/credit")
        balance = as_float(answer.data)
        if balance is None:
            raise UnexpectedResponse(f"Kie's balance is not a number: {str(answer.data)[:100]!r}")
        return balance

    async def get_download_url(self, url: str) -> str:
        """A fresh link, good for 20 minutes, to a file of one of Kie's results.

        Args:
            url: The file's address as the result gave it.

        Raises:
            InvalidRequest: when it is not an address of Kie's results.
        """
        answer = await self._ask(
            Call.FREE,
            self._http,
            "POST",
            f"{self.base_url}/api/v1/common/download-url",
            json={"url": url},
        )
        if not isinstance(answer.data, str) or not answer.data.startswith(("https://", "http://")):
            raise UnexpectedResponse("Kie gave no download link")
        return answer.data

    async def upload_file(self, path: Path | str, upload_path: str = "prefect-kie") -> UploadedFile:
        """Upload a file from disk, streamed; free, and kept at Kie for 3 days.

        Args:
            path: The file: a jpeg, png or webp of at most 10 MB, or an mp4, webm or avi.
            upload_path: The folder at Kie.

        Raises:
            ValueError: when there is no such file, or it is of a kind or size Kie refuses.
            KieError: when Kie does not take it; `retryable` says whether to repeat.
        """
        file, mime_type = open_checked(Path(path))
        with file:
            return await self._upload_stream(Path(path).name, file, mime_type, upload_path)

    async def upload_bytes(
        self, data: bytes, file_name: str, upload_path: str = "prefect-kie"
    ) -> UploadedFile:
        """Upload a file held in memory; as `upload_file` otherwise."""
        mime_type = check_file(file_name, len(data))
        return await self._upload_stream(file_name, data, mime_type, upload_path)

    async def upload_from_url(self, url: str, upload_path: str = "prefect-kie") -> UploadedFile:
        """Have Kie fetch a file from a public address; as `upload_file` otherwise."""
        body = {
            "fileUrl": url,
            "uploadPath": upload_path.strip("/"),
            "fileName": unique_name(urlsplit(url).path),
        }
        return parse_upload(await self._upload("/api/file-url-upload", json=body))

    async def _upload_stream(
        self, name: str, content: BinaryIO | bytes, mime_type: str, upload_path: str
    ) -> UploadedFile:
        stored = unique_name(name)
        answer = await self._upload(
            "/api/file-stream-upload",
            files={"file": (stored, content, mime_type)},
            data={"uploadPath": upload_path.strip("/"), "fileName": stored},
        )
        return parse_upload(answer)

    async def _upload(self, path: str, **content: Any) -> Envelope:
        return await self._ask(Call.FREE, self._http, "POST", f"{self.upload_url}{path}", **content)

    async def _in_turn(self, turn: Turn, *asked: Any, **content: Any) -> Envelope:
        refused = False
        try:
            return await self._ask(*asked, **content)
        except RateLimited:
            refused = True
            raise
        finally:
            turn.end(refused=refused)

    async def _ask(
        self,
        call: Call,
        http: httpx.AsyncClient,
        method: str,
        url: str,
        *,
        task_id: str | None = None,
        **content: Any,
    ) -> Envelope:
        name = url.rpartition("/")[2]
        answer: Envelope | KieError
        try:
            answer = await self._exchange(http, method, url, **content)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            happened = f"{name} got no answer ({type(error).__name__}: {error or 'no details'})"
            answer = _error(judge_exception(call, error), happened, task_id, code=None)
        if isinstance(answer, KieError):
            # Raised out here: in there its context would be httpx's exception, which holds the key's header.
            raise answer
        verdict = judge(call, answer)
        if verdict.error is not None:
            happened = f"Kie answered {name} with {answer.code}: {answer.text or 'no reason given'}"
            raise _error(verdict, happened, task_id or answer.task_id, code=answer.code)
        return answer

    async def _exchange(self, http: httpx.AsyncClient, method: str, url: str, **content: Any) -> Envelope:
        headers = {"Authorization": f"Bearer {self._key.get_secret_value()}"}
        async with http.stream(method, url, headers=headers, **content) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    break  # cut short it is unreadable, and judged as such
            # Kie, or a proxy on the way, may quote the key; nothing past this line ever sees it.
            shown = bytes(body).replace(self._key.get_secret_value().encode(), b"[key]")
            return parse_envelope(response.status_code, shown, response.headers.get("Date"))


def _error(verdict: Verdict, message: str, task_id: str | None, code: int | None) -> KieError:
    assert verdict.error is not None
    return verdict.error(
        message, task_id=task_id, code=code, retryable=verdict.retryable, next_step=verdict.next_step
    )
