"""The callbacks block: Prefect's own standards, what it refuses, and where its key is kept."""

from __future__ import annotations

import logging

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import BlockDocumentUpdate
from pydantic import SecretStr

from prefect_kie.blocks import KieCallbacks, KieCredentials
from tests.conftest import HOME, KEY
from tests.unit.blocks.test_callbacks import SIGNING_KEY, callbacks


def stored() -> bytes:
    """Everything in the server's database."""
    return b"".join(file.read_bytes() for file in (HOME / "server").glob("prefect.db*"))


@pytest.mark.server
@pytest.mark.parametrize("saved_alone", [True, False], ids=["a block of its own", "inside"])
async def test_the_credentials_keep_it_encrypted(saved_alone: bool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    block = callbacks("https://hooks.example/prefix", window_seconds=60)
    if saved_alone:
        await block.asave("callbacks", overwrite=True)
        block = await KieCallbacks.aload("callbacks")
    credentials = KieCredentials(api_key=SecretStr(KEY), callbacks=block)
    await credentials.asave("with-callbacks", overwrite=True)

    loaded = (await KieCredentials.aload("with-callbacks")).callbacks
    assert isinstance(loaded, KieCallbacks)
    assert loaded.signing_key is not None
    assert loaded.signing_key.get_secret_value() == SIGNING_KEY
    assert (loaded.window_seconds, loaded.base_url) == (60, "https://hooks.example/prefix")

    async with get_client() as client:
        shown = await client.read_block_document_by_name(
            "with-callbacks", "kie-credentials", include_secrets=False
        )
    for text in (shown.model_dump_json(), caplog.text):
        assert SIGNING_KEY not in text
    assert b"with-callbacks" in stored()
    assert SIGNING_KEY.encode() not in stored()


@pytest.mark.server
async def test_a_block_that_was_stored_before_there_were_callbacks_still_loads() -> None:
    await KieCredentials(api_key=SecretStr(KEY)).asave("older", overwrite=True)
    async with get_client() as client:
        document = await client.read_block_document_by_name("older", "kie-credentials")
        older = {name: value for name, value in document.data.items() if name != "callbacks"}
        await client.update_block_document(
            document.id, BlockDocumentUpdate(data=older, merge_existing_data=False)
        )
        document = await client.read_block_document_by_name("older", "kie-credentials")
        assert "callbacks" not in document.data
    loaded = await KieCredentials.aload("older")
    assert loaded.callbacks is None
    assert loaded.api_key.get_secret_value() == KEY
