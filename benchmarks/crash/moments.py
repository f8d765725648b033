"""The moments at which a flow run's process is killed, and that process itself.

A moment is a place in the code: its function is wrapped, in the run's own process only, so that the
process kills itself just before or just after it. Nothing in the package knows of this.
"""

from __future__ import annotations

import atexit
import os
import runpy
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from prefect_kie.api import KieClient

# Loaded before a run's process is forked.
from prefect_kie.flows import generate_video, resolve_submission  # noqa: F401
from prefect_kie.media.download import Transfer
from prefect_kie.runtime import processes
from prefect_kie.storage.base import LocalStorage
from prefect_kie.submissions import send_tokens
from prefect_kie.submissions import store as records
from prefect_kie.submissions.costs import CostNotes
from prefect_kie.submissions.send_tokens import SendToken
from prefect_kie.submissions.store import SubmissionRecords


def die(*_: Any, **__: Any) -> None:
    """What the kernel does to a process that it has no memory left for."""
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: Any, name: str, when: Callable[..., bool] = lambda *_: True) -> Callable[[], None]:
    """Kill the process just before a function begins."""

    def install() -> None:
        true = getattr(owner, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if when(*args):
                die()
            return true(*args, **kwargs)

        setattr(owner, name, wrapped)

    return install


def after(owner: Any, name: str, when: Callable[..., bool] = lambda *_: True) -> Callable[[], None]:
    """Kill the process just after a function has ended, before its caller goes on."""

    def install() -> None:
        true = getattr(owner, name)

        async def wrapped(*args: Any, **kwargs: Any) -> Any:
            result = await true(*args, **kwargs)
            if when(*args):
                die()
            return result

        def wrapped_sync(*args: Any, **kwargs: Any) -> Any:
            result = true(*args, **kwargs)
            if when(*args):
                die()
            return result

        is_async = getattr(true, "__code__", None) is not None and true.__code__.co_flags & 0x80
        setattr(owner, name, wrapped if is_async else wrapped_sync)

    return install


def asleep(owner: Any, name: str) -> Callable[[], None]:
    """Stop the process just after a function has ended, as a paused container or a closed lid does."""

    def install() -> None:
        true = getattr(owner, name)

        async def wrapped(*args: Any, **kwargs: Any) -> Any:
            result = await true(*args, **kwargs)
            # Of this very thread: one of the process may go on for a while until another has taken it.
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
            return result

        setattr(owner, name, wrapped)

    return install


def while_the_call_is_out() -> None:
    """Kill the process a while after createTask was sent; the simulator keeps it waiting for an answer."""
    true = KieClient.create_job

    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        threading.Timer(0.3, die).start()
        return await true(*args, **kwargs)

    KieClient.create_job = wrapped  # type: ignore[method-assign]


def _is_outcome(records: Any, record: Any) -> bool:
    return bool(record.state == "submitted")


def _is_sidecar(storage: Any, path: str, content: bytes) -> bool:
    return path.endswith(".json") and not path.startswith("kie-")


@dataclass(frozen=True)
class Moment:
    """A moment to be killed at.

    Attributes:
        name: What the table calls it.
        install: Prepares the run's process; None where somebody else kills it.
        fault: What the simulated Kie does to this run's calls.
        may_doubt: Whether the submission may be in doubt afterwards.

    Attributes:
        sleeps: Whether the process is stopped rather than killed, and wakes up when all is over.
    """

    name: str
    install: Callable[[], None] | None
    fault: dict[str, Any] | None = None
    may_doubt: bool = False

    @property
    def sleeps(self) -> bool:
        return self.name.startswith("asleep")


MOMENTS = {
    moment.name: moment
    for moment in (
        Moment("before the record", before(SubmissionRecords, "claim")),
        Moment("after the record, before the call", after(SubmissionRecords, "claim")),
        Moment("as the call begins", after(SendToken, "send"), may_doubt=True),
        Moment(
            "during the call, before Kie accepts",
            while_the_call_is_out,
            {"on": "create", "hang": 30.0},
            may_doubt=True,
        ),
        Moment(
            "during the call, after Kie accepted",
            while_the_call_is_out,
            {"on": "create", "hang": 30.0, "accept": True},
            may_doubt=True,
        ),
        Moment("with the answer in memory alone", after(KieClient, "create_job"), may_doubt=True),
        Moment("after the id was recorded", after(SubmissionRecords, "write", _is_outcome)),
        Moment("while waiting", after(KieClient, "get_job"), {"on": "job", "duration": 2.0}),
        Moment("before its end is noted", before(CostNotes, "create")),
        Moment("after its end was noted", after(CostNotes, "create")),
        Moment(
            "in the middle of a transfer",
            after(Transfer, "write"),
            {"on": "file", "drip": 20_000},
        ),
        Moment("between .part and rename", before(LocalStorage, "put")),
        Moment("between rename and sidecar", after(LocalStorage, "put")),
        Moment("after the sidecar", after(LocalStorage, "write", _is_sidecar)),
        Moment("asleep after the record, taken over", asleep(SubmissionRecords, "claim")),
        Moment("asleep as the call begins, released", asleep(SendToken, "send"), may_doubt=True),
        Moment("at random", None, may_doubt=True),
    )
}


def run_as_a_worker_does(flow_run_id: str, moment: str | None, log: str, machine: str | None = None) -> None:
    """Execute a flow run in this process, a fresh one; a worker runs `python -m prefect.engine ID`.

    Args:
        flow_run_id: The run.
        moment: When it is killed or stopped; None: never.
        log: Where its output goes.
        machine: Another machine's name; None: this one's. Elsewhere it is later: calls have timed out.
    """
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    if machine is not None:
        processes.this_machine = lambda: machine  # type: ignore[assignment]
        records.OUTCOME_SECONDS = 0.0
    if moment is not None and MOMENTS[moment].sleeps:
        send_tokens.SEND_SECONDS = 1.0
    if moment is not None and (install := MOMENTS[moment].install) is not None:
        install()
    sys.argv = ["prefect.engine", flow_run_id]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # prefect.engine is imported already
            runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)
    finally:  # a forked process ends without them, and the last log lines and events with them
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
