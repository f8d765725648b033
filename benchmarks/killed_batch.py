"""A batch that is killed and started again, ten times: is each of its videos paid once?

    python -m benchmarks.killed_batch [--rows N] [--kills N] [--seed N] [--write]

`prefect-kie batch` runs in a process of its own, against a simulated Kie whose answer to a submission takes
a while. When it has made a random number of jobs (or none, but has called Kie), and a random time later, it
is killed with SIGKILL, and started again with the same words. In the end it is left alone. A submission whose
call was out when the process died may be in doubt: then a person looks into Kie's list of jobs and says what
it became, with `resolve_submission`.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.report import Figures, command, machine, report
from prefect_kie.cli.local_server import local_server
from prefect_kie.simulator import SimulatorServer, SimulatorSettings

if TYPE_CHECKING:
    from prefect_kie.submissions.store import SubmissionRecord

PATIENCE_SECONDS = 120.0
ANSWER_SECONDS = 0.3
"""How long Kie takes to answer a submission, after it has created the job."""
HEADS = ("kill", "s later", "submitted", "saved", "calls out")
# As the installed command; but it looks at its jobs as often as jobs of a second want.
PROGRAM = """
import sys
import prefect_kie.api
prefect_kie.api.next_poll = lambda *_, **__: 0.2
from prefect_kie.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@dataclass(frozen=True)
class Kill:
    """One kill, and what there was then.

    Attributes:
        seconds: After the last of the jobs that it was left to make.
        created: Jobs that Kie had.
        saved: Videos that were there.
        out: Submissions whose call may have been out.
    """

    seconds: float
    created: int
    saved: int
    out: int


@dataclass
class KilledBatch:
    """A batch in a process that is killed again and again.

    Attributes:
        kie: The simulated Kie.
        credentials: Name of the block with its address.
        folder: Where the manifest, the videos and the results of the runs go (`results`).
        rows: How many videos.
        max_concurrency: How many may be on their way.
        longest: Seconds after the last of the jobs that a process is left to make, until it is killed.
        seed: Of the random moments.
        kills: What was killed so far.
        settled: The submissions that a person had to settle, and whether their call may have been out.
    """

    kie: SimulatorServer
    credentials: str
    folder: Path
    rows: int
    max_concurrency: int
    longest: float
    seed: int
    kills: list[Kill] = field(default_factory=list[Kill])
    settled: dict[str, bool] = field(default_factory=dict[str, bool])

    def run(self, kills: int, environment: Mapping[str, str]) -> list[str]:
        """Kill it so often, bring it to its end, and return all that breaks the promise.

        Args:
            kills: How often.
            environment: Of its processes.
        """
        chance = random.Random(self.seed)
        (self.folder / "rows.csv").write_text(
            "prompt\n" + "".join(f"number {row}.\n" for row in range(self.rows))
        )
        self.kie.fault("create", times=None, delay=ANSWER_SECONDS)
        for _ in range(kills):
            further = chance.randint(0, 2 * self.rows // (kills + 1))
            if not self._killed(further, chance.uniform(0.0, self.longest), environment):
                return [f"it ended after {len(self.kills)} of {kills} kills"]
        for _ in range(3):
            with self._process(environment) as process:
                if process.wait(PATIENCE_SECONDS) == 0:
                    break
            self._settle()
        return self._broken()

    def _process(self, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        options = ["--model", "sora-2-text-to-video", "--credentials", self.credentials]
        options += ["--directory", "videos", "--max-concurrency", str(self.max_concurrency), "--yes"]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-c", PROGRAM, "batch", "rows.csv", *options],
                env=environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _killed(self, further: int, seconds: float, environment: Mapping[str, str]) -> bool:
        """Whether a new process was killed, so long after so many further jobs; else it had ended."""
        before = self._calls()
        # Never so late that it may be over before.
        created = min(self.kie.stats()["created"] + further, self.rows - self.max_concurrency)
        with self._process(environment) as process:
            while process.poll() is None:
                if self._calls() > before and self.kie.stats()["created"] >= created:
                    break
                time.sleep(0.02)
            time.sleep(seconds)
            process.kill()
            if process.wait(PATIENCE_SECONDS) != -9:
                return False
        out = sum(self._is_out(key) for key in self._open())
        self.kills.append(Kill(seconds, self.kie.stats()["created"], len(self._videos()), out))
        return True

    def _calls(self) -> int:
        stats = self.kie.stats()
        return int(stats["created"]) + int(stats["polls"])

    def _settle(self) -> None:
        """What a person does about each row in doubt: look for its job at Kie, and tell."""
        from prefect_kie.flows import resolve_submission
        from prefect_kie.submissions import store

        store.OUTCOME_SECONDS = 0.0  # a person who comes some minutes later
        run: Any = resolve_submission
        with (self.folder / "videos/rows.results.csv").open(newline="") as file:
            doubtful = [row for row in csv.DictReader(file) if row["status"] == "in doubt"]
        for row in doubtful:
            (submission,) = set(re.findall(r"kie-[0-9a-f]{32}", row["error"]))
            found = [job["task_id"] for job in self._jobs() if job["input"]["prompt"] == row["prompt"]]
            choice = {"task_id": found[0]} if found else {"release": True}
            self.settled[submission] = self._is_out(submission)
            asyncio.run(run(submission=submission, credentials=self.credentials, **choice))

    def _is_out(self, submission: str) -> bool:
        """Whether the call may have been out, by its send token."""
        from prefect_kie.storage.base import LocalStorage
        from prefect_kie.submissions.send_tokens import SendToken

        token = SendToken(LocalStorage(self.folder / "results"), self._record(submission).attempt)
        return asyncio.run(token.is_sent())

    def _record(self, submission: str) -> SubmissionRecord:
        from prefect_kie.submissions.store import FOLDER, SubmissionRecord

        path = self.folder / "results" / FOLDER / f"{submission}.json"
        return SubmissionRecord.model_validate_json(path.read_bytes())

    def _open(self) -> list[str]:
        """The submissions whose outcome is not recorded."""
        from prefect_kie.submissions.store import FOLDER

        keys = [path.stem for path in (self.folder / "results" / FOLDER).glob("*.json")]
        return [key for key in keys if self._record(key).state == "submitting"]

    def _broken(self) -> list[str]:
        jobs = self._jobs()
        made = Counter(job["input"]["prompt"] for job in jobs)
        broken = [f"{prompt!r}: {count} jobs" for prompt, count in made.items() if count != 1]
        charged = sum(job["credits"] > 0 for job in jobs)
        if not len(jobs) == charged == self.rows:
            broken.append(f"{self.rows} rows, {len(jobs)} created, {charged} charged")
        names = [path.stem.rpartition("_")[2] for path in self._videos()]
        if sorted(names) != sorted(job["task_id"] for job in jobs):
            broken.append(f"{len(names)} files of {len(jobs)} jobs")
        with (self.folder / "videos/rows.results.csv").open(newline="") as file:
            told = Counter(row["status"] for row in csv.DictReader(file))
        if told != {"saved": self.rows}:
            broken.append(f"the results file says {dict(told)}")
        broken += [f"{key}: in doubt, and no call was out" for key, sent in self.settled.items() if not sent]
        if "Traceback" in (self.folder / "log").read_text():
            broken.append(f"a traceback in {self.folder / 'log'}")
        return broken

    def _jobs(self) -> list[dict[str, Any]]:
        jobs: list[dict[str, Any]] = self.kie.stats()["jobs"]
        return jobs

    def _videos(self) -> list[Path]:
        return list((self.folder / "videos").glob("*.mp4"))


def main() -> int:
    """Run the benchmark.

    Returns:
        0 when every video was paid once and is there, else 1.
    """
    parser = command("killed_batch", __doc__, "docs/batches.md")
    parser.add_argument("--rows", type=int, default=30)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    settings = SimulatorSettings(
        duration_seconds=1.0, video_height=36, video_fps=2, create_per_10s=None, polls_per_second=None
    )
    with tempfile.TemporaryDirectory(prefix="prefect-kie-killed-") as name:
        folder = Path(name)
        with local_server(folder / "prefect", ui=False) as server, SimulatorServer(settings) as kie:
            # Before anything imports Prefect.
            os.environ |= server.environment
            os.environ |= {
                "PREFECT_LOCAL_STORAGE_PATH": str(folder / "results"),
                "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
            }
            return _measured(kie, folder, options)


def _measured(kie: SimulatorServer, folder: Path, options: argparse.Namespace) -> int:
    from prefect_kie.blocks import KieCredentials

    block = {"api_key": "killed", "base_url": kie.url, "upload_url": kie.url}
    unhurried = {"creates_per_10_seconds": 100_000, "polls_per_second": 100_000}
    KieCredentials.model_validate({**block, **unhurried}).save("kie", overwrite=True)
    batch = KilledBatch(kie, "kie", folder, options.rows, max_concurrency=4, longest=1.0, seed=options.seed)
    broken = batch.run(options.kills, os.environ)
    figures = Figures("killed batch", HEADS)
    for number, kill in enumerate(batch.kills, start=1):
        figures.add(number, kill.seconds, kill.created, kill.saved, kill.out)
    stats = kie.stats()
    charged = sum(job["credits"] > 0 for job in stats["jobs"])
    figures.add("the end", "", stats["created"], len(list((folder / "videos").glob("*.mp4"))), "")
    below = (
        f"{options.rows} videos, {len(batch.kills)} kills: {stats['created']} jobs created, {charged} "
        f"charged; {len(batch.settled)} in doubt, and settled by a person. {machine()}"
    )
    return report(figures, below, broken, options.write)


if __name__ == "__main__":
    sys.exit(main())
