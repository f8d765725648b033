"""`make bench`: all benchmarks one after the other, or those that are named.

    python -m benchmarks [NAME ...] [--write]

Each is a command of its own as well, `python -m benchmarks.NAME`, with options of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

NAMES = {
    "importing": "what importing the package adds to Prefect (2 minutes)",
    "saving": "saving files, beside plain httpx and curl (3 minutes)",
    "waiting": "how soon an ended job is known, and for how many polls (3 minutes)",
    "peers": "the same beside the SDKs of replicate, fal and runwayml (10 minutes)",
    "creating": "two processes at Kie's limit of submissions (5 minutes)",
    "batches": "200 videos at Kie's limits, 1,000 in flight at once (15 minutes)",
    "killed_batch": "a batch that is killed and started again ten times (3 minutes)",
    "film": "joining episodes to a film (3 minutes)",
    "load": "20 deployed runs of 50 videos on PostgreSQL and two workers (12 minutes)",
    "costs": "CPU of client and server per video, beside two simpler ways (15 minutes)",
}
"""Each with what it measures, and about how long that takes."""


def main() -> int:
    """Run them.

    Returns:
        The exit code: 0 when all requirements are met.
    """
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Each benchmark prints the requirements that are not met, and then fails.",
        epilog="\n".join(f"{name:14}{what}" for name, what in NAMES.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="all, if none is named")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in NAMES]:
        parser.error(f"there is no benchmark {unknown[0]!r}")
    failed: list[str] = []
    for name in options.names or NAMES:
        print(f"\n{name}: {NAMES[name]}", flush=True)
        begun = time.monotonic()
        words = ["--write"] if options.write else []
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *words], check=False)
        print(f"{name}: exit code {done.returncode} after {time.monotonic() - begun:.0f} s", flush=True)
        if done.returncode:
            failed.append(name)
    if failed:
        print(f"\nRequirements not met: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
