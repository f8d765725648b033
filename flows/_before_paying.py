"""What can be known before anything is paid: that Kie can fetch the inputs, that a slice can be picked.

Each check raises an InvalidRequest; nothing was submitted then.
"""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from prefect_kie.api import InvalidRequest, JobRequest
from prefect_kie.api.envelope import as_list, as_object
from prefect_kie.run_page.markdown import plain

_NAMES_A_FILE = re.compile(r"url|image|picture|frame|video|audio|file", re.IGNORECASE)
_IS_LOCAL = re.compile(
    r"file:|[/~]|\.{1,2}[/\\]|[a-z]:[/\\]|[^\s:]+\.(png|jpe?g|webp|gif|mp4|mov|webm|mp3|wav)$", re.IGNORECASE
)


def check_addresses(request: JobRequest) -> None:
    """Make sure that files which a request names are at addresses where Kie can fetch them."""
    for name, value in _texts("", request.input_fields()):
        if _NAMES_A_FILE.search(name) and _IS_LOCAL.match(value):
            raise InvalidRequest(
                f"{request.model_name}: {name} must be an address that Kie can fetch, not the file "
                f"{plain(value, 80)!r}; nothing was submitted",
                next_step="Upload it first (`await upload_file(file)`), and run again with the address.",
            )


def check_pictures() -> None:
    """Make sure that a contact sheet can be made, by which a person picks a slice."""
    missing = [name for module, name in (("av", "PyAV"), ("PIL", "Pillow")) if find_spec(module) is None]
    if missing:
        raise InvalidRequest(
            f"picking a slice needs pictures of the video, and {' and '.join(missing)} is not installed "
            "where this runs; nothing was submitted",
            next_step="Run `pip install 'prefect-kie[pictures]'` there, or give the slice, and run again.",
        )


def _texts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    for key, one in as_object(value).items():
        yield from _texts(key, one)
    for one in as_list(value):
        yield from _texts(name, one)
