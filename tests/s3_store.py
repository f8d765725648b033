"""A store that speaks S3, in a process of its own: moto's server, one request at a time.

S3 decides each request in one step, moto in several: hence one at a time. The name of a bucket tells
what else is the matter with it, see `Told`.

Run as a program it serves, and prints its port.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from prefect.filesystems import RemoteFileSystem

KEY, SECRET = "AKIA-TEST-KEY", "hunter2-and-more"
"""With these the store is spoken to; no address and no error may ever show them."""

PLAIN = "plain"
UNCONDITIONAL = "unconditional"
"""This bucket passes over conditions without a word, as some stores that speak S3 do."""
CONFLICTING = "conflicting"
"""This bucket answers the first conditional write of each file with 409, as S3 does in a race."""
FORGETFUL = "forgetful"
"""This bucket writes, but its answer to the first write of each file is a failure, so that it is repeated."""
FORBIDDEN = "forbidden"
"""This bucket refuses everything to everybody."""
ABSENT = "absent"
"""This bucket does not exist."""


@dataclass(frozen=True)
class S3Store:
    """The running store.

    Attributes:
        url: Where it is.
    """

    url: str

    @property
    def settings(self) -> dict[str, Any]:
        """What fsspec has to know of it."""
        return {
            "key": KEY,
            "secret": SECRET,
            "client_kwargs": {"region_name": "us-east-1"},
            "endpoint_url": self.url,
            "config_kwargs": {"retries": {"max_attempts": 2, "mode": "standard"}},
        }

    def block(self, bucket: str = PLAIN, folder: str | None = None) -> RemoteFileSystem:
        """Prefect's block for a folder in it; by default a new one."""
        return RemoteFileSystem(
            basepath=f"s3://{bucket}/{folder or uuid4().hex}/videos", settings=self.settings
        )


@contextmanager
def s3_store() -> Generator[S3Store, None, None]:
    """Start the store, with its buckets, and stop it afterwards."""
    with subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield S3Store(f"http://127.0.0.1:{int(process.stdout.readline())}")
        finally:
            process.kill()


Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class Told:
    """What the buckets' names say, around moto's own application."""

    def __init__(self, moto: Application) -> None:
        self._moto = moto
        self._one_at_a_time = threading.Lock()
        self._seen: set[str] = set()

    def __call__(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        with self._one_at_a_time:
            return list(self._answer(environ, start))

    def _answer(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        bucket = path.split("/")[1]
        writes = environ["REQUEST_METHOD"] == "PUT" and path.count("/") > 1
        if bucket == FORBIDDEN:
            return _refused(start, "403 Forbidden", "AccessDenied")
        if bucket == UNCONDITIONAL:
            environ.pop("HTTP_IF_NONE_MATCH", None)
        first = writes and path not in self._seen
        self._seen |= {path} if writes else set()
        if bucket == CONFLICTING and first and "HTTP_IF_NONE_MATCH" in environ:
            return _refused(start, "409 Conflict", "ConditionalRequestConflict")
        if bucket == FORGETFUL and first:
            list(self._moto(environ, lambda *_: None))
            return _refused(start, "500 Internal Server Error", "InternalError")
        return self._moto(environ, start)


def _refused(start: StartResponse, status: str, code: str) -> Iterable[bytes]:
    start(status, [("Content-Type", "application/xml")])
    return [f"<Error><Code>{code}</Code><Message>as told</Message></Error>".encode()]


def main() -> None:
    """Serve until standard input ends, as it does where the test's process dies."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from moto.s3.models import s3_backends
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    for bucket in (PLAIN, UNCONDITIONAL, CONFLICTING, FORGETFUL):
        s3_backends["123456789012"]["aws"].create_bucket(bucket, "us-east-1")
    application = Told(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
