"""Where the key may go, and what a key is."""

from __future__ import annotations

import httpx
import pytest
from pydantic import SecretStr

from prefect_kie.api import KieClient
from prefect_kie.api.hosts import API_URL, UPLOAD_URL, check_host, check_key, http_client, is_loopback

from .conftest import KEY


@pytest.mark.parametrize("key", [KEY, f"  {KEY}\n", SecretStr(KEY)], ids=["text", "with spaces", "secret"])
def test_a_key_is_kept_as_a_secret_without_the_spaces_around_it(key: str | SecretStr) -> None:
    checked = check_key(key)
    assert checked.get_secret_value() == KEY
    assert KEY not in repr(checked)


@pytest.mark.parametrize("key", ["", " \n", SecretStr("")], ids=["nothing", "blank", "empty secret"])
def test_an_empty_key_is_refused_with_where_to_get_one(key: str | SecretStr) -> None:
    with pytest.raises(ValueError, match="is empty; get one at"):
        check_key(key)


@pytest.mark.parametrize(
    "key", [f"Bearer {KEY}", f"{KEY}\n{KEY}", f"{KEY}\x00", f"{KEY}ü", f"{KEY}\ud83d"], ids=ascii
)
def test_a_key_that_no_header_can_hold_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ValueError, match="copy it again") as caught:
        check_key(key)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://api.kie.ai", "https://api.kie.ai"),
        (" https://api.kie.ai/ ", "https://api.kie.ai"),
        ("https://proxy.example:8443/kie/", "https://proxy.example:8443/kie"),
        ("HTTPS://API.KIE.AI", "HTTPS://API.KIE.AI"),
        ("http://localhost:8765", "http://localhost:8765"),
        ("http://127.0.0.1:8765/", "http://127.0.0.1:8765"),
        ("http://[::1]:8765", "http://[::1]:8765"),
    ],
)
def test_the_key_may_go_to_https_and_to_this_machine(url: str, kept: str) -> None:
    assert check_host(url) == kept


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.kie.ai",
        "https://",
        "https:///path",
        "http://api.kie.ai",
        "http://192.168.1.4:8765",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "ftp://api.kie.ai",
        "file:///etc/passwd",
        "https://user@api.kie.ai",
        "https://user:password@api.kie.ai",
        "https://:password@api.kie.ai",
        "https://api.kie.ai\\@other.example",
        "https://api.kie.ai?key=1",
        "https://api.kie.ai#a",
        "https://[::1",
    ],
)
def test_the_key_goes_nowhere_else(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - urlsplit has words of its own for half an IPv6 address
        check_host(url)
    with pytest.raises(ValueError):  # noqa: PT011
        KieClient(KEY, base_url=url)
    with pytest.raises(ValueError):  # noqa: PT011
        KieClient(KEY, upload_url=url)


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("kie.ai", False),
        ("", False),
    ],
)
def test_which_hosts_are_this_machine(host: str, own: bool) -> None:
    assert is_loopback(host) is own


async def test_a_client_goes_to_kie_by_default_and_does_not_show_the_key() -> None:
    async with KieClient(KEY) as client:
        assert (client.base_url, client.upload_url) == (API_URL, UPLOAD_URL)
        assert KEY not in repr(client)
        assert KEY not in str(client)


@pytest.mark.parametrize(
    ("url", "trusts"), [("https://api.kie.ai", True), ("http://127.0.0.1:8765", False)], ids=["kie", "own"]
)
async def test_proxies_of_the_environment_are_not_used_for_this_machine(url: str, trusts: bool) -> None:
    async with http_client(url, httpx.Timeout(1), keepalive=0) as http:
        assert http.trust_env is trusts
        assert http.follow_redirects is False
