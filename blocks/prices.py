"""What jobs cost, by the user's own price table: the Prefect variable `kie_prices`.

Kie's prices change and differ by model, length and quality; none is written here. The variable is a JSON
object, model by model: a number of credits, or a list of rows of which the first that fits counts::

    {
        "sora-2-text-to-video": 30,
        "sora-2-pro-text-to-video": [
            {"size": "high", "n_frames": "15", "credits": 630},
            {"size": "high", "credits": 330},
            {"credits": 150}
        ]
    }

A row fits a request whose input has all the values it names.
"""

import json
from typing import Annotated, Any

from prefect.client.orchestration import get_client
from pydantic import BaseModel, BeforeValidator, Field, RootModel, ValidationError

from prefect_kie.api import InvalidRequest, JobRequest
from prefect_kie.api.requests import whole
from prefect_kie.blocks.server import asked

PRICES = "kie_prices"
"""Name of the Prefect variable."""

Credits = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class PriceRow(BaseModel, frozen=True, extra="allow"):
    """What a job costs, credits, whose input has the values that its other fields name."""

    credits: Credits

    def fits(self, fields: dict[str, Any]) -> bool:
        """Whether a request's input has all the values that this row names."""
        return all(
            name in fields and _text(fields[name]) == _text(value)
            for name, value in (self.__pydantic_extra__ or {}).items()
        )


def _rows(price: Any) -> Any:
    if isinstance(price, int | float) and not isinstance(price, bool):
        return [{"credits": price}]
    if isinstance(price, list):
        return price  # pyright: ignore[reportUnknownVariableType]
    raise ValueError(f"must be a number of credits or a list of rows, not {str(price)[:80]!r}")


class PriceTable(RootModel[dict[str, Annotated[list[PriceRow], BeforeValidator(_rows)]]], frozen=True):
    """What jobs cost, by model: its name to credits, or to rows of which the first that fits counts."""

    def credits_for(self, request: JobRequest) -> float | None:
        """What a request's job costs, credits; None where the table has no price for it."""
        fields = request.effective_fields()
        rows = self.root.get(request.model_name, [])
        return next((row.credits for row in rows if row.fits(fields)), None)


async def load_prices() -> PriceTable:
    """The price table from the Prefect variable `kie_prices`; empty where there is none.

    Raises:
        InvalidRequest: when the variable is no price table; says what is wrong with it.
        ServiceUnavailable: when the Prefect server does not answer.
    """
    with asked(f"for the variable {PRICES!r}"):
        # Not Variable.aget, which leaves its connection open (Prefect 3.9).
        async with get_client() as client:
            variable = await client.read_variable_by_name(PRICES)
    value: Any = variable.value if variable else None
    try:
        if isinstance(value, str):  # typed into the UI with quotes around it
            value = json.loads(value)
        return PriceTable.model_validate({} if value is None else value)
    except ValueError as error:
        why = "it is no JSON"
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            places = (place if isinstance(place, str) else f"row {place + 1}" for place in first["loc"])
            why = ": ".join([*places, first["msg"].removeprefix("Value error, ")])
        raise InvalidRequest(
            f"the Prefect variable {PRICES!r} is no price table: {why}; nothing was submitted",
            next_step=f"Correct it in the UI (Variables, {PRICES}); it is a JSON object like "
            '{"sora-2-text-to-video": 30}, with your prices in credits. Then run again.',
        ) from None


def _text(value: Any) -> str:
    """A value as it may be written in a table: 10, 10.0 and "10" are the same length."""
    return value if isinstance(value, str) else json.dumps(whole(value))
