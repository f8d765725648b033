"""What tests of downloads share: finished jobs of the simulator, and a file host that answers as told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from prefect_kie.api import Job, JobRequest
from prefect_kie.blocks import KieCredentials
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.simulator import SimulatorServer
from tests.hosting import hosting

CAT = Sora2TextToVideo(prompt="a cat")


async def finished(kie: SimulatorServer, credentials: KieCredentials, request: JobRequest = CAT) -> Job:
    """A job of the simulator that has succeeded."""
    kie.change(duration_seconds=0)
    async with credentials.get_client() as client:
        handle = await client.create_job(request)
        return await client.get_job(handle.task_id)


def http_answer(body: bytes = b"", status: str = "200 OK", **headers: str | int) -> bytes:
    """An HTTP answer as it goes over the wire; without a length unless `content_length` is given."""
    lines = [f"HTTP/1.1 {status}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class FileHost:
    """A file host that gives its answers one after another, and the last one for ever.

    Attributes:
        url: Where it is, without a slash at its end.
        answers: What goes over the wire.
        requests: What came: request line and headers.
    """

    url: str = ""
    answers: list[bytes] = field(default_factory=list[bytes])
    requests: list[str] = field(default_factory=list[str])

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close the connection."""
        request = await reader.readuntil(b"\r\n\r\n")
        index = min(len(self.requests), len(self.answers) - 1)
        self.requests.append(request.decode())
        writer.write(self.answers[index])
        await writer.drain()


class Pieces(httpx.AsyncByteStream):
    """A body that comes in these pieces, and then, perhaps, breaks."""

    def __init__(self, *pieces: bytes, error: Exception | None = None) -> None:
        self._pieces, self._error = pieces, error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece
        if self._error:
            raise self._error


@asynccontextmanager
async def file_host(*answers: bytes) -> AsyncIterator[FileHost]:
    """Run a file host on this machine."""
    host = FileHost(answers=list(answers))
    async with hosting(host.answer) as host.url:
        yield host
