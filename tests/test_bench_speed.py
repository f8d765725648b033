"""The parts of the benchmarks of saving and of other clients that need neither nginx nor the clients."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from benchmarks.peers.stub import Stub
from benchmarks.saving import BIG, HTTPX, OURS, SMALL, violations
from benchmarks.tables import Figures, shown


def saved(big: float, memory: float = 10.0, small: float = 1.5) -> dict[tuple[str, str], dict[str, float]]:
    """What saving took, in seconds, where plain httpx took one for the big file."""
    return {
        (BIG, HTTPX): {"seconds": 1.0, "memory": 0.0},
        (BIG, OURS): {"seconds": big, "memory": memory},
        (SMALL, HTTPX): {"seconds": 3.0, "memory": 0.0},
        (SMALL, OURS): {"seconds": small, "memory": 10.0},
    }


def test_what_is_required_of_saving() -> None:
    assert violations(saved(big=1.2)) == []
    assert violations(saved(big=2.5)) == [f"{BIG}: 0.40 of plain httpx's speed, less than 0.8"]
    assert violations(saved(big=10.0))[1] == f"{BIG}: 100 MB/s, less than 125"
    assert violations(saved(1.0, small=4.0)) == [f"{SMALL}: 0.75 of plain httpx's speed, less than 0.8"]
    assert violations(saved(1.0, memory=70.0)) == [f"{BIG}: 70 MiB of memory; less than 64 is allowed"]


def test_a_table_goes_between_its_marks(tmp_path: Path) -> None:
    document = tmp_path / "figures.md"
    document.write_text("# Speed\n<!-- x: begin -->\nold\n<!-- x: end -->\nthe rest\n")
    figures = Figures("x", ("way", "s"))
    figures.add("ours", 1.234)
    figures.write(document, "Two cores.")
    text = document.read_text()
    assert "| way | s |\n|---|---:|\n| ours | 1.23 |\n\nTwo cores.\n" in text
    assert "old" not in text
    assert text.startswith("# Speed\n")
    assert text.endswith("the rest\n")
    document.write_text("without marks")
    with pytest.raises(ValueError, match="has no <!-- x: begin -->"):
        figures.write(document, "")
    assert [shown(number) for number in (123.4, 12.34, 1.234, 7, "a")] == ["123", "12.3", "1.23", "7", "a"]


async def test_the_stub_counts_each_providers_looks() -> None:
    transport = httpx.ASGITransport(Stub().app)
    async with httpx.AsyncClient(transport=transport, base_url="http://stub") as http:
        made = (await http.post("/fal/stub/video", json={"seconds": 60})).json()
        assert (await http.get(made["status_url"])).json()["status"] == "IN_PROGRESS"
        task = (await http.post("/v1/image_to_video", json={"seconds": 0})).json()["id"]
        assert (await http.get(f"/v1/tasks/{task}")).json()["status"] == "SUCCEEDED"
        body = {"input": {"seconds": 60}}
        prediction = (await http.post("/v1/models/stub/video/predictions", json=body)).json()
        assert prediction["status"] == "starting"
        for _ in range(3):
            assert (await http.get(prediction["urls"]["get"])).json()["status"] == "processing"
        stats = (await http.get("/stats")).json()
    looks = [stats[job]["looks"] for job in (made["request_id"], task, prediction["id"])]
    assert looks == [1, 1, 3]
