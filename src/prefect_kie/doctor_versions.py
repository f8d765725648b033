"""What the doctor says of versions: Prefect's, and those of packages that a Prefect server stands on."""

from __future__ import annotations

import re

from prefect_kie.doctor_check import Check

FIRST_BAD_FASTAPI = (0, 151)
FIRST_BAD_SQLALCHEMY = (2, 1)
FIRST_GOOD_PREFECT = (3, 9)
"""From here on Prefect's server works with newer ones."""


def check_fastapi(installed: str, beside: str) -> Check:
    """Whether `prefect server start` starts with this version of FastAPI.

    Args:
        installed: The version.
        beside: Prefect's.
    """
    return _below(
        FIRST_BAD_FASTAPI,
        f"fastapi {installed}",
        beside,
        "a Prefect 3.8 server does not start with 0.151 or newer",
        "run: pip install 'fastapi<0.151'",
    )


def check_sqlalchemy(installed: str, beside: str) -> Check:
    """Whether a server with this version of SQLAlchemy fires schedules, and answers at all times.

    Args:
        installed: The version.
        beside: Prefect's.
    """
    what = f"SQLAlchemy {installed}"
    if _numbers(installed) < FIRST_BAD_SQLALCHEMY and _numbers(beside) >= FIRST_GOOD_PREFECT:
        return Check(
            "ok",
            f"{what}; with 2.1 a server on SQLite would not stand still for a minute now and then",
            "run, where the server is: pip install --upgrade 'sqlalchemy>=2.1'",
        )
    return _below(
        FIRST_BAD_SQLALCHEMY,
        what,
        beside,
        "on 2.1 or newer a Prefect 3.8 server fires no schedule",
        "run, where the server is: pip install 'sqlalchemy<2.1'",
    )


def _below(first_bad: tuple[int, ...], what: str, beside: str, trouble: str, advice: str) -> Check:
    """A package and its version, which must be below the first bad one where Prefect is an older one."""
    if _numbers(what) >= first_bad and _numbers(beside) < FIRST_GOOD_PREFECT:
        return Check("trouble", f"{what}: {trouble}", advice)
    return Check("ok", what)


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
