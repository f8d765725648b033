"""How fast episodes are joined to a film, and how much memory that takes (Linux).

    python -m benchmarks.film [--write]

Five clips of 10 s with grain and sound, 5 to 10 Mbit/s: of five sizes and rates, which are coded once, in
cuts and with a crossfade; and five alike, which are copied. Each film is made in a process of its own, on one
core. Memory is the most that it had above the start; its growth, that of the film's second half above the
first.

Required: less than one second of CPU for a second of film, less than 16 MiB of growth, a length exact to a
frame for each cut.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

from benchmarks.processes import Child
from benchmarks.report import Figures, command, machine, report

HEADS = ("film", "seconds", "CPU s per s", "times real time", "memory MiB", "growth MiB")
CLIPS: tuple[tuple[int, int, Fraction | int], ...] = (
    (1280, 720, 24),
    (720, 1280, 30),
    (1920, 1080, 25),
    (960, 960, 60),
    (1680, 720, Fraction(24000, 1001)),
)
SECONDS = 10
FILMS = {
    "five kinds, cuts": (False, 0.0),
    "five kinds, crossfade": (False, 0.5),
    "five alike, copied": (True, 0.0),
}
MAX_CPU, MAX_GROWTH = 1.0, 16.0


def _write_clip(path: Path, width: int, height: int, fps: Fraction | int) -> Path:
    """A moving test picture with noise, and a tone."""
    import av as module

    av: Any = module
    sources = (
        (
            f"testsrc2=s={width}x{height}:r={fps}:d={SECONDS},noise=c0_strength=4:c0_flags=t,format=yuv420p",
            "buffersink",
        ),
        (f"sine=frequency=330:sample_rate=44100:duration={SECONDS}", "abuffersink"),
    )
    with av.open(str(path), "w") as container:
        streams = [
            container.add_stream("libx264", rate=fps, options={"preset": "veryfast"}),
            container.add_stream("aac", rate=44100, layout="mono"),
        ]
        streams[0].width, streams[0].height, streams[0].pix_fmt = width, height, "yuv420p"
        for (filters, sink), stream in zip(sources, streams, strict=True):
            graph = av.filter.Graph()
            nodes = [graph.add(*one.split("=", 1)) for one in filters.split(",")]
            graph.link_nodes(*nodes, graph.add(sink)).configure()
            while True:
                try:
                    frame = graph.pull()
                except (BlockingIOError, EOFError):
                    break
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


def _memory() -> float:
    """This process's memory, MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _join(crossfade: float, target: Path, files: list[Path]) -> dict[str, float]:
    """Join the files, on one core."""
    from prefect_kie.media.film import join
    from prefect_kie.media.footage import look

    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    look(files[0])  # loads PyAV
    begun = _memory()
    seen: list[float] = []

    def stopped() -> bool:
        seen.append(_memory())
        return False

    cpu, started = time.process_time(), time.perf_counter()
    film = join(files, target, crossfade=crossfade, stopped=stopped)
    cpu, seconds = time.process_time() - cpu, time.perf_counter() - started
    half = len(seen) // 2
    exact = len(files) * SECONDS - (len(files) - 1) * crossfade
    return {
        "film": film.seconds,
        "frames off": abs(look(target).seconds - exact) * film.fps,
        "cpu": cpu / film.seconds,
        "speed": film.seconds / seconds,
        "memory": max(seen) - begun,
        "growth": max(seen[half:]) - max(seen[:half]),
        "copied": film.copied,
    }


def violations(measured: dict[str, dict[str, float]]) -> list[str]:
    """The requirements that are not met."""
    found: list[str] = []
    for name, one in measured.items():
        if one["cpu"] >= MAX_CPU:
            found.append(f"{name}: {one['cpu']:.2f} s of CPU for a second of film")
        if one["growth"] >= MAX_GROWTH:
            found.append(f"{name}: memory grows by {one['growth']:.0f} MiB")
        if one["frames off"] > len(CLIPS):
            found.append(f"{name}: its length is {one['frames off']:.1f} frames off")
        if one["copied"] != FILMS[name][0]:
            found.append(f"{name}: it was {'copied' if one['copied'] else 'coded'}")
    return found


def main() -> int:
    """Measure.

    Returns:
        The exit code: 0 when all requirements are met.
    """
    parser = command("film", __doc__)
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        crossfade, target, *files = options.child
        print(json.dumps(_join(float(crossfade), Path(target), [Path(file) for file in files])))
        return 0
    figures = Figures("film", HEADS)
    measured: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="prefect-kie-film-") as name:
        home = Path(name)
        files = [_write_clip(home / f"{number}.mp4", *clip) for number, clip in enumerate(CLIPS)]
        for film, (alike, crossfade) in FILMS.items():
            episodes = [files[0]] * len(files) if alike else files
            words = [
                "benchmarks.film",
                "--child",
                str(crossfade),
                str(home / "film.mp4"),
                *map(str, episodes),
            ]
            one = measured[film] = Child(words).result()
            figures.add(film, one["film"], one["cpu"], one["speed"], one["memory"], one["growth"])
    return report(figures, machine("one core for each film"), violations(measured), options.write)


if __name__ == "__main__":
    sys.exit(main())
