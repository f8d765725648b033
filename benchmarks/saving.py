"""Saving against `curl`, from the same server on this machine: a file of 1 GB, and 200 of 1 MB at once.

    python -m benchmarks.saving [--repetitions N] [--directory DIR] [--write]

The server is nginx with one process and `sendfile`; it has to be installed, as curl has. Each way runs in a
fresh process, and the ways take turns:

- **curl** writes the files, and nothing else (200 files: `curl --parallel`, all at once).
- **httpx in the event loop** is the straightforward way: `aiter_raw`, each chunk written and hashed.
- **this project** is `fetch`, with which `save_result` brings a file to disk: httpx too, with all its checks,
  the checksum, and the file synced to the disk, which curl leaves to the kernel. That sync is counted; what
  it took (of 200 files: all of them together, though they overlap) is told beside.

Memory is the most that the process had above the start. The longest stall is how much later than due another
task of the process ran, which wakes up every 10 ms.

The exit code is 0 when both come at 0.8 of the straightforward way's speed or more, the big file at 125 MB/s
or more, and both with less than 64 MiB of memory.
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
from rich.console import Console

from benchmarks.command import command, ended
from benchmarks.tables import Figures, machine
from prefect_kie.cli.local_server import free_port

BIG = "1 GB"
SMALL = "200 of 1 MB"
FILES = {BIG: (1, 1_000_000_000), SMALL: (200, 1_000_000)}
"""How many files, and how many bytes each."""

CURL, HTTPX, OURS = "curl", "httpx in the event loop", "this project"
LEAST_OF_HTTPX = 0.8
LEAST_MB_PER_SECOND = 125.0
MOST_MIB = 64.0
BEAT_SECONDS = 0.01
HEADS = ("files", "way", "MB/s", "of curl", "s", "CPU, s", "sync, s", "memory, MiB", "longest stall, ms")

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


def main() -> int:
    """Measure.

    Returns:
        The exit code: 0 when all that is required is so.
    """
    parser = command("saving", "Saving against curl.")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--directory", type=Path, help="where to save; by default a temporary one")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        way, files, url = options.child
        _child(way, files, url, options.directory)
        return 0

    missing = [name for name in ("nginx", "curl") if _found(name) is None]
    if missing:
        parser.error(f"needs {' and '.join(missing)}; on Debian: apt install {' '.join(missing)}")
    console = Console(width=150)
    taken: dict[tuple[str, str], list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="prefect-kie-saving-", dir=options.directory) as name:
        home = Path(name)
        home.chmod(0o755)  # nginx's process may be another user's
        with console.status("writing the files"):
            written = _write_files(home / "files")
        with _nginx(home) as url, console.status("saving"):
            for _ in range(options.repetitions):
                for files in FILES:
                    for way in (CURL, HTTPX, OURS):
                        taken.setdefault((files, way), []).append(_measured(way, files, url, home, written))

    figures = Figures("saving", HEADS, words=2)
    middle = {
        key: {name: median(one[name] for one in many) for name in many[0]} for key, many in taken.items()
    }
    for (files, way), one in middle.items():
        figures.add(files, way, *_cells(files, one, middle[files, CURL], way))
    figures.show(console)
    server = subprocess.run([str(_found("nginx")), "-v"], capture_output=True, text=True, check=True)
    below = machine(
        server.stderr.strip().rpartition(" ")[2],
        f"sha256 alone {_sha256_speed():.0f} MB/s",
        f"medians of {options.repetitions}",
    )
    return ended(console, below, violations(middle), figures.write, options.write)


def violations(middle: dict[tuple[str, str], dict[str, float]]) -> list[str]:
    """What is required and not so.

    Args:
        middle: The median figures by files and way.
    """
    big, small = middle[BIG, OURS], middle[SMALL, OURS]
    found: list[str] = []
    for files, ours in ((BIG, big), (SMALL, small)):
        if (share := middle[files, HTTPX]["seconds"] / ours["seconds"]) < LEAST_OF_HTTPX:
            found.append(f"{files}: {share:.2f} of plain httpx's speed, less than {LEAST_OF_HTTPX:g}")
    if (speed := _speed(BIG, big)) < LEAST_MB_PER_SECOND:
        found.append(f"{BIG}: {speed:.0f} MB/s, less than {LEAST_MB_PER_SECOND:g}")
    for files, ours in ((BIG, big), (SMALL, small)):
        if ours["memory"] >= MOST_MIB:
            found.append(f"{files}: {ours['memory']:.0f} MiB of memory; less than {MOST_MIB:g} is allowed")
    return found


def _speed(files: str, one: dict[str, float]) -> float:
    count, size = FILES[files]
    return count * size / one["seconds"] / 1e6


def _cells(files: str, one: dict[str, float], curl: dict[str, float], way: str) -> tuple[Any, ...]:
    return (
        _speed(files, one),
        curl["seconds"] / one["seconds"],
        one["seconds"],
        one["cpu"],
        one["sync"] if way == OURS else "",
        "" if way == CURL else one["memory"],
        "" if way == CURL else one["stall"],
    )


def _write_files(directory: Path) -> dict[str, str]:
    """Videos, as far as a look at their boxes tells; returns the checksum of one of each kind."""
    directory.mkdir()
    checksums: dict[str, str] = {}
    block = os.urandom(1_000_000)
    for files, (count, size) in FILES.items():
        first = (24).to_bytes(4, "big") + b"ftypisom" + bytes(4) + b"isommp42"
        first += (size - 24).to_bytes(4, "big") + b"mdat"
        whole = hashlib.sha256()
        with (directory / _name(files, 0)).open("wb") as file:
            left = size
            while left:
                piece = (first + block)[: min(left, len(block))]
                first = b""
                file.write(piece)
                whole.update(piece)
                left -= len(piece)
        for number in range(1, count):
            shutil.copyfile(directory / _name(files, 0), directory / _name(files, number))
        checksums[files] = whole.hexdigest()
    return checksums


def _name(files: str, number: int) -> str:
    return f"{files.partition(' ')[0]}-{number}.mp4"


def _found(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextmanager
def _nginx(home: Path) -> Generator[str, None, None]:
    port = free_port()
    (home / "nginx.conf").write_text(NGINX.format(home=home, port=port, user=_user()))
    command = [str(_found("nginx")), "-p", str(home), "-c", str(home / "nginx.conf")]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                httpx.head(f"{url}/{_name(SMALL, 0)}", trust_env=False).raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _user() -> str:
    return "user root;" if hasattr(os, "geteuid") and os.geteuid() == 0 else ""


def _measured(way: str, files: str, url: str, home: Path, checksums: dict[str, str]) -> dict[str, float]:
    target = home / "saved"
    target.mkdir()
    try:
        if way == CURL:
            return _curl(files, url, target)
        command = [sys.executable, "-m", "benchmarks.saving", "--directory", str(target)]
        done = subprocess.run(
            [*command, "--child", way, files, url], capture_output=True, text=True, check=True
        )
        told: dict[str, Any] = json.loads(done.stdout)
        assert set(told.pop("sha256")) == {checksums[files]}, f"{way} saved something else"
        return told
    finally:
        shutil.rmtree(target)


def _curl(files: str, url: str, target: Path) -> dict[str, float]:
    count, _ = FILES[files]
    command = [
        str(_found("curl")),
        "--silent",
        "--fail",
        "--remote-name-all",
        "--output-dir",
        str(target),
    ]
    if count > 1:
        command += ["--parallel", "--parallel-immediate", "--parallel-max", str(count)]
    before, started = os.times(), time.perf_counter()
    urls = [f"{url}/{_name(files, number)}" for number in range(count)]
    subprocess.run([*command, *urls], check=True, stderr=subprocess.DEVNULL)  # several at once show a meter
    seconds, after = time.perf_counter() - started, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {"seconds": seconds, "sync": 0.0, "cpu": cpu, "memory": 0.0, "stall": 0.0}


def _sha256_speed() -> float:
    block, started = os.urandom(1_000_000), time.perf_counter()
    whole = hashlib.sha256()
    for _ in range(300):
        whole.update(block)
    return 300 / (time.perf_counter() - started)


def _child(way: str, files: str, url: str, target: Path) -> None:
    """One way in a process of its own; prints what it took."""
    from prefect_kie.media import transfer

    synced = [0.0]

    def timed(descriptor: int, sync: Any = os.fsync) -> None:
        started = time.perf_counter()
        sync(descriptor)
        synced[0] += time.perf_counter() - started

    transfer.os.fsync = timed  # type: ignore[attr-defined]
    print(json.dumps(asyncio.run(_saved(way, files, url, target)) | {"sync": synced[0]}))


async def _saved(way: str, files: str, url: str, target: Path) -> dict[str, Any]:
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
    seconds = time.perf_counter() - started
    beat.cancel()
    return {
        "seconds": seconds,
        "cpu": time.process_time() - cpu,
        "memory": max(most[0], _memory()) - before,
        "stall": 1000 * max(stalls, default=0.0),
        "sha256": checksums,
    }


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
    """Another task of the process: by how much it is late, and what memory it sees."""
    due = time.perf_counter()
    while True:
        due += BEAT_SECONDS
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        stalls.append(time.perf_counter() - due)
        due = max(due, time.perf_counter() - BEAT_SECONDS)
        most[0] = max(most[0], _memory())


def _memory() -> float:
    """Of this process, MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    sys.exit(main())
