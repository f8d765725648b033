"""The field types that requests share, with the limits of Kie's documentation."""

import math
import re
from decimal import Decimal
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from prefect_kie.api.forms import Form
from prefect_kie.api.requests import whole

MIN_SLICE, MAX_SLICE = Decimal(1), Decimal(8)
SORA_SLICE = Decimal(4)
"""How long the slice for a character of Sora's own may be, seconds."""
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value


def _plain_handle(value: str) -> str:
    if value.startswith("@"):
        raise ValueError(f"is the handle without the @: {value.lstrip('@')!r}")
    if not re.fullmatch(r"[A-Za-z0-9._-]+", value):
        raise ValueError(f"may hold letters, digits, '.', '_' and '-', not {value!r}")
    return value


def _number_as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _text_as_number(value: Any) -> Any:
    is_number = isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,9}", value)
    return int(value) if is_number else whole(value)


def _no_yes_or_no(value: Any) -> Any:
    # Python takes True for 1, and so would pydantic.
    if isinstance(value, bool):
        raise ValueError(f"must be a number, not {value}")
    return value


def _address(value: str) -> str:
    value.encode()  # half an emoji is a ValueError of its own
    if not re.fullmatch(r"(?i:https?|oss|asset)://[^\s/]\S*", value) or not urlsplit(value).hostname:
        raise ValueError(f"must be a public http or https address, not {value[:80]!r}")
    return value


def one_of(*values: float) -> AfterValidator:
    """An annotation for a number that is one of a few."""

    def checked(value: float) -> float:
        if value not in values:
            raise ValueError(f"must be one of {', '.join(map(str, values))}, not {value}")
        return value

    return AfterValidator(checked)


NumberAsText = BeforeValidator(_number_as_text)
"""Where Kie takes a number as a text: a person who writes 10 means "10"."""

TextAsNumber = BeforeValidator(_text_as_number)
"""Where Kie takes one of some whole numbers: "5", as from a table, and 5.0 are 5."""

IsNumber = BeforeValidator(_no_yes_or_no)
"""For a number, after its limits: no yes or no."""

NotBlank = AfterValidator(_not_blank)
"""For a text that has to say something."""

IsAddress = AfterValidator(_address)
Address = Annotated[str, IsAddress]
"""A file's address that Kie can fetch, or that Kie gave (`asset://…`); kept exactly as given."""

AspectRatio = Literal["portrait", "landscape"]
_LENGTH = Field(title="Length in seconds")
Seconds = Annotated[Literal["10", "15"], NumberAsText, _LENGTH]
StoryboardSeconds = Annotated[Literal["10", "15", "25"], NumberAsText, _LENGTH]
Size = Literal["standard", "high"]
Handle = Annotated[str, Field(min_length=1, max_length=40), AfterValidator(_plain_handle)]


class Slice(Form, allow_inf_nan=False):
    """The part of a video that becomes a character: 1 to 8 seconds of it, for Sora's own at most 4.

    Raises:
        pydantic.ValidationError: when the slice is reversed, too short, too long or not a number.
    """

    start: Annotated[float, Field(ge=0)]
    """Where the slice begins, in seconds from the start of the video."""
    end: Annotated[float, Field(gt=0)]
    """Where the slice ends, in seconds; 1 to 8 seconds after its start, for Sora's own at most 4."""

    @model_validator(mode="after")
    def _check_length(self) -> "Slice":
        _check_slice(Decimal(str(self.start)), Decimal(str(self.end)))
        return self

    @classmethod
    def parse(cls, timestamps: str) -> "Slice":
        """Read Kie's own form, `"3.55,5.55"`."""
        start, end = _slice_numbers(timestamps)
        return cls(start=float(start), end=float(end))

    @property
    def timestamps(self) -> str:
        """Kie's own form: `"3.55,5.55"`."""
        # abs: -0.0 is a start, "-0.0" is none
        return ",".join(f"{Decimal(str(abs(value))):f}" for value in (self.start, self.end))

    def check_within(self, length: float) -> None:
        """Make sure the slice lies inside a video of this length, seconds; or ValueError."""
        if length < MIN_SLICE:
            raise ValueError(f"the video is {length:.2f} s long, and a slice at least {MIN_SLICE:f} s")
        if self.end > length:
            most = f"{math.floor(100 * length) / 100:.2f}"  # never rounded up, beyond the end
            said = f"the slice {self.timestamps} ends after the video, which is {most} s long"
            raise ValueError(f"{said}; choose an end of at most {most}")


def slice_within(start: float, end: float, longest: float, length: float | None = None) -> Slice:
    """A slice of at most `longest` seconds, inside a video of that length where it is known; or ValueError."""
    _check_slice(Decimal(str(start)), Decimal(str(end)), Decimal(f"{longest:g}"))
    part = Slice(start=start, end=end)
    if length is not None:
        part.check_within(length)
    return part


def _slice_numbers(timestamps: str) -> tuple[Decimal, Decimal]:
    parts = [part.strip() for part in timestamps.split(",")]
    # Decimal alone would read "1_0" and "1e9999999" as well, which Kie may not.
    if len(parts) != 2 or not all(_NUMBER.fullmatch(part) for part in parts):
        wanted = "must be the start and the end in seconds, like '3.55,5.55'"
        raise ValueError(f"{wanted}, not {timestamps[:40]!r}")
    return Decimal(parts[0]), Decimal(parts[1])


def _check_slice(start: Decimal, end: Decimal, longest: Decimal = MAX_SLICE) -> None:
    if start < 0:
        raise ValueError(f"the slice starts at {start} s; it may start at 0 s or later")
    if not MIN_SLICE <= end - start <= longest:
        wanted = f"it must be 1 to {longest} s, end after start"
        raise ValueError(f"the slice from {start} s to {end} s is {end - start} s long; {wanted}")


def _timestamps(value: str) -> str:
    start, end = _slice_numbers(value)
    _check_slice(start, end, SORA_SLICE)
    return f"{start.copy_abs():f},{end:f}"


Timestamps = Annotated[str, AfterValidator(_timestamps)]
"""`"3.55,5.55"`: start and end of the slice, seconds."""
