"""All that can be asked of Kie: the typed requests by their names, and `MarketModel` for any other model."""

from __future__ import annotations

import json
from typing import Annotated, Any, ClassVar, cast, get_args

from pydantic import AfterValidator, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from prefect_kie.api import JobRequest
from prefect_kie.api.forms import ByItsModel
from prefect_kie.models.sora2 import (
    Sora2Characters,
    Sora2CharactersPro,
    Sora2ImageToVideo,
    Sora2ImageToVideoStable,
    Sora2ProImageToVideo,
    Sora2ProStoryboard,
    Sora2ProTextToVideo,
    Sora2TextToVideo,
    Sora2TextToVideoStable,
    SoraWatermarkRemover,
)

SoraVideo = (
    Sora2TextToVideo
    | Sora2ImageToVideo
    | Sora2ProTextToVideo
    | Sora2ProImageToVideo
    | Sora2TextToVideoStable
    | Sora2ImageToVideoStable
    | Sora2ProStoryboard
)
TypedRequest = SoraVideo | SoraWatermarkRemover | Sora2CharactersPro | Sora2Characters

TYPED: dict[str, type[JobRequest]] = {
    cls.model_fields["model"].default: cls for cls in get_args(TypedRequest)
}
"""The typed requests by their model's name."""


def _not_typed(name: str) -> str:
    if name in TYPED:
        raise ValueError(f"{name!r} has a typed request: use {TYPED[name].__name__}")
    return name


def _json(value: dict[str, Any]) -> dict[str, Any]:
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"must be plain JSON: {error}") from None
    return value


class MarketModel(JobRequest, title="Any other"):
    """Any other model of Kie's jobs API, by its name, with an input that Kie checks."""

    usual_seconds: ClassVar[float] = 120.0

    model: Annotated[
        str,
        Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/:-]*$"),
        AfterValidator(_not_typed),
    ]
    """The model's name at Kie, for example kling-2.6/text-to-video."""
    input: Annotated[dict[str, Any], AfterValidator(_json)]
    """The model's input, as Kie's page of the model documents it."""

    def input_fields(self) -> dict[str, Any]:
        """The `input` object of the createTask body, as given."""
        return dict(self.model_dump(mode="json", include={"input"})["input"])


def request_class(model: str) -> type[JobRequest]:
    """The class that describes a model: its own, or `MarketModel`."""
    return TYPED.get(model, MarketModel)


def parse_request(body: dict[str, Any]) -> JobRequest:
    """Read a createTask body, `{"model": ..., "input": {...}}`, into its request.

    Raises:
        ValueError: when the input does not fit the model (pydantic's own, where it is an object).
    """
    model, given = body.get("model"), body.get("input")
    cls = request_class(str(model))
    if cls is MarketModel:
        return MarketModel.model_validate({"model": model, "input": given})
    if not isinstance(given or {}, dict):
        raise ValueError(f"the input of {model} must be an object")
    return cls.model_validate({"model": model, **(given or {})})


def _by_its_model(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    # A union's own error lists what each of its members misses; the named model's alone is readable.
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        if isinstance(model := fields.get("model"), str):
            request = request_class(model).model_validate(fields)
            try:
                return handler(request)
            except ValidationError:
                raise ValueError(f"{model} does not make what is asked for here") from None
    return handler(value)


VideoRequest = Annotated[
    SoraVideo | SoraWatermarkRemover | MarketModel, WrapValidator(_by_its_model), ByItsModel()
]
"""Any request whose result is a file; a dictionary is read by its `model`."""

SoraVideoRequest = Annotated[SoraVideo, WrapValidator(_by_its_model), ByItsModel()]
"""A request whose video can become a character."""
