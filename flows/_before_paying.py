"""What can be known before anything is paid: that Kie can fetch the inputs, that a slice can be picked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

from prefect_kie.api import InvalidRequest, JobRequest
from prefect_kie.human_input.approval import not_submitted
from prefect_kie.run_page.markdown import plain
from prefect_kie.storage.destination import check_writable

if TYPE_CHECKING:
    from prefect_kie.flows._runner import JobRunner

_NAMES_A_FILE = re.compile(r"url|image|picture|frame|video|audio|file", re.IGNORECASE)
_IS_LOCAL = re.compile(
    r"file:|[/~]|\.{1,2}[/\\]|[a-z]:[/\\]|[^\s:]+\.(png|jpe?g|webp|gif|mp4|mov|webm|mp3|wav)$", re.IGNORECASE
)


async def check_before_paying(
    runner: JobRunner,
    jobs: Sequence[tuple[JobRequest, int]],
    further: Sequence[JobRequest] = (),
    *,
    saves: bool = True,
) -> None:
    """Make sure, before anything is paid, that results can be saved and that Kie can fetch the inputs.

    Args:
        runner: What all jobs of the run share.
        jobs: The requests with their takes.
        further: Requests whose input is not settled yet.
        saves: Whether to write to the destination, for a moment.

    Raises:
        KieError: when something is wrong; nothing was submitted. Where all was submitted before, nothing is
            checked: what is paid for is fetched.
    """
    if further or await not_submitted(jobs, runner.job_key, runner.credentials):
        for request in (*(request for request, _ in jobs), *further):
            check_addresses(request)
        if saves:
            await check_writable(runner.directory, runner.storage)


def check_addresses(request: JobRequest) -> None:
    """Make sure that files which a request names are at addresses where Kie can fetch them.

    Args:
        request: What to make; of an untyped model too.

    Raises:
        InvalidRequest: when one is a file of this machine; nothing was submitted.
    """
    for name, value in _texts("", request.input_fields()):
        if _NAMES_A_FILE.search(name) and _IS_LOCAL.match(value):
            raise InvalidRequest(
                f"{request.model_name}: {name} must be an address that Kie can fetch, not the file "
                f"{plain(value, 80)!r}; nothing was submitted",
                next_step="Upload it first (`await upload_image(file)`), and run again with the address.",
            )


def check_pictures() -> None:
    """Make sure that a contact sheet can be made, by which a person picks a slice.

    Raises:
        InvalidRequest: when PyAV or Pillow is missing; nothing was submitted.
    """
    missing = [name for module, name in (("av", "PyAV"), ("PIL", "Pillow")) if find_spec(module) is None]
    if missing:
        raise InvalidRequest(
            f"picking a slice needs pictures of the video, and {' and '.join(missing)} is not installed "
            "where this runs; nothing was submitted",
            next_step="Run `pip install 'prefect-kie[pictures]'` there, or give the slice, and run again.",
        )


def _texts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Each text of an input, with the name of the field in which it is."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, one in cast("dict[str, Any]", value).items():
            yield from _texts(key, one)
    elif isinstance(value, list | tuple):
        for one in cast("list[Any]", value):
            yield from _texts(name, one)
