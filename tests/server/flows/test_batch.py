"""`generate_batch` against the simulator: what it makes, pays, tells, and survives."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client

from prefect_kie.api import InvalidRequest
from prefect_kie.batches.results import BatchProgress, watching
from prefect_kie.batches.tables import ManifestError
from prefect_kie.blocks import KieCredentials
from prefect_kie.errors import RunIncomplete
from prefect_kie.flows import BatchResult, BatchRetry, Output, Scope, Table, generate_batch
from prefect_kie.simulator import SimulatorServer
from tests.conftest import QUICK, grouped

pytestmark = pytest.mark.server

HEADER = "animal,place,model,n_frames\n"
ANIMALS = "yak,a pier,,\nfox,a library,sora-2-text-to-video-stable,15\ncat,a sofa,,\n"
DEFAULTS = {"model": "sora-2-text-to-video", "prompt": "a {animal} in {place}"}
STABLE_ONLY = BatchRetry(attempts=1, fallbacks=({"model": "sora-2-text-to-video-stable"},))
HEAVY_LOAD = {"failCode": "500", "failMsg": "heavy load, try again later"}


class Batches:
    """A manifest on disk, and the batches made of it."""

    def __init__(self, folder: Path, credentials: KieCredentials) -> None:
        self.manifest = folder / "animals.csv"
        self.videos = folder / "videos"
        self.results = self.videos / "animals.results.csv"
        self.manifest.write_text(HEADER + ANIMALS)
        self._credentials = credentials

    async def run(self, **options: Any) -> BatchResult:
        """Make the batch."""
        run: Any = generate_batch
        made: BatchResult = await run(
            **{
                "manifest": self.manifest,
                "credentials": self._credentials,
                "defaults": DEFAULTS,
                **grouped(directory=self.videos, poll=QUICK),
                **options,
            }
        )
        return made

    def rows(self) -> list[dict[str, str]]:
        """The results file."""
        with self.results.open(newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture
def batches(tmp_path: Path, credentials: KieCredentials) -> Batches:
    return Batches(tmp_path, credentials)


async def watched(batches: Batches) -> tuple[BatchResult, list[tuple[int, int, str]]]:
    """Make the batch, and see meanwhile how many are done and on their way, and the line."""
    seen: list[tuple[int, int, str]] = []

    def see(progress: BatchProgress) -> None:
        assert progress.results == str(batches.results)
        seen.append((progress.done, len(progress.on_their_way), progress.line))

    token = watching.set(see)
    try:
        return await batches.run(), seen
    finally:
        watching.reset(token)


def prompts(kie: SimulatorServer) -> list[str]:
    return sorted(job["input"]["prompt"] for job in kie.stats()["jobs"])


async def test_a_row_is_a_video_and_a_line_of_the_results_and_only_a_new_row_is_paid(
    batches: Batches, kie: SimulatorServer, tmp_path: Path
) -> None:
    made, seen = await watched(batches)
    assert made.counts == {"saved": 3}
    assert made.summary == "3 of 3 saved"
    assert prompts(kie) == ["a cat in a sofa", "a fox in a library", "a yak in a pier"]
    assert [row["status"] for row in batches.rows()] == ["saved"] * 3
    assert [row["animal"] for row in batches.rows()] == ["yak", "fox", "cat"]
    assert [round(float(row["seconds"])) for row in batches.rows()] == [10, 15, 10]
    assert all(Path(row["file"]).is_file() for row in batches.rows())
    done = [progress[0] for progress in seen]
    assert done == sorted(done)
    assert list(dict.fromkeys(done)) == [0, 1, 2, 3]
    assert "; done about " in seen[0][2]
    assert max(progress[1] for progress in seen) >= 1
    assert seen[-1] == (3, 0, "3 of 3 saved")
    async with get_client() as client:
        keys = {artifact.key for artifact in await client.read_artifacts(limit=200)}
    assert {"kie-batch", "kie-batch-plan", "kie-videos"} <= keys

    # Started again with another row.
    charged = kie.stats()["charged"]
    with batches.manifest.open("a") as file:
        file.write("owl,a barn,,\n")
    made, seen = await watched(batches)
    assert made.counts == {"saved": 4}
    assert (made.credits, made.credits_before) == (charged + 30, charged)
    # The end is that of the one new row: the others tell nothing of how fast it goes.
    assert all("; done about " in line for done, _, line in seen if done < 3)
    assert seen[-1][2] == "4 of 4 saved"
    assert (kie.stats()["created"], kie.stats()["charged"]) == (4, charged + 30)

    # A manifest that was moved is the same batch.
    elsewhere = tmp_path / "archive/animals.csv"
    elsewhere.parent.mkdir()
    batches.manifest.rename(elsewhere)
    made = await batches.run(manifest=elsewhere, output=Output(directory=tmp_path / "other videos"))
    assert (made.job_key, made.counts) == ("animals", {"saved": 4})
    assert kie.stats()["created"] == 4


async def test_what_seems_to_be_paid_is_not_paid_again_where_its_records_are_missing(
    batches: Batches, kie: SimulatorServer, results: Path
) -> None:
    batches.manifest.write_text(HEADER + "yak,a pier,,\nfox,a library,,\n")
    await batches.run()
    (results / "kie-submissions").rename(results / "lost")
    with pytest.raises(
        InvalidRequest, match="says that 2 of its rows are paid, but no submission"
    ) as refused:
        await batches.run()
    assert str(batches.results) in str(refused.value)
    assert "pay_again" in refused.value.next_step
    assert kie.stats()["created"] == 2
    assert (await batches.run(dry_run=True)).unrecorded == 2
    assert (await batches.run(dry_run=True, pay_again=True)).unrecorded == 0
    assert [row["status"] for row in batches.rows()] == ["saved"] * 2
    another = await batches.run(scope=Scope(job_key="spring/2026"))  # has a results file of its own
    assert another.counts == {"saved": 2}
    (file,) = batches.videos.glob("spring-2026-*.results.csv")
    assert another.results == str(file)
    assert kie.stats()["created"] == 4
    assert (await batches.run(pay_again=True)).counts == {"saved": 2}
    assert kie.stats()["created"] == 6


async def test_the_spreadsheet_that_wrote_the_manifest_opens_the_results(
    batches: Batches, kie: SimulatorServer
) -> None:
    batches.manifest.write_text("\ufeffprompt;note\r\nein Bär;für Zoë\r\n", encoding="utf-8")
    await batches.run(defaults={"model": "sora-2-text-to-video"}, table=Table(columns={"note": None}))
    text = batches.results.read_text(encoding="utf-8")
    assert text.startswith("\ufeffrow;status;tries;")
    assert text.splitlines()[1].endswith(";ein Bär;für Zoë")


async def test_siblings_survive_and_each_row_says_why(batches: Batches, kie: SimulatorServer) -> None:
    kie.fault("job", prompt="a yak in a pier", fail={"failCode": "500", "failMsg": "it is cursed"})
    kie.fault("create", prompt="a cat in a sofa", accept=True, reset=True)
    batches.manifest.write_text(HEADER + ANIMALS + "gore,a film,,\n")
    with pytest.raises(RunIncomplete) as caught:
        await batches.run()
    result = caught.value.result
    assert result.counts == {"saved": 1, "failed": 1, "rejected": 1, "in doubt": 1}
    assert [row["status"] for row in batches.rows()] == ["failed", "saved", "in doubt", "rejected"]
    assert "it is cursed" in batches.rows()[0]["error"]
    story = str(caught.value).splitlines()
    assert story[0].startswith("1 of 4 saved, ")
    assert [line[:7] for line in story[1:4]] == ["- row 1", "- row 3", "- row 4"]
    assert "pays only for what is missing" in story[-1]


async def test_a_passing_failure_is_tried_again_and_moderation_never_is(
    batches: Batches, kie: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    kie.fault("job", prompt="a yak in a pier", times=1, fail=HEAVY_LOAD)
    batches.manifest.write_text(HEADER + "yak,a pier,,\ngore,a film,,\n")
    with pytest.raises(RunIncomplete):
        await batches.run(retry=BatchRetry(attempts=3))
    assert prompts(kie) == ["a gore in a film", "a yak in a pier", "a yak in a pier"]
    assert [(row["status"], row["tries"]) for row in batches.rows()] == [("saved", "2"), ("rejected", "1")]
    (told,) = [line for line in caplog.messages if "follows" in line]
    assert "heavy load" in told
    assert told.endswith("not charged. Attempt 2, with sora-2-text-to-video, follows.")
    assert "start a new run" not in told  # as the error itself advises
    assert kie.stats()["charged"] == 30


async def test_tries_end_and_the_same_run_does_not_begin_them_anew(
    batches: Batches, kie: SimulatorServer
) -> None:
    kie.fault("job", prompt="a yak in a pier", times=None, fail=HEAVY_LOAD)
    batches.manifest.write_text(HEADER + "yak,a pier,,\n")
    with pytest.raises(RunIncomplete):
        await batches.run(retry=BatchRetry(attempts=2))
    assert kie.stats()["created"] == 2
    # Whoever starts it again wants what is missing: as many tries as the policy gives one run.
    with pytest.raises(RunIncomplete):
        await batches.run(retry=BatchRetry(attempts=2))
    assert kie.stats()["created"] == 4


async def test_a_lasting_failure_stays_until_its_row_changes(batches: Batches, kie: SimulatorServer) -> None:
    kie.fault(
        "job", prompt="a yak in a pier", times=None, fail={"failCode": "500", "failMsg": "it is cursed"}
    )
    batches.manifest.write_text(HEADER + "yak,a pier,,\n")
    for _ in range(2):
        with pytest.raises(RunIncomplete, match="stays so until its row changes"):
            await batches.run()
    assert kie.stats()["created"] == 1
    batches.manifest.write_text(HEADER + "yak,a boat,,\n")
    assert (await batches.run()).counts == {"saved": 1}


async def test_a_second_try_of_an_earlier_run_is_found_whatever_the_policy_is_now(
    batches: Batches, kie: SimulatorServer
) -> None:
    kie.fault("job", prompt="a yak in a pier", times=1, fail=HEAVY_LOAD)
    batches.manifest.write_text(HEADER + "yak,a pier,,\n")
    await batches.run(retry=BatchRetry(attempts=2))
    made = await batches.run(retry=STABLE_ONLY)
    assert [(video.status, video.tries) for video in made.videos] == [("saved", 2)]
    assert (kie.stats()["created"], kie.stats()["charged"]) == (2, 30)


async def test_another_model_is_asked_in_the_order_of_the_list(
    batches: Batches, kie: SimulatorServer
) -> None:
    kie.change(retired_models=["sora-2-text-to-video-stable"])
    kie.fault("job", model="sora-2-text-to-video", times=None, fail=HEAVY_LOAD)
    batches.manifest.write_text(HEADER + "fox,a library,sora-2-text-to-video-stable,15\n")
    prompt = "a {animal} in {place}"
    kling = {"model": "acme/any-video", "input": {"prompt": prompt, "duration": "{n_frames}"}}
    made = await batches.run(
        retry=BatchRetry(attempts=1, fallbacks=({"model": "sora-2-text-to-video"}, kling))
    )
    (video,) = made.videos
    assert (video.status, video.model, video.tries) == ("saved", "acme/any-video", 3)
    jobs = [(job["model"], job["input"]["prompt"]) for job in kie.stats()["jobs"]]
    assert jobs == [
        ("sora-2-text-to-video", "a fox in a library"),
        ("acme/any-video", "a fox in a library"),
    ]
    assert kie.stats()["jobs"][-1]["input"]["duration"] == "15"
    (row,) = batches.rows()
    assert (row["model"], row["made_with"]) == ("sora-2-text-to-video-stable", "acme/any-video")


async def test_a_model_that_cannot_make_it_is_refused_before_anything_is_sent(
    batches: Batches, kie: SimulatorServer
) -> None:
    batches.manifest.write_text("prompt,character_id_list\na yak,ch_1\n")
    with pytest.raises(InvalidRequest, match=r"row 1.*fallback sora-2-text-to-video-stable: .*no field"):
        await batches.run(
            defaults={"model": "sora-2-text-to-video"},
            retry=STABLE_ONLY,
        )
    assert kie.stats()["created"] == 0


async def test_errors_are_told_all_at_once_and_nothing_is_sent(
    batches: Batches, kie: SimulatorServer
) -> None:
    batches.manifest.write_text("promt,n_frames\na yak,10\na fox,12\n")
    with pytest.raises(ManifestError) as caught:
        await batches.run(defaults={"model": "sora-2-text-to-video"})
    assert "promt" in str(caught.value)
    assert "12" in str(caught.value)
    assert kie.stats()["created"] == 0
    assert not batches.videos.exists()


async def test_a_dry_run_tells_the_count_and_sends_nothing(batches: Batches, kie: SimulatorServer) -> None:
    planned = await batches.run(dry_run=True)
    assert planned.counts == {"to submit": 3, "submitted before": 0}
    assert planned.credits is None
    assert kie.stats()["created"] == 0
    assert not batches.videos.exists()


async def test_no_more_than_allowed_are_on_their_way(batches: Batches, kie: SimulatorServer) -> None:
    batches.manifest.write_text(HEADER + "".join(f"yak,place {number},,\n" for number in range(5)))
    await batches.run(max_concurrency=2)
    jobs = sorted((job["created_at"], job["finishes_at"]) for job in kie.stats()["jobs"])
    for begin, _ in jobs:
        assert sum(other[0] <= begin < other[1] for other in jobs) <= 2
