"""A model that Kie invents while a process runs: listed, shown, checked, refused, run; no line of code."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prefect.context import SettingsContext, get_settings_context

from prefect_kie import tasks
from prefect_kie.api import InvalidRequest
from prefect_kie.blocks import KieCredentials
from prefect_kie.cli.main import main
from prefect_kie.runtime import live_catalog
from prefect_kie.runtime.live_catalog import LiveCatalog
from prefect_kie.simulator import SimulatorServer
from tests.conftest import QUICK

pytestmark = pytest.mark.server

NEW = "acme/dream-1"
FIELDS = {
    "prompt": {"required": True, "type": "string", "max_length": 100},
    "seconds": {"required": False, "type": "string", "enum": ["5", "10"], "default": "5"},
}


@pytest.fixture(autouse=True)
def _home(tmp_path: Path) -> Iterator[None]:
    now = get_settings_context()
    settings = now.settings.model_copy(update={"home": tmp_path / "home"})
    with SettingsContext(profile=now.profile, settings=settings):
        yield
    live_catalog._away().clear()


async def test_a_model_invented_while_a_process_runs(
    kie: SimulatorServer, credentials: KieCredentials, capsys: pytest.CaptureFixture[str]
) -> None:
    assert NEW not in {model.model for model in await LiveCatalog(credentials).models()}
    settings = {"extra_models": {NEW: {"fields": FIELDS, "kinds": ["text-to-video"]}}}
    httpx.patch(f"{kie.url}/_sim/settings", json=settings).raise_for_status()
    for given in ({"prompt": "a", "second": "5"}, {"prompt": "a", "seconds": "7"}, {"seconds": "5"}):
        with pytest.raises(InvalidRequest, match="by Kie's own schema"):
            await tasks.run_model(NEW, credentials, **given)
    assert kie.stats()["created"] == 0
    handle = await tasks.run_model(NEW, credentials, prompt="a yak", seconds="10")
    job = await tasks.wait_for_job(handle, credentials, poll=QUICK)
    assert (kie.stats()["created"], job.has_result) == (1, True)
    await credentials.asave("kie", overwrite=True)
    try:
        assert await asyncio.to_thread(main, ["models", "show", NEW]) == 0
    finally:
        await KieCredentials.adelete("kie")
    shown = capsys.readouterr().out
    assert "prompt (required): text, at most 100 characters" in shown
    assert "seconds: '5' or '10'; default '5'" in shown
    assert f"await run_model('{NEW}', prompt='…')" in shown
