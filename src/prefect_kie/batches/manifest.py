"""A batch's manifest: one row per video, checked whole before anything is paid, every error at once."""

import itertools
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

import anyio.to_thread
from prefect.filesystems import WritableFileSystem
from pydantic import Field, TypeAdapter, ValidationError

from prefect_kie.api import JobRequest, ServiceUnavailable
from prefect_kie.batches import cells as cell_values
from prefect_kie.batches import tables
from prefect_kie.batches.cells import did_you_mean, fields_of, key, known_fields, placeholders, shown, text_of
from prefect_kie.batches.tables import ManifestError, RowError, Table, TableRow, read_table, table_of
from prefect_kie.errors import shown_error
from prefect_kie.keys import submission_key
from prefect_kie.models import MarketModel, request_class
from prefect_kie.models.characters import HANDLE_PATTERN, handles_in
from prefect_kie.storage.fsspec import storage_for

T = TypeVar("T")
RESERVED = ("model", "take", "input", "characters")
# Fields that only say how a video is made: a fallback whose model lacks them makes it without.
HOW = ("size", "removewatermark", "uploadmethod")
_TAKE = TypeAdapter[int](Annotated[int, Field(ge=1, lt=10**9)])


class Row(NamedTuple):
    """One video of a batch, and what the manifest says in its row, as text by column."""

    number: int  # from 1; blank rows do not count
    line: int | None  # of the file
    request: JobRequest
    take: int
    values: dict[str, str]
    fallbacks: tuple[JobRequest, ...] = ()


async def load_table(
    manifest: Path | Sequence[Mapping[str, Any]], storage: WritableFileSystem | None = None
) -> Table:
    """The rows of a manifest, not yet checked: given ones, or those of a file, here or in a storage block."""
    if not isinstance(manifest, Path):
        return table_of(manifest)
    path, place = str(manifest), storage_for(storage) if storage is not None else None
    try:
        if place is not None and place.local(path) is None:
            content = await place.read(path)
        else:
            file = place.local(path) if place is not None else None
            content = await anyio.to_thread.run_sync(_read_file, file or manifest)
    except ValueError as error:  # it leads out of the block's directory
        raise ManifestError([RowError(str(error))], manifest.name) from None
    except Exception as error:
        raise ServiceUnavailable(
            f"the manifest {path} could not be read ({shown_error(error)})",
            next_step="Run it again when it can be read; nothing was submitted.",
        ) from error
    if content is None:
        where = "on the machine that runs this; for one in a storage block, give table.storage"
        where = f"{path} {where}" if place is None else place.address(path)
        raise ManifestError([RowError(f"there is no such file: {where}")], manifest.name)
    return await anyio.to_thread.run_sync(read_table, content, manifest.name)


def _read_file(file: Path) -> bytes | None:
    file = file.expanduser()
    if not file.is_file():  # a pipe would be waited for
        return None
    with file.open("rb") as opened:
        return opened.read(tables.MAX_BYTES + 1)


def parse_table(
    table: Table,
    defaults: Mapping[str, Any] | None = None,
    columns: Mapping[str, str | None] | None = None,
    name: str = "the manifest",
    fallbacks: Sequence[Mapping[str, Any]] = (),
) -> list[Row]:
    """All videos that a manifest asks for, or a ManifestError with all that is wrong with it.

    `defaults` are fields for rows that leave them out, `columns` those of columns with other names (None:
    ignored). Each of `fallbacks` counts instead of both, by field: None drops one, `input` stands for all.
    """
    parser = _Parser(table, defaults or {}, columns or {}, fallbacks)
    parsed = [parser.row(row) for row in table.rows]
    parser.check_defaults()
    errors = [*table.errors, *parser.errors]
    rows = _with_takes([row for row in parsed if row is not None], errors)
    if not table.rows and not errors:
        errors.append(RowError("it has no rows; it needs one per video, in CSV below the columns' names"))
    if errors:
        raise ManifestError(sorted(errors, key=lambda one: one.row or 0), name)
    return rows


def _with_takes(rows: Sequence[Row], errors: list[RowError]) -> list[Row]:
    """The rows with their takes: what each says, else the first that no other row of the same video has."""
    keys = [submission_key(None, "", row.request, 0) for row in rows]
    takes: defaultdict[str, dict[int, int]] = defaultdict(dict)
    free: defaultdict[str, Iterator[int]] = defaultdict(lambda: itertools.count(1))
    for same, row in zip(keys, rows, strict=True):
        if row.take and (first := takes[same].setdefault(row.take, row.number)) != row.number:
            message = f"{row.take} is also row {first}'s, for the same video: they would be one job"
            errors.append(RowError(message, row.number, row.line, "take"))
    return [
        row if row.take else row._replace(take=next(n for n in free[same] if n not in takes[same]))
        for same, row in zip(keys, rows, strict=True)
    ]


class _Cell(NamedTuple):
    """A value, the field that it is for, and the column (or the default) that it stands in."""

    column: str
    target: str
    value: Any
    is_default: bool = False


class _Parser:
    def __init__(
        self,
        table: Table,
        defaults: Mapping[str, Any],
        columns: Mapping[str, str | None],
        fallbacks: Sequence[Mapping[str, Any]],
    ) -> None:
        self.errors: list[RowError] = []
        given: dict[str, _Cell] = dict(*self._given([defaults], "the defaults"))
        self._fallbacks = self._given(fallbacks, "fallback {}")
        self._subject = ""
        self._handles: list[str] = []  # of the characters that the row is given
        self._defaults = {k: cell for k, cell in given.items() if cell.value is not None}
        self._columns = {key(name): target for name, target in columns.items()}
        self._is_text, self._has_untyped = table.is_text, False
        self._row = TableRow(0, None, {})
        self._values: dict[str, Any] = {}  # what placeholders stand for in this row, by key
        own = tuple(dict.fromkeys(column for row in table.rows for column in row.cells))
        self._names = tuple(sorted({*own, *(cell.column for cell in given.values())}))
        texts = [cell.value for some in (self._defaults, *self._fallbacks) for cell in some.values()]
        for row in table.rows:
            texts += [v for name, v in row.cells.items() if self._columns.get(key(name), name) is not None]
        self._used = {key(name) for text in texts for name in placeholders(text)}
        self._misspelt = tuple(self._used - {key(name) for name in self._names})
        for name in columns:
            if own and key(name) not in map(key, own):
                hint = did_you_mean(name, own) or f"; it has {', '.join(own)}"
                self.errors.append(RowError(f"is renamed, but there is no such column{hint}", column=name))

    def _given(self, rows: Sequence[Mapping[str, Any]], what: str) -> list[dict[str, _Cell]]:
        table = table_of(rows)
        self.errors += [RowError(f"{what.format(one.row)}: {one.message}") for one in table.errors]
        return [{key(n): _Cell(n, n, v, True) for n, v in row.cells.items()} for row in table.rows]

    def check_defaults(self) -> None:
        """After the rows: note defaults that no row may take, which most likely are typos."""
        for k, cell in self._defaults.items():
            if not self._has_untyped and k not in {*known_fields(), *self._used, *RESERVED}:
                hint = did_you_mean(cell.column, tuple(name for name, _ in known_fields().values()))
                message = f"is a default, but no field of any model{hint}"
                self.errors.append(RowError(message, column=cell.column))

    def row(self, row: TableRow) -> Row | None:
        """A row's video, with take 0 where it asks for none; None where it has errors."""
        self._row, before = row, len(self.errors)
        filled = {column: value for column, value in row.cells.items() if value is not None}
        self._values = {k: cell.value for k, cell in self._defaults.items()}
        self._values |= {key(column): value for column, value in filled.items()}
        own: dict[str, _Cell] = {}
        for column, value in filled.items():
            if (target := self._columns.get(key(column), column)) is not None:
                self._put(own, _Cell(column, target, value))
        cells = {**self._defaults, **own}
        take = cells.pop("take", None)
        number = self._read(take, _TAKE.validate_python) if take else None
        named = cells.pop("characters", None)
        self._handles = (self._read(named, _handles_of) or []) if named else []
        if (request := self._made_of(dict(cells))) is None or len(self.errors) > before:
            return None
        fallbacks: list[JobRequest | None] = []
        for instead in self._fallbacks:
            model = text_of(instead["model"].value) if "model" in instead else "of the same model"
            self._subject = f"fallback {model}: "
            fallbacks.append(self._made_of(self._instead(cells, instead)))
        self._subject = ""
        values = {n: text_of(v) for n, v in row.cells.items()}
        return Row(row.number, row.line, request, number or 0, values, tuple(filter(None, fallbacks)))

    @staticmethod
    def _instead(cells: dict[str, _Cell], instead: dict[str, _Cell]) -> dict[str, _Cell]:
        kept = {k: cell for k, cell in cells.items() if "input" not in instead or k == "model"}
        kept = {k: cell for k, cell in {**kept, **instead}.items() if cell.value is not None}
        cls = request_class(text_of(kept["model"].value)) if "model" in kept else MarketModel
        unfit = set[str]() if cls is MarketModel else {*HOW} - fields_of(cls).keys()
        return {k: cell for k, cell in kept.items() if k not in unfit}

    def _made_of(self, cells: dict[str, _Cell]) -> JobRequest | None:
        model, given = cells.pop("model", None), cells.pop("input", None)
        for name, value in (self._read(given, cell_values.object_of) or {}).items() if given else ():
            if value is not None:
                self._put(cells, _Cell("input", name, value))
        if model is None:
            self._wrong("is missing; each row needs one, or the defaults do", "model")
            return None
        name = text_of(model.value).strip()
        cls = self._read(model, lambda _: cell_values.video_class(name))
        return self._request(cls, name, cells) if cls else None

    def _put(self, cells: dict[str, _Cell], cell: _Cell) -> None:
        first = cells.get(key(cell.target))
        if first and not first.is_default:
            self._wrong(f"gives {cell.target}; column {first.column} does so too", cell.column)
        cells[key(cell.target)] = cell

    def _request(self, cls: type[JobRequest], model: str, cells: dict[str, _Cell]) -> JobRequest | None:
        untyped = cls is MarketModel
        self._has_untyped |= untyped
        fields = {name: cell for cell in cells.values() if (name := self._field(cls, model, cell))}
        value_of = partial(cell_values.value_of, text_for=self._text_for, untyped=untyped and self._is_text)
        read = {name: self._read(cell, partial(value_of, name)) for name, cell in fields.items()}
        values = {name: value for name, value in read.items() if value is not None}
        if self._handles and isinstance(prompt := values.get("prompt"), str):
            unnamed = [f"@{one}" for one in self._handles if one not in handles_in(prompt)]
            values["prompt"] = " ".join([*unnamed, prompt])
        try:
            request = cls.model_validate({**({"input": values} if untyped else values), "model": model})
        except ValidationError as refused:
            for error in refused.errors(include_url=False, include_context=False):
                name, *path = [f"item {p + 1}" if isinstance(p, int) else p for p in error["loc"]] or [""]
                if name in fields and name not in values:
                    continue  # why is noted already
                message, came = error["msg"].removeprefix("Value error, "), shown(error["input"])
                if error["type"] == "missing" and not path:
                    message = f"is missing; {model} needs it"
                elif not isinstance(error["input"], dict) and came not in message:
                    message += f"; it is {came}"
                cell = fields.get(name) or _Cell("" if name == "input" else name, name, None)
                path = path if cell.column == cell.target else [name, *path]
                self._wrong(" ".join([*path, message]), cell.column, cell.is_default)
            return None
        if untyped and not fields:
            self._wrong(f"gives {model} no input: no field is filled")
        if "\\u0000" in request.model_dump_json():
            self._wrong("holds a NUL character, which no database keeps")
        return request

    def _field(self, cls: type[JobRequest], model: str, cell: _Cell) -> str | None:
        """The model's field that a cell is for; an error where it has none and no template uses the cell."""
        k, known = key(cell.target), fields_of(cls)
        in_template = cell.target == cell.column and k in self._used
        if cls is MarketModel:
            if in_template and k not in known_fields() and k not in self._columns:
                # Left out, it might make another video than was meant; sent, it might be refused.
                only, both = json.dumps({cell.target: None}), json.dumps({cell.target: cell.target})
                message = f"stands in a template, and {model} may have a field of this name: say in columns "
                self._wrong(f"{message}{only} for the template alone, or {both} for both", cell.column)
                return None
            if cell.is_default and self._columns.get(k, k) is None:
                return None
            as_it_is = cell.column == "input" or re.fullmatch(r"[^\sA-Z]\S*", cell.target)
            return cell.target if as_it_is else "_".join(cell.target.lower().split())
        if k in known:
            return known[k][0]
        # Where a template nearly names the column, that is the error.
        if not cell.is_default and not in_template and not did_you_mean(k, self._misspelt):
            names = tuple(name for name, _ in known.values())
            hint = did_you_mean(cell.target, names) or f"; it takes {', '.join(names)}"
            if k in known_fields():
                ignored = json.dumps({cell.column: None})
                hint = f"; leave it empty in this row, or ignore it (columns: {ignored})"
            subject = "is" if cell.target == cell.column else f"gives {shown(cell.target)},"
            self._wrong(f"{subject} no field of {model}{hint}", cell.column)
        return None

    def _text_for(self, name: str) -> str:
        """What a placeholder stands for: the row's own value, else the default."""
        value = self._values.get(key(name))
        if value is None and key(name) in map(key, self._names):
            raise ValueError(f"{{{name}}} has no value in this row")
        if value is None:
            hint = did_you_mean(name, self._names) or ";"
            raise ValueError(f"{{{name}}} names no column{hint} for braces themselves write {{{{{name}}}}}")
        if isinstance(value, list | dict) or placeholders(value):
            raise ValueError(f"{{{name}}} stands for {shown(value)}, which is no plain text")
        return text_of(value)

    def _read(self, cell: _Cell, read: Callable[[Any], T]) -> T | None:
        try:
            return read(cell.value)
        except ValidationError as error:
            message = f"{error.errors()[0]['msg']}; it is {shown(cell.value)}"
        except ValueError as error:
            message = str(error)
        self._wrong(message, cell.column, cell.is_default)
        return None

    def _wrong(self, message: str, column: str | None = None, is_default: bool = False) -> None:
        message = self._subject + message + " (a default)" * (is_default and not self._subject)
        self.errors.append(RowError(message, self._row.number, self._row.line, column or None))


def _handles_of(value: Any) -> list[str]:
    """The handles of a cell like `mia, @otto`; a ValueError where it holds something else."""
    handles = [one.removeprefix("@").lower() for one in re.split(r"[,;\s]+", text_of(value)) if one]
    if wrong := [one for one in handles if not re.fullmatch(HANDLE_PATTERN, one)]:
        raise ValueError(f"{shown(wrong[0])} is no character's handle, like mia")
    return handles
