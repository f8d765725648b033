"""Connections to Kie: polls share one, and a paid call never uses one that was there before."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from prefect_kie.api import JobHandle, KieClient, hosts
from prefect_kie.blocks import KieCredentials
from prefect_kie.models import Sora2TextToVideoStable
from prefect_kie.runtime.clients import ask_kie, poll_job
from tests.conftest import KEY, close_clients

BOAT = Sora2TextToVideoStable(prompt="a boat")


def certificate(folder: Path) -> Path:
    """A key and a certificate of its own for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kie stub")])
    now = datetime.now(timezone.utc)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "kie.pem"
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *plain) + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


class TlsKie:
    """Kie behind TLS, which keeps connections open and counts them.

    Attributes:
        calls: What was asked for on each connection, in the order of their handshakes.
    """

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self._writers: list[asyncio.StreamWriter] = []

    @asynccontextmanager
    async def listening(self, file: Path) -> AsyncIterator[str]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        try:
            yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            await asyncio.to_thread(close_clients)
            server.close()
            for writer in self._writers:
                writer.close()
                with suppress(ConnectionError, ssl.SSLError):
                    await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls.append(mine := [])
        self._writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                _, found, length = head.partition("content-length: ")
                await reader.readexactly(int(length.split()[0]) if found else 0)
                path = head.split()[1].partition("?")[0].rpartition("/")[2]
                mine.append(path)
                record = {"taskId": "job-1", "model": BOAT.model_name, "state": "generating"}
                answer = json.dumps({"code": 200, "msg": "success", "data": record})
                await asyncio.sleep(0.02)
                writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer)}\r\n\r\n{answer}".encode())


@pytest.fixture
async def tls_kie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[TlsKie, KieCredentials]]:
    file, kie = certificate(tmp_path), TlsKie()
    trusting = ssl.create_default_context(cafile=str(file))
    monkeypatch.setattr(hosts, "_tls_context", lambda: trusting)
    async with kie.listening(file) as url:
        yield kie, KieCredentials(api_key=SecretStr(KEY), base_url=url, upload_url=url)


async def create(client: KieClient) -> JobHandle:
    return await client.create_job(BOAT)


async def test_all_polls_of_a_process_make_one_handshake(tls_kie: tuple[TlsKie, KieCredentials]) -> None:
    kie, credentials = tls_kie
    for _ in range(3):
        await poll_job(credentials, "job-1")
        # As tasks of a synchronous flow do, each in a thread and an event loop of its own.
        await asyncio.to_thread(lambda: asyncio.run(poll_job(credentials, "job-1")))
    assert kie.calls == [["recordinfo"] * 6]


async def test_a_paid_call_has_a_connection_of_its_own(tls_kie: tuple[TlsKie, KieCredentials]) -> None:
    kie, credentials = tls_kie
    await poll_job(credentials, "job-1")
    await ask_kie(credentials, create)
    await poll_job(credentials, "job-1")
    await asyncio.gather(*(ask_kie(credentials, create) for _ in range(3)))
    await ask_kie(credentials, create)
    assert sorted(kie.calls) == [["createtask"]] * 5 + [["recordinfo"] * 2]
