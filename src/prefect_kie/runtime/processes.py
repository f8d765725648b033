"""Whether the process that left something behind can still come back to it."""

import hashlib
import os
import re
import socket
from contextlib import suppress
from functools import cache
from pathlib import Path


@cache
def this_machine() -> str:
    """A name of the place where process numbers mean the same: one kernel and one container.

    A host name does not do: a container's may be fixed, and its twin on another machine has a process 1 too.
    """
    parts = [socket.gethostname()]
    with suppress(OSError):  # not Linux: there, hosts have names of their own
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def is_gone(machine: str, process: int) -> bool:
    """Whether a process surely runs no more; those of other machines may always run."""
    if machine != this_machine() or os.name != "posix":
        return False  # where that cannot be asked, it may run
    try:
        os.kill(process, 0)
    except OSError as error:
        return isinstance(error, ProcessLookupError)
    return False


def mark() -> str:
    """This process, as part of a file's name: a short name of its machine, and its number there."""
    return f"{this_machine()[:8]}-{os.getpid()}"


def is_marked_by_one_gone(name: str) -> bool:
    """Whether a name holds the mark of a process of this machine that runs no more."""
    found = re.search(rf"\b{this_machine()[:8]}-(\d+)\b", name)
    return found is not None and is_gone(this_machine(), int(found[1]))
