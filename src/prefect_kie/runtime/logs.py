"""What a user reads: the log to write to, and texts of others without their secrets."""

import re
from logging import Logger, LoggerAdapter

from prefect.exceptions import MissingContextError
from prefect.logging import get_logger, get_run_logger


def run_logger() -> Logger | LoggerAdapter[Logger]:
    """The run's own log; outside of any run, this package's."""
    try:
        return get_run_logger()
    except MissingContextError:
        return get_logger("prefect_kie")


def without_passwords(text: str) -> str:
    """A text without the passwords of the addresses in it: `ftp://user:***@host/videos`."""
    return re.sub(r"(\w://[^/\s:]*):[^/\s]*@", r"\1:***@", text)


def shown_error(error: BaseException) -> str:
    """Somebody else's error as a text that may be logged and stored."""
    return without_passwords(f"{type(error).__name__}: {error}")
