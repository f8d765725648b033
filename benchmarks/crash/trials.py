"""One killed flow run after another, and what became of each."""

from __future__ import annotations

import asyncio
import hashlib
import json
import multiprocessing
import os
import random
import re
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import StateType
from prefect.deployments.runner import EntrypointType
from prefect.settings import get_current_settings
from prefect.states import Crashed, Scheduled

from benchmarks.crash.moments import MOMENTS, Moment, run_as_a_worker_does
from benchmarks.report import Figures
from prefect_kie.flows import generate_video, resolve_submission
from prefect_kie.simulator import SimulatorServer
from prefect_kie.storage.base import LocalStorage
from prefect_kie.submissions.send_tokens import SendToken
from prefect_kie.submissions.store import FOLDER, SubmissionRecord

DEPLOYMENT = "crash"
PATIENCE_SECONDS = 120.0
HEADS = (
    "killed",
    "kills",
    "videos wanted",
    "created per video, at most",
    "created",
    "charged",
    "saved, checksum fits",
    "in doubt, settled by a person",
    "lost",
)
QUICK = {"usual_seconds": 0.4, "min_gap_seconds": 0.1, "max_gap_seconds": 0.5, "seconds_per_poll": 0.05}

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["benchmarks.crash.moments"])


@dataclass
class Trial:
    """What became of one wanted video whose run was killed.

    Attributes:
        moment: When it was to be killed.
        kills: How often it was.
        created: Jobs that Kie created for it.
        charged: Those that Kie charged.
        saved: Whether the file is there, complete, with a sidecar whose checksum fits Kie's own file.
        in_doubt: Whether a person had to settle it.
        was_sent: Whether the call may have been out when it was killed, as its send token tells.
        trouble: What else is wrong; empty where nothing is.
    """

    moment: Moment
    kills: int = 0
    created: int = 0
    charged: int = 0
    saved: bool = False
    in_doubt: bool = False
    was_sent: bool = False
    trouble: list[str] = field(default_factory=list)


class Laboratory:
    """A Prefect server with the two deployments, a simulated Kie, and the place where videos go.

    Args:
        client: The server's client.
        kie: The simulated Kie.
        credentials: Name of the block with its address.
        directory: Where videos and logs go.
        seed: Of the random moments.
    """

    def __init__(
        self, client: PrefectClient, kie: SimulatorServer, credentials: str, directory: Path, seed: int
    ) -> None:
        self._client = client
        self._kie = kie
        self._credentials = credentials
        self._videos = directory / "videos"
        self._logs = directory / "logs"
        self._logs.mkdir(parents=True, exist_ok=True)
        self._random = random.Random(seed)
        self._deployments: dict[str, UUID] = {}
        self._counter = Counter[str]()
        self._usual = 3.0

    async def prepare(self) -> None:
        """Deploy the flows, and measure how long a run takes that nobody kills."""
        for flow in (generate_video, resolve_submission):
            deployment: Any = await flow.ato_deployment(
                DEPLOYMENT, entrypoint_type=EntrypointType.MODULE_PATH
            )
            self._deployments[flow.name] = await deployment.aapply()
        durations: list[float] = []
        for _ in range(3):
            started = time.monotonic()
            run = await self._wanted(f"nobody kills this {len(durations)}")
            await self._execute(run, None, "calm")
            durations.append(time.monotonic() - started)
        self._usual = sorted(durations)[1]

    async def trial(self, moment: Moment) -> Trial:
        """Want one video, kill its run at a moment, run it again, and look what there is."""
        self._counter[moment.name] += 1
        name = f"{moment.name}, number {self._counter[moment.name]}"
        trial = Trial(moment)
        if moment.fault is not None:
            fault = dict(moment.fault)
            self._kie.fault(fault.pop("on"), prompt=f"{name}.", **fault)
        run = await self._wanted(name)
        log = re.sub(r"\W+", "-", name)
        if moment.sleeps:
            await self._sleep_and_wake(run, trial, name, log)
            self._count(trial, name)
            return trial
        while await self._execute(run, moment.name, log, trial.kills) == "killed":
            trial.kills += 1
            await self._operator_runs_it_again(run)
            if moment.install is not None or trial.kills == 2:
                break  # at random: up to two kills, then it may end
        if moment.install is not None and not trial.kills:
            trial.trouble.append("the moment never came")
        await self._bring_to_its_end(run, trial, name, log)
        self._count(trial, name)
        return trial

    async def _wanted(self, name: str) -> UUID:
        run = await self._client.create_flow_run_from_deployment(
            self._deployments[generate_video.name],
            parameters={
                "request": {"model": "sora-2-text-to-video", "prompt": f"{name}."},
                "credentials": self._credentials,
                "output": {"directory": str(self._videos)},
                "waiting": {"poll": QUICK},
            },
        )
        return run.id

    async def _sleep_and_wake(self, run: UUID, trial: Trial, name: str, log: str) -> None:
        """Stop the run's process at its moment, end the run elsewhere, and wake the process up."""
        arguments = (str(run), trial.moment.name, str(self._logs / f"{log}.log"))
        process = _processes.Process(target=run_as_a_worker_does, args=arguments)
        await asyncio.to_thread(process.start)
        try:
            while process.is_alive() and not _is_stopped(process.pid):
                await asyncio.sleep(0.05)
            if not process.is_alive():
                trial.trouble.append("the moment never came")
                return
            trial.kills += 1
            await self._operator_runs_it_again(run)
            await self._bring_to_its_end(run, trial, name, log, machine="another")
            os.kill(process.pid or 0, signal.SIGCONT)
            await asyncio.to_thread(process.join, PATIENCE_SECONDS)
            if process.is_alive():
                trial.trouble.append("it does not end after it has woken up")
        finally:
            process.kill()
            await asyncio.to_thread(process.join)
            process.close()

    async def _execute(
        self, run: UUID, moment: str | None, log: str, kills: int = 0, machine: str | None = None
    ) -> str:
        process = _processes.Process(
            target=run_as_a_worker_does, args=(str(run), moment, str(self._logs / f"{log}.log"), machine)
        )
        await asyncio.to_thread(process.start)
        try:
            if moment is not None and MOMENTS[moment].install is None and kills < 2:
                await asyncio.to_thread(process.join, self._random.uniform(0.0, 1.1 * self._usual))
                process.kill()
            await asyncio.to_thread(process.join, PATIENCE_SECONDS)
            if process.is_alive():
                process.kill()
                raise RuntimeError(f"flow run {run} did not end; its log is {log}.log")
            return "killed" if process.exitcode == -9 else "ended"
        finally:
            process.close()

    async def _operator_runs_it_again(self, run: UUID) -> None:
        """A worker reports the crash; then what the UI's Retry does."""
        await self._client.set_flow_run_state(run, Crashed(message="The process was killed."), force=True)
        await self._client.set_flow_run_state(run, Scheduled(name="AwaitingRetry"), force=True)

    async def _bring_to_its_end(
        self, run: UUID, trial: Trial, name: str, log: str, machine: str | None = None
    ) -> None:
        for _ in range(3):
            await self._execute(run, None, log, machine=machine)
            state = (await self._client.read_flow_run(run)).state
            if state is not None and state.type is StateType.COMPLETED:
                return
            message = str(state.message if state else "no state")
            found = re.search(r"submission='(kie-\w+)'", message)
            if found is None:
                trial.trouble.append(message[:300])
                return
            trial.in_doubt = True
            trial.was_sent = await _was_sent(found[1])
            await self._person_settles(found[1], name)
            await self._client.set_flow_run_state(run, Scheduled(name="AwaitingRetry"), force=True)
        trial.trouble.append("in doubt again and again")

    async def _person_settles(self, submission: str, name: str) -> None:
        """Look in Kie's logs page, as the error says, and tell resolve_submission what is there."""
        jobs = self._jobs(name)
        choice = {"task_id": jobs[0]["task_id"]} if jobs else {"release": True}
        run = await self._client.create_flow_run_from_deployment(
            self._deployments[resolve_submission.name],
            parameters={"submission": submission, "credentials": self._credentials, **choice},
        )
        await self._execute(run.id, None, "resolve", machine="a person's")

    def _jobs(self, name: str) -> list[dict[str, Any]]:
        return [job for job in self._kie.stats()["jobs"] if job["input"]["prompt"] == f"{name}."]

    def _count(self, trial: Trial, name: str) -> None:
        jobs = self._jobs(name)
        trial.created = len(jobs)
        trial.charged = sum(job["credits"] > 0 for job in jobs)
        sidecars = [file for job in jobs for file in self._videos.glob(f"*_{job['task_id']}.json")]
        trial.saved = len(sidecars) == 1 and self._is_whole(sidecars[0], jobs[0]["task_id"])
        left = [file.name for job in jobs for file in self._videos.glob(f".*{job['task_id']}*.part")]
        if left:
            trial.trouble.append(f"left behind: {left}")

    def _is_whole(self, sidecar: Path, task_id: str) -> bool:
        (told,) = json.loads(sidecar.read_text())["files"]
        served = httpx.get(f"{self._kie.url}/files/results/{task_id}.mp4", trust_env=False).raise_for_status()
        saved = hashlib.sha256((sidecar.parent / told["name"]).read_bytes()).hexdigest()
        return saved == hashlib.sha256(served.content).hexdigest() == str(told["sha256"])


def _is_stopped(process: int | None) -> bool:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "T"


async def _was_sent(submission: str) -> bool:
    """Whether a submission's call may be out, by its send token."""
    results = get_current_settings().home / "storage"
    record = SubmissionRecord.model_validate_json((results / FOLDER / f"{submission}.json").read_bytes())
    return await SendToken(LocalStorage(results), record.attempt).is_sent()


@asynccontextmanager
async def laboratory(
    kie: SimulatorServer, credentials: str, directory: Path, seed: int
) -> AsyncIterator[Laboratory]:
    """A laboratory on the Prefect server that this process is configured for."""
    async with get_client() as client:
        made = Laboratory(client, kie, credentials, directory, seed)
        await made.prepare()
        yield made


async def kill(made: Laboratory, wanted: dict[str, int], at_once: int, tell: Any) -> list[Trial]:
    """Make trials until each moment has its number of kills.

    Args:
        made: Where.
        wanted: The number of kills per moment's name.
        at_once: How many trials at a time.
        tell: Called with each finished trial.
    """
    trials: list[Trial] = []
    killed = Counter[str]()
    queue = [MOMENTS[name] for name, number in wanted.items() for _ in range(number)]
    random.Random(1).shuffle(queue)

    async def work() -> None:
        while queue:
            moment = queue.pop()
            if killed[moment.name] >= wanted[moment.name]:
                continue
            trial = await made.trial(moment)
            killed[moment.name] += trial.kills
            trials.append(trial)
            tell(trial)
            if not trial.kills and not trial.trouble:
                queue.append(moment)  # it was quicker than its kill

    await asyncio.gather(*(work() for _ in range(at_once)))
    return trials


def violations(trials: list[Trial]) -> list[str]:
    """What the promise forbids: paid twice, lost, in doubt without a call that was out."""
    found: list[str] = []
    for trial in trials:
        what = f"killed {trial.moment.name}: "
        if trial.created != 1 or trial.charged != 1:
            found.append(f"{what}{trial.created} created, {trial.charged} charged")
        if not trial.saved:
            found.append(f"{what}lost")
        if trial.in_doubt and not (trial.moment.may_doubt and trial.was_sent):
            found.append(f"{what}in doubt, although no call was out")
        found += [f"{what}{trouble}" for trouble in trial.trouble]
    return found


def figures_of(trials: list[Trial]) -> Figures:
    """The table: a row per moment, and their sum."""
    figures = Figures("crash", HEADS)
    for name in (*MOMENTS, "all"):
        these = [trial for trial in trials if name in ("all", trial.moment.name)]
        figures.add(
            name,
            sum(trial.kills for trial in these),
            len(these),
            max((trial.created for trial in these), default=0),
            sum(trial.created for trial in these),
            sum(trial.charged for trial in these),
            sum(trial.saved for trial in these),
            sum(trial.in_doubt for trial in these),
            sum(not trial.saved for trial in these),
        )
    return figures
