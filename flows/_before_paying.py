"""What can be known before anything is paid: that Kie can fetch the inputs, that a video can be looked into.

Each check raises an InvalidRequest; nothing was submitted then.
"""

import re
from importlib.util import find_spec

from prefect_kie.api import InvalidRequest, JobRequest
from prefect_kie.api.envelope import texts_in
from prefect_kie.run_page.markdown import plain

_NAMES_A_FILE = re.compile(r"url|image|picture|frame|video|audio|file", re.IGNORECASE)
_IS_LOCAL = re.compile(
    r"file:|[/~]|\.{1,2}[/\\]|[a-z]:[/\\]|[^\s:]+\.(png|jpe?g|webp|gif|mp4|mov|webm|mp3|wav)$", re.IGNORECASE
)


def check_addresses(request: JobRequest) -> None:
    """Make sure that files which a request names are at addresses where Kie can fetch them."""
    for name, value in texts_in(request.input_fields()):
        if _NAMES_A_FILE.search(name) and _IS_LOCAL.match(value):
            raise InvalidRequest(
                f"{request.model_name}: {name} must be an address that Kie can fetch, not the file "
                f"{plain(value, 80)!r}; nothing was submitted",
                next_step="Upload it first (`await upload_file(file)`), and run again with the address.",
            )


def check_pictures(what: str = "picking a slice", instead: str = ", or give the slice") -> None:
    """Make sure that pictures of a video can be made: a contact sheet, by which a person picks a slice, or
    `what` else needs some.
    """
    missing = [name for module, name in (("av", "PyAV"), ("PIL", "Pillow")) if find_spec(module) is None]
    if missing:
        raise InvalidRequest(
            f"{what} needs pictures of the video, and {' and '.join(missing)} is not installed "
            "where this runs; nothing was submitted",
            next_step=f"Run `pip install 'prefect-kie[pictures]'` there{instead}, and run again.",
        )
