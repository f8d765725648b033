"""Where a file may come from: its host is resolved first, every address is judged, and only those are used.

A result's address must not lead into the network that this machine stands in: to a company's own services, or
to what a cloud tells its machines (keys among it).
"""

import asyncio
import socket
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from prefect_kie.api.hosts import http_client

TIMEOUT = httpx.Timeout(60.0, connect=10.0)
ANSWER_SECONDS = 120.0  # for the headers, which may come a byte at a time and never time out

# IANA's special-purpose registries. Not `is_global`: what that says changed within minor versions of Python.
_NOT_PUBLIC_4 = [
    IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/3"),
        "168.63.129.16/32",  # Azure tells its machines there
    )
]
_PUBLIC_6 = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = [IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "3fff::/20")]
_NAT64 = IPv6Network("64:ff9b::/96")


class FetchError(Exception):
    """A file did not come; trying again later may bring it where it is `retryable`."""

    retryable = True


class BadFile(FetchError):
    """What came is not the file, and will not be: too long, packed in an unknown way, a forbidden address."""

    retryable = False


@asynccontextmanager
async def opened(url: str, headers: Mapping[str, str], local_allowed: bool) -> AsyncGenerator[httpx.Response]:
    """The answer to a GET of a file, from a checked address; its body is not read yet.

    A proxy of the environment looks hosts up itself: then what this machine finds is judged, and the proxy
    is the one to refuse what this machine cannot look up.

    Raises BadFile where the URL is none that a result has, or leads into a private network (to this machine:
    unless `local_allowed`), and httpx's errors where no answer comes.
    """
    try:
        asked, parts = httpx.URL(url), urlsplit(url)
    except (ValueError, httpx.InvalidURL) as error:
        raise BadFile(f"the result's address is none: {url[:100]!r}") from error
    if asked.scheme not in ("http", "https") or not asked.raw_host or "@" in parts.netloc:
        raise BadFile(f"the result's address is not a public http or https one: {url[:100]!r}")
    proxy = _proxy(asked)
    try:
        found = await _resolved(asked.raw_host.decode())
    except httpx.ConnectError:
        if proxy is None:
            raise
        found = []
    for address in found:
        if not (is_public(address) or (local_allowed and _plain(address).is_loopback)):
            raise BadFile(f"the result's address lies in a private network: {url[:100]!r} ({address})")
        if _plain(address).is_loopback:
            proxy = None
    targets = found if proxy is None else [None]  # a proxy gets the name
    async with http_client("", TIMEOUT, keepalive=0, proxy=proxy) as http:
        response = await _first_answer(http, asked, headers, targets)
        try:
            yield response
        finally:
            await response.aclose()


async def _first_answer(
    http: httpx.AsyncClient,
    url: httpx.URL,
    headers: Mapping[str, str],
    targets: Sequence[IPv4Address | IPv6Address | None],
) -> httpx.Response:
    broken: httpx.TransportError = httpx.ConnectError(f"{url.host} has no address")
    for target in targets:
        request = http.build_request("GET", url, headers=headers)  # the name is its Host
        if target is not None:
            request.url = url.copy_with(host=str(target))
            request.extensions["sni_hostname"] = url.raw_host.decode()  # whose certificate is checked
        try:
            # Not wait_for: on Python 3.11 it may swallow that the run is cancelled.
            async with asyncio.timeout(ANSWER_SECONDS):
                return await http.send(request, stream=True)
        except TimeoutError:
            raise httpx.ReadTimeout(f"no answer was complete within {ANSWER_SECONDS:g} s") from None
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            broken = error
    raise broken


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address, or the IPv4 one that it stands for, is one of the public internet."""
    plain = _plain(address)
    if isinstance(plain, IPv4Address):
        return not any(plain in network for network in _NOT_PUBLIC_4)
    return plain in _PUBLIC_6 and not any(plain in network for network in _NOT_PUBLIC_6)


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that a mapped, translated (NAT64) or tunnelled (6to4) one leads to."""
    if isinstance(address, IPv4Address):
        return address
    translated = IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None
    return address.ipv4_mapped or address.sixtofour or translated or address


async def _resolved(host: str) -> list[IPv4Address | IPv6Address]:
    """Every address of a host; also what only a resolver takes for one (`127.1`, `0x7f000001`)."""
    if f".{host.rstrip('.')}".endswith(".localhost"):  # not every resolver knows these names
        return [IPv4Address("127.0.0.1"), IPv6Address("::1")]
    try:
        async with asyncio.timeout(10.0):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (TimeoutError, OSError, UnicodeError) as error:
        raise httpx.ConnectError(f"{host} cannot be looked up: {error or 'no answer'}") from error
    return list(dict.fromkeys(ip_address(address[0]) for *_, address in found))


def _proxy(url: httpx.URL) -> str | None:
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(url.host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
