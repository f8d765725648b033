"""A PostgreSQL server of one's own, on this machine, for as long as it is needed.

    with postgres() as database, local_server(home, settings=database.settings) as server: ...

Its programs come from the machine's packages: `tests/fleet/install-postgres` brings them.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import plain_environment
from prefect_kie.cli.local_server import free_port

START_SECONDS = 60
PACKAGED = (Path("/usr/lib/postgresql"), Path("/usr/local/opt"), Path("/opt/homebrew/opt"))
"""Where packages put the programs of each version, which need not be on the PATH: <here>/<version>/bin."""

FOR_ROOT = "postgres"
"""PostgreSQL refuses to run as root; its packages make a user of this name."""

QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""Settings for a database that nobody needs after a power cut: tests, not measurements."""


@dataclass(frozen=True)
class Postgres:
    """A running PostgreSQL server.

    Attributes:
        url: Its empty database, as Prefect's server wants it told; holds the password.
        log: What the server says.
    """

    url: str
    log: Path

    @property
    def settings(self) -> dict[str, str]:
        """The environment variable with which a Prefect server uses it."""
        return {"PREFECT_SERVER_DATABASE_CONNECTION_URL": self.url}


@contextmanager
def postgres(**settings: str) -> Generator[Postgres, None, None]:
    """Start PostgreSQL with an empty database in a directory of its own; stop it and remove it afterwards.

    Args:
        settings: Settings other than PostgreSQL's own, such as those of `QUICK`.

    Raises:
        FileNotFoundError: when no PostgreSQL is installed; tells what to run.
        RuntimeError: when it does not start; with what it says.
    """
    programs = _programs()
    port, password = free_port(), secrets.token_urlsafe(16)
    # Short, since the path of a socket is; and not below a directory that PostgreSQL's user cannot enter.
    with tempfile.TemporaryDirectory(prefix="kie-pg-", dir="/tmp") as made:
        home = Path(made)
        (home / "password").write_text(password)
        run_as = _owner(home)

        log = home / "log"

        def do(program: str, *words: str) -> None:
            # A file, not a pipe: the server inherits it, and a pipe would never end.
            with log.open("ab") as output:
                done = subprocess.run(
                    [programs / program, *words],
                    env=plain_environment(),
                    cwd=home,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    user=run_as,
                    group=run_as and pwd.getpwnam(run_as).pw_gid,
                    extra_groups=run_as and [],
                    check=False,
                )
            if done.returncode != 0:
                raise RuntimeError(f"PostgreSQL's {program} failed:\n{log.read_text()[-2000:]}")

        data, user = home / "data", "prefect"
        do("initdb", "--pgdata", str(data), "--username", user, "--auth", "scram-sha-256",
           "--pwfile", str(home / "password"), "--encoding", "UTF8", "--no-locale")  # fmt: skip
        told = {"port": str(port), "listen_addresses": "127.0.0.1", "unix_socket_directories": str(home)}
        with (data / "postgresql.conf").open("a") as conf:
            conf.writelines(f"{name} = '{value}'\n" for name, value in {**told, **settings}.items())
        control = ("--pgdata", str(data), "--wait", "--timeout", str(START_SECONDS))
        do("pg_ctl", "start", *control)
        try:
            yield Postgres(f"postgresql+asyncpg://{user}:{password}@127.0.0.1:{port}/postgres", log)
        finally:
            do("pg_ctl", "stop", *control, "--mode", "immediate")


def _programs() -> Path:
    """The directory of initdb and pg_ctl: those on the PATH, else the newest of the packages."""
    on_path = shutil.which("pg_ctl")
    found = [Path(on_path)] if on_path else []
    for place in PACKAGED:
        versions = [path for path in place.glob("*/bin/pg_ctl") if "postgres" in str(path)]
        found += sorted(versions, key=lambda path: _numbers(path.parent.parent.name), reverse=True)
    if not found:
        raise FileNotFoundError("PostgreSQL is not installed here. Run tests/fleet/install-postgres")
    return found[0].resolve().parent


def _numbers(version: str) -> int:
    return int("".join(filter(str.isdigit, version)) or 0)


def _owner(home: Path) -> str | None:
    """Whom to be for it: for root, PostgreSQL's own user, to whom the directory is then given."""
    if os.geteuid() != 0:
        return None
    for path in (home, *home.iterdir()):
        shutil.chown(path, FOR_ROOT, pwd.getpwnam(FOR_ROOT).pw_gid)
    return FOR_ROOT
