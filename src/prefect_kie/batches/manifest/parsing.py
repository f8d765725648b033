"""A manifest as the videos that it asks for, or all that is wrong with it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio.to_thread
from pydantic import BaseModel, ConfigDict, SerializeAsAny

from prefect_kie.api import JobRequest, MarketModel
from prefect_kie.batches.manifest.cells import KNOWN, input_of, is_empty, video_class
from prefect_kie.batches.manifest.files import ReadableStorage, content_of
from prefect_kie.batches.manifest.mistakes import ManifestMistakes, Mistake, nearest
from prefect_kie.batches.manifest.reading import RawRow, Reading, read_bytes, read_list
from prefect_kie.batches.manifest.rows import SPECIAL, RowReader, Settings
from prefect_kie.batches.manifest.strict_json import plain_json
from prefect_kie.keys import submission_key
from prefect_kie.run_page.markdown import plain


class Row(BaseModel):
    """One video of a batch.

    Attributes:
        number: Which video of the manifest, counted from 1; blank rows do not count.
        line: The line of the file where its row begins; None where there are no lines.
        request: What to make.
        take: Which variation of it: equal rows are takes 1, 2, 3 … unless they say otherwise.
        values: What the manifest says in this row, as text by column; empty where it says nothing.
    """

    model_config = ConfigDict(frozen=True)

    number: int
    line: int | None = None
    request: SerializeAsAny[JobRequest]
    take: int
    values: dict[str, str]


async def read_manifest(
    manifest: str | Path | Sequence[Mapping[str, Any]],
    storage: ReadableStorage | None = None,
    *,
    defaults: Mapping[str, Any] | None = None,
    columns: Mapping[str, str | None] | None = None,
) -> list[Row]:
    """All videos that a manifest asks for, or all that is wrong with it.

    Args:
        manifest: A list of dictionaries, or a file: .csv, .tsv, .jsonl, .ndjson or .json, UTF-8, at most
            10,000 rows and 50 MB.
        storage: The block that the file is read from; None: this machine's disk.
        defaults: Fields for the rows that leave them out, `model` among them.
        columns: For columns that are not called like a field: the field, or None to ignore the column.

    Raises:
        ManifestMistakes: with every mistake's row and column.
        ServiceUnavailable: when the storage does not answer.
    """
    if isinstance(manifest, str | Path):
        content, name = await content_of(str(manifest), storage), plain(Path(manifest).name)
        read = partial(read_bytes, content, str(manifest))
    else:
        name, read = "the manifest", partial(read_list, manifest)

    def parsed() -> list[Row]:
        return parse_rows(read(), defaults=defaults, columns=columns, manifest=name)

    return await anyio.to_thread.run_sync(parsed)  # 10,000 rows take their time


def parse_rows(
    reading: Reading,
    *,
    defaults: Mapping[str, Any] | None = None,
    columns: Mapping[str, str | None] | None = None,
    manifest: str = "the manifest",
) -> list[Row]:
    """The videos of the rows that were read (`read_bytes`, `read_list`).

    Args:
        reading: What was read.
        defaults: As of `read_manifest`.
        columns: As of `read_manifest`.
        manifest: The manifest's name, for people.

    Raises:
        ManifestMistakes: with every mistake's row and column, those of the reading included.
    """
    mistakes = list(reading.mistakes)
    known, renamed = _plain_defaults(defaults or {}, mistakes), dict(columns or {})
    settings = Settings.of(reading.rows, known, renamed)
    if not _is_without_header(reading, settings):
        mistakes += _settings_mistakes(reading, settings)
        videos: list[_Video] = []
        for raw in reading.rows:
            reader = RowReader(raw, settings)
            request = reader.request()
            mistakes += reader.mistakes
            if request is not None:
                videos.append(_Video(raw, request, reader.take))
        takes = _takes(videos, settings, mistakes)
    else:
        first = ", ".join(repr(plain(name, 30)) for name in list(reading.columns)[:3])
        mistakes.append(
            Mistake(
                line=reading.header,
                message="no column's name is known; the first line must be a header with names such as model "
                f"and prompt, not {first}",
            )
        )
        videos, takes = [], []
    if mistakes:
        raise ManifestMistakes(sorted(mistakes, key=lambda one: one.row or 0), manifest)
    return [video.as_row(take) for video, take in zip(videos, takes, strict=True)]


@dataclass(frozen=True)
class _Video:
    raw: RawRow
    request: JobRequest
    take: int | None

    def as_row(self, take: int) -> Row:
        values = {name: _as_text(value) for name, value in self.raw.cells.items()}
        raw = self.raw
        return Row(number=raw.number, line=raw.line, request=self.request, take=take, values=values)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _plain_defaults(given: Mapping[str, Any], mistakes: list[Mistake]) -> dict[str, Any]:
    """The defaults by field, those of an `input` object among them, without empty ones."""
    defaults: dict[str, Any] = {}
    for name, value in given.items():
        try:
            if name == "take":
                raise ValueError("counts the variations of one row; it can be no default")
            value = plain_json(value)
            if name == "input" and not is_empty(value):
                defaults |= {**input_of(value), **defaults}
            else:
                defaults[name] = value
        except ValueError as error:
            mistakes.append(Mistake(column=name, message=f"{error} (a default)"))
    return {name: value for name, value in defaults.items() if not is_empty(value)}


def _is_without_header(reading: Reading, settings: Settings) -> bool:
    if reading.header is None or not reading.columns or _any_market(reading, settings):
        return False
    known = KNOWN | set(SPECIAL) | settings.columns.keys() | settings.used
    return not known & reading.columns.keys()


def _any_market(reading: Reading, settings: Settings) -> bool:
    """Whether a row asks, or may ask, for a model whose fields are not known here."""
    column = settings.column_of.get("model", "model")
    default = settings.defaults.get("model")
    asked = (row.cells.get(column) for row in reading.rows)
    return any(_is_market(default if is_empty(model) else model) for model in asked)


def _is_market(model: Any) -> bool:
    try:
        return isinstance(model, str) and video_class(model) is MarketModel
    except ValueError:
        return False


def _settings_mistakes(reading: Reading, settings: Settings) -> list[Mistake]:
    """Defaults and renamed columns that nothing of this manifest uses: most likely typos."""
    mistakes: list[Mistake] = []
    market = _any_market(reading, settings)
    for name in settings.defaults:
        if not market and name not in KNOWN and name not in settings.used and name != "model":
            hint = nearest(name, tuple(sorted(KNOWN)))
            mistakes.append(Mistake(column=name, message=f"is a default, but no field of any model{hint}"))
    for name in settings.columns if reading.rows else ():
        if name not in settings.names:
            there = tuple(reading.columns)
            hint = nearest(name, there) or f"; it has {plain(', '.join(there), 200)}"
            mistakes.append(
                Mistake(column=name, message=f"is renamed, but the manifest has no such column{hint}")
            )
    return mistakes


def _takes(videos: Sequence[_Video], settings: Settings, mistakes: list[Mistake]) -> list[int]:
    """Each video's take: what the row says, else the first that no other row of the same video has."""
    keys = [submission_key(None, "", video.request, 0) for video in videos]
    holders: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for key, video in zip(keys, videos, strict=True):
        if video.take is None:
            continue
        first = holders[key].setdefault(video.take, video.raw.number)
        if first != video.raw.number:
            message = f"{video.take} is also row {first}'s, for the same video: they would be one job"
            column = settings.column_of.get("take", "take")
            where: dict[str, Any] = {"row": video.raw.number, "line": video.raw.line, "column": column}
            mistakes.append(Mistake(message=message, **where))
    takes: list[int] = []
    following: defaultdict[str, int] = defaultdict(lambda: 1)
    for key, video in zip(keys, videos, strict=True):
        take = video.take
        if take is None:
            while following[key] in holders[key]:
                following[key] += 1
            take = following[key]
            following[key] += 1
        takes.append(take)
    return takes
