"""What importing this package adds to importing Prefect, each in new processes by turns.

    python -m benchmarks.importing [--times 9] [--write]

Required: one model's task takes at most 100 ms more than Prefect.
"""

import statistics
import subprocess
import sys

from benchmarks.report import Figures, command, machine, report

STATEMENTS = {
    "`import prefect_kie`": "import prefect_kie",
    "a model's task": "from prefect_kie.tasks import kling_3_0_video",
    "a flow": "from prefect_kie.flows import generate_video",
    "all flows": "from prefect_kie.flows import *",
}
MAX_MS = 100.0
HEADS = ("what", "ms more than Prefect", "Prefect's own, ms")
MEASURE = """
import time
begun = time.perf_counter()
from prefect import flow, task
between = time.perf_counter()
{statement}
print(between - begun, time.perf_counter() - between)
"""


def imported(statement: str) -> tuple[float, float]:
    """How long a new process imports Prefect, and then what the statement says, ms."""
    words = [sys.executable, "-c", MEASURE.format(statement=statement)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    prefect, ours = done.stdout.split()
    return float(prefect) * 1000, float(ours) * 1000


def main() -> int:
    """Measure.

    Returns:
        The exit code: 0 when all requirements are met.
    """
    parser = command("importing", __doc__)
    parser.add_argument("--times", type=int, default=9, help="how often each is imported")
    options = parser.parse_args()
    measured: dict[str, list[tuple[float, float]]] = {what: [] for what in STATEMENTS}
    for statement in STATEMENTS.values():
        imported(statement)  # writes down the bytecode
    for _ in range(options.times):
        for what, statement in STATEMENTS.items():
            measured[what].append(imported(statement))
    figures, broken = Figures("importing", HEADS), list[str]()
    for what, times in measured.items():
        prefect, ours = (statistics.median(one) for one in zip(*times, strict=True))
        figures.add(what, ours, prefect)
        if what == "a model's task" and ours > MAX_MS:
            broken.append(f"{what} takes {ours:.0f} ms more than Prefect")
    return report(figures, machine(f"median of {options.times}"), broken, options.write)


if __name__ == "__main__":
    sys.exit(main())
