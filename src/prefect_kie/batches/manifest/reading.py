"""A manifest's bytes, or its list, as rows: what stands where, not yet what it means.

Whatever the bytes are, nothing but mistakes comes of them.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePath
from typing import Any

from prefect_kie.batches.manifest.mistakes import Mistake, came
from prefect_kie.batches.manifest.strict_json import (
    is_list,
    is_object,
    loads,
    plain_json,
    repeated_name,
    whole_text,
)
from prefect_kie.run_page.markdown import plain

MOST_ROWS = 10_000
MOST_COLUMNS = 200
MOST_BYTES = 50_000_000


@dataclass(frozen=True)
class RawRow:
    """One row as it stands in the manifest.

    Attributes:
        number: Which video, counted from 1.
        line: The line of the file where it begins, counted from 1; None where there are no lines.
        cells: What stands in it by column; None or a blank text where nothing does.
        text: Whether all of it is text because the format, CSV, knows nothing else.
    """

    number: int
    line: int | None
    cells: dict[str, Any]
    text: bool


@dataclass
class Reading:
    """What was read of a manifest.

    Attributes:
        rows: The rows that could be read.
        columns: The names of all columns, in order.
        mistakes: What could not be read.
        header: The header's line, where there is one.
        count: How many rows came, those that could not be read included.
    """

    rows: list[RawRow] = field(default_factory=list[RawRow])
    columns: dict[str, None] = field(default_factory=dict[str, None])
    mistakes: list[Mistake] = field(default_factory=list[Mistake])
    header: int | None = None
    count: int = 0

    def wrong(self, message: str, **where: Any) -> None:
        """Note a mistake, with its row, line and column where it has them."""
        self.mistakes.append(Mistake(message=message, **where))

    def another(self, line: int | None) -> bool:
        """Count a row; false where it is one too many."""
        if self.count == MOST_ROWS:
            self.wrong(f"it has more than {MOST_ROWS:,} rows; split it", line=line)
            return False
        self.count += 1
        return True


def read_bytes(content: bytes, name: str) -> Reading:
    """The rows of a file.

    Args:
        content: The file's bytes.
        name: Its name; the suffix says what it is.
    """
    reading = Reading()
    read = _READERS.get(PurePath(name).suffix.lower())
    if read is None:
        *first, last = _READERS
        reading.wrong(f"its name must end with {', '.join(first)} or {last}")
    elif len(content) > MOST_BYTES:
        reading.wrong(f"it has more than {MOST_BYTES // 10**6} MB; split it")
    elif (text := _decoded(content, reading)) is not None:
        read(text, reading)
        if not reading.count and not reading.mistakes:
            missing = "a header but no row" if reading.header else "nothing in it"
            reading.wrong(f"it has {missing}; it needs one row per video")
    return reading


def read_list(items: Sequence[Any]) -> Reading:
    """The rows of a list of dictionaries."""
    reading = Reading()
    _add_objects(items, reading)
    if not items:
        reading.wrong("it is an empty list; it needs one dictionary per video")
    return reading


def _decoded(content: bytes, reading: Reading) -> str | None:
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        reading.wrong(f"it is not UTF-8 (byte 0x{content[error.start]:02X}); save it as UTF-8", line=line)
        return None
    if (nul := text.find("\0")) >= 0:
        line = text.count("\n", 0, nul) + 1
        reading.wrong("it holds a NUL character; save it as UTF-8 text", line=line)
        return None
    return text


def _read_csv(text: str, reading: Reading, delimiter: str | None = None) -> None:
    source = io.StringIO(text, newline="")
    delimiter = delimiter or max((",", ";", "\t"), key=lambda one: _width(source, one))
    records = _records(source, delimiter, reading)
    line, header = next(records, (None, list[str]()))
    reading.header = line
    if not _is_header(header, line, reading):
        return
    reading.columns |= dict.fromkeys(name for name in header if name)
    for line, cells in records:
        if not reading.another(line):
            return
        where = {"row": reading.count, "line": line}
        if len(cells) != len(header):
            hint = "; a cell that holds the separator must stand in quotation marks"
            many = len(cells) > len(header)
            reading.wrong(
                f"has {_count(cells)} where the header has {len(header)}{hint if many else ''}", **where
            )
            continue
        named = list(zip(header, cells, strict=True))
        for name, cell in named:
            if cell and not name:
                reading.wrong(f"{came(cell)} stands in a column without a name", **where)
        reading.rows.append(RawRow(reading.count, line, {n: cell for n, cell in named if n}, text=True))


def _is_header(header: Sequence[str], line: int | None, reading: Reading) -> bool:
    if len(header) > MOST_COLUMNS:
        reading.wrong(f"it has {len(header):,} columns; at most {MOST_COLUMNS} are read", line=line)
        return False
    for name in dict.fromkeys(name for name in header if name and header.count(name) > 1):
        reading.wrong("is there more than once", line=line, column=name)
    return not reading.mistakes


def _count(cells: Sequence[str]) -> str:
    return "1 cell" if len(cells) == 1 else f"{len(cells):,} cells"


def _width(source: io.StringIO, delimiter: str) -> int:
    """How many columns the header has, if this is what separates them."""
    # csv.Sniffer counts the prompts' own commas as well; names of columns have none.
    source.seek(0)
    _, header = next(_records(source, delimiter, Reading()), (0, ""))
    source.seek(0)
    return len(header)


def _records(source: io.StringIO, delimiter: str, reading: Reading) -> Iterator[tuple[int | None, list[str]]]:
    """The records with the lines where they begin, without those that are blank."""
    # strict: a quotation mark that is never closed must not make one prompt of the rest of the file.
    reader = csv.reader(source, delimiter=delimiter, skipinitialspace=True, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            reading.wrong(
                f"it cannot be read from here on ({error}); a quotation mark inside a quoted cell is written "
                "twice, and one that opens a cell also closes it",
                line=line,
            )
            return
        if any(cells):
            yield line, cells


def _read_jsonl(text: str, reading: Reading) -> None:
    for line, one in enumerate(io.StringIO(text), 1):
        if not one.strip():
            continue
        if not reading.another(line):
            return
        try:
            item = loads(one)
        except ValueError as error:
            reading.wrong(f"is no JSON: {_why(error)}", row=reading.count, line=line)
        else:
            _add_object(item, reading, line)


def _read_json(text: str, reading: Reading) -> None:
    if not text.strip():
        return
    try:
        items = loads(text)
    except ValueError as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else None
        hint = "; one object per line is JSONL: name it .jsonl" if "Extra data" in str(error) else ""
        reading.wrong(f"is no JSON: {_why(error)}{hint}", line=line)
        return
    if is_list(items):
        _add_objects(items, reading)
    else:
        reading.wrong("it must be a list of objects, one per video")


def _add_objects(items: Sequence[Any], reading: Reading) -> None:
    for item in items:
        if not reading.another(None):
            return
        _add_object(item, reading, None)


def _add_object(item: Any, reading: Reading, line: int | None) -> None:
    where = {"row": reading.count, "line": line}
    if not is_object(item):
        reading.wrong(f"must be an object like {{'prompt': '...'}}, not {came(item)}", **where)
        return
    if len(item) > MOST_COLUMNS:
        reading.wrong(f"has {len(item):,} fields; at most {MOST_COLUMNS} are read", **where)
        return
    if (twice := repeated_name(item)) is not None:
        reading.wrong("is there more than once", column=twice, **where)
        return
    cells: dict[str, Any] = {}
    for name, value in item.items():
        try:
            if not isinstance(name, str):
                raise ValueError(f"{came(name)} is no name of a field")
            cells[whole_text(name)] = plain_json(value)
        except ValueError as error:
            reading.wrong(str(error), column=name if isinstance(name, str) else None, **where)
    reading.columns |= dict.fromkeys(cells)
    if len(cells) == len(item):
        reading.rows.append(RawRow(reading.count, line, cells, text=False))


def _why(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} (character {error.colno})"
    return plain(error)


_READERS: dict[str, Callable[[str, Reading], None]] = {
    ".csv": _read_csv,
    ".tsv": partial(_read_csv, delimiter="\t"),
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".json": _read_json,
}
