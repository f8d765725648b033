"""What editors and type checkers say of requests and tasks: nothing where they are right."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
RIGHT = Path(__file__).with_name("examples_of_types.py")
WRONG = """
from prefect_kie import models, tasks

models.Kling26TextToVideo(sound=True)  # wrong: a prompt is needed
models.Kling26TextToVideo(prompt="a yak", sound=False, duration="7")  # wrong: 5 or 10
models.Kling26TextToVideo(prompt=5, sound=False)  # wrong: no text
models.Kling26TextToVideo(prompt="a yak", sound=False, size="high")  # wrong: no field of it
models.Kling30Video(prompt="a yak", multi_prompt=[{"text": "it runs"}])  # wrong: no shots
models.NanoBananaPro(prompt="a yak", resolution="8K")  # wrong: 1K, 2K or 4K
models.Kling99Video  # wrong: no model
tasks.kling_99_video  # wrong: no task
video = models.Kling26TextToVideo(prompt="a yak", sound=False)


async def submit() -> None:
    await tasks.kling_3_0_video(video)  # wrong: another model's request
    await tasks.kling_2_6_text_to_video(video, takes=2)  # wrong: it is take
    await tasks.kling_2_6_text_to_video(video)
"""


def marked() -> set[int]:
    """The lines that are wrong."""
    return {number for number, line in enumerate(WRONG.splitlines(), 1) if "# wrong" in line}


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """The wrong program."""
    path = tmp_path / "wrong.py"
    path.write_text(WRONG)
    return path


def test_mypy_finds_each_wrong_line_and_no_other(wrong: Path) -> None:
    pytest.importorskip("mypy")
    config = wrong.with_name("mypy.ini")
    config.write_text(f"[mypy]\nstrict = true\ncache_dir = {ROOT / '.mypy_cache/types'}\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(config), str(RIGHT), str(wrong)],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    found = re.findall(r"^(.+?):(\d+): error: (.*)$", done.stdout, re.MULTILINE)
    assert [line for line in found if not line[0].endswith("wrong.py")] == [], done.stdout + done.stderr
    assert {int(line) for _, line, _ in found} == marked(), done.stdout


def test_pyright_finds_each_wrong_line_and_no_other(wrong: Path) -> None:
    pytest.importorskip("pyright")
    options = ("--outputjson", "--pythonpath", sys.executable)
    done = subprocess.run(
        [sys.executable, "-m", "pyright", *options, str(RIGHT), str(wrong)],
        capture_output=True, text=True, cwd=wrong.parent, check=False,
    )  # fmt: skip
    found = [one for one in json.loads(done.stdout)["generalDiagnostics"] if one["severity"] == "error"]
    assert [one for one in found if not one["file"].endswith("wrong.py")] == []
    assert {one["range"]["start"]["line"] + 1 for one in found} == marked(), done.stdout
