"""Whether the process that left something behind can still come back to it."""

from __future__ import annotations

import hashlib
import os
import re
import socket


def is_this_one(host: str, process: int) -> bool:
    """Whether a process of a machine is the one that asks."""
    return host == socket.gethostname() and process == os.getpid()


def is_gone(host: str, process: int) -> bool:
    """Whether a process surely runs no more; those of other machines may always run."""
    return host == socket.gethostname() and not _runs(process)


def mark() -> str:
    """This process, as part of a file's name: a short name of its machine, and its number there."""
    return f"{hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]}-{os.getpid()}"


def is_marked_by_one_gone(name: str) -> bool:
    """Whether a name holds the mark of a process of this machine that runs no more."""
    machine, _, _ = mark().partition("-")
    found = re.search(rf"\b{machine}-(\d+)\b", name)
    return found is not None and not _runs(int(found[1]))


def _runs(process: int) -> bool:
    if os.name != "posix":
        return True  # where that cannot be asked, it may
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
