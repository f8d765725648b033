"""Prefect finds the block, registers it, and stores it encrypted."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest
from prefect.client.orchestration import get_client
from pydantic import SecretStr

from prefect_kie.blocks import KieCredentials
from tests.conftest import HOME, KEY

pytestmark = pytest.mark.server


def test_prefect_finds_the_blocks_by_the_entry_point() -> None:
    (found,) = [point for point in entry_points(group="prefect.collections") if point.name == "prefect_kie"]
    assert found.load().KieCredentials is KieCredentials


async def test_the_block_type_is_registered_and_a_block_is_stored_encrypted() -> None:
    command = [sys.executable, "-m", "prefect", "block", "register", "-m", "prefect_kie.blocks"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Kie Credentials" in done.stdout
    assert "Kie Callbacks" in done.stdout

    await KieCredentials(api_key=SecretStr(KEY)).asave("registered", overwrite=True)

    async with get_client() as client:
        block_type = await client.read_block_type_by_slug("kie-credentials")
        assert block_type.name == "Kie Credentials"
        assert block_type.code_example is not None
        shown = await client.read_block_document_by_name(
            "registered", "kie-credentials", include_secrets=False
        )
        assert KEY not in shown.model_dump_json()
        assert set(shown.data) <= set(KieCredentials.model_fields)
    loaded = await KieCredentials.aload("registered")
    assert loaded.api_key.get_secret_value() == KEY
    stored = b"".join(file.read_bytes() for file in (HOME / "server").glob("prefect.db*"))
    assert b"registered" in stored
    assert KEY.encode() not in stored
