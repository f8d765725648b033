"""Uploads, against the simulator's counters."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from PIL import Image

from prefect_kie.api import AuthenticationFailed, KieError
from prefect_kie.blocks import KieCredentials
from prefect_kie.simulator import SimulatorServer
from prefect_kie.tasks import upload_file

pytestmark = pytest.mark.server


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "My Böat.png"
    Image.new("RGB", (8, 8), "navy").save(path)
    return path


@pytest.mark.parametrize("as_text", [False, True], ids=["path", "text"])
async def test_a_file_is_uploaded_once(
    kie: SimulatorServer, credentials: KieCredentials, picture: Path, as_text: bool
) -> None:
    uploaded = await upload_file(str(picture) if as_text else picture, credentials)
    assert kie.stats()["uploads"] == 1
    assert uploaded.size == picture.stat().st_size
    assert uploaded.mime_type == "image/png"
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(uploaded.url)).content == picture.read_bytes()


async def test_a_file_is_uploaded_from_its_address(
    kie: SimulatorServer, credentials: KieCredentials, picture: Path
) -> None:
    first = await upload_file(picture, credentials)
    second = await upload_file(first.url, credentials)
    assert kie.stats()["uploads"] == 2
    assert second.url != first.url
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(second.url)).content == picture.read_bytes()


async def test_two_files_of_one_name_are_two(
    kie: SimulatorServer, credentials: KieCredentials, picture: Path
) -> None:
    first = await upload_file(picture, credentials)
    Image.new("RGB", (8, 8), "red").save(picture)
    second = await upload_file(picture, credentials)
    async with httpx.AsyncClient(trust_env=False) as http:
        bodies = [(await http.get(uploaded.url)).content for uploaded in (first, second)]
    assert bodies[0] != bodies[1] == picture.read_bytes()


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("missing.png", None, "there is no file 'missing.png'"),
        ("empty.png", b"", "has 0 bytes"),
    ],
    ids=["missing", "empty"],
)
async def test_what_kie_would_refuse_is_not_sent(
    kie: SimulatorServer,
    credentials: KieCredentials,
    tmp_path: Path,
    name: str,
    content: bytes | None,
    text: str,
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=text):
        await upload_file(tmp_path / name, credentials)
    assert kie.stats()["uploads"] == 0


async def test_trouble_that_passes_is_sat_out(
    kie: SimulatorServer, credentials: KieCredentials, picture: Path
) -> None:
    kie.fault("upload", status=503, times=2)
    assert (await upload_file(picture, credentials)).url.startswith(kie.url)
    assert kie.stats()["uploads"] == 1


async def test_a_wrong_key_is_told_at_once(
    kie: SimulatorServer, credentials: KieCredentials, picture: Path
) -> None:
    kie.fault("upload", code=401)
    with pytest.raises(AuthenticationFailed):
        await upload_file(picture, credentials)
    assert kie.stats()["uploads"] == 0  # no second try, which would have come through


async def test_an_address_that_kie_cannot_fetch_is_told(
    kie: SimulatorServer, credentials: KieCredentials
) -> None:
    with pytest.raises(KieError, match="Failed to fetch the file"):
        await upload_file("https://files.example/boat.png", credentials)
    assert kie.stats()["uploads"] == 0
