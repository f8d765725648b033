"""Two machines with a worker each, a Prefect server on PostgreSQL, an S3 store: paid once, never lost."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest

from prefect_kie.cli.automations import PAUSE
from prefect_kie.simulator import SimulatorServer
from prefect_kie.tasks import SavedResult
from tests.fleet.fleet import TROUBLE, Fleet, Machine, seconds
from tests.s3_store import KEY, SECRET
from tests.ui.fleet import eventually


def check(*machines: Machine) -> None:
    """Make sure that nothing in their logs would worry an operator, and nothing paid for is only theirs."""
    for machine in machines:
        assert not [word for word in (*TROUBLE, KEY, SECRET) if word in machine.log], machine.log
        files = [path for path in machine.home.rglob("*") if path.is_file()]
        assert not [path for path in files if path.suffix == ".mp4" or "kie-submissions" in path.parts]


def check_saved(fleet: Fleet, task_id: str) -> None:
    """Make sure that a job's video is in the store, whole, with its sidecar."""
    files = fleet.saved(task_id)
    (sidecar,) = [content for name, content in files.items() if name.endswith(".json")]
    ((video, content),) = [file for file in files.items() if not file[0].endswith(".json")]
    saved = SavedResult.model_validate_json(sidecar)
    assert (saved.task_id, saved.path) == (task_id, video)
    ((size, sha256),) = [(file.size, file.sha256) for file in saved.files]
    assert (size, sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_runs_are_shared_paced_and_paid_once_each(fleet: Fleet, kie: SimulatorServer) -> None:
    machines = fleet.machines()
    runs = [fleet.order(f"boat {number}", count=6) for number in range(2)]
    fleet.completed(*runs)
    assert [machine.took(runs[0]) + machine.took(runs[1]) for machine in machines] == [1, 1]
    check(*machines)
    stats = kie.stats()
    assert (stats["created"], stats["succeeded"], stats["rejected"]) == (12, 12, 0)
    assert stats["charged"] == sum(job["credits"] for job in stats["jobs"])
    # Without the limit on the server nothing would hold twelve submissions back.
    times, limit = sorted(stats["creates_times"]), fleet.limit()
    assert len(times) <= limit["limit"] + limit["slot_decay_per_second"] * (times[-1] - times[0]) + 1


def test_the_doctor_of_a_machine_finds_nothing(fleet: Fleet) -> None:
    machine, _ = fleet.machines()
    doctor = subprocess.run(
        [sys.executable, "-m", "prefect_kie.cli", "doctor"],
        env=fleet.environment(machine.home),
        cwd=machine.home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (doctor.returncode, doctor.stderr) == (0, ""), doctor.stdout
    assert [line for line in doctor.stdout.splitlines() if not line.startswith("ok ")] == []
    assert "online workers" in doctor.stdout
    assert "result storage s3://" in doctor.stdout


def test_one_job_key_on_both_machines_at_once_is_one_job(fleet: Fleet, kie: SimulatorServer) -> None:
    machines = fleet.machines()
    kie.fault("create", delay=4.0)  # so that the second one comes while the first one is being answered
    runs = [fleet.order("a dog on a beach", scope={"job_key": "the one dog"}) for _ in range(2)]
    fleet.completed(*runs)
    assert [machine.took(runs[0]) + machine.took(runs[1]) for machine in machines] == [1, 1]
    check(*machines)
    assert kie.stats()["created"] == 1


def test_a_run_whose_machine_dies_goes_on_on_the_other_one(fleet: Fleet, kie: SimulatorServer) -> None:
    machines = fleet.machines()
    kie.change(duration_seconds=8)
    run = fleet.order("a cat on a red sofa")
    eventually(lambda: kie.stats()["polls"] or None, "it waits for its job", lambda: fleet.names(run))
    struck, other = machines if machines[0].took(run) else reversed(machines)
    assert struck.took(run)
    struck.die()
    assert kie.stats()["succeeded"] == 0
    # The automations on silent runs find this after 90 seconds; from here on it is theirs.
    crashed = {"state": {"type": "CRASHED", "name": "Crashed", "message": "silent"}}
    fleet.ask("POST", f"/flow_runs/{run}/set_state", json=crashed)
    fleet.completed(run)
    assert other.took(run)
    check(other)
    names = fleet.names(run)
    since = names[names.index("Crashed") :]
    assert since[:3] == ["Crashed", "Recovering", "AwaitingRetry"]
    assert since[-2:] == ["Running", "Completed"]
    at = {state["name"]: state["timestamp"] for state in fleet.states(run)}
    assert seconds(at["Recovering"], at["AwaitingRetry"]) >= PAUSE.total_seconds() - 1
    (job,) = kie.stats()["jobs"]
    check_saved(fleet, job["task_id"])


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["the paid call is out", "it waits for its job"])
def test_a_run_that_kubernetes_moves_goes_on_elsewhere(
    fleet: Fleet, kie: SimulatorServer, moment: str
) -> None:
    """A process in place of a pod: the command of the Job, and what Prefect's worker tells it of SIGTERM."""
    kie.change(duration_seconds=8)
    if moment == "the paid call is out":
        kie.fault("create", delay=6.0)
    run = fleet.order("a bird on a wire")
    pending = {"state": {"type": "PENDING", "name": "Pending"}}
    fleet.ask("POST", f"/flow_runs/{run}/set_state", json=pending)
    home = fleet.home / f"pod-{run}"
    home.mkdir()
    told = {"PREFECT__FLOW_RUN_ID": run, "PREFECT_FLOW_RUN_EXECUTE_SIGTERM_BEHAVIOR": "reschedule"}
    with (home / "log").open("wb") as log:
        pod = subprocess.Popen(
            [sys.executable, "-m", "prefect", "flow-run", "execute"],
            env={**fleet.environment(home), **told},
            cwd=home,
            stdout=log,
            stderr=subprocess.STDOUT,
        )

    def so() -> bool | None:
        if moment == "the paid call is out":
            return any("sent" in path.name for path in home.rglob("kie-attempts/*")) or None
        return kie.stats()["polls"] > 0 or None

    eventually(so, moment, lambda: (home / "log").read_text())
    pod.terminate()
    machines = fleet.machines()
    assert pod.wait(60) == 0
    fleet.completed(run)
    assert [machine.took(run) for machine in machines].count(True) == 1
    check(*machines)
    assert kie.stats()["created"] == 1
    assert "Crashed" not in fleet.names(run)
