"""HTTP clients for files: transfers that are under way at the same time share one.

Making a client takes a quarter of the processor time that a file of a megabyte costs in all. It ends with the
last of its transfers, and keeps no idle connection.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlsplit

import httpx

from prefect_kie.api.hosts import blocking_http_client, is_loopback
from prefect_kie.tasks.body import READ_SECONDS

CONNECT_SECONDS = 10.0


@dataclass
class _Shared:
    """A client and how many use it."""

    http: httpx.Client
    users: int = 0


_shared: dict[bool, _Shared] = {}
"""One for this machine's own hosts, to which no proxy leads, and one for all others."""
_guard = threading.Lock()


@contextmanager
def file_client(url: str) -> Generator[httpx.Client, None, None]:
    """The client for a file, from any thread of this process.

    Args:
        url: The file's address.
    """
    own = is_loopback(urlsplit(url).hostname or "")
    with _guard:
        if (shared := _shared.get(own)) is None:
            http = blocking_http_client(url, httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS))
            http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))  # no file tells of another
            shared = _shared[own] = _Shared(http)
        shared.users += 1
    try:
        yield shared.http
    finally:
        with _guard:
            shared.users -= 1
            last = shared.users == 0
            if last and _shared.get(own) is shared:
                del _shared[own]
        if last:
            shared.http.close()


def _forget_the_parents() -> None:
    """A forked process must not write to its parent's connections."""
    global _guard
    _guard = threading.Lock()
    _shared.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_the_parents)
