"""`prefect-kie doctor`: what it finds, what it says to run, and that it only looks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectNotFound
from prefect.filesystems import LocalFileSystem
from prefect.settings import (
    PREFECT_DEFAULT_RESULT_STORAGE_BLOCK,
    PREFECT_RESULTS_LOCAL_STORAGE_PATH,
    temporary_settings,
)
from pydantic import SecretStr

from prefect_kie.api import CatalogModel
from prefect_kie.blocks import KieCredentials
from prefect_kie.cli.automations import all_automations
from prefect_kie.cli.doctor import DEPLOYMENTS
from prefect_kie.cli.main import main
from prefect_kie.cli.setup import set_up
from prefect_kie.runtime.global_limits import CREATE_LIMIT
from prefect_kie.runtime.live_catalog import LiveCatalog
from prefect_kie.simulator import SimulatorServer, SimulatorSettings
from prefect_kie.submissions.budgets import CREDITS_LIMIT
from tests.conftest import KEY
from tests.server.test_provisioning import clear


@pytest.fixture(scope="module")
def _nothing_of_ours(prefect_server: object) -> None:
    """Whatever other tests have left is gone."""

    async def begin() -> None:
        async with get_client() as client:
            await clear_all(client)

    asyncio.run(begin())


@pytest.fixture
async def client(_nothing_of_ours: None) -> AsyncIterator[PrefectClient]:
    """A client of the session's server, before and after a test without anything of ours on it."""
    async with get_client() as client:
        yield client
        await clear_all(client)


async def clear_all(client: PrefectClient) -> None:
    """Remove what setup and deploy make."""
    await clear()
    with suppress(ObjectNotFound):
        await client.delete_work_pool("kie")
    for name in DEPLOYMENTS:
        with suppress(ObjectNotFound):
            await client.delete_deployment((await client.read_deployment_by_name(name)).id)


@pytest.fixture
async def key(client: PrefectClient, credentials: KieCredentials) -> None:
    """The credentials block, for the simulated Kie."""
    await credentials.asave("kie")


async def doctor(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, str]]:
    """Run the command: its exit code, and by the beginnings of its lines what it said, advice included."""
    code = await asyncio.to_thread(main, ["doctor", *words])
    shown = capsys.readouterr()
    assert shown.err == ""
    assert KEY not in shown.out
    found: dict[str, str] = {}
    last = ""
    for line in shown.out.splitlines():
        if line.startswith(("ok ", "error ", "missing ", "warning ")):
            last = line[9:]
            found[last] = line
        else:
            found[last] += "\n" + line
    return code, found


def about(what: str, found: dict[str, str]) -> str:
    """The one thing said that begins so."""
    (said,) = [said for begins, said in found.items() if begins.startswith(what)]
    return said


@pytest.mark.server
class TestAServer:
    """Against the session's server and the simulated Kie."""

    async def test_what_a_bare_server_misses_is_told_until_setup_and_deploy_have_made_it(
        self,
        client: PrefectClient,
        credentials: KieCredentials,
        kie: SimulatorServer,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        code, found = await doctor(capsys)
        assert code == 1
        assert "run: KIE_API_KEY=... prefect-kie setup" in about("the Prefect server at", found)
        code, found = await doctor(capsys, "--credentials", "another")
        assert code == 1
        assert "save('another')" in about("the Prefect server at", found)

        await credentials.asave("kie")
        code, found = await doctor(capsys)
        assert code == 0
        missing = [said for said in found.values() if said.startswith("missing")]
        assert sum("run: prefect-kie setup" in said for said in missing) == 7
        assert "prefect work-pool create kie" in about("work pool", found)
        assert "prefect --no-prompt deploy --all" in about("deployments of prefect.yaml", found)
        assert "1000 credits" in about(f"Kie at {kie.url}", found)
        with pytest.raises(ObjectNotFound):
            await client.read_global_concurrency_limit_by_name(CREATE_LIMIT)
        assert kie.stats()["created"] == 0

        await client.create_work_pool(WorkPoolCreate(name="kie", type="process"))
        code, found = await doctor(capsys)
        assert code == 1
        assert "run: prefect worker start --pool kie" in about("work pool", found)

        async for _ in set_up(client):
            pass
        await client.send_worker_heartbeat("kie", "a-worker", heartbeat_interval_seconds=30)
        for full_name in DEPLOYMENTS:
            flow, name = full_name.split("/")
            await client.create_deployment(await client.create_flow_from_name(flow), name)
        code, found = await doctor(capsys)
        assert code == 0
        assert [said for said in found.values() if not said.startswith("ok")] == []
        assert "1 online worker" in about("work pool", found)

    async def test_a_used_budget_and_what_setup_would_correct_are_told(
        self, client: PrefectClient, key: None, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async for _ in set_up(client, credits=100):
            pass
        await client.increment_concurrency_slots([CREDITS_LIMIT], 60, "concurrency")
        code, found = await doctor(capsys)
        said = about("budget of all runs", found)
        assert (code, said.startswith("ok "), "60 of 100 credits are used" in said) == (0, True, True)
        await client.increment_concurrency_slots([CREDITS_LIMIT], 40, "concurrency")
        code, found = await doctor(capsys)
        said = about("budget of all runs", found)
        assert (code, said.startswith("error ")) == (1, True)
        assert "run: prefect gcl update kie-credits --active-slots 0" in said

        await client.delete_global_concurrency_limit_by_name(CREDITS_LIMIT)
        wanted = all_automations()[1]
        (automation,) = await client.read_automations_by_name(wanted.name)
        changed = wanted.model_copy(update={"description": "changed", "enabled": True})
        await client.update_automation(automation.id, changed)
        code, found = await doctor(capsys)
        assert code == 1
        said = about(f"automation {wanted.name!r}", found)
        assert said.startswith("error")
        assert "run: prefect-kie setup" in said
        (automation,) = await client.read_automations_by_name(wanted.name)
        assert automation.description == "changed"

    async def test_a_deployed_model_that_kie_has_no_more_is_told(
        self,
        client: PrefectClient,
        key: None,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        flow_id = await client.create_flow_from_name("generate-video")
        for model in ("acme/gone", "z-image"):
            parameters = {"request": {"model": model, "prompt": "a"}}
            await client.create_deployment(flow_id, f"of-{model.replace('/', '-')}", parameters=parameters)

        async def served(self: LiveCatalog, *needed: str) -> list[CatalogModel]:
            return [CatalogModel(model="z-image")]

        monkeypatch.setattr(LiveCatalog, "models", served)
        _, found = await doctor(capsys)
        (said,) = [said for said in found.values() if "does not serve" in said]
        assert said.startswith("warning  deployment generate-video/of-acme-gone runs acme/gone, which Kie")
        assert "prefect-kie models list" in said
        for name in ("generate-video/of-acme-gone", "generate-video/of-z-image"):
            await client.delete_deployment((await client.read_deployment_by_name(name)).id)

    async def test_a_refused_key_and_an_empty_account_are_told(
        self, client: PrefectClient, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for settings, said in (
            (SimulatorSettings(api_keys=("another",)), "kie.ai/api-key"),
            (SimulatorSettings(credits=0), "Add credits at kie.ai"),
        ):
            with SimulatorServer(settings) as kie:
                block = KieCredentials(api_key=SecretStr(KEY), base_url=kie.url, upload_url=kie.url)
                await block.asave("kie", overwrite=True)
                code, found = await doctor(capsys)
            assert code == 1
            assert about("Kie at", found).startswith("error")
            assert said in about("Kie at", found)

    async def test_result_storage_is_what_the_settings_name_else_the_servers(
        self, client: PrefectClient, key: None, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        _, found = await doctor(capsys)
        assert "this machine's disk" in about(f"result storage {tmp_path}/results", found)
        block = LocalFileSystem(basepath=str(tmp_path / "shared"))
        name = f"doctor-{uuid4().hex[:8]}"
        id = await block.asave(name)
        with temporary_settings({PREFECT_DEFAULT_RESULT_STORAGE_BLOCK: f"local-file-system/{name}"}):
            _, found = await doctor(capsys)
        assert about(f"result storage local-file-system/{name}", found).startswith("ok")
        await client.update_server_default_result_storage(id)
        try:
            _, found = await doctor(capsys)
        finally:
            await client.clear_server_default_result_storage()
        assert about(f"result storage {tmp_path}/shared", found).startswith("ok")
        for wrong in ("local-file-system/no-such", "kie-credentials/kie"):
            with temporary_settings({PREFECT_DEFAULT_RESULT_STORAGE_BLOCK: wrong}):
                code, found = await doctor(capsys)
            assert code == 1
            assert "prefect block ls" in about(f"result storage {wrong}", found)
        assert [file for file in tmp_path.rglob("*") if file.is_file()] == []

    async def test_a_directory_that_is_none_is_an_error(
        self, client: PrefectClient, key: None, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        (tmp_path / "file").touch()
        with temporary_settings({PREFECT_RESULTS_LOCAL_STORAGE_PATH: tmp_path / "file"}):
            code, found = await doctor(capsys)
        assert code == 1
        assert "cannot be used" in about("result storage", found)
