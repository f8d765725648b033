"""What commands print: anything, to any terminal, pipe or file, and though nobody reads it."""

import io
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

# Rich is imported by what prints: `--help` has to come at once.

Outcome = Literal["ok", "exists", "created", "updated", "deleted", "warning", "missing", "error"]

STYLES = {"ok": "green", "created": "green", "exists": "dim", "error": "bold red"}
CONTROLS = dict.fromkeys({*range(32), *range(127, 160)} - {ord("\n"), ord("\t")})
"""Control characters, to be left out."""


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

        outcome = f"{self.outcome:<8} ", STYLES.get(self.outcome, "yellow")
        say(Text.assemble(outcome, self.what.translate(CONTROLS)))
        if self.remedy:
            say(f"         {self.remedy}")


async def show_all(findings: AsyncIterator[Finding], *failures: Outcome) -> bool:
    """Print findings as they come; whether one of them is a failure."""
    failed = False
    async for finding in findings:
        finding.show()
        failed |= finding.outcome in failures
    return failed


def say(text: Any, style: str = "", *, error: bool = False) -> None:
    """Print a text as it is: brackets are no markup, a line stays one, so that ids can be copied, and what
    Kie's words hold for terminals (escape sequences) does nothing.
    """
    from rich.console import Console
    from rich.text import Text

    line = Text(text.translate(CONTROLS), style=style) if isinstance(text, str) else text
    Console(stderr=error).print(line, soft_wrap=True)


def confirmed(question: str) -> bool:
    """Ask a person before anything is paid."""
    from rich.prompt import Confirm

    asked = sys.stdin.isatty()
    if asked and Confirm.ask(question, default=False):
        return True
    nobody = "" if asked else "Nobody is there to be asked before paying; say --yes. "
    say(f"{nobody}Nothing was submitted.")
    return False


def forgive_output() -> None:
    """Let this process print anything, anywhere.

    What the output's encoding does not have is written as an escape (`\\u4f60`). What is printed after a
    pipe's reader has gone (`| head -1`), or once the disk under a file is full, is dropped: a batch goes on
    without. A stream that is none of the process's own, as in a test or a notebook, stays as it is.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and stream is getattr(sys, f"__{name}__"):
            stream.flush()
            buffer = io.BufferedWriter(_Output(stream.fileno(), "wb", closefd=False))
            forgiving = io.TextIOWrapper(buffer, stream.encoding, "backslashreplace", line_buffering=True)
            setattr(sys, name, forgiving)


class _Output(io.FileIO):
    """A file that takes everything, also what can no longer be written."""

    def write(self, data: Any, /) -> Any:
        try:
            return super().write(data)
        except OSError:
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), self.fileno())  # for child processes and Prefect, too
            return memoryview(data).nbytes
