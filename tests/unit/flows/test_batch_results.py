"""The results file of a batch, and when it is expected to end."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from prefect_kie.api import ContentRejected, JobHandle, KieError
from prefect_kie.batches import results
from prefect_kie.batches.results import ResultsFile, expected_seconds
from prefect_kie.flows import BatchResult, VideoOutcome
from prefect_kie.models import Sora2TextToVideo
from prefect_kie.outcomes.results import Wanted
from prefect_kie.storage.base import LocalStorage

YAK = Sora2TextToVideo(prompt="a yak")
NAME = "yaks.results.csv"


def missing(error: KieError) -> VideoOutcome:
    return VideoOutcome.of(Wanted(YAK), error, "task-1")


REJECTED = missing(ContentRejected("=HYPERLINK(1)"))


class Told:
    """Stands for the run's log."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def warning(self, text: str, *values: object) -> None:
        self.lines.append(text % values)


class FullDisk(LocalStorage):
    async def write(self, path: str, content: bytes) -> None:
        raise OSError("no space left on device")


async def rows_of(file: ResultsFile) -> list[dict[str, str]]:
    await file.write()
    content = await file.storage.read(file.name)
    return list(csv.DictReader(io.StringIO((content or b"").decode(), newline="")))


async def test_it_is_there_as_soon_as_the_first_row_is_and_then_not_at_each_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(results.time, "monotonic", lambda: now)
    file = ResultsFile(LocalStorage(tmp_path), NAME, [{"animal": "yak"}] * 4)
    open_rows: list[int] = []
    for place, seconds in enumerate((0.0, 0.5, 1.4, 0.2)):
        now += seconds
        await file.take(place, REJECTED)
        open_rows.append((tmp_path / NAME).read_text().count("open"))
    assert open_rows == [3, 3, 3, 0]  # two are known and not written; after 2 s nothing is waited for
    await file.write()
    assert "open" not in (tmp_path / NAME).read_text()


async def test_trouble_with_it_is_told_once_and_loses_no_video(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Told()
    monkeypatch.setattr(results, "get_run_logger", lambda: log)
    monkeypatch.setattr(results, "WRITE_SECONDS", 0.0)
    file = ResultsFile(FullDisk(tmp_path), NAME, [{}, {}])
    await file.take(0, REJECTED)
    await file.take(1, REJECTED)
    await file.write()
    (line,) = log.lines
    assert str(tmp_path / NAME) in line
    assert "no space left on device" in line


async def test_a_row_that_nothing_is_known_of_is_open(tmp_path: Path) -> None:
    file = ResultsFile(LocalStorage(tmp_path), NAME, [{"animal": "yak"}, {"animal": "fox"}])
    await file.take(1, REJECTED)
    first, second = await rows_of(file)
    assert (first["row"], first["status"], first["tries"], first["animal"]) == ("1", "open", "", "yak")
    assert (second["row"], second["status"], second["made_with"]) == ("2", "rejected", "sora-2-text-to-video")


async def test_a_job_that_is_on_its_way_is_there_with_its_id(tmp_path: Path) -> None:
    file = ResultsFile(LocalStorage(tmp_path), NAME, [{"animal": "yak"}, {"animal": "fox"}])
    await file.submitted(0, JobHandle(task_id="task-1", model="sora-2-text-to-video"), 1)
    with (tmp_path / NAME).open(newline="") as written:
        first, second = csv.DictReader(written)
    assert (first["status"], first["tries"], first["made_with"]) == ("submitted", "1", "sora-2-text-to-video")
    assert (first["task_id"], second["status"]) == ("task-1", "open")
    await file.take(0, REJECTED)
    assert (await rows_of(file))[0]["status"] == "rejected"


async def test_what_kie_says_is_no_formula_to_a_spreadsheet(tmp_path: Path) -> None:
    file = ResultsFile(LocalStorage(tmp_path), NAME, [{}])
    await file.take(0, REJECTED.model_copy(update={"task_id": "+1", "error": "=HYPERLINK(1)"}))
    (row,) = await rows_of(file)
    assert (row["task_id"], row["error"]) == ("'+1", "'=HYPERLINK(1)")


async def test_a_column_of_the_manifest_never_hides_one_of_the_results(tmp_path: Path) -> None:
    given = {"status": "wanted", "error": "none,\nso far", "model": "sora-2-text-to-video"}
    file = ResultsFile(LocalStorage(tmp_path), NAME, [given])
    await file.take(0, REJECTED)
    (row,) = await rows_of(file)
    assert (row["status"], row["status (given)"]) == ("rejected", "wanted")
    assert row["error (given)"] == "none,\nso far"
    assert row["model"] == "sora-2-text-to-video"


@pytest.mark.parametrize(
    ("delimiter", "prefix"), [(",", ""), (";", "\ufeff"), (";", "sep=;\r\n"), ("\t", "\ufeff")]
)
async def test_what_an_earlier_file_calls_paid_is_counted_however_it_is_written(
    delimiter: str, prefix: str, tmp_path: Path
) -> None:
    name = "yaks.results.tsv" if delimiter == "\t" else NAME
    file = ResultsFile(LocalStorage(tmp_path), name, [{"note": "a, b; ü"}] * 3, delimiter, prefix)
    assert await file.paid_rows() == 0  # there is none
    await file.submitted(0, JobHandle(task_id="task-1", model="sora-2-text-to-video"), 1)
    await file.take(1, REJECTED)
    await file.write()
    assert (tmp_path / name).read_bytes().startswith(f"{prefix}row{delimiter}status".encode())
    assert await file.paid_rows() == 1


async def test_an_earlier_file_that_cannot_be_read_stops_no_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Told()
    monkeypatch.setattr(results, "get_run_logger", lambda: log)
    (tmp_path / NAME).write_bytes(b"row,row\n1,2\n")
    assert await ResultsFile(LocalStorage(tmp_path), NAME, [{}]).paid_rows() == 0
    assert "could not be read" in log.lines[0]


def test_of_very_many_missing_videos_the_message_names_the_first(tmp_path: Path) -> None:
    result = BatchResult.of((REJECTED,) * 30, "batch:yaks", "/yaks.results.csv", range(30))
    lines = result.story.splitlines()
    assert lines[0] == "0 of 30 saved, 30 rejected. All rows: /yaks.results.csv"
    assert lines[20].startswith("- row 20: ")
    assert lines[21] == "- and 10 more, in the results file"
    assert "job_key='batch:yaks'" in lines[22]


# The expected end


def left(done: int, elapsed: float, first: float | None) -> float:
    """Of 1000 videos whose jobs usually take 180 s."""
    return expected_seconds(1000, done, elapsed=elapsed, first=first, usual=180.0)


def test_until_some_are_done_it_is_kies_pace_and_one_job() -> None:
    assert left(0, 0.0, None) == 1000 / 2 + 180
    assert left(0, 100.0, None) == 580
    assert left(2, 200.0, 180.0) == 480
    assert left(0, 5000.0, None) == 1.0  # late, but not in the past


def test_then_it_is_how_it_went_since_the_first() -> None:
    assert left(101, 280.0, 180.0) == pytest.approx(899)  # 100 in 100 s
    assert left(1000, 700.0, 180.0) == 0


async def test_a_carriage_return_ends_no_row(tmp_path: Path) -> None:
    given = [{"animal": "a yak\r=1+1"}, {"animal": "a fox"}]
    file = ResultsFile(LocalStorage(tmp_path), NAME, given)
    await file.submitted(0, JobHandle(task_id="t\r=1+1", model="m"), 1)
    rows = await rows_of(file)
    assert [(row["row"], row["status"], row["animal"]) for row in rows] == [
        ("1", "submitted", "a yak\r=1+1"),
        ("2", "open", "a fox"),
    ]
    assert await file.paid_rows() == 1
