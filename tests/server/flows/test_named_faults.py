"""Every misfortune of Kie's API that has a name, met by the public flows: the table of what becomes of it.

Each row says what goes wrong (a code, a broken connection, a state, a file) at which call, and what a person
sees of it who runs `generate_video`: the video, whole and with its sidecar; or an error of a certain class
that tells what happened, whether it was charged, and which call comes next. Then that call is made, once
what went wrong has passed (or while it `stays`), and it brings the video or is right to refuse. After both,
the simulator has counted the jobs that were created and the videos that were charged.

What each answer means is tested without a server, code by code: `tests/unit/api/test_classification.py`,
`tests/unit/api/test_client_failures.py`, `tests/unit/tasks/test_download.py`; what becomes of a file that
cannot be fetched at once: `tests/server/tasks/test_saving.py`. Here the flows meet each *meaning* once.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefect_kie.api import (
    AuthenticationFailed,
    ContentRejected,
    InsufficientCredits,
    InvalidRequest,
    JobFailed,
    JobNotFound,
    KieClient,
    KieError,
    ModelNotSupported,
    PollPolicy,
    RateLimited,
    ServiceUnavailable,
    SubmissionInDoubt,
)
from prefect_kie.blocks import KieCredentials
from prefect_kie.cli.local_server import free_port
from prefect_kie.errors import DownloadFailed, JobTimedOut, RunIncomplete
from prefect_kie.flows import Output, Scope, Waiting, collect_job, generate_video, resolve_submission
from prefect_kie.models import Kling26TextToVideo, Sora2TextToVideo, VideoRequest
from prefect_kie.simulator import SimulatorServer, SimulatorSettings
from prefect_kie.submissions import store
from tests.conftest import KEY, QUICK, close_clients

pytestmark = pytest.mark.server

CAT = Sora2TextToVideo(prompt="a cat on a red sofa")
YAK = Kling26TextToVideo(prompt="a yak", sound=False, duration="5")

HASTY = QUICK.model_copy(update={"deadline_seconds": 0.3})
"""A policy for jobs whose end is not waited for."""

STATUS = {
    "SubmissionInDoubt": "in doubt",
    "ContentRejected": "rejected",
    "InsufficientCredits": "not submitted",
    "AuthenticationFailed": "not submitted",
    "UsageLimitReached": "not submitted",
}
"""How an outcome is called that is not simply failed, by its error."""

Fault = dict[str, Any]
Paid = tuple[int, int]
"""How many jobs were created, and how many videos charged."""


# Who meets it


@dataclass(frozen=True)
class Told:
    """What a person was told at the end of a run: the error's class and text, both empty for a success."""

    error: str = ""
    text: str = ""

    @property
    def task_id(self) -> str:
        """The job that the text names."""
        named = re.search(r" Job: (\w+)\.\sCharged: ", self.text)
        assert named, f"no job is named: {self.text}"
        return named[1]

    @property
    def submission(self) -> str:
        """The submission that the text names for `resolve_submission`."""
        named = re.search(r"resolve_submission with submission='([\w-]+)'", self.text)
        assert named, f"no submission is named: {self.text}"
        return named[1]


@dataclass
class Person:
    """Somebody who runs the public flows, and sees their results, their log and the directory."""

    kie: SimulatorServer
    credentials: KieCredentials
    directory: Path
    caplog: pytest.LogCaptureFixture
    poll: PollPolicy = QUICK

    async def runs(self, request: VideoRequest = CAT, job_key: str | None = "night") -> Told:
        """Run `generate_video` for one video."""
        try:
            made = await generate_video(
                request,
                self.credentials,
                output=Output(directory=self.directory),
                scope=Scope(job_key=job_key),
                waiting=Waiting(poll=self.poll),
            )
        except RunIncomplete as error:
            return self.told(error)
        assert made.videos[0].status == "saved"
        return Told()

    def told(self, error: RunIncomplete) -> Told:
        """What the error of `generate_video` tells of its one video."""
        (outcome,) = error.result.videos
        failed = re.findall(r"Task run encountered an exception (\w+): ", self.caplog.text)[-1]
        told = STATUS.get(failed, "failed")
        assert outcome.status == ("failed" if told == "not submitted" and outcome.task_id else told)
        assert outcome.error in str(error)
        return Told(failed, outcome.error)

    async def collects(self, task_id: str) -> Told:
        """Run `collect_job`."""
        try:
            collected = await collect_job(
                task_id,
                self.credentials,
                output=Output(directory=self.directory),
                waiting=Waiting(poll=self.poll),
            )
        except KieError as error:
            return Told(type(error).__name__, str(error))
        assert collected.video
        return Told()

    async def resolves(self, submission: str, **how: Any) -> Told:
        """Run `resolve_submission` some minutes later, and then the same run again, as the error says."""
        with pytest.MonkeyPatch.context() as later:
            later.setattr(store, "OUTCOME_SECONDS", 0.0)
            await resolve_submission(submission, credentials=self.credentials, **how)
        return await self.runs()

    async def sees(self, told: Told, error: type[KieError] | None, paid: Paid) -> None:
        """Check what there is in the end: the error, the file, the log, and what was paid."""
        assert told.error == (error.__name__ if error else ""), told.text
        videos = sorted(self.directory.rglob("*.mp4"))
        assert len(videos) == (0 if error else 1)
        for video in videos:
            sidecar = json.loads(video.with_suffix(".json").read_text())
            assert sidecar["files"][0]["sha256"] == hashlib.sha256(video.read_bytes()).hexdigest()
        assert len([path for path in self.directory.rglob("*") if path.is_file()]) == 2 * len(videos)

        loud = [record for record in self.caplog.records if record.levelname not in ("DEBUG", "INFO")]
        assert bool(loud) is bool(error)
        assert not [record for record in loud if record.exc_info or "Traceback" in record.getMessage()]
        assert KEY not in self.caplog.text
        self.caplog.clear()

        while any(job["state"] not in ("success", "fail") and self.soon(job) for job in self.jobs):
            await asyncio.sleep(0.01)
        stats = self.kie.stats()
        assert (stats["created"], stats["charged"]) == paid
        assert stats["violations"] == 0

    def soon(self, job: dict[str, Any]) -> bool:
        """Whether a job ends within a second, so that its charge is worth waiting for."""
        return bool(job["finishes_at"] < self.kie.simulator.clock() + 1)

    @property
    def jobs(self) -> list[dict[str, Any]]:
        """What Kie's logs page shows."""
        jobs: list[dict[str, Any]] = self.kie.stats()["jobs"]
        return jobs


@dataclass(frozen=True)
class Next:
    """A next call: the words by which an error names it, and how a person makes it."""

    words: str
    made: Callable[[Person, Told], Awaitable[Told]]


AGAIN = Next(r"(?i:run (it )?again|retry this run)", lambda person, told: person.runs())
"""The same run, or another one with the same job_key."""
UNSAID_AGAIN = Next("", lambda person, told: person.runs())
"""The same, where the error does not ask for it: what a person may do all the same."""
NEW_RUN = Next(r"start a new run", lambda person, told: person.runs(job_key=None))
CHANGED = Next(
    r"Change the prompt", lambda person, told: person.runs(Sora2TextToVideo(prompt="a dog"), job_key=None)
)
OTHER_MODEL = Next(r"another (one|model)", lambda person, told: person.runs(YAK))
COLLECT = Next(r"collect_job", lambda person, told: person.collects(told.task_id))
RESOLVE = Next(
    r"resolve_submission with .* and its task_id",
    lambda person, told: person.resolves(told.submission, task_id=person.jobs[0]["task_id"]),
)
RELEASE = Next(r"release=True", lambda person, told: person.resolves(told.submission, release=True))

PAYS_AGAIN = r"(?i:\brun (it )?again|another model|start a new run)"
"""What nobody may be told about a job that goes on: a new run of the same would be a second video."""


@dataclass(frozen=True)
class Scenario:
    """One row of the table.

    Attributes:
        name: What goes wrong, and when.
        faults: What the simulator is told to do.
        settings: How the simulator is otherwise.
        poll: How patiently the job is waited for.
        impatient: Whether the client's time-outs are a fraction of a second.
        young: Until which age a job that is not visible is waited for, seconds.
        unreachable: Whether nothing listens at Kie's address.
        error: What the run ends with; None: the video is saved.
        billed: What the error says about the charge.
        says: Words that the error holds.
        paid: Jobs created and videos charged after the run.
        then: The next call that the error names.
        stays: Whether the trouble is still there at that call.
        later: How much later that call is made, by Kie's clock, seconds.
        then_error: What the call ends with; None: the video is saved.
        then_paid: Jobs created and videos charged after it.
    """

    name: str
    faults: tuple[Fault, ...] = ()
    settings: Mapping[str, Any] | None = None
    poll: PollPolicy = QUICK
    impatient: bool = False
    young: float | None = None
    unreachable: bool = False
    error: type[KieError] | None = None
    billed: str = ""
    says: tuple[str, ...] = ()
    paid: Paid = (1, 1)
    then: Next | None = None
    stays: bool = False
    later: float = 0
    then_error: type[KieError] | None = None
    then_paid: Paid = (1, 1)


def create(**fault: Any) -> Fault:
    """A fault of createTask."""
    return {"on": "create", **fault}


def look(**fault: Any) -> Fault:
    """A fault of recordInfo."""
    return {"on": "poll", **fault}


def shows(**data: Any) -> Fault:
    """A look that shows other data than the true ones."""
    return look(merge={"data": data})


def job(**fault: Any) -> Fault:
    """A fault in the job's life."""
    return {"on": "job", **fault}


def fails(reason: str, code: str | int | None = "500", **fault: Any) -> Fault:
    """A job that fails."""
    return job(fail={"failCode": code, "failMsg": reason}, **fault)


def link(**fault: Any) -> Fault:
    """A fault of download-url."""
    return {"on": "download-url", **fault}


def file(**fault: Any) -> Fault:
    """A fault of the file itself."""
    return {"on": "file", **fault}


DEAD = file(dead=True, times=None)
"""The result's own link is dead; only fresh ones work."""

EVER: Fault = {"times": None}


def page(status: int) -> Fault:
    """An HTTP error with a page, as proxies send it."""
    return {"status": status, "body": f"<html><h1>{status} Oh no</h1></html>"}


MISSING = {"code": 422, "msg": "recordInfo is null"}
CUT = '{"code": 200, "msg": "success", "data": {"taskId": "0123'
WIRE: dict[str, Fault] = {
    "closes the connection": {"reset": True},
    "garbage": {"body": "<html>200 OK</html>"},
    "JSON that ends in the middle": {"body": CUT},
    "an answer that ends in the middle": {"truncate": 20},
    "an empty answer": {"body": ""},
    "JSON that is no object": {"body": "[1, 2]"},
    "a redirect": {"redirect": "https://kie.example/"},
}
"""What can happen on the way, and is no answer."""


# createTask


def refused(name: str, fault: Fault | None, error: type[KieError], *says: str, **more: Any) -> Scenario:
    """A submission that creates nothing; run again, it does."""
    row: dict[str, Any] = {"then": AGAIN, "paid": (0, 0), "billed": "no", "says": says, **more}
    return Scenario(f"create: {name}", (create(**fault),) if fault else (), error=error, **row)


REFUSED = [
    refused("no credits", None, InsufficientCredits, "Add credits", settings={"credits": 0}),
    refused("422 input", {"code": 422, "msg": "prompt is too long"}, InvalidRequest, "prompt is too long"),
    refused(
        "a retired model",
        None,
        ModelNotSupported,
        "kie.ai/market",
        settings={"retired_models": (CAT.model_name,)},
        then=OTHER_MODEL,
        stays=True,
    ),
    refused("429 for ever", {"code": 429, **EVER}, RateLimited, "429", "ten seconds"),
    refused("nothing listens", None, ServiceUnavailable, "got no answer", unreachable=True),
]

TAKEN_IN_THE_END = [
    Scenario(
        "create: 429 and 455, then an answer that drips",
        tuple(create(**fault) for fault in ({"code": 429}, {"code": 455}, {"drip": 1000})),
    ),
]

UNCLEAR: dict[str, Fault] = {
    "500 plain": {"code": 500},
    "closes the connection": {"reset": True},
    "no answer": {"hang": 5},
    "success without an id": {"merge": {"data": None}},
}


def doubtful(name: str, fault: Fault, then: Next, created: int, **more: Any) -> Scenario:
    """A submission whose outcome is not known; a person settles it, and the run goes on."""
    says = ("it is not known whether", "kie.ai/logs", "resolve_submission")
    row: dict[str, Any] = {
        "then": then,
        "paid": (created, created),
        "billed": "unknown",
        "says": says,
        **more,
    }
    return Scenario(f"create: {name}", (create(**fault),), error=SubmissionInDoubt, **row)


SPOILED = {"truncate", "merge"}
"""What is done to the true answer, which was given: the job is there without further words."""

WITHOUT_A_JOB = ("500 plain", "closes the connection")

DOUBTS = [
    *(
        doubtful(
            f"{name}, and the job is there",
            fault if SPOILED & set(fault) else {**fault, "accept": True},
            RESOLVE,
            1,
            impatient="hang" in fault,
        )
        for name, fault in UNCLEAR.items()
    ),
    *(
        doubtful(f"{name}, and no job is there", UNCLEAR[name], RELEASE, 0, impatient="hang" in UNCLEAR[name])
        for name in WITHOUT_A_JOB
    ),
    doubtful("455 that names a job which is not there", {"code": 455, "data": {"taskId": "abc"}}, RELEASE, 0),
    doubtful("500 that names the job, run again", {"merge": {"code": 500, "msg": "Oh"}}, UNSAID_AGAIN, 1),
    doubtful(
        "closes the connection, run again before anyone has looked",
        {"reset": True, "accept": True},
        UNSAID_AGAIN,
        1,
        then_error=SubmissionInDoubt,
    ),
]


# recordInfo

GOES_ON = ("The job goes on at Kie", "14 days")


def refused_look(name: str, fault: Fault, error: type[KieError], *says: str, **more: Any) -> Scenario:
    """A look that Kie refuses for good: the run ends, and the job is collected."""
    row: dict[str, Any] = {"then": COLLECT, "billed": "unknown", "says": (*GOES_ON, *says), **more}
    return Scenario(f"look: {name}", (look(**fault),), error=error, **row)


REFUSED_LOOKS = [
    refused_look("401", {"code": 401}, AuthenticationFailed, "Check the key"),
    refused_look("402, run again", {"code": 402}, InsufficientCredits, "402", then=UNSAID_AGAIN),
]

FLEETING: dict[str, dict[str, Fault]] = {
    "answers": {
        "404": {"code": 404},
        "422 recordInfo is null": MISSING,
        "429": {"code": 429},
        "455": {"code": 455},
        "500 plain": {"code": 500},
        "500 x is required": {"code": 500, "msg": "taskId is required"},
        "500 Credits insufficient": {"code": 500, "msg": "Credits insufficient"},
        "success without data": {"merge": {"data": None}},
        "another job": {"merge": {"data": {"taskId": "f" * 32}}},
    },
    "pages": {f"HTTP {status}": page(status) for status in (401, 403, 404, 500, 502, 503)},
    "what is no answer": {**WIRE, "no answer": {"hang": 5}},
}
"""What says nothing about the job: another look is worth it."""


def timed_out(name: str, *faults: Fault, says: tuple[str, ...] = (), **more: Any) -> Scenario:
    """A job that is given up at its deadline, and collected later."""
    row: dict[str, Any] = {"billed": "unknown", "then": COLLECT, "poll": HASTY, **more}
    return Scenario(name, faults, error=JobTimedOut, says=("deadline", "14 days", *says), **row)


LOOKS_AGAIN = [
    *(
        Scenario(
            f"look: {name}, one after the other",
            tuple(look(**fault) for fault in faults.values()),
            impatient="no answer" in faults,
        )
        for name, faults in FLEETING.items()
    ),
    timed_out("look: 422 recordInfo is null for ever", look(**MISSING, **EVER)),
]

VANISHING: list[tuple[str, Fault, bool]] = [
    ("404", {"code": 404}, False),
    ("422 that stays", MISSING, True),
]

VANISHED = [
    Scenario(
        f"look: {name} for ever, of a job that is no longer young",
        (look(**fault, **EVER),),
        young=0.1,
        error=JobNotFound,
        billed="unknown",
        says=("kie.ai/logs",),
        then=COLLECT,
        stays=stays,
        then_error=JobNotFound if stays else None,
    )
    for name, fault, stays in VANISHING
]

SAID_TO_HAVE_FAILED = [
    Scenario(
        "look: 408 without the job's record, for ever",
        (fails("Upstream gave nothing"), look(code=408, **EVER)),
        error=JobFailed,
        billed="no",
        says=("408",),
        paid=(1, 0),
        then=NEW_RUN,
        then_paid=(2, 1),
    ),
    Scenario("look: 501 without the job's record, once, and the job succeeds", (look(code=501),)),
]


# The job's life


def failed_job(name: str, fault: Fault, *says: str, **more: Any) -> Scenario:
    """A job that fails: not charged, and what comes next is another job."""
    row: dict[str, Any] = {
        "error": JobFailed,
        "billed": "no",
        "says": says,
        "paid": (1, 0),
        "then": NEW_RUN,
        "then_paid": (2, 1),
        **more,
    }
    return Scenario(f"job: {name}", (fault,), **row)


GUARDRAILS = "This content may violate our guardrails concerning safety."

FAILED = [
    failed_job("moderation", fails(GUARDRAILS), "guardrails", error=ContentRejected, then=CHANGED),
    failed_job("heavy load", fails("We are under heavy load."), "heavy load", "job_key"),
    failed_job(
        "run again with its job_key",
        fails("heavy load"),
        then=UNSAID_AGAIN,
        then_error=JobFailed,
        then_paid=(1, 0),
    ),
    failed_job(
        "fails after the deadline",
        fails("Internal Error", duration=60),
        "is still",
        "14 days",
        poll=HASTY,
        error=JobTimedOut,
        billed="unknown",
        then=COLLECT,
        later=61,
        then_error=JobFailed,
        then_paid=(1, 0),
    ),
]


def lost(name: str, *faults: Fault, says: tuple[str, ...] = (), **more: Any) -> Scenario:
    """A paid video that is not fetched, and collected later."""
    row: dict[str, Any] = {"billed": "yes", "then": COLLECT, **more}
    return Scenario(name, faults, error=DownloadFailed, says=says, **row)


def without_file(name: str, fault: Fault, **more: Any) -> Scenario:
    """A success that names no file, at the first look."""
    return lost(f"job: {name}", fault, says=("names no file",), settings={"duration_seconds": 0}, **more)


NO_RESULTS = {
    "its result is empty": "",
    "its result is no JSON": "{",
    "its URL is of another scheme": '{"resultUrls": ["ftp://a.example/b.mp4"]}',
}
"""What a success may tell before its result is there."""

LATE: dict[str, Any] = {"says": ("is still",), "paid": (1, 0), "later": 61}
"""A job that takes a minute, and the next call after it."""

LAGS = {"state": "generating", "createTime": 1_700_000_000_000}
"""An old job that has not ended."""

ENDS = [
    timed_out(
        "job: goes on after its deadline, run again too early",
        job(duration=60),
        says=("is still",),
        paid=(1, 0),
        then=UNSAID_AGAIN,
        stays=True,
        then_error=JobTimedOut,
        then_paid=(1, 0),
    ),
    timed_out(
        "job: its record lags behind its success",
        look(merge={"data": LAGS}, **EVER),
        says=("is still generating",),
    ),
    timed_out(
        "job: never visible",
        settings={"visible_after_seconds": 1e6},
        says=("not visible yet",),
        then_error=JobNotFound,
    ),
    Scenario("job: not visible for a while", settings={"visible_after_seconds": 0.3}),
    without_file("succeeds without URLs", job(no_url=True), then_error=DownloadFailed),
    Scenario(
        "job: a result that is none, three times, and then its own",
        tuple(shows(resultJson=told) for told in NO_RESULTS.values()),
        {"duration_seconds": 0},
    ),
]

ORDERS: list[dict[str, Any]] = [
    *({"state": state} for state in ("generating", "waiting", "queuing", "queuing", "queuing")),
    *({"state": "generating", "progress": progress} for progress in (90, 40, 5, 100, 100, -5, "NaN", 1e99)),
    *({"state": state} for state in ("dreaming", "archived", "", None, 3, "GENERATING")),
    {"state": "waiting", "createTime": None, "updateTime": None},
]
"""Not the end yet: states in any order, unknown ones, none, and progress that goes backwards or is none."""

STATES = [
    Scenario(
        "state: any that is not the end", tuple(shows(**data) for data in ORDERS), {"duration_seconds": 0}
    ),
]

AFTER_SUCCESS = lost(
    "state: generating after success",
    file(redirect="ftp://a.example/b.mp4"),
    look(merge={"data": {"state": "generating"}}, skip=1, times=2),
    settings={"duration_seconds": 0},
    stays=True,
)

CLOCKS = [
    Scenario(
        "clock: an hour behind, not visible for a while",
        settings={"clock_skew_seconds": -3600, "visible_after_seconds": 0.2},
    ),
    timed_out(
        "clock: an hour ahead, success just past the deadline",
        job(duration=60),
        settings={"clock_skew_seconds": 3600},
        **LATE,
        stays=True,
    ),
]


# download-url, and the file

RENEWED = [
    Scenario("link: closes the connection, once", (DEAD, link(reset=True))),
    lost("link: 429 for ever", DEAD, link(code=429, **EVER), says=("link is dead",)),
    lost("link: 401", DEAD, link(code=401), says=("Check the key",)),
    lost(
        "link: 422 that stays",
        DEAD,
        link(code=422, msg="url is wrong", **EVER),
        stays=True,
        then_error=DownloadFailed,
    ),
]

NOT_FETCHED = [
    lost("file: 500 for ever", file(**page(500), **EVER), says=("HTTP 500",)),
    lost("file: redirects to this disk", file(redirect="file:///etc/passwd"), says=("not a public http",)),
]

ROWS = [
    *REFUSED,
    *TAKEN_IN_THE_END,
    *DOUBTS,
    *REFUSED_LOOKS,
    *LOOKS_AGAIN,
    *VANISHED,
    *SAID_TO_HAVE_FAILED,
    *FAILED,
    *ENDS,
    *STATES,
    AFTER_SUCCESS,
    *CLOCKS,
    *RENEWED,
    *NOT_FETCHED,
]

# Quick, with tiny videos, and a price of 1: the charge counts videos.
SERVICE = SimulatorSettings(
    duration_seconds=0.1,
    video_height=36,
    video_fps=2,
    create_per_10s=None,
    polls_per_second=None,
    prices={},
    default_price=1,
)


@pytest.fixture(scope="module")
def service() -> Iterator[SimulatorServer]:
    """One simulated Kie for all rows, so that its video is rendered once."""
    with SimulatorServer(SERVICE) as simulator:
        yield simulator


@pytest.fixture
def kie(service: SimulatorServer) -> SimulatorServer:
    service.reset()
    return service


@pytest.fixture
def person(
    kie: SimulatorServer, credentials: KieCredentials, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> Person:
    return Person(kie, credentials, tmp_path / "videos", caplog)


@pytest.fixture
def trouble() -> Iterator[pytest.MonkeyPatch]:
    """What is changed until the trouble has passed."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield monkeypatch


def arrange(row: Scenario, person: Person, trouble: pytest.MonkeyPatch) -> None:
    """Make it happen."""
    for fault in row.faults:
        person.kie.fault(**fault)
    if row.settings:
        person.kie.change(**row.settings)
    trouble.setattr(person, "poll", row.poll)
    if row.unreachable:
        nowhere = {"base_url": f"http://127.0.0.1:{free_port()}"}
        trouble.setattr(person, "credentials", person.credentials.model_copy(update=nowhere))
    if row.impatient:
        create_seconds = "0.3" if row in DOUBTS else "30"
        trouble.setenv("PREFECT_INTEGRATIONS_KIE_CREATE_TIMEOUT_SECONDS", create_seconds)
        trouble.setitem(KieClient.__init__.__kwdefaults__ or {}, "timeout", 0.3)
        trouble.setattr("prefect_kie.media.addresses.TIMEOUT", httpx.Timeout(0.3))
    if row.young is not None:
        trouble.setattr("prefect_kie.tasks.wait.YOUNG_SECONDS", row.young)


def mend(row: Scenario, person: Person, trouble: pytest.MonkeyPatch) -> None:
    """Let the trouble pass."""
    httpx.delete(f"{person.kie.url}/_sim/faults", trust_env=False).raise_for_status()
    person.kie.change(**{name: getattr(SERVICE, name) for name in row.settings or ()})
    trouble.undo()
    close_clients()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_what_becomes_of_it(
    row: Scenario, person: Person, trouble: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrange(row, person, trouble)
    told = await person.runs()
    await person.sees(told, row.error, row.paid)
    if row.error is None:
        return
    assert re.search(rf"Charged: {row.billed}\.\sNext: ", told.text)
    assert [words for words in row.says if words not in told.text] == [], told.text
    if row.then is None:
        return
    assert re.search(row.then.words, told.text), told.text
    if row.then is COLLECT:
        assert told.task_id == person.jobs[0]["task_id"]
    if not row.stays:
        mend(row, person, trouble)
    if row.later:
        monkeypatch.setattr(person.kie.simulator, "clock", lambda: time.time() + row.later)
    await person.sees(await row.then.made(person, told), row.then_error, row.then_paid)
    if row.then is COLLECT:
        assert not re.search(PAYS_AGAIN, told.text), told.text


async def test_retries_that_run_out_leave_no_traceback(person: Person) -> None:
    person.kie.fault(**file(reset=True, **EVER))
    assert (await person.runs()).error == "DownloadFailed"
    assert "Traceback" not in person.caplog.text


def test_every_row_has_a_name_of_its_own() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
