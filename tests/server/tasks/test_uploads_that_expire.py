"""An upload lives for a day; what is made of it is one job all the same, whatever address it has by then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import httpx
import pytest
from prefect import flow

from prefect_kie.api import JobHandle, JobRequest, SubmissionInDoubt, UploadedFile
from prefect_kie.blocks import KieCredentials
from prefect_kie.keys import submission_key
from prefect_kie.media.uploading import UploadRecord
from prefect_kie.models import MarketModel, Sora2ImageToVideo
from prefect_kie.simulator import SimulatorServer
from prefect_kie.storage.base import LocalStorage, Storage
from prefect_kie.tasks import task_for, upload_file

PNG = b"\x89PNG\r\n\x1a\n" + bytes(500)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "boat.png"
    path.write_bytes(PNG)
    return path


Upload = Callable[..., Awaitable[UploadedFile]]


@pytest.fixture
def upload(results: Path, monkeypatch: pytest.MonkeyPatch) -> Upload:
    """`upload_file` in each of its tries, without a run and a Prefect server."""

    async def storage() -> Storage:
        return LocalStorage(results)

    monkeypatch.setattr("prefect_kie.media.uploading.scope_storage", storage)
    return upload_file.fn


def age(results: Path, hours: float) -> None:
    """Let every upload be remembered as so much older, as though that time had passed."""
    past = timedelta(hours=hours)
    for path in (results / "kie-uploads").iterdir():
        record = UploadRecord.model_validate_json(path.read_bytes())
        ends = record.uploaded.expires_at
        uploaded = record.uploaded.model_copy(update={"expires_at": ends - past if ends else None})
        older = UploadRecord(uploaded=uploaded, written_at=record.written_at - past)
        path.write_text(older.model_dump_json())


@pytest.mark.parametrize("told", [True, False], ids=["Kie tells its end", "Kie tells no end"])
@pytest.mark.parametrize(("hours", "uploads"), [(19, 1), (23.5, 2)])
async def test_an_upload_is_used_again_for_less_than_a_day(
    upload: Upload,
    kie: SimulatorServer,
    credentials: KieCredentials,
    results: Path,
    picture: Path,
    told: bool,
    hours: float,
    uploads: int,
) -> None:
    if not told:
        kie.fault("upload", times=None, merge={"data": {"expiresAt": None}})
    first = await upload(picture, credentials, job_key="ship")
    assert (first.expires_at is not None) is told
    age(results, hours)
    second = await upload(picture, credentials, job_key="ship")
    assert kie.stats()["uploads"] == uploads
    assert (first.url == second.url) is (uploads == 1)


async def test_an_upload_that_ends_sooner_is_made_anew_sooner(
    upload: Upload, kie: SimulatorServer, credentials: KieCredentials, picture: Path
) -> None:
    kie.change(upload_days=0.02)
    await upload(picture, credentials, job_key="ship")
    await upload(picture, credentials, job_key="ship")
    assert kie.stats()["uploads"] == 2


REQUESTS: dict[str, Callable[[str], JobRequest]] = {
    "typed": lambda url: Sora2ImageToVideo(prompt="it sails", image_urls=[url]),
    "market": lambda url: MarketModel(
        model="acme/any-video", input={"prompt": "it sails", "elements": [{"image_url": url}]}
    ),
}


@pytest.mark.server
@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("from_address", [False, True], ids=["file", "address"])
async def test_what_is_uploaded_again_is_the_same_submission(
    kie: SimulatorServer,
    credentials: KieCredentials,
    results: Path,
    picture: Path,
    name: str,
    from_address: bool,
) -> None:
    """Another address, one creation."""
    source: Path | str = picture
    if from_address:
        async with credentials.get_client() as client:
            source = (await client.upload_file(picture)).url

    @flow
    async def sail() -> tuple[str, JobHandle]:
        url = (await upload_file(source, credentials, job_key="ship")).url
        request = REQUESTS[name](url)
        return url, await task_for(request)(request, credentials, job_key="ship")

    first_url, first = await sail()
    age(results, 48)
    second_url, second = await sail()
    assert first_url != second_url
    assert (first.task_id, first.submission) == (second.task_id, second.submission)
    assert kie.stats()["created"] == 1
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(second_url)).content == PNG


@pytest.mark.server
async def test_a_doubt_stays_one_when_its_picture_is_uploaded_again(
    kie: SimulatorServer, credentials: KieCredentials, results: Path, picture: Path
) -> None:
    kie.fault("create", reset=True, accept=True)
    for _ in range(2):
        request = REQUESTS["typed"]((await upload_file(picture, credentials, job_key="ship")).url)
        with pytest.raises(SubmissionInDoubt):
            await task_for(request)(request, credentials, job_key="ship")
        age(results, 48)
    assert kie.stats()["uploads"] == 2
    assert kie.stats()["created"] == 1


@pytest.mark.parametrize(
    ("name", "content"), [("boat.png", PNG + b"1"), ("boat.webp", PNG)], ids=["content", "suffix"]
)
async def test_another_picture_is_another_submission(
    upload: Upload, credentials: KieCredentials, picture: Path, name: str, content: bytes
) -> None:
    first = (await upload(picture, credentials, job_key="ship")).url
    picture.with_name(name).write_bytes(content)
    second = (await upload(picture.with_name(name), credentials, job_key="ship")).url
    keys = {submission_key(None, "ship", REQUESTS["typed"](url), 1) for url in (first, second)}
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("sea.mp3", 1000),
        ("clip.MOV", 1000),
        ("large.mp4", 12 * 1024 * 1024),
        ("no-suffix", 10),
    ],
)
async def test_any_kind_and_size_is_uploaded_under_its_suffix(
    upload: Upload, credentials: KieCredentials, tmp_path: Path, name: str, size: int
) -> None:
    file = tmp_path / name
    file.write_bytes(bytes(range(250)) * (size // 250 + 1))
    uploaded = await upload(file, credentials, job_key="ship")
    assert Path(uploaded.url).suffix == file.suffix.lower()
    assert uploaded.size == file.stat().st_size
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(uploaded.url)).content == file.read_bytes()
    assert uploaded.expires_at
    assert uploaded.expires_at > datetime.now(timezone.utc)
