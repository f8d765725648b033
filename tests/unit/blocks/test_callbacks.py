"""The callbacks block: Prefect's own standards, what it refuses, and where its key is kept."""

from __future__ import annotations

from typing import Any

import pytest
from prefect.blocks.core import Block
from prefect.testing.standard_test_suites import BlockStandardTestSuite
from pydantic import SecretStr, ValidationError

from prefect_kie.blocks import KieCallbacks, KieCredentials
from tests.conftest import KEY

SIGNING_KEY = "whsec-look-for-me-5d1f7c"


SUBMISSION = "kie-0123456789abcdef0123456789abcdef"


def callbacks(base_url: str = "https://hooks.example", **fields: Any) -> KieCallbacks:
    return KieCallbacks.model_validate({"base_url": base_url, "signing_key": SIGNING_KEY, **fields})


class TestKieCallbacks(BlockStandardTestSuite):
    """Prefect's own checks of a block."""

    @pytest.fixture
    def block(self) -> type[Block]:
        return KieCallbacks

    def test_has_a_valid_image(self, block: type[Block]) -> None:
        # Prefect's check downloads the picture, and tests have no internet; Prefect itself serves this one.
        assert str(block._logo_url).startswith("https://raw.githubusercontent.com/PrefectHQ/prefect/")


@pytest.mark.parametrize(
    ("base_url", "done"),
    [
        ("https://hooks.example", f"https://hooks.example/kie/done/{SUBMISSION}"),
        (" https://hooks.example/ ", f"https://hooks.example/kie/done/{SUBMISSION}"),
        ("https://host.example:8443/a/b//", f"https://host.example:8443/a/b/kie/done/{SUBMISSION}"),
        ("http://127.0.0.1:4280", f"http://127.0.0.1:4280/kie/done/{SUBMISSION}"),
        ("http://localhost:4280/", f"http://localhost:4280/kie/done/{SUBMISSION}"),
        ("http://[::1]:4280", f"http://[::1]:4280/kie/done/{SUBMISSION}"),
    ],
)
def test_it_knows_where_kie_is_to_post(base_url: str, done: str) -> None:
    block = callbacks(base_url)
    assert block.done_url(SUBMISSION) == done
    assert block.progress_url(SUBMISSION) == done.replace("/done/", "/progress/")


def test_a_submission_stays_one_part_of_the_path() -> None:
    assert callbacks().done_url("a/../?b#c").endswith("/kie/done/a%2F..%2F%3Fb%23c")


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "hooks.example",
        "http://hooks.example",
        "http://127.0.0.1.hooks.example",
        "ftp://127.0.0.1",
        "https://",
        "https://user:secret-password@hooks.example",
        "https://hooks.example?",
        "https://hooks.example/?a=1",
        "https://hooks.example/#",
        "https://hooks.example:99999",
        "https://hooks example",
        "https://hooks.example/\nx",
        "https://hooks.example\\@evil.example",
        "https://hööks.example",
        "https://[::1",
        "https://hooks.example/" + "a" * 500,
    ],
)
def test_an_address_to_which_no_path_can_be_added_is_refused(base_url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        callbacks(base_url)
    assert SIGNING_KEY not in str(caught.value)
    assert "secret-password" not in str(caught.value)


@pytest.mark.parametrize("key", [None, "", "  \n"])
def test_without_a_key_unsigned_ones_have_to_be_accepted(key: str | None) -> None:
    with pytest.raises(ValidationError, match="enter the key of Kie's settings page, or accept unsigned"):
        callbacks(signing_key=key)
    assert callbacks(signing_key=key, accept_unsigned=True).signing_key is None


@pytest.mark.parametrize("seconds", [0, -1, 3601, float("nan"), float("inf")])
def test_the_window_is_bounded(seconds: float) -> None:
    with pytest.raises(ValidationError):
        callbacks(window_seconds=seconds)


def test_a_pasted_key_has_no_space_around_it() -> None:
    key = callbacks(signing_key=f" {SIGNING_KEY}\n").signing_key
    assert key is not None
    assert key.get_secret_value() == SIGNING_KEY


def test_the_key_is_masked() -> None:
    block = callbacks()
    credentials = KieCredentials(api_key=SecretStr(KEY), callbacks=block)
    for shown in (block, credentials):
        for text in (repr(shown), str(shown), shown.model_dump_json()):
            assert SIGNING_KEY not in text


@pytest.mark.parametrize(
    "wrong",
    [{"callbacks": {"signing_key": SIGNING_KEY}}, {"callbacks": [SIGNING_KEY]}, {"api_keys": SIGNING_KEY}],
)
def test_a_refusal_never_shows_a_key(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        KieCredentials.model_validate({**wrong} if "api_keys" in wrong else {"api_key": KEY, **wrong})
    assert SIGNING_KEY not in str(caught.value)
    assert KEY not in str(caught.value)
