"""What commands print: anything, to any terminal, pipe or file, and though nobody reads it."""

from __future__ import annotations

import io
import os
import sys
from dataclasses import dataclass
from typing import Any, Literal

# Rich is imported by what prints: `--help` has to come at once.

Outcome = Literal["ok", "exists", "created", "updated", "warning", "missing", "error"]

STYLES = {"ok": "green", "created": "green", "exists": "dim", "error": "bold red"}


class CommandFailed(Exception):
    """A command cannot begin, or not go on; the message is all that the user has to know."""


@dataclass(frozen=True)
class Finding:
    """What `setup` did about one thing, or what `doctor` knows of it."""

    outcome: Outcome
    what: str
    remedy: str | None = None

    def show(self) -> None:
        """Print it, the remedy on a line of its own."""
        from rich.text import Text

        say(Text.assemble((f"{self.outcome:<8} ", STYLES.get(self.outcome, "yellow")), self.what))
        if self.remedy:
            say(f"         {self.remedy}")


def say(text: Any, style: str = "", *, error: bool = False) -> None:
    """Print a text as it is: brackets are no markup, and a line stays one, so that ids can be copied."""
    from rich.console import Console
    from rich.text import Text

    line = Text(text, style=style) if isinstance(text, str) else text
    Console(stderr=error).print(line, soft_wrap=True)


def confirmed(question: str) -> bool:
    """Ask a person before anything is paid."""
    from rich.prompt import Confirm

    if not sys.stdin.isatty():
        say("Nobody is there to be asked before paying; say --yes. Nothing was submitted.")
        return False
    if not Confirm.ask(question, default=False):
        say("Nothing was submitted.")
        return False
    return True


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
