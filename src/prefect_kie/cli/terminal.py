"""Output that never ends a command: whatever the terminal, pipe or file takes, and though nobody reads it."""

from __future__ import annotations

import io
import os
import sys
from typing import Any


def forgive_output() -> None:
    """Let this process print anything, anywhere.

    What the output's encoding does not have is written as an escape (`\\u4f60`). What is printed after a
    pipe's reader has gone (`| head -1`), or once the disk under a file is full, is dropped: a batch goes on
    without. A stream that is none of the process's own, as in a test or a notebook, stays as it is.
    """
    sys.stdout = _forgiving(sys.stdout)
    sys.stderr = _forgiving(sys.stderr)


def _forgiving(stream: Any) -> Any:
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)
    if type(stream) is not io.TextIOWrapper or type(raw) is not io.FileIO:
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Output(raw.fileno(), "wb", closefd=False)),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=True,
    )


class _Output(io.FileIO):
    """A file that takes everything, also what can no longer be written."""

    def write(self, data: Any, /) -> Any:
        try:
            return super().write(data)
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())  # what child processes and Prefect print goes there, too
            os.close(nowhere)
            return memoryview(data).nbytes
