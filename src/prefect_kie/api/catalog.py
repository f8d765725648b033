"""Kie's own catalogue, live: which models there are, what each costs, how well it does.

Everything but a name may be missing or odd. What each takes is in `schemas`.
"""

from typing import Any

from pydantic import BaseModel

from prefect_kie.api.envelope import as_float, as_list, as_object, first_text, texts


class CatalogModel(BaseModel, frozen=True):
    """A model as Kie's catalogue lists it.

    Attributes:
        model: Its name at Kie.
        title: Its name for people; may be empty.
        provider: Who makes it; Kie is wrong for a few.
        kinds: What it does, as `text-to-video`; Kie is wrong for a few.
        description: Kie's words; may be empty.
        price: Kie's text on its price; may be empty.
    """

    model: str
    title: str = ""
    provider: str = ""
    kinds: tuple[str, ...] = ()
    description: str = ""
    price: str = ""


class ModelPrice(BaseModel, frozen=True):
    """What Kie says of a model's price: prose, not numbers; empty where it says nothing."""

    model: str
    text: str = ""


class SuccessRate(BaseModel, frozen=True):
    """How a model's jobs did in the last 24 hours.

    Attributes:
        model: Its name at Kie.
        rates: Of ten minutes each, oldest first: which part succeeded, 0 to 1; None: no jobs; empty: unknown.
    """

    model: str
    rates: tuple[float | None, ...] = ()

    @property
    def mean(self) -> float | None:
        """Of all the ten minutes with jobs; None where there were none."""
        known = [rate for rate in self.rates if rate is not None]
        return sum(known) / len(known) if known else None


def parse_models(data: Any) -> list[CatalogModel]:
    """The models of the catalogue's list; entries without a name are left out."""
    rows = map(as_object, as_list(data) or as_list(as_object(data).get("models")))
    return [_model(row) for row in rows if first_text(row, "model") is not None]


def _model(row: dict[str, Any]) -> CatalogModel:
    kinds = row.get("taskType")
    said = {name: first_text(row, name) or "" for name in ("model", "title", "provider", "description")}
    return CatalogModel(
        **said,
        kinds=tuple(texts(kinds.split(",") if isinstance(kinds, str) else kinds)),
        price=first_text(row, "pricingDesc") or "",
    )


def parse_price(model: str, data: Any) -> ModelPrice:
    """A model's price."""
    text = data if isinstance(data, str) else first_text(as_object(data), "pricingDesc")
    return ModelPrice(model=model, text=(text or "").strip())


def parse_success_rate(model: str, data: Any) -> SuccessRate:
    """A model's success rate, whether Kie counts to 1 or to 100."""
    points = [as_object(point) for point in as_list(as_object(data).get("points"))]
    good = [as_float(point.get("successRate")) for point in points]
    whole = 100 if max(filter(None, good), default=0) > 1 else 1
    rates = (None if one is None else min(1.0, max(0.0, one / whole)) for one in good)
    return SuccessRate(model=model, rates=tuple(rates))
