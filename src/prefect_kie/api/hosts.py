"""Where the key may go, and how connections are made."""

import ipaddress
import ssl
from functools import cache
from importlib.metadata import version
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

API_URL = "https://api.kie.ai"
UPLOAD_URL = "https://kieai.redpandaai.co"


def check_key(key: SecretStr | str) -> SecretStr:
    """A key that can be sent as a header; the message of a refusal never holds the key.

    Raises:
        ValueError: when it is empty or holds characters that no header can.
    """
    secret = (key.get_secret_value() if isinstance(key, SecretStr) else key).strip()
    if not secret:
        raise ValueError("the API key is empty; get one at kie.ai/api-key")
    if not (secret.isascii() and secret.isprintable()) or " " in secret:
        raise ValueError("the API key holds a space or a character that no key has; copy it again")
    return SecretStr(secret)


def check_host(url: str) -> str:
    """An address to which paths can be added, without a slash at its end.

    Raises:
        ValueError: when it is neither https nor, for a simulator, http on this machine.
    """
    url = url.strip()
    # Never quoted: what was pasted here may hold a password.
    wanted = "must be an address like https://host.example or https://host.example/path"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(wanted) from None
    if not host or not (url.isascii() and url.isprintable()) or set(url) & set(" @?#\\<>\"'"):
        raise ValueError(f"{wanted}, without a user, a query or a fragment")
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)):
        return url.rstrip("/")
    raise ValueError("must be https (plain http can be read on its way), or http on this machine")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def http_client(
    url: str, timeout: httpx.Timeout, *, keepalive: int, proxy: str | None = None
) -> httpx.AsyncClient:
    """An HTTP client that never follows redirects, and keeps so many idle connections.

    Proxies of the environment are not used for this machine's own address, nor for files of any host, whose
    address is empty here.
    """
    return httpx.AsyncClient(
        verify=_tls_context(),
        timeout=timeout,
        # Idle connections are kept for longer than the time between two polls of a job. Rate limiters bound
        # the calls: a bound of the pool would fill up with connections of calls that were cancelled before
        # they took them (httpcore 1.0.9).
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=keepalive, keepalive_expiry=60.0),
        follow_redirects=False,
        trust_env=bool(url) and not is_loopback(urlsplit(url).hostname or ""),
        # Kie's answers are short; what is not compressed cannot grow.
        headers={"User-Agent": f"prefect-kie/{_version()}", "Accept-Encoding": "identity"},
        proxy=proxy,
    )


def file_client(timeout: httpx.Timeout, proxy: str | None) -> httpx.AsyncClient:
    """An HTTP client for one file of any host: it takes nothing from the environment, and keeps nothing."""
    return http_client("", timeout, keepalive=0, proxy=proxy)


@cache
def _tls_context() -> ssl.SSLContext:
    # Loading the certificates takes tens of milliseconds: once a process, not once a poll.
    return httpx.create_ssl_context()


@cache
def _version() -> str:
    return version("prefect-kie")  # read from the disk, which takes a millisecond
