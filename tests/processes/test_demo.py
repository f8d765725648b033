"""The main job, end to end, as a new user runs it: one command, and files that play."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import av
import httpx
import pytest

from tests.conftest import with_tables

COMMAND = [sys.executable, "-m", "prefect_kie.cli", "demo"]
SECONDS = 240
PROXY = "http://127.0.0.1:9"
"""A company's proxy, which does not lead to this machine; here nothing listens there."""


@pytest.mark.server
def test_the_demo_makes_its_files_and_stops_what_it_started(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    with_tables(tmp_path / "demo/prefect")
    started = time.monotonic()
    done = subprocess.run(
        [*COMMAND, "--directory", str(tmp_path / "demo")],
        env={**environment, "COLUMNS": "200", "http_proxy": PROXY, "HTTP_PROXY": PROXY},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    took = time.monotonic() - started

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "Traceback" not in done.stdout
    assert re.search(r"6 results, 1 character, [\d.]+ credits, in \d+ s", done.stdout)
    assert "@latte_bot" in done.stdout
    videos = tmp_path / "demo/videos"
    made = [path for path in videos.iterdir() if path.is_file() and path.suffix != ".json"]
    assert all(path.name in done.stdout for path in made if path.suffix not in (".otio", ".srt"))
    assert list((videos / "characters/latte_bot").rglob("*.jpg"))
    assert sorted(path.suffix for path in made if "cover" not in path.name) == [
        *(".mp3", ".mp3"),
        *(".mp4",) * 5,
        *(".otio", ".png", ".srt"),
    ]
    for path in made:
        if path.suffix == ".mp4":
            with av.open(str(path)) as video:
                assert video.duration is not None
                seconds = 10 if path.name.startswith("film-") else 5
                assert video.duration / av.time_base == pytest.approx(seconds, abs=0.2)
                assert video.streams.video[0].codec_context.name == "h264"
    url = re.findall(r"Prefect UI: (http://\S+)", done.stdout)[0]
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
    assert took < SECONDS
