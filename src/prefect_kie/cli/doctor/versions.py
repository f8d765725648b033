"""What the doctor says of versions: Prefect's, and those of packages that a Prefect server stands on."""

from __future__ import annotations

import re

from prefect_kie.cli.doctor.check import Check

FIRST_GOOD_SQLALCHEMY = (2, 1)


def check_sqlalchemy(installed: str) -> Check:
    """Whether a server on SQLite answers at all times with this version of SQLAlchemy.

    Args:
        installed: The version.
    """
    what = f"SQLAlchemy {installed}"
    if _numbers(installed) >= FIRST_GOOD_SQLALCHEMY:
        return Check("ok", what)
    return Check(
        "ok",
        f"{what}; with 2.1 a server on SQLite would not stand still for a minute now and then",
        "run, where the server is: pip install --upgrade 'sqlalchemy>=2.1'",
    )


def check_versions(url: str, server: str, client: str) -> Check:
    """Whether the server is as new as its client: Prefect promises that only this works.

    Args:
        url: Where the server is.
        server: Its version.
        client: The version of the installed client.
    """
    what = f"Prefect server {url}, version {server}"
    if _numbers(server) < _numbers(client):
        return Check(
            "trouble",
            f"{what}, is older than this client ({client})",
            f"run: pip install 'prefect=={server}' (here), or upgrade the server to {client}",
        )
    return Check("ok", f"{what}; client {client}")


def _numbers(text: str) -> tuple[int, ...]:
    """A version's first two numbers."""
    return tuple(int(number) for number in re.findall(r"\d+", text)[:2])
