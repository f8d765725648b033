"""The bytes of an answer, with as little work as possible."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import httpx

from prefect_kie.tasks.abandoning import Stop

READ_SECONDS = 60.0
BATCH_BYTES = 1024 * 1024


def pieces(response: httpx.Response, length: int | None, stop: Stop) -> Iterator[bytes | memoryview]:
    """The answer's body, piece after piece.

    httpcore reads 64 KiB at a time, and copies each three times through its parser, which takes longer than
    hashing it. Of a body whose length is known it parses the first piece only here; the rest is read from its
    connection, straight into memory.

    Args:
        response: An answer whose body is not read yet.
        length: The body's bytes; None where that is not known.
        stop: Ends it between two reads.

    Raises:
        httpx.HTTPError: when the connection breaks; what came before is handed on first.
    """
    connection = _connection(response)
    stop.breaks(connection)
    parsed = response.iter_raw()
    if connection is None or length is None or "Transfer-Encoding" in response.headers:
        for piece in parsed:
            stop.check()
            yield piece
        return
    first = next(parsed, b"")  # the parser keeps nothing back of what it has
    yield first
    if len(first) < length:  # else the connection may be closed already
        yield from _read(connection, length - len(first), stop)


def _connection(response: httpx.Response) -> socket.socket | None:
    """What the body can be read from: a socket, plain or with TLS, but not TLS within a proxy's TLS."""
    stream = response.extensions.get("network_stream")
    if stream is None or isinstance(stream.get_extra_info("ssl_object"), ssl.SSLObject):
        return None
    connection = stream.get_extra_info("socket")
    return connection if isinstance(connection, socket.socket) else None


def _read(connection: socket.socket, left: int, stop: Stop) -> Iterator[memoryview]:
    connection.settimeout(READ_SECONDS)
    while left > 0:
        batch = memoryview(bytearray(min(left, BATCH_BYTES)))
        filled = 0
        broken: httpx.TransportError | None = None
        while filled < len(batch) and broken is None:
            stop.check()
            try:
                count = connection.recv_into(batch[filled:])
            except TimeoutError:
                broken = httpx.ReadTimeout(f"nothing came for {READ_SECONDS:g} s")
            except OSError as error:
                broken = httpx.ReadError(str(error))
            else:
                filled += count
                if not count:
                    broken = httpx.RemoteProtocolError(f"{left - filled:,} bytes are missing")
        if filled:
            yield batch[:filled]
        if broken is not None:
            raise broken
        left -= filled
