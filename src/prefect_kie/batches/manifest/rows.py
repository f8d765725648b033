"""One row of a manifest as a request: its cells, the defaults behind them, its templates filled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from prefect_kie.api import JobRequest, MarketModel
from prefect_kie.batches.manifest.cells import KNOWN, input_of, is_empty, take_of, value_of, video_class
from prefect_kie.batches.manifest.mistakes import Mistake, came, nearest
from prefect_kie.batches.manifest.reading import RawRow
from prefect_kie.batches.manifest.templates import filled, placeholders
from prefect_kie.run_page.markdown import plain

SPECIAL = ("model", "take", "input")
"""Columns that are no fields of a request."""
_WORDS = (
    ("Value error, ", ""),
    ("Input should be a valid boolean, unable to interpret input", "must be true or false"),
    ("Field required", "is missing"),
    ("Extra inputs are not permitted", "is not known"),
    ("Input should", "must"),
    ("String should", "must"),
    ("List should", "must"),
)


@dataclass(frozen=True)
class Settings:
    """What holds for all rows.

    Attributes:
        defaults: Values for the fields that a row leaves out; plain JSON, none of it empty.
        columns: The field that each renamed column stands for; None: none, only templates use it.
        names: All columns and defaults: what templates may name.
        used: What the templates do name.
    """

    defaults: Mapping[str, Any]
    columns: Mapping[str, str | None]
    names: frozenset[str]
    used: frozenset[str]

    @classmethod
    def of(
        cls, rows: Iterable[RawRow], defaults: Mapping[str, Any], columns: Mapping[str, str | None]
    ) -> Settings:
        """The settings, with what the manifest's and the defaults' templates name."""
        names, used = set(defaults), set(placeholders(dict(defaults)))
        for row in rows:
            names |= row.cells.keys()
            for name, value in row.cells.items():
                if columns.get(name, name) is not None:
                    used.update(placeholders(value))
        return cls(defaults, columns, frozenset(names), frozenset(used))

    @cached_property
    def misspelt(self) -> tuple[str, ...]:
        """What templates name and nobody has."""
        return tuple(self.used - self.names)

    @cached_property
    def column_of(self) -> dict[str, str]:
        """The column that stands for a field, of those that are renamed."""
        return {target: name for name, target in self.columns.items() if target is not None}


@dataclass(frozen=True)
class Given:
    """A value for a field, and where it comes from.

    Attributes:
        column: The column, or the default's name.
        value: What stands there.
        origin: A cell, the object in the column `input`, or the defaults.
        text: Whether it is text only because its format knows nothing else.
    """

    column: str
    value: Any
    origin: Literal["cell", "input", "default"]
    text: bool = False


class RowReader:
    """Makes one row's request, and notes all that is wrong with it.

    Attributes:
        mistakes: What is wrong; complete when `request` has returned.
        take: The take that the row asks for; None where it asks for none.
    """

    def __init__(self, row: RawRow, settings: Settings) -> None:
        self.mistakes: list[Mistake] = []
        self.take: int | None = None
        self._row = row
        self._settings = settings
        self._special: dict[str, Given] = {}
        self._fields: dict[str, Given] = {}
        self._unread: set[str] = set()
        """Fields whose cells cannot be read, which is noted already."""

    def request(self) -> JobRequest | None:
        """The row's request; None where the row has mistakes."""
        for name, value in self._row.cells.items():
            target = self._settings.columns.get(name, name)
            if target is not None and not is_empty(value):
                place = self._special if target in SPECIAL else self._fields
                self._put(place, target, Given(name, value, "cell", self._row.text))
        self._read_take_and_input()
        cls = self._class()
        if cls is not None:
            self._fields = {t: given for t, given in self._fields.items() if self._is_taken(t, given, cls)}
            for target, value in self._settings.defaults.items():
                given = Given(target, value, "default", self._row.text)
                if target not in (*SPECIAL, *self._fields) and self._is_taken(target, given, cls):
                    self._fields[target] = given
            values = {target: self._value(target, given, cls) for target, given in self._fields.items()}
            request = self._validated(cls, values)
            return None if self.mistakes else request
        return None

    def _put(self, place: dict[str, Given], target: str, given: Given) -> None:
        if target in place:
            self._wrong(f"gives {plain(target, 60)}; column {place[target].column} does so too", given)
        else:
            place[target] = given

    def _read_take_and_input(self) -> None:
        if given := self._special.get("take"):
            try:
                self.take = take_of(given.value)
            except ValueError as error:
                self._wrong(str(error), given)
        if given := self._special.get("input"):
            try:
                for target, value in input_of(given.value).items():
                    if value is not None:
                        self._put(self._fields, target, Given(given.column, value, "input"))
            except ValueError as error:
                self._wrong(str(error), given)

    def _class(self) -> type[JobRequest] | None:
        given = self._special.get("model")
        if given is None and "model" in self._settings.defaults:
            given = Given("model", self._settings.defaults["model"], "default")
        if given is None:
            self._missing("model", "is missing; each row needs one, or the defaults do")
            return None
        try:
            if not isinstance(given.value, str):
                raise ValueError(f"must be a model's name, not {came(given.value)}")
            cls = video_class(given.value)
        except ValueError as error:
            self._wrong(str(error), given)
            return None
        self._special["model"] = given
        return cls

    def _is_taken(self, target: str, given: Given, cls: type[JobRequest]) -> bool:
        """Whether the model takes the field; a mistake where it does not and nothing else uses it."""
        own = given.origin != "input" and target == given.column
        for_templates = own and given.column in self._settings.used
        if cls is MarketModel:
            # Nobody knows here whether such a model has a field of this name: left out, it might make
            # another video than was meant; sent, it might be refused.
            if for_templates and target not in KNOWN and target not in self._settings.columns:
                self._wrong(
                    f"stands in a template, and {self._model} may have a field of this name: say in columns "
                    f'{{"{target}": null}} for the template alone, or {{"{target}": "{target}"}} for both',
                    given,
                )
                return False
            return given.origin != "default" or self._settings.columns.get(target, target) is not None
        if target in cls.model_fields and target != "model":
            return True
        # Where a template nearly names it, that is the mistake.
        for_templates |= own and bool(nearest(given.column, self._settings.misspelt))
        if given.origin == "input" or (given.origin == "cell" and not for_templates):
            self._wrong(self._not_taken(target, given, cls), given)
        return False

    def _not_taken(self, target: str, given: Given, cls: type[JobRequest]) -> str:
        fields = tuple(name for name in cls.model_fields if name != "model")
        subject = "is" if given.origin == "cell" and target == given.column else f"gives {came(target)},"
        if target in KNOWN:
            return f"{subject} no field of {self._model}; leave it empty in this row"
        hint = nearest(target, fields)
        return f"{subject} no field of {self._model}{hint or '; it takes ' + ', '.join(fields)}"

    def _value(self, target: str, given: Given, cls: type[JobRequest]) -> Any:
        try:
            value = value_of(given.value, target, cls, text=given.text)
        except ValueError as error:
            self._wrong(str(error), given)
            self._unread.add(target)
            return None
        problems: list[str] = []
        value = filled(value, self._values, self._settings.names, problems)
        for problem in dict.fromkeys(problems):
            self._wrong(problem, given)
        return value

    @cached_property
    def _values(self) -> dict[str, Any]:
        """What templates may use: the row's own values, else the defaults."""
        own = {name: value for name, value in self._row.cells.items() if not is_empty(value)}
        return {**self._settings.defaults, **own}

    def _validated(self, cls: type[JobRequest], values: dict[str, Any]) -> JobRequest | None:
        try:
            if cls is not MarketModel:
                return cls.model_validate({**values, "model": self._model})
            if not values:
                self._wrong(f"gives {self._model} no input: no field is filled", None)
                return None
            return MarketModel.model_validate({"model": self._model, "input": values})
        except ValidationError as error:
            for one in error.errors(include_url=False, include_context=False):
                self._refused(one, cls)
            return None

    def _refused(self, error: ErrorDetails, cls: type[JobRequest]) -> None:
        target, *inner = error["loc"] or ("",)
        # What follows from a mistake that is noted already would only hide it.
        if target in self._unread or (self._unread and not target):
            return
        if self.mistakes and next(placeholders(error["input"]), None) is not None:
            return
        path = ", ".join(f"item {part + 1}" if isinstance(part, int) else part for part in inner)
        if error["type"] == "missing" and not inner:
            self._missing(str(target), f"is missing; {self._model} needs it")
            return
        message = error["msg"]
        for pydantic_says, we_say in _WORDS:
            if message.startswith(pydantic_says):
                message = we_say + message.removeprefix(pydantic_says)
                break
        value = came(error["input"])
        if error["type"] != "missing" and target and value not in message:
            message += f"; it is {value}"
        given = self._special["model"] if target == "model" else self._fields.get(str(target))
        if given is not None and (given.origin == "input" or given.column != target) and target != "model":
            path = f"{target}, {path}" if path else str(target)
        self._wrong(f"{path} {message}".strip(), given)

    @property
    def _model(self) -> str:
        return plain(self._special["model"].value, 60)

    def _missing(self, target: str, message: str) -> None:
        self._wrong(message, Given(self._settings.column_of.get(target, target), None, "cell"))

    def _wrong(self, message: str, given: Given | None) -> None:
        if given is not None and given.origin == "default":
            message += " (a default)"
        self.mistakes.append(
            Mistake(
                row=self._row.number,
                line=self._row.line,
                column=None if given is None else given.column,
                message=message,
            )
        )
