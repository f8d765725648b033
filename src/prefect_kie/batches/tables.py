"""The rows of a file as spreadsheets and pandas write it, and what is wrong with them, all errors at once."""

import codecs
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import PurePath
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from prefect_kie.api import InvalidRequest
from prefect_kie.run_page.markdown import plain

MAX_LISTED = 50  # in the error's text
MAX_KEPT = 1000  # with the exception, which Prefect stores


class RowError(NamedTuple):
    """One error of a manifest: what is wrong, and where; rows and the file's lines count from 1."""

    message: str
    row: int | None = None
    line: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        line = f"line {self.line}" if self.line else ""
        row = f"row {self.row}{line and f' ({line})'}" if self.row else line
        column = f"column {plain(self.column, 60)}" if self.column else ""
        where = ", ".join(filter(None, (row, column)))
        return f"{where}{where and ': '}{plain(self.message, 400)}"


class ManifestError(InvalidRequest):
    """A manifest that cannot be made; nothing was submitted. `errors` are the first 1,000 of `count`."""

    default_next_step = "Correct the manifest and run again; nothing was submitted."

    def __init__(self, errors: Sequence[RowError], name: str = "the manifest", **options: Any) -> None:
        self.errors, self.count = tuple(errors[:MAX_KEPT]), len(errors)
        # A column whose name is mistyped is wrong in each row alike: one line for all of them.
        alike: dict[tuple[str | None, str], list[RowError]] = {}
        for error in errors:
            alike.setdefault((error.column, error.message), []).append(error)
        listed = list(alike.values())[:MAX_LISTED]
        others = [f" (and {len(more):,} more row{'s' * (len(more) > 1)})" * bool(more) for _, *more in listed]
        lines = [f"- {first}{other}" for (first, *_), other in zip(listed, others, strict=True)]
        if len(alike) > MAX_LISTED:
            lines.append(f"and {len(alike) - MAX_LISTED:,} more")
        head = f"{plain(name)} has {self.count:,} error{'s' if self.count > 1 else ''}:"
        super().__init__("\n".join([head, *lines]), **options)


MAX_ROWS = 10_000
MAX_COLUMNS = 200
MAX_BYTES = 50_000_000
OBJECT = TypeAdapter[dict[str, Any]](dict[str, Any])
_TEXT, _JSON = (".csv", ".tsv"), (".jsonl", ".ndjson", ".json")
_SEP_LINE = re.compile(r'"?sep=([,;\t|])"?[ \t]*(\r\n|\n|\r)', re.IGNORECASE)


class TableRow(NamedTuple):
    """A row's number and its line in the file, both from 1, and its cells by column."""

    number: int
    line: int | None
    cells: dict[str, Any]


@dataclass
class Table:
    """What was read, and what could not be; blank rows do not count."""

    rows: list[TableRow] = field(default_factory=list[TableRow])
    errors: list[RowError] = field(default_factory=list[RowError])
    is_text: bool = False  # as in CSV, which knows nothing but text
    delimiter: str = ","
    prefix: str = ""  # what stands before the header: a byte order mark, a line `sep=;`

    def read(self, items: Iterable[tuple[int | None, Any]]) -> "Table":
        """Number and keep rows: each its line and its cells by column, or an exception that says why not."""
        for number, (line, item) in enumerate(items, 1):
            if number > MAX_ROWS:
                self.errors.append(RowError(f"it has more than {MAX_ROWS:,} rows; split it", line=line))
                break
            try:
                self.rows.append(TableRow(number, line, _cells(item)))
            except ValueError as error:
                self.errors.append(RowError(str(error), number, line))
        return self


def _cells(item: Any) -> dict[str, Any]:
    """A row's cells as plain JSON, blank ones None: of pandas, 10.0 is 10 and NaN nothing; a date is text."""
    if isinstance(item, Exception):
        raise item
    try:
        cells = OBJECT.validate_python(item)
    except ValidationError:
        raise ValueError(f"must be an object like {{'prompt': '...'}}, not {str(item)[:60]!r}") from None
    if len(cells) > MAX_COLUMNS:
        raise ValueError(f"has more than {MAX_COLUMNS} columns")
    for name, value in cells.items():
        if isinstance(value, float):
            cells[name] = None if value != value else int(value) if value.is_integer() else value
        elif isinstance(value, str):
            cells[name] = value if value.strip() else None
        else:
            try:
                cells[name] = to_jsonable_python(value)
            except ValueError as error:
                raise ValueError(f"column {name}: {error}") from None
    return cells


def table_of(items: Iterable[Any]) -> Table:
    """Rows that are dictionaries already."""
    return Table().read((None, item) for item in items)


def read_table(content: bytes, name: str) -> Table:
    """The rows of a file, whose suffix says what it is; a ManifestError when nothing of it can be read."""
    suffix = PurePath(name).suffix.lower()
    try:
        if suffix not in _TEXT + _JSON:
            hint = "load anything else yourself, and pass its rows"
            raise ValueError(f"its name must end with {', '.join(_TEXT + _JSON)}; {hint}")
        if len(content) > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES // 10**6} MB; split it")
        text, mark = _decoded(content, lenient=suffix in _TEXT)
        if suffix in _JSON:
            return Table().read(_objects(text))
        return _read_csv(text, "\t" if suffix == ".tsv" else "", mark)
    except (ValueError, csv.Error) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else None
        raise ManifestError([RowError(str(error), line=line)], name) from None


def _decoded(content: bytes, *, lenient: bool) -> tuple[str, str]:
    """The text, and the byte order mark by which a spreadsheet opens the like of it as UTF-8."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # Excel's "Unicode text"
        return content.decode("utf-16"), "\ufeff"
    try:
        text = content.decode()
        return text.lstrip("\ufeff"), text[:1] if text.startswith("\ufeff") else ""  # some write two marks
    except UnicodeDecodeError as error:
        # Where most of it is UTF-8 a byte is broken; an old Excel's letters would make garbage of the rest.
        letters = [char for char in content.decode(errors="replace") if char > "\x7f"]
        if lenient and 2 * letters.count("\ufffd") >= len(letters):
            with suppress(UnicodeDecodeError):
                return content.decode("cp1252"), "\ufeff"
        line = content.count(b"\n", 0, error.start) + 1
        byte = f"0x{content[error.start]:02X}"
        raise ValueError(f"line {line} is not UTF-8 (byte {byte}); save it as UTF-8") from None


def _read_csv(text: str, delimiter: str, mark: str) -> Table:
    if sep := _SEP_LINE.match(text):
        delimiter, text = sep[1], text[sep.end() :]
    elif not delimiter:  # csv.Sniffer would count the prompts' commas as well
        first = next((line for line in io.StringIO(text, newline="") if line.strip(" ,;\t\r\n")), "")
        delimiter = max(",;\t", key=lambda one: len(next(csv.reader([first], delimiter=one), "")))
    table = Table(is_text=True, delimiter=delimiter, prefix=mark + (sep[0] if sep else ""))
    return table.read(_records(text, delimiter, 2 if sep else 1))


def _records(text: str, delimiter: str, line: int) -> Iterator[tuple[int, Any]]:
    # strict: a quotation mark that is never closed must not make one prompt of the rest of the file.
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    header: list[str] = []
    begin = line
    try:
        for record in reader:
            cells = [cell.strip() for cell in record]
            if header and any(cells):
                yield line, _by_column(header, cells)
            elif any(cells):
                header = cells
                if twice := [name for name, count in Counter(cells).items() if name and count > 1]:
                    raise ValueError(f"line {line}: the column {twice[0][:60]!r} appears more than once")
            line = begin + reader.line_num
    except csv.Error as error:
        hint = "a quotation mark inside a quoted cell is written twice, and one that opens a cell closes it"
        yield line, ValueError(f"cannot be read, and nothing after it ({error}); {hint}")


def _by_column(header: list[str], cells: list[str]) -> dict[str, str] | ValueError:
    """A row's cells; at its end, empty ones may be missing or too many."""
    if any(cells[len(header) :]):
        hint = "a cell that holds the separator must stand in quotation marks"
        return ValueError(f"has {len(cells)} cells where the header has {len(header)}; {hint}")
    pairs = list(zip_longest(header, cells[: len(header)], fillvalue=""))
    if unnamed := [cell for name, cell in pairs if cell and not name]:
        hint = "name it, or delete the column"
        return ValueError(f"{unnamed[0][:60]!r} stands in a column without a name; {hint}")
    return {name: cell for name, cell in pairs if name}


def _objects(text: str) -> Iterator[tuple[int | None, Any]]:
    if text.lstrip().startswith("["):
        try:
            yield from ((None, item) for item in json.loads(text))
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        return
    for line, one in enumerate(text.split("\n"), 1):
        if one.strip():
            try:
                yield line, json.loads(one)
            except (ValueError, RecursionError) as error:
                yield line, ValueError(f"is not JSON: {error}")
