"""The HTTP client of Kie's API: jobs, credits, download links, the catalogue and uploads.

Each method asks once and either returns or raises a `KieError`; nothing here repeats a call. What an
answer means is decided in `classification`. The key goes into one header, to Kie's own hosts only. All
creates of a client share one rate limiter, and so do its polls: use one client for a key.
"""

import asyncio
import hashlib
import os
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit

from pydantic import SecretStr

from prefect_kie.api import catalog, uploads
from prefect_kie.api.calls import CREATES_PER_10_SECONDS, POLLS_PER_SECOND, Calls, RateLimiter
from prefect_kie.api.catalog import CatalogModel, ModelPrice, SuccessRate
from prefect_kie.api.classification import Call, names_in
from prefect_kie.api.envelope import as_float
from prefect_kie.api.errors import JobNotFound, SubmissionInDoubt, UnexpectedResponse
from prefect_kie.api.hosts import API_URL, MAX_ANSWER_BYTES, UPLOAD_URL, check_host, last_moment
from prefect_kie.api.jobs import Job, JobHandle, parse_job
from prefect_kie.api.requests import JobRequest
from prefect_kie.api.schemas import ModelSchema, parse_schema
from prefect_kie.api.uploads import UploadedFile

CREATE_SECONDS = 180.0
"""After so long createTask has ended: giving up sooner would only leave a paid job in doubt."""
CALL_SECONDS = 60.0  # after so long any other call has ended, however its answer drips in
UPLOAD_BYTES_PER_SECOND = 50_000
"""So fast at least an upload has to be: it may take longer than other calls, by its size."""


class KieClient(Calls):
    """An async client for Kie's jobs API, to be used as `async with KieClient(key) as client:`.

    Args:
        api_key: The key from kie.ai/api-key.
        base_url: Where the jobs API lives.
        upload_url: Where uploads go.
        timeout: Seconds to wait for each part of an answer (to connect: at most 10; createTask's answer has
            `create_seconds`).
        call_seconds: Seconds after which a call has ended, however its answer drips in; an upload gets more.
        create_seconds: The same for createTask.
        max_answer_bytes: An answer is read so far and no further.
        creates_per_10_seconds: How many jobs Kie lets this account submit in 10 seconds.
        polls_per_second: How often to poll jobs in a second, all of this client's together.

    Attributes:
        creates: The rate limiter of createTask.
        polls: The rate limiter of recordInfo.
        catalog_calls: The rate limiter of the catalogue's four calls: Kie takes one a second of an account.

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
        call_seconds: float = CALL_SECONDS,
        create_seconds: float = CREATE_SECONDS,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        creates_per_10_seconds: int = CREATES_PER_10_SECONDS,
        polls_per_second: int = POLLS_PER_SECOND,
    ) -> None:
        super().__init__(api_key, base_url, timeout, call_seconds, create_seconds, max_answer_bytes)
        self.upload_url = check_host(upload_url)
        self.creates = RateLimiter(creates_per_10_seconds, 10.0)
        self.polls = RateLimiter(polls_per_second, 1.0)
        self.catalog_calls = RateLimiter(1, 1.0, refused_seconds=3.0)

    def __repr__(self) -> str:
        return f"KieClient(base_url={self.base_url!r}, upload_url={self.upload_url!r})"

    async def create_job(
        self,
        request: JobRequest,
        callback_url: str | None = None,
        progress_callback_url: str | None = None,
        *,
        has_slot: bool = False,
        too_late: Callable[[], bool] | None = None,
    ) -> JobHandle:
        """Submit a job. **Paid when the job succeeds**, and Kie knows no idempotency key.

        Args:
            request: What to make.
            callback_url: Where Kie posts the end of the job.
            progress_callback_url: Where Kie posts its progress (four Sora models only).
            has_slot: Whether the caller holds a slot of `creates`; else one is waited for.
            too_late: Asked last, when connected; where it says so nothing is sent (`ServiceUnavailable`).

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
        async with nullcontext() if has_slot else self.creates.slot():
            answer = await self._ask(
                Call.CREATE,
                f"{self.base_url}/api/v1/jobs/createTask",
                names={*names_in(body), *type(request).model_fields},
                seconds=self._create_seconds,
                json=body,
                extensions={"trace": last_moment(too_late)} if too_late else {},
            )
        if (task_id := answer.task_id) is None:  # pragma: no cover - classified before
            raise SubmissionInDoubt("createTask named no task")
        return JobHandle(task_id=task_id, model=request.model_name, submitted_at=datetime.now(timezone.utc))

    async def get_job(self, task_id: str, *, has_slot: bool = False) -> Job:
        """Poll a job once; a failed job is returned, not raised.

        Args:
            task_id: The job.
            has_slot: Whether the caller holds a slot of `polls`; else one is waited for.

        Raises:
            JobNotFound: when Kie does not know the job (a young one may take 90 s to show).
            KieError: when the poll failed; `retryable` says whether another may succeed.
        """
        async with nullcontext() if has_slot else self.polls.slot():
            url = f"{self.base_url}/api/v1/jobs/recordInfo"
            answer = await self._ask(Call.POLL, url, params={"taskId": task_id}, task_id=task_id)
        job = parse_job(answer.fields, seen_at=answer.date)
        if job is None:
            raise JobNotFound("Kie does not know this job (or not yet)", task_id=task_id)
        if job.task_id != task_id:
            happened = f"asked for a job, Kie answered about another ({job.task_id[:100]!r})"
            raise UnexpectedResponse(happened, task_id=task_id, billed="unknown", retryable=True)
        return job

    async def get_credits(self) -> float:
        """The account's balance in credits (1 credit = 0.005 USD).

        Raises:
            KieError: when Kie does not say.
        """
        answer = await self._ask(Call.FREE, f"{self.base_url}/api/v1/chat/credit")
        if (balance := as_float(answer.data)) is None:
            raise UnexpectedResponse(f"Kie's balance is not a number: {str(answer.data)[:100]!r}")
        return balance

    async def get_download_url(self, url: str) -> str:
        """A fresh link, good for 20 minutes, to a file of one of Kie's results.

        Args:
            url: The file's address as the result gave it.

        Raises:
            InvalidRequest: when it is not an address of Kie's results.
        """
        address = f"{self.base_url}/api/v1/common/download-url"
        answer = await self._ask(Call.FREE, address, json={"url": url})
        if not isinstance(answer.data, str) or not answer.data.startswith(("https://", "http://")):
            raise UnexpectedResponse("Kie gave no download link")
        return answer.data

    async def list_models(
        self, kind: str | None = None, provider: str | None = None, words: str | None = None
    ) -> list[CatalogModel]:
        """The models that Kie serves today.

        Args:
            kind: Only those that do this, as `text-to-video`; several with commas between.
            provider: Only those of this provider.
            words: Only those whose name or description has these words.

        Returns:
            The models as Kie lists them, with those for chats, which no job makes; none where nothing fits.

        Raises:
            KieError: when Kie does not say; `RateLimited` where the account asks more than once a second.
        """
        filters = {"taskType": kind, "provider": provider, "q": words}
        given = {name: value for name, value in filters.items() if value}
        return catalog.parse_models(await self._ask_catalog("", **given))

    async def get_schema(self, model: str) -> ModelSchema:
        """What a model takes, by Kie's own schema.

        Example:
            ```python
            schema = await client.get_schema("kling-3.0/video")
            for problem in schema.problems({"prompt": "a yak", "duration": "99"}):
                print(problem)
            ```

        Args:
            model: The model's name at Kie.

        Returns:
            Its schema; without an `input` where Kie has none yet.

        Raises:
            ModelNotSupported: when Kie's catalogue has no such model.
            KieError: another one when Kie does not say.
        """
        return parse_schema(model, await self._about(model, "schema"))

    async def get_price(self, model: str) -> ModelPrice:
        """What Kie says of a model's price, in prose; raises as `get_schema`."""
        return catalog.parse_price(model, await self._about(model, "price"))

    async def get_success_rate(self, model: str) -> SuccessRate:
        """How a model's jobs did in the last 24 hours, in steps of ten minutes; raises as `get_schema`."""
        return catalog.parse_success_rate(model, await self._about(model, "success-rate"))

    async def _about(self, model: str, what: str) -> Any:
        return await self._ask_catalog(f"/{quote(model, safe='/')}/{what}")  # Kie wants a slash as it is

    async def _ask_catalog(self, path: str, **params: str) -> Any:
        async with self.catalog_calls.slot():
            return (await self._ask(Call.CATALOG, f"{self.base_url}/api/v1/models{path}", params=params)).data

    async def upload_file(self, path: Path | str, upload_path: str = "prefect-kie") -> UploadedFile:
        """Upload a file from disk, streamed; free, and kept at Kie for 24 hours.

        Args:
            path: The file, of any kind (which kinds and sizes a model takes, its own fields say).
            upload_path: The folder at Kie.

        Raises:
            ValueError: when there is no such file, or it is empty or too large for any model.
            KieError: when Kie does not take it; `retryable` says whether to repeat.
        """
        file, mime_type = uploads.open_checked(Path(path))
        with file:
            name = uploads.unique_name(Path(path).name, await asyncio.to_thread(uploads.checksum, file))
            size = os.fstat(file.fileno()).st_size
            return await self._upload_stream(name, file, size, mime_type, upload_path)

    async def upload_bytes(
        self, data: bytes, file_name: str, upload_path: str = "prefect-kie"
    ) -> UploadedFile:
        """Upload a file held in memory; as `upload_file` otherwise."""
        mime_type = uploads.check_file(file_name, len(data))
        name = uploads.unique_name(file_name, hashlib.sha256(data).hexdigest())
        return await self._upload_stream(name, data, len(data), mime_type, upload_path)

    async def upload_from_url(self, url: str, upload_path: str = "prefect-kie") -> UploadedFile:
        """Have Kie fetch a file from a public address; as `upload_file` otherwise."""
        name = uploads.unique_name(urlsplit(url).path, hashlib.sha256(f"from {url}".encode()).hexdigest())
        body = {"fileUrl": url, "uploadPath": upload_path.strip("/"), "fileName": name}
        answer = await self._ask(Call.FREE, f"{self.upload_url}/api/file-url-upload", json=body)
        return uploads.parse_upload(answer)

    async def _upload_stream(
        self, name: str, body: BinaryIO | bytes, size: int, mime_type: str, upload_path: str
    ) -> UploadedFile:
        answer = await self._ask(
            Call.FREE,
            f"{self.upload_url}/api/file-stream-upload",
            seconds=self._seconds + size / UPLOAD_BYTES_PER_SECOND,
            files={"file": (name, body, mime_type)},
            data={"uploadPath": upload_path.strip("/"), "fileName": name},
        )
        return uploads.parse_upload(answer)
