"""What the README says is run and compared."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from pydantic import SecretStr

from prefect_kie import models, tasks
from prefect_kie.blocks import KieCredentials
from prefect_kie.simulator import SimulatorServer, SimulatorSettings
from tests.unit.test_readme import PAGES, ROOT

EXAMPLES: dict[str, str] = {
    name: code
    for page in PAGES.values()
    for name, code in re.findall(r"<!-- run: (\w+) -->\n```(?: { .)?python(?: })?\n(.*?)```", page, re.DOTALL)
}


@pytest.fixture(scope="module")
def service(prefect_server: object) -> Iterator[SimulatorServer]:
    """One simulated Kie for all examples, and the block `kie` that leads to it."""
    setup = PAGES[ROOT / "docs/install.md"].split("<!-- setup -->\n```python\n")[1].split("```")[0]
    exec(setup, {})  # the page's own way to store a key
    settings = SimulatorSettings(
        duration_seconds=0.2, video_height=36, video_fps=2, create_per_10s=None, polls_per_second=None
    )
    with SimulatorServer(settings) as simulator:
        credentials = KieCredentials(
            api_key=SecretStr("any"), base_url=simulator.url, upload_url=simulator.url
        )
        credentials.save("kie", overwrite=True)
        yield simulator


@pytest.fixture
def kie(service: SimulatorServer) -> SimulatorServer:
    service.reset()
    return service


@pytest.mark.server
@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_each_example_runs(
    name: str, kie: SimulatorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("prefect_kie.tasks.wait.next_poll", lambda *_, **__: 0.1)
    for picture, colour in (("boat.png", "blue"), ("fox.png", "orange")):
        Image.new("RGB", (64, 36), colour).save(tmp_path / picture)
    code = EXAMPLES[name]
    if name == "collect":
        handle = asyncio.run(tasks.sora_2_text_to_video(models.Sora2TextToVideo(prompt="left behind"), "kie"))
        code = code.replace("281e5b0f39b9a7c4d2f0", handle.task_id)
    # As a file: Prefect reads a flow's source.
    (tmp_path / "example.py").write_text(code)
    exec(compile(code, str(tmp_path / "example.py"), "exec"), {"__name__": "example"})

    created = {
        "first": 1,
        "generate": 2,
        "make": 2,
        "models": 6,
        "fallbacks": 1,
        "series": 3,
        "character": 3,
        "pictures": 0,
        "film": 6,
        "tasks": 2,
        "flows": 2,
        "sync": 1,
        "daily": 1,
        "collect": 1,
        "resolve": 0,
        "batch": 2,
        "assets": 1,
    }
    stats = kie.stats()
    assert (stats["created"], stats["failed"], stats["violations"]) == (created[name], 0, 0)
    videos = [*tmp_path.rglob("*.mp4"), *Path("~/kie-videos").expanduser().glob("*.mp4")]
    others = 3 if name == "models" else 0  # a picture, speech and a song
    assert len([path for path in videos if any(job["task_id"] in path.name for job in stats["jobs"])]) == (
        created[name] - others
    )
