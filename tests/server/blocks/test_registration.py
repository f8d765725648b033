"""Prefect finds the block, registers it, and stores it encrypted."""

from __future__ import annotations

import subprocess
import sys

import pytest
from prefect.client.orchestration import get_client
from pydantic import SecretStr

from prefect_kie.blocks import KieCredentials
from tests.conftest import HOME, KEY

pytestmark = pytest.mark.server


KNOWN = """
from prefect.blocks.core import Block
from prefect.plugins import load_prefect_collections
from prefect.utilities.dispatch import get_registry_for_type
load_prefect_collections()
print(*sorted(block.__name__ for block in get_registry_for_type(Block).values() if "kie" in block.__module__))
"""


def test_prefect_finds_the_blocks_by_the_entry_point() -> None:
    done = subprocess.run([sys.executable, "-c", KNOWN], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["KieCallbacks", "KieCharacter", "KieCredentials"]


async def test_the_block_type_is_registered_and_a_block_is_stored_encrypted() -> None:
    command = [sys.executable, "-m", "prefect", "block", "register", "-m", "prefect_kie.blocks"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Kie Credentials" in done.stdout
    assert "Kie Callbacks" in done.stdout
    assert "Kie Character" in done.stdout

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
