"""Saving: what lies in the directory or behind the block afterwards, and what the file host saw."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import os
import pickle
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from prefect import flow
from prefect.filesystems import LocalFileSystem, RemoteFileSystem, WritableFileSystem

from prefect_kie.api import Job, JobResult, JobState, ResultFile
from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import DownloadFailed
from prefect_kie.media import saving
from prefect_kie.media.download import Transfer
from prefect_kie.media.saved import file_stem
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.runtime.processes import mark
from prefect_kie.simulator import SimulatorServer
from prefect_kie.storage.base import LocalStorage
from prefect_kie.tasks import SavedResult, save_result
from tests.conftest import KEY
from tests.file_hosts import CAT, file_host, finished, http_answer

ONCE = save_result.with_options(retries=0)
"""`save_result` that fails at the first trouble."""


async def save_now(job: Job, credentials: KieCredentials, **options: Any) -> SavedResult:
    """What `save_result` does in each of its tries, without a run and a Prefect server."""
    saved, _ = await saving.save(job, credentials, **options)
    return saved


PNG = b"\x89PNG\r\n\x1a\n" + bytes(500)


class Shelf(WritableFileSystem):
    """A storage block as people write them; its files outlive it, as they do elsewhere."""

    _block_type_name = "Shelf"
    _block_type_slug = "shelf"

    shelf: str
    password: str = "hunter2"

    async def read_path(self, path: str) -> bytes:
        try:
            return SHELVES[self.shelf][path]
        except KeyError:
            raise ValueError(f"Path {path} does not exist.") from None

    async def write_path(self, path: str, content: bytes) -> None:
        SHELVES.setdefault(self.shelf, {})[path] = content


SHELVES: dict[str, dict[str, bytes]] = {}


class Closed(WritableFileSystem):
    """A storage that is out of reach."""

    _block_type_slug = "closed"

    async def read_path(self, path: str) -> bytes:
        raise ConnectionError("no route to the host")

    async def write_path(self, path: str, content: bytes) -> None:
        raise ConnectionError("no route to the host")


class ReadOnly(Shelf):
    """A storage that takes nothing."""

    _block_type_slug = "read-only"

    async def write_path(self, path: str, content: bytes) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")


@pytest.fixture
async def job(kie: SimulatorServer, credentials: KieCredentials) -> Job:
    """A finished job of one video."""
    return await finished(kie, credentials)


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Where videos go; not made yet."""
    return tmp_path / "videos"


def of_yesterday(job: Job) -> Job:
    """The same job, had it ended a day ago: nothing of it is still about to appear."""
    assert job.completed_at
    return job.model_copy(update={"completed_at": job.completed_at - timedelta(days=1)})


def files_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir()) if directory.exists() else []


def requests_of_files(kie: SimulatorServer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx.get(f"{kie.url}/_sim/file-requests", trust_env=False).json()
    return found


def seconds_of(path: Path | str) -> float:
    """How long a video plays, by decoding every picture of it."""
    container: Any = av.open(str(path))
    with container:
        pictures = sum(1 for _ in container.decode(video=0))
        return pictures / float(container.streams.video[0].average_rate)


def result_of(urls: tuple[str, ...], watermarked: tuple[str, ...] = ()) -> JobResult:
    """A result of these files."""
    files = [ResultFile(url=url) for url in urls]
    files += [ResultFile(url=url, role="watermarked") for url in watermarked]
    return JobResult(files=tuple(files))


def market_job(*urls: str, **fields: Any) -> Job:
    """A finished job of a model that makes pictures, sound or other things."""
    return Job(
        task_id=uuid.uuid4().hex,
        model="nano/text-to-image",
        state=JobState.SUCCESS,
        result=result_of(urls),
        request_body={"model": "nano/text-to-image", "input": {"prompt": "a boat"}},
        **fields,
    )


class TestDirectory:
    """A job saved on this machine."""

    @pytest.mark.server
    async def test_the_video_lies_there_with_its_sidecar(
        self, kie: SimulatorServer, credentials: KieCredentials, job: Job, videos: Path
    ) -> None:
        saved = await save_result(job, credentials, directory=videos)

        stem = f"a-cat_sora-2-text-to-video_{job.task_id}"
        assert files_in(videos) == [f"{stem}.json", f"{stem}.mp4"]
        assert saved.path == str(videos / f"{stem}.mp4")
        assert seconds_of(saved.path) == pytest.approx(10, abs=0.1)
        content = Path(saved.path).read_bytes()
        assert json.loads((videos / f"{stem}.json").read_text()) == {
            "version": 1,
            "task_id": job.task_id,
            "model": "sora-2-text-to-video",
            "request": {"model": "sora-2-text-to-video", "input": CAT.input_fields()},
            "credits": kie.stats()["charged"],
            "created_at": saved.model_dump(mode="json")["created_at"],
            "completed_at": saved.model_dump(mode="json")["completed_at"],
            "saved_at": saved.model_dump(mode="json")["saved_at"],
            "files": [
                {
                    "name": f"{stem}.mp4",
                    "path": saved.path,
                    "url": job.urls[0],
                    "size": len(content),
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "seconds": saved.seconds,
                    "role": "result",
                    "title": None,
                }
            ],
            "record": job.record,
        }
        assert saved.seconds == pytest.approx(10, abs=0.1)
        assert saved.created_at == job.created_at
        assert datetime.now(timezone.utc) - saved.saved_at < timedelta(minutes=1)

    @pytest.mark.server
    async def test_the_key_goes_to_no_file_host(
        self, kie: SimulatorServer, credentials: KieCredentials, job: Job, videos: Path
    ) -> None:
        kie.fault("file", dead=True)
        kie.fault("file", truncate=1000)
        await save_result(job, credentials, directory=videos)
        requests = requests_of_files(kie)
        assert len(requests) == 3
        assert KEY not in json.dumps(requests)
        assert all("authorization" not in request["headers"] for request in requests)
        assert all(KEY not in path.read_text(errors="replace") for path in videos.iterdir())

    @pytest.mark.server
    async def test_a_second_save_fetches_nothing(
        self, kie: SimulatorServer, credentials: KieCredentials, job: Job, videos: Path
    ) -> None:
        first = await save_result(job, credentials, directory=videos)
        assert await save_result(job, credentials, directory=str(videos)) == first
        assert kie.stats()["file_requests"] == 1

    async def test_a_directory_that_moved_is_found_complete(
        self, kie: SimulatorServer, credentials: KieCredentials, job: Job, videos: Path
    ) -> None:
        await save_now(job, credentials, directory=videos)
        moved = videos.rename(videos.with_name("moved"))
        saved = await save_now(job, credentials, directory=moved)
        assert Path(saved.path).parent == moved
        assert kie.stats()["file_requests"] == 1

    async def test_what_is_not_as_it_was_is_fetched_again(
        self, kie: SimulatorServer, credentials: KieCredentials, job: Job, videos: Path
    ) -> None:
        saved = await save_now(job, credentials, directory=videos)
        before = {path.name: path.read_bytes() for path in videos.iterdir()}
        for number, (what, (suffix, tamper)) in enumerate(TAMPERINGS.items(), start=2):
            path = Path(saved.path).with_suffix(suffix)
            content = tamper(path.read_bytes())
            if content is None:
                path.unlink()
            else:
                path.write_bytes(content)

            again = await save_now(job, credentials, directory=videos)

            assert kie.stats()["file_requests"] == number, what
            assert again.files == saved.files, what
            assert files_in(videos) == sorted(before), what
            assert Path(again.path).read_bytes() == before[Path(again.path).name], what

    @pytest.mark.server
    async def test_two_saves_at_once_leave_one_right_file(
        self, kie: SimulatorServer, credentials: KieCredentials, job: Job, videos: Path
    ) -> None:
        @flow
        async def pipeline() -> list[SavedResult]:
            return await asyncio.gather(*(save_result(job, credentials, directory=videos) for _ in range(3)))

        saves = await pipeline()

        assert len({save.files for save in saves}) == 1
        assert len(files_in(videos)) == 2
        assert hashlib.sha256(Path(saves[0].path).read_bytes()).hexdigest() == saves[0].files[0].sha256

    async def test_leftovers_of_yesterday_are_cleared_away(
        self, kie: SimulatorServer, credentials: KieCredentials, job: Job, videos: Path
    ) -> None:
        stem = file_stem(job)
        videos.mkdir()
        old, fresh, foreign = (
            videos / f".{stem}.0ld.part",
            videos / f".{stem}.fresh.part",
            videos / ".other.0ld.part",
        )
        for left in (old, fresh, foreign):
            left.write_bytes(b"half a video")
        for left in (old, foreign):
            os.utime(left, (0, time.time() - 25 * 3600))

        await save_now(job, credentials, directory=videos)

        assert files_in(videos) == sorted([fresh.name, foreign.name, f"{stem}.json", f"{stem}.mp4"])

    async def test_leftovers_of_a_killed_process_are_cleared_away(
        self, kie: SimulatorServer, credentials: KieCredentials, job: Job, videos: Path
    ) -> None:
        videos.mkdir()
        with subprocess.Popen([sys.executable, "-c", ""]) as ended:
            pass
        living, here = mark(), f"-{os.getpid()}"
        killed = living.replace(here, f"-{ended.pid}")
        elsewhere = killed.replace(living.removesuffix(here), "0therone")
        stem = file_stem(job)
        for name in (living, killed, elsewhere):
            (videos / f".{stem}.{name}-12345678.part").write_bytes(b"half a video")

        await save_now(job, credentials, directory=videos)

        left = [name for name in files_in(videos) if name.endswith(".part")]
        assert left == sorted(f".{stem}.{name}-12345678.part" for name in (living, elsewhere))

    async def test_a_leftover_that_goes_meanwhile_is_no_trouble(
        self, credentials: KieCredentials, job: Job, videos: Path
    ) -> None:
        videos.mkdir()
        # Listed, but not to be looked at: what a file looks like that another save just took away.
        (videos / f".{file_stem(job)}.gone.part").symlink_to(videos / "gone")
        assert (await save_now(job, credentials, directory=videos)).seconds

    async def test_without_a_place_it_goes_to_kie_videos_at_home(
        self, credentials: KieCredentials, job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        saved = await save_now(job, credentials)
        assert Path(saved.path).parent == tmp_path / "home" / "kie-videos"
        assert len(files_in(tmp_path / "home" / "kie-videos")) == 2

    async def test_a_transfer_that_is_cut_is_resumed(
        self, kie: SimulatorServer, credentials: KieCredentials, job: Job, videos: Path
    ) -> None:
        kie.fault("file", truncate=1000, times=2)
        saved = await save_now(job, credentials, directory=videos)
        assert [request["range"] for request in requests_of_files(kie)] == [
            None,
            "bytes=1000-",
            "bytes=2000-",
        ]
        assert seconds_of(saved.path) == pytest.approx(10, abs=0.1)

    @pytest.mark.server
    async def test_trouble_that_passes_is_sat_out(
        self, kie: SimulatorServer, credentials: KieCredentials, job: Job, videos: Path
    ) -> None:
        kie.fault("file", reset=True, times=2)
        kie.fault("file", status=500, times=2)
        saved = await save_result(job, credentials, directory=videos)
        assert seconds_of(saved.path) == pytest.approx(10, abs=0.1)
        assert kie.stats()["file_requests"] == 5

    @pytest.mark.server
    async def test_the_run_is_named_by_its_job(
        self, credentials: KieCredentials, job: Job, videos: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        await save_result(job, credentials, directory=videos)
        names = {getattr(record, "task_run_name", None) for record in caplog.records}
        assert f"save: sora-2-text-to-video {job.task_id}" in names


def changed(sidecar: bytes, **fields: Any) -> bytes:
    return json.dumps({**json.loads(sidecar), **fields}).encode()


def with_file(sidecar: bytes, **fields: Any) -> bytes:
    return changed(sidecar, files=[{**json.loads(sidecar)["files"][0], **fields}])


TAMPERINGS: dict[str, tuple[str, Callable[[bytes], bytes | None]]] = {
    "video changed": (".mp4", lambda old: old[:-1] + bytes([old[-1] ^ 1])),
    "video shorter": (".mp4", lambda old: old[:-1]),
    "video gone": (".mp4", lambda old: None),
    "sidecar gone": (".json", lambda old: None),
    "sidecar empty": (".json", lambda old: b""),
    "sidecar unreadable": (".json", lambda old: b"\xff not JSON"),
    "sidecar of another job": (".json", lambda old: changed(old, task_id="another")),
    "sidecar without files": (".json", lambda old: changed(old, files=[])),
    "sidecar of another video": (".json", lambda old: with_file(old, sha256="0" * 64)),
    "sidecar of a file elsewhere": (".json", lambda old: with_file(old, name="../a.mp4")),
}


class TestSeveralFiles:
    """Jobs of more than one file, and of other kinds."""

    async def test_the_watermarked_twin_comes_along(
        self, kie: SimulatorServer, credentials: KieCredentials, videos: Path
    ) -> None:
        job = await finished(kie, credentials, Sora2TextToVideo(prompt="a cat", remove_watermark=True))
        saved = await save_now(job, credentials, directory=videos)

        stem = file_stem(job)
        assert files_in(videos) == [f"{stem}.json", f"{stem}.mp4", f"{stem}_watermarked.mp4"]
        assert [file.role for file in saved.files] == ["result", "watermarked"]
        assert saved.path == str(videos / f"{stem}.mp4")
        assert saved.files[0].sha256 != saved.files[1].sha256
        assert all(seconds_of(file.path) == pytest.approx(10, abs=0.1) for file in saved.files)

    async def test_several_files_are_numbered(
        self, credentials: KieCredentials, job: Job, videos: Path
    ) -> None:
        url = job.urls[0]
        several = job.model_copy(update={"result": result_of((url, url, url), (url, url))})
        saved = await save_now(several, credentials, directory=videos)
        stem = file_stem(job)
        assert [file.name for file in saved.files] == [
            f"{stem}.mp4",
            f"{stem}_2.mp4",
            f"{stem}_3.mp4",
            f"{stem}_watermarked.mp4",
            f"{stem}_watermarked_2.mp4",
        ]
        assert len(files_in(videos)) == 6

    async def test_only_watermarked_files_are_the_video(
        self, credentials: KieCredentials, job: Job, videos: Path
    ) -> None:
        only = job.model_copy(update={"result": result_of((), job.urls)})
        saved = await save_now(only, credentials, directory=videos)
        assert [(file.name, file.role) for file in saved.files] == [(f"{file_stem(job)}.mp4", "result")]

    @pytest.mark.parametrize(
        ("content", "suffix"),
        [
            (PNG, ".png"),
            (b"ID3\4" + bytes(99), ".mp3"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    async def test_every_kind_gets_its_suffix(
        self, credentials: KieCredentials, videos: Path, content: bytes, suffix: str
    ) -> None:
        async with file_host(http_answer(content, content_length=len(content))) as host:
            made = market_job(f"{host.url}/file?kind=jpg")
            saved = await save_now(made, credentials, directory=videos)
        assert saved.path == str(videos / f"a-boat_nano-text-to-image_{made.task_id}{suffix}")
        assert Path(saved.path).read_bytes() == content
        assert saved.seconds is None
        assert (saved.credits, saved.created_at, saved.completed_at) == (None, None, None)
        assert KEY not in "".join(host.requests)

    async def test_a_trouble_with_one_file_saves_none_for_good(
        self, kie: SimulatorServer, credentials: KieCredentials, videos: Path
    ) -> None:
        made = await finished(kie, credentials, Sora2TextToVideo(prompt="a cat", remove_watermark=True))
        assert isinstance(made.result, JobResult)
        two = result_of(made.result.urls + made.result.watermarked_urls)
        job = made.model_copy(update={"result": two})
        kie.fault("file", status=200, body="<html>", skip=1)
        with pytest.raises(DownloadFailed):
            await save_now(job, credentials, directory=videos)
        assert f"{file_stem(job)}.json" not in files_in(videos)  # without it the job is not taken as saved
        assert len((await save_now(job, credentials, directory=videos)).files) == 2


class TestBlocks:
    """A job saved elsewhere."""

    async def test_a_local_block_is_a_directory(
        self, kie: SimulatorServer, credentials: KieCredentials, job: Job, videos: Path
    ) -> None:
        block = LocalFileSystem(basepath=str(videos))
        saved = await save_now(job, credentials, storage=block)
        assert Path(saved.path).parent == videos
        assert len(files_in(videos)) == 2
        await save_now(job, credentials, storage=block)
        assert kie.stats()["file_requests"] == 1

    async def test_a_remote_file_system_takes_files(
        self, kie: SimulatorServer, credentials: KieCredentials, job: Job, tmp_path: Path
    ) -> None:
        base = f"memory://{uuid.uuid4().hex}/videos"
        block = RemoteFileSystem(basepath=base)
        saved = await save_now(job, credentials, storage=block)

        assert saved.path == f"{base}/{file_stem(job)}.mp4"
        video = block.filesystem.cat(saved.path)
        assert hashlib.sha256(video).hexdigest() == saved.files[0].sha256
        (tmp_path / "video.mp4").write_bytes(video)
        assert seconds_of(tmp_path / "video.mp4") == pytest.approx(10, abs=0.1)
        assert json.loads(block.filesystem.cat(f"{base}/{file_stem(job)}.json"))["task_id"] == job.task_id
        assert len(block.filesystem.ls(base)) == 2

        assert await save_now(job, credentials, storage=block) == saved
        assert kie.stats()["file_requests"] == 1
        block.filesystem.pipe(saved.path, b"shorter")
        assert await save_now(job, credentials, storage=block) != saved
        assert block.filesystem.cat(saved.path) == video

    @pytest.mark.server
    @pytest.mark.parametrize("by_name", [False, True], ids=["block", "name"])
    async def test_any_block_takes_files(
        self, kie: SimulatorServer, credentials: KieCredentials, job: Job, by_name: bool
    ) -> None:
        block = Shelf(shelf=uuid.uuid4().hex)
        if by_name:
            await block.save("videos", overwrite=True)
        storage = "shelf/videos" if by_name else block
        saved = await save_result(job, credentials, storage=storage)

        stem = file_stem(job)
        assert saved.path == f"shelf{'/videos' if by_name else ''}: {stem}.mp4"
        files = SHELVES[block.shelf]
        assert sorted(files) == [f"{stem}.json", f"{stem}.mp4"]
        assert hashlib.sha256(files[f"{stem}.mp4"]).hexdigest() == saved.files[0].sha256
        assert b"hunter2" not in files[f"{stem}.json"]

        assert await save_result(job, credentials, storage=storage) == saved
        assert kie.stats()["file_requests"] == 1

    async def test_a_directory_and_a_block_are_one_too_many(
        self, kie: SimulatorServer, credentials: KieCredentials, job: Job, videos: Path
    ) -> None:
        with pytest.raises(DownloadFailed, match="either a directory or a storage block"):
            await save_now(job, credentials, directory=videos, storage=LocalFileSystem())
        assert kie.stats()["file_requests"] == 0
        assert not videos.exists()

    @pytest.mark.server
    async def test_a_block_that_is_not_there_is_told_at_once(
        self, kie: SimulatorServer, credentials: KieCredentials, job: Job
    ) -> None:
        with pytest.raises(DownloadFailed, match="nowhere"):
            await save_result(job, credentials, storage="local-file-system/nowhere")
        assert kie.stats()["file_requests"] == 0

    @pytest.mark.server
    async def test_a_block_that_takes_no_files_is_refused(
        self, kie: SimulatorServer, credentials: KieCredentials, job: Job
    ) -> None:
        await credentials.save("no-storage", overwrite=True)
        with pytest.raises(DownloadFailed, match="'kie-credentials/no-storage' is no storage"):
            await save_result(job, credentials, storage="kie-credentials/no-storage")
        assert kie.stats()["file_requests"] == 0

    @pytest.mark.server
    async def test_credentials_are_loaded_by_their_name(
        self, credentials: KieCredentials, job: Job, videos: Path
    ) -> None:
        await credentials.save("for-saving", overwrite=True)
        assert (await save_result(job, "for-saving", directory=videos)).seconds
        with pytest.raises(DownloadFailed, match="no KieCredentials block named 'nobody'") as caught:
            await save_result(job, "nobody", directory=videos)
        assert_paid_and_collectable(caught.value, job)
        assert "save('nobody')" in caught.value.next_step


class TestDeadLinks:
    """Links that no longer lead to the file."""

    async def test_a_dead_link_is_renewed_once(
        self, kie: SimulatorServer, credentials: KieCredentials, job: Job, videos: Path
    ) -> None:
        kie.fault("file", dead=True, times=None)
        saved = await save_now(job, credentials, directory=videos)
        first, second = requests_of_files(kie)
        assert (first["token"], first["status"]) == (None, 404)
        assert second["token"]
        assert second["status"] == 200
        assert saved.files[0].url == job.urls[0]  # not the one that is dead in 20 minutes

    @pytest.mark.server
    async def test_a_link_that_stays_dead_is_told_with_the_way_back(
        self, kie: SimulatorServer, credentials: KieCredentials, job: Job, videos: Path
    ) -> None:
        kie.fault("file", status=403, times=None)
        with pytest.raises(DownloadFailed, match="could not be fetched: HTTP 403") as caught:
            await save_result(job, credentials, directory=videos)
        assert_paid_and_collectable(caught.value, job)
        assert kie.stats()["file_requests"] == 2 * 6  # the first try and five more, each with a fresh link
        assert files_in(videos) == []

    @pytest.mark.server
    async def test_what_kie_has_deleted_is_not_asked_for_again_and_again(
        self, kie: SimulatorServer, credentials: KieCredentials, job: Job, videos: Path
    ) -> None:
        kie.change(result_days=0)
        job = of_yesterday(job)
        with pytest.raises(
            DownloadFailed, match=r"its link is dead, and Kie gives no fresh one: .*url is wrong"
        ) as caught:
            await save_result(job, credentials, directory=videos)
        assert_paid_and_collectable(caught.value, job)
        assert not caught.value.retryable
        assert kie.stats()["file_requests"] == 1

    @pytest.mark.server
    async def test_a_fresh_link_that_fails_to_come_is_asked_for_again(
        self, kie: SimulatorServer, credentials: KieCredentials, job: Job, videos: Path
    ) -> None:
        kie.fault("file", dead=True, times=None)
        kie.fault("download-url", status=503, times=2)
        assert (await save_result(job, credentials, directory=videos)).seconds
        assert kie.stats()["file_requests"] == 4


def assert_paid_and_collectable(error: DownloadFailed, job: Job) -> None:
    """The error says to which job it happened, that it is paid, and how and until when to come back."""
    assert error.task_id == job.task_id
    assert error.billed == "yes"
    assert job.completed_at
    assert error.next_step.endswith(
        f"Run collect_job with this task id before {job.completed_at + timedelta(days=14):%Y-%m-%d}, "
        "when Kie deletes the result."
    )
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.task_id, again.retryable) == (str(error), error.task_id, error.retryable)


class TestTrouble:
    """What goes wrong with a paid result is told, and leaves nothing half done."""

    @pytest.mark.server
    @pytest.mark.parametrize(
        ("fault", "text"),
        [
            ({"endless": 3 * 1024 * 1024}, "longer than the limit"),
            ({"redirect": "ftp://files.example/a.mp4"}, "not a public http"),
        ],
        ids=["endless", "redirect"],
    )
    async def test_what_no_waiting_changes_is_fetched_only_once(
        self,
        kie: SimulatorServer,
        credentials: KieCredentials,
        job: Job,
        videos: Path,
        fault: dict[str, Any],
        text: str,
    ) -> None:
        kie.fault("file", times=None, **fault)
        with pytest.raises(DownloadFailed, match=f"the result could not be fetched: .*{text}") as caught:
            await save_result(job, credentials, directory=videos, max_bytes=1024 * 1024)
        assert_paid_and_collectable(caught.value, job)
        assert not caught.value.retryable
        assert kie.stats()["file_requests"] == 1
        assert files_in(videos) == []

    @pytest.mark.server
    @pytest.mark.parametrize(
        ("fault", "text"),
        [({"status": 200, "body": "<html>"}, "sent a page"), ({"body": ""}, "the file is empty")],
        ids=["page", "empty"],
    )
    async def test_a_page_in_the_place_of_a_video_is_asked_again_for_a_while(
        self,
        kie: SimulatorServer,
        credentials: KieCredentials,
        job: Job,
        videos: Path,
        fault: dict[str, Any],
        text: str,
    ) -> None:
        kie.fault("file", times=None, **fault)
        with pytest.raises(DownloadFailed, match=f"the result could not be fetched: .*{text}") as caught:
            await save_result(job, credentials, directory=videos)
        assert_paid_and_collectable(caught.value, job)
        assert kie.stats()["file_requests"] == 6
        assert files_in(videos) == []

    @pytest.mark.server
    async def test_a_full_disk_leaves_no_file(
        self,
        kie: SimulatorServer,
        credentials: KieCredentials,
        job: Job,
        videos: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(Transfer, "write", no_space)
            with pytest.raises(
                DownloadFailed, match=rf"stored in {videos}: OSError: .*No space left"
            ) as caught:
                await save_result(job, credentials, directory=videos)
        assert_paid_and_collectable(caught.value, job)
        assert not caught.value.retryable  # no waiting makes room
        assert "with room in it" in caught.value.next_step
        assert kie.stats()["file_requests"] == 1
        assert files_in(videos) == []
        assert (await save_result(job, credentials, directory=videos)).seconds

    @pytest.mark.server
    async def test_a_sidecar_that_cannot_be_written_is_made_up_for(
        self,
        kie: SimulatorServer,
        credentials: KieCredentials,
        job: Job,
        videos: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        true, calls = LocalStorage.write, iter(range(9))

        async def write(storage: LocalStorage, path: str, content: bytes) -> None:
            if next(calls) == 0:
                raise OSError(errno.EIO, "Input/output error")
            await true(storage, path, content)

        monkeypatch.setattr(LocalStorage, "write", write)
        await save_result(job, credentials, directory=videos)
        assert len(files_in(videos)) == 2
        assert kie.stats()["file_requests"] == 2

    @pytest.mark.parametrize(
        ("block", "text"),
        [
            (Closed(), "stored in Closed: ConnectionError: no route"),
            (ReadOnly(shelf="read-only"), "stored in ReadOnly: PermissionError"),
        ],
        ids=["out of reach", "read-only"],
    )
    async def test_a_storage_that_takes_nothing_is_named(
        self, credentials: KieCredentials, job: Job, block: WritableFileSystem, text: str
    ) -> None:
        with pytest.raises(DownloadFailed, match=text) as caught:
            await save_now(job, credentials, storage=block)
        assert_paid_and_collectable(caught.value, job)
        assert "hunter2" not in str(caught.value)
        assert "read-only" not in SHELVES

    async def test_without_a_time_of_its_own_a_result_is_as_old_as_now(
        self, credentials: KieCredentials, videos: Path
    ) -> None:
        with pytest.raises(DownloadFailed) as caught:
            await save_now(market_job("http://me:secret@127.0.0.1/a.png"), credentials, directory=videos)
        until = datetime.now(timezone.utc) + timedelta(days=14)
        assert f"before {until:%Y-%m-%d}," in caught.value.next_step

    async def test_a_result_of_the_real_kie_is_never_on_this_machine(
        self, credentials: KieCredentials, job: Job, videos: Path, kie: SimulatorServer
    ) -> None:
        real = KieCredentials(api_key=credentials.api_key)
        with pytest.raises(DownloadFailed, match="lies in a private network"):
            await save_now(job, real, directory=videos)
        assert kie.stats()["file_requests"] == 0

    async def test_a_save_that_is_cancelled_leaves_nothing_behind(
        self,
        kie: SimulatorServer,
        credentials: KieCredentials,
        job: Job,
        videos: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        kie.fault("file", truncate=1000, drip=20)
        saving = asyncio.create_task(ONCE.fn(job, credentials, directory=videos))
        while not files_in(videos):
            await asyncio.sleep(0.01)
        [part] = files_in(videos)
        assert re.fullmatch(rf"\.{file_stem(job)}\.[0-9a-f]{{8}}-\d+-[0-9a-f]{{8}}\.part", part)
        saving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await saving
        assert files_in(videos) == []
        assert f"Stopped saving job {job.task_id}, which is paid. Fetch it with collect_job" in caplog.text


def no_space(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


class TestNothingToSave:
    """Jobs without a file."""

    @pytest.mark.parametrize(
        ("update", "text"),
        [
            (
                {"state": JobState.GENERATING, "raw_state": "generating"},
                "has not succeeded; it is generating",
            ),
            (
                {"state": JobState.UNKNOWN, "raw_state": "paused"},
                "has not succeeded; it is paused",
            ),
            (
                {"state": JobState.FAIL, "raw_state": ""},
                "has not succeeded; it is fail",
            ),
        ],
        ids=["unfinished", "in a new state", "failed"],
    )
    async def test_it_is_told_and_nothing_is_done(
        self,
        kie: SimulatorServer,
        credentials: KieCredentials,
        job: Job,
        videos: Path,
        update: dict[str, Any],
        text: str,
    ) -> None:
        with pytest.raises(DownloadFailed, match=text) as caught:
            await save_now(job.model_copy(update=update), credentials, directory=videos)
        assert caught.value.task_id == job.task_id
        assert caught.value.billed == "unknown"
        assert caught.value.next_step.startswith("Run collect_job with this task id")
        assert not caught.value.retryable
        assert kie.stats()["file_requests"] == 0
        assert not videos.exists()

    async def test_a_success_without_an_address_comes_from_kie_itself(
        self, kie: SimulatorServer, credentials: KieCredentials, videos: Path
    ) -> None:
        kie.fault("job", no_url=True)
        with pytest.raises(DownloadFailed, match="names no file"):
            await save_now(await finished(kie, credentials), credentials, directory=videos)
