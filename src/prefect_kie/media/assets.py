"""What is saved, as assets of Prefect with their lineage: on by `PREFECT_INTEGRATIONS_KIE_ASSETS`.

Prefect's `@materialize` has to know an asset's key before its task begins, and a result gets its name when it
is there. So the same events are sent afterwards. No run fails for want of one.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

from prefect.assets import Asset, AssetProperties

from prefect_kie._compat import report_assets
from prefect_kie.api import Job
from prefect_kie.api.envelope import texts_in
from prefect_kie.api.uploads import content_identity
from prefect_kie.blocks import KieCharacter
from prefect_kie.errors import shown_error, without_passwords
from prefect_kie.media.saved import SavedResult
from prefect_kie.runtime.logs import run_logger
from prefect_kie.settings import KieSettings

P = ParamSpec("P")

MAX_SOURCES = 90  # an event is related to 100 things at most, and the run's own are among them
MAX_REMEMBERED = 10_000
MAX_DESCRIPTION = 2500

_assets: dict[str, str] = {}
"""Which asset is meant by an address or a task id that a request may hold, as this process has seen it."""


def asset_key(place: str) -> str:
    """The key of what is at a path, a web address, or a place in a storage block (`type/name: path`).

    Spaces and some other characters become `_`. What follows an address's `?` may be a secret, and goes.
    """
    block, colon, path = place.partition(": ")
    if "://" in place:
        key = without_passwords(re.split("[?#]", place)[0])
    elif colon and not Path(place).is_absolute():
        key = f"block://{block}/{path}"
    else:
        key = f"file:///{Path(place).absolute().as_posix().lstrip('/')}"
    return re.sub(r"""[\s\0#?&%"'<>\[\]{}|\\^`]""", "_", key)


def character_key(character: KieCharacter) -> str:
    """The key of a character: it is a block, and has several files."""
    return f"block://kie-character/{character.block_name}"


def remember(key: str, *names: str | None) -> None:
    """Which asset a request means by an address at Kie (of an upload: by its content), or a job's task id."""
    for name in filter(None, names):
        _assets[content_identity(name)] = key
    with suppress(KeyError, RuntimeError):  # of another thread that does the same
        while len(_assets) > MAX_REMEMBERED:
            del _assets[next(iter(_assets))]


def _known(name: str) -> str | None:
    return _assets.get(content_identity(name))


def _where_wanted(report: Callable[P, None]) -> Callable[P, None]:
    """Report where the setting is on; what fails is only logged."""

    @wraps(report)
    def tried(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            if KieSettings().assets:
                report(*args, **kwargs)
        except Exception as error:
            run_logger().warning("What was saved is not reported as an asset (%s)", shown_error(error))

    return tried


@_where_wanted
def report_result(job: Job, saved: SavedResult) -> None:
    """Report the files of a job, made from what its request names."""
    remember(asset_key(saved.path), saved.task_id)
    whole = {**saved.model_dump(include={"model", "task_id", "credits"}), "prompt": job.prompt}
    files: dict[str, dict[str, Any]] = {}
    for file in saved.files:
        remember(key := asset_key(file.path), file.url)
        files[key] = {**file.model_dump(include={"name", "role", "seconds"}), **whole, "bytes": file.size}
    _report(files, _sources(saved.request.get("input")), saved.model)


@_where_wanted
def report_character(character: KieCharacter, sources: Sequence[str]) -> None:
    """Report a character that a block keeps, made from a job, a file, or pictures."""
    about = character.model_dump(include={"name", "handle", "stills", "clip", "voice", "start", "end"})
    about["prompt"] = character.description
    keys = [_known(one) or asset_key(one) for one in sources if _known(one) or "/" in one]
    _report({character_key(character): about}, keys, "prefect-kie")


@_where_wanted
def report_film(path: str, seconds: float, size: int, episodes: Sequence[SavedResult]) -> None:
    """Report a film of saved episodes."""
    key = asset_key(path)
    about = {"name": key.rpartition("/")[2], "seconds": seconds, "bytes": size, "episodes": len(episodes)}
    _report({key: about}, [asset_key(one.path) for one in episodes], "prefect-kie")


def _report(made: Mapping[str, dict[str, Any]], sources: Iterable[str], by: str) -> None:
    assets: dict[Asset, dict[str, Any]] = {}
    for key, about in made.items():
        description = str(about.get("prompt") or "")[:MAX_DESCRIPTION] or None
        properties = AssetProperties(name=about["name"], description=description)
        assets[Asset(key=key, properties=properties)] = about
    origins = [Asset(key=key) for key in dict.fromkeys(sources) if key not in made]
    report_assets(assets, origins[:MAX_SOURCES], by)


def _sources(value: Any) -> Iterator[str]:
    """The assets that an input names: those known here, and other web addresses."""
    for _, text in texts_in(value):
        if known := _known(text):
            yield known
        elif re.fullmatch(r"https?://\S+", text):
            yield asset_key(text)
