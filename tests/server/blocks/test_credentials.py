"""The credentials block: Prefect's own standards, and what it refuses."""

from __future__ import annotations

from contextlib import suppress

import pytest
from pydantic import SecretStr

from prefect_kie.api import AuthenticationFailed
from prefect_kie.blocks import DEFAULT_CREDENTIALS, KieCallbacks, KieCredentials, load_credentials
from tests.conftest import KEY


@pytest.mark.server
async def test_a_stored_one_comes_back_with_its_callbacks() -> None:
    callbacks = KieCallbacks(base_url="https://hooks.example", signing_key=SecretStr("whsec"))
    await callbacks.asave("known-fields", overwrite=True)
    kept = KieCredentials(api_key=SecretStr(KEY), callbacks=callbacks, account="studio")
    await kept.asave("known-fields", overwrite=True)
    loaded = await load_credentials("known-fields")
    assert (loaded.callbacks, loaded.account) == (callbacks, "studio")


@pytest.mark.server
async def test_a_key_in_the_environment_is_used_where_no_block_is_named_and_none_exists(
    prefect_server: object, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("KIE_API_KEY", KEY)
    with suppress(ValueError):
        await KieCredentials.adelete(DEFAULT_CREDENTIALS)
    with caplog.at_level("INFO", "prefect_kie"):
        found = await load_credentials(DEFAULT_CREDENTIALS)
    assert found.api_key.get_secret_value() == KEY
    assert "has no block 'kie': the key in KIE_API_KEY is used" in caplog.text
    assert KEY not in caplog.text
    with pytest.raises(AuthenticationFailed, match="has no KieCredentials block named 'another'"):
        await load_credentials("another")
    monkeypatch.delenv("KIE_API_KEY")
    with pytest.raises(AuthenticationFailed, match="Set KIE_API_KEY"):
        await load_credentials(DEFAULT_CREDENTIALS)
