"""The log to write to."""

from logging import Logger, LoggerAdapter

from prefect.exceptions import MissingContextError
from prefect.logging import get_logger, get_run_logger


def run_logger() -> Logger | LoggerAdapter[Logger]:
    """The run's own log; outside of any run, this package's."""
    try:
        return get_run_logger()
    except MissingContextError:
        return get_logger("prefect_kie")
