"""How long importing this project takes, over importing Prefect alone.

    python -m benchmarks.importing [--processes N] [--write]

Each figure is the median of as many fresh processes, which take turns. In each of them Prefect is imported
first, as the module of any flow does (`from prefect import flow, task`). The time of that varies by more than
this project takes, so the difference is taken within each process.

`from prefect_kie.flows import ...` makes the flow as well: Prefect then works out the form of its parameters,
and imports what it needs for that with the first flow of a process, whosever it is. What a flow of one's own
with a single parameter takes is therefore measured beside it.

The exit code is 0 when importing `prefect_kie.flows` takes at most 60 ms more than Prefect alone.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from statistics import median

from rich.console import Console

from benchmarks.command import command, ended
from benchmarks.tables import Figures, machine

MOST_MS = 60.0

PREFECT = "from prefect import flow, task"
FLOWS = "import prefect_kie.flows"
IMPORTS = {
    FLOWS: FLOWS,
    "from prefect_kie.api import KieClient": "from prefect_kie.api import KieClient",
    "from prefect_kie.tasks import wait_for_job": "from prefect_kie.tasks import wait_for_job",
    "from prefect_kie.flows import generate_video": "from prefect_kie.flows import generate_video",
    "the same, after a flow of one's own": "from prefect_kie.flows import generate_video",
    "from prefect_kie.flows import *": "from prefect_kie.flows import *",
    "nothing, but a flow of one's own": "@flow\ndef own(number: int = 1) -> None: ...",
}
"""What is imported after Prefect, by what it is called."""

BEFORE = {"the same, after a flow of one's own": IMPORTS["nothing, but a flow of one's own"]}

PROBE = """
import time
started, used = time.perf_counter(), time.process_time()
{prefect}
imported, used_so_far = time.perf_counter(), time.process_time()
print(1000 * (imported - started), 1000 * (used_so_far - used))
{before}
imported, used_so_far = time.perf_counter(), time.process_time()
{more}
print(1000 * (time.perf_counter() - imported), 1000 * (time.process_time() - used_so_far))
"""


@dataclass
class Times:
    """Milliseconds of many processes: what passed, and what the processor worked."""

    passed: list[float] = field(default_factory=list[float])
    used: list[float] = field(default_factory=list[float])

    def add(self, line: str) -> None:
        """Take a process's line."""
        passed, used = line.split()
        self.passed.append(float(passed))
        self.used.append(float(used))


def main() -> int:
    """Measure all imports.

    Returns:
        The exit code: 0 when all that is required is so.
    """
    parser = command("importing", "What imports take.")
    parser.add_argument("--processes", type=int, default=15, help="fresh processes of each import")
    options = parser.parse_args()

    console = Console(width=140)
    alone, times = Times(), {name: Times() for name in IMPORTS}
    with console.status("importing"):
        for number in range(options.processes + 1):
            for name, code in IMPORTS.items():
                first, second = _process(code, BEFORE.get(name, ""))
                if number:  # the first round fills the caches
                    alone.add(first)
                    times[name].add(second)

    figures = Figures("importing", ("import", "median, ms", "least", "of the processor, median"))
    figures.add(f"`{PREFECT}`", *_row(alone))
    for name, taken in times.items():
        figures.add(f"then `{name}`" if "import" in name else f"then {name}", *_row(taken))
    figures.show(console)
    below = machine(f"{options.processes} processes of each")
    over = median(times[FLOWS].passed)
    said = f"{FLOWS} takes {over:.1f} ms more than Prefect; required: at most {MOST_MS:g}"
    console.print(said)
    return ended(console, below, [] if over <= MOST_MS else [said], figures.write, options.write)


def _process(code: str, before: str) -> tuple[str, str]:
    probe = PROBE.format(prefect=PREFECT, before=before, more=code)
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    return first, second


def _row(times: Times) -> tuple[float, float, float]:
    return median(times.passed), min(times.passed), median(times.used)


if __name__ == "__main__":
    sys.exit(main())
