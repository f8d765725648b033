"""How fast videos are saved: `fetch`, with which `save_result` downloads, beside httpx and `curl` (Linux).

    python -m benchmarks.saving [--repetitions N] [--directory DIR] [--write]

nginx serves files on this machine: one of 1 GB, and 200 of 1 MB at once. `fetch` checks, hashes and syncs
each file to the disk; plain httpx in the event loop writes and hashes it; curl only writes it. Memory is the
most that the process had above the start. The longest stall is how late another task of the process ran.

Required: both at 0.8 or more of plain httpx's speed, the file of 1 GB at 125 MB/s (a gigabit line) or more,
and less than 64 MiB of memory. The target is 250 MB/s (two gigabits).
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from benchmarks.processes import Child, plain_environment, wait_until_it_answers
from benchmarks.report import Figures, command, machine, report
from prefect_kie.cli.local_server import free_port

BIG, SMALL = "1 GB", "200 of 1 MB"
FILES = {BIG: (1, 1_000_000_000), SMALL: (200, 1_000_000)}
"""How many files, and how many bytes each."""
CURL, HTTPX, OURS = "curl", "httpx in the event loop", "this project"
MIN_OF_HTTPX = 0.8
MIN_MB_PER_SECOND, TARGET_MB_PER_SECOND = 125.0, 250.0
MAX_MIB = 64.0
BEAT_SECONDS = 0.01
HEADS = ("files", "way", "MB/s", "of httpx", "CPU, s", "memory, MiB", "longest stall, ms")
NGINX = """
daemon off; worker_processes 1; pid {home}/nginx.pid; error_log {home}/error.log; {user}
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; types {{ video/mp4 mp4; }}
  client_body_temp_path {home}/1; proxy_temp_path {home}/2; fastcgi_temp_path {home}/3;
  uwsgi_temp_path {home}/4; scgi_temp_path {home}/5;
  server {{ listen 127.0.0.1:{port} backlog=1024; root {home}/files; }}
}}
"""

Measured = dict[str, float]
"""`seconds`, `cpu`, `memory` and `stall` of one way."""


def violations(middle: dict[tuple[str, str], Measured]) -> list[str]:
    """The requirements that are not met, by the medians of each kind of files and way."""
    found: list[str] = []
    for files in FILES:
        ours = middle[files, OURS]
        if (share := middle[files, HTTPX]["seconds"] / ours["seconds"]) < MIN_OF_HTTPX:
            found.append(f"{files}: {share:.2f} of plain httpx's speed, less than {MIN_OF_HTTPX:g}")
        if ours["memory"] >= MAX_MIB:
            found.append(f"{files}: {ours['memory']:.0f} MiB of memory; less than {MAX_MIB:g} is allowed")
    if (speed := _speed(BIG, middle[BIG, OURS])) < MIN_MB_PER_SECOND:
        found.append(f"{BIG}: {speed:.0f} MB/s, less than {MIN_MB_PER_SECOND:g}")
    return found


def _speed(files: str, one: Measured) -> float:
    count, size = FILES[files]
    return count * size / one["seconds"] / 1e6


def _name(files: str, number: int) -> str:
    return f"{files.partition(' ')[0]}-{number}.mp4"


def _write_files(directory: Path) -> dict[str, str]:
    """Write files that begin as videos do; return the checksum of each kind."""
    directory.mkdir()
    checksums: dict[str, str] = {}
    block = os.urandom(1_000_000)
    for files, (count, size) in FILES.items():
        piece = b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + (size - 24).to_bytes(4, "big") + b"mdat" + block
        whole, left = hashlib.sha256(), size
        with (directory / _name(files, 0)).open("wb") as file:
            while left:
                piece = piece[: min(left, len(block))]
                left -= file.write(piece)
                whole.update(piece)
                piece = block
        for number in range(1, count):
            shutil.copyfile(directory / _name(files, 0), directory / _name(files, number))
        checksums[files] = whole.hexdigest()
    return checksums


def _found(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextmanager
def _nginx(home: Path) -> Generator[str, None, None]:
    user = "user root;" if os.geteuid() == 0 else ""
    url = f"http://127.0.0.1:{(port := free_port())}"
    (home / "nginx.conf").write_text(NGINX.format(home=home, port=port, user=user))
    words = [str(_found("nginx")), "-p", str(home), "-c", str(home / "nginx.conf")]
    process = subprocess.Popen(words, env=plain_environment(), stderr=subprocess.DEVNULL)
    try:
        wait_until_it_answers(f"{url}/{_name(SMALL, 0)}", process, home / "error.log")
        yield url
    finally:
        process.terminate()
        process.wait(30)


def measure(way: str, files: str, url: str, home: Path, checksums: dict[str, str]) -> Measured:
    """Download the files in one way, in a process of its own."""
    target = home / "saved"
    target.mkdir()
    try:
        if way == CURL:
            return _curl(files, url, target)
        words = ["benchmarks.saving", "--directory", str(target), "--child", way, files, url]
        measured: dict[str, Any] = Child(words).result()
        assert set(measured.pop("sha256")) == {checksums[files]}, f"{way} saved something else"
        return measured
    finally:
        shutil.rmtree(target)


def _curl(files: str, url: str, target: Path) -> Measured:
    count, _ = FILES[files]
    words = [str(_found("curl")), "--silent", "--fail", "--remote-name-all", "--output-dir", str(target)]
    if count > 1:
        words += ["--parallel", "--parallel-immediate", "--parallel-max", str(count)]
    urls = [f"{url}/{_name(files, number)}" for number in range(count)]
    before, started = os.times(), time.perf_counter()
    subprocess.run([*words, *urls], check=True, stderr=subprocess.DEVNULL)
    seconds, after = time.perf_counter() - started, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {"seconds": seconds, "cpu": cpu, "memory": 0.0, "stall": 0.0}


async def _download(way: str, files: str, url: str, target: Path) -> dict[str, Any]:
    from prefect_kie.media.download import fetch

    async def one(number: int) -> str:
        name = _name(files, number)
        if way == OURS:
            return (await fetch(f"{url}/{name}", target / name, local_allowed=True)).sha256
        return await _straightforward(f"{url}/{name}", target / name)

    count, _ = FILES[files]
    stalls: list[float] = []
    most = [0.0]
    beat = asyncio.create_task(_beats(stalls, most))
    await asyncio.sleep(0.1)
    stalls.clear()
    before, started, cpu = _memory(), time.perf_counter(), time.process_time()
    checksums = await asyncio.gather(*(one(number) for number in range(count)))
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    beat.cancel()
    memory, stall = max(most[0], _memory()) - before, 1000 * max(stalls, default=0.0)
    return {"seconds": seconds, "cpu": cpu, "memory": memory, "stall": stall, "sha256": checksums}


async def _straightforward(url: str, path: Path) -> str:
    checksum = hashlib.sha256()
    timeout = httpx.Timeout(60.0, pool=None)
    async with (
        httpx.AsyncClient(trust_env=False, timeout=timeout, verify=False) as http,
        http.stream("GET", url) as response,
    ):
        response.raise_for_status()
        with path.open("wb") as file:
            async for chunk in response.aiter_raw():
                file.write(chunk)
                checksum.update(chunk)
    return checksum.hexdigest()


async def _beats(stalls: list[float], most: list[float]) -> None:
    """Another task of the process: note how late it runs, and the memory it sees."""
    due = time.perf_counter()
    while True:
        due += BEAT_SECONDS
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        stalls.append(time.perf_counter() - due)
        due = max(due, time.perf_counter() - BEAT_SECONDS)
        most[0] = max(most[0], _memory())


def _memory() -> float:
    """This process's memory, MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> int:
    """Measure.

    Returns:
        The exit code: 0 when all requirements are met.
    """
    parser = command("saving", __doc__)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--directory", type=Path, help="where to save; by default a temporary directory")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(asyncio.run(_download(*options.child, options.directory))))
        return 0
    if missing := [name for name in ("nginx", "curl") if _found(name) is None]:
        parser.error(f"needs {' and '.join(missing)}; on Debian: apt install {' '.join(missing)}")

    taken: dict[tuple[str, str], list[Measured]] = {}
    with tempfile.TemporaryDirectory(prefix="prefect-kie-saving-", dir=options.directory) as name:
        home = Path(name)
        home.chmod(0o755)  # nginx's process may belong to another user
        checksums = _write_files(home / "files")
        with _nginx(home) as url:
            for _ in range(options.repetitions):
                for files in FILES:
                    for way in (CURL, HTTPX, OURS):
                        taken.setdefault((files, way), []).append(measure(way, files, url, home, checksums))
    figures = Figures("saving", HEADS, words=2)
    middle = {
        key: {name: median(one[name] for one in many) for name in many[0]} for key, many in taken.items()
    }
    for (files, way), one in middle.items():
        inside = ("", "") if way == CURL else (one["memory"], one["stall"])
        share = middle[files, HTTPX]["seconds"] / one["seconds"]
        figures.add(files, way, _speed(files, one), share, one["cpu"], *inside)
    below = machine(f"medians of {options.repetitions}", f"target {TARGET_MB_PER_SECOND:g} MB/s")
    return report(figures, below, violations(middle), options.write)


if __name__ == "__main__":
    sys.exit(main())
