"""Which submission a call is: the same for whoever wants the same thing, whatever it is written like."""

import hashlib
import json
import re
import unicodedata
from typing import Any, cast
from urllib.parse import urlsplit

from prefect_kie.api import JobRequest
from prefect_kie.api.hosts import API_URL
from prefect_kie.api.uploads import content_identity
from prefect_kie.blocks import KieCredentials


def submission_key(
    kie: KieCredentials | None, scope: str, request: JobRequest, take: int, second_try: int = 0
) -> str:
    """The name of a submission: equal for equal calls, whatever the version of this package.

    Of `kie` (None where only requests are compared) its host and its account's name count, not the key,
    which is replaced now and then while what was paid stays paid. Fields of the request left at their default
    do not count, so that a field added in a later version changes no key.
    """
    asked = content_identity(request.identity())  # an upload made anew is the same file
    whose: list[Any] = [_text(scope), request.model_name, canonical(asked), take]
    account: list[str] = []
    if kie is not None and (_host(kie.base_url) != _host(API_URL) or kie.account):
        account = [_host(kie.base_url), _text(kie.account)]
    if second_try or account:
        whose += [second_try, *account]
    text = json.dumps(whose, sort_keys=True, ensure_ascii=False)
    return f"kie-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def is_submission_key(text: str) -> bool:
    """Whether a text has the shape of a submission's key."""
    return re.fullmatch("kie-[0-9a-f]{32}", text) is not None


def canonical(value: Any) -> Any:
    """A JSON value in the one form that stands for all that ask for the same.

    Numbers that are equal are one (5 and 5.0), and so are the Unicode forms of a text (é as one character or
    as two). A field that is null is a field left out. Texts and numbers stay apart ("5" is no 5), and so do
    true and 1, upper and lower case, and the order of a list.
    """
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {_text(name): canonical(one) for name, one in fields.items() if one is not None}
    if isinstance(value, list):
        return [canonical(one) for one in cast("list[object]", value)]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
