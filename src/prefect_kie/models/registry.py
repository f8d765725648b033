"""All that can be asked of Kie: the typed requests by their names, and `MarketModel` for any other model."""

import json
import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import Annotated, Any, ClassVar, Union, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from prefect_kie.api import JobRequest
from prefect_kie.api.envelope import as_object
from prefect_kie.api.forms import ByItsModel, described
from prefect_kie.api.requests import SENT_AS, as_sent
from prefect_kie.models.index import MODELS, TABS
from prefect_kie.models.rules import CatalogRequest


def _not_typed(name: str, info: ValidationInfo) -> str:
    if name in MODELS and info.context is not _NEWER:
        raise ValueError(f"{name!r} has a typed request: use {MODELS[name].class_name}")
    return name


_NEWER = object()
"""As the context of a validation: the model may be one that has a typed request."""

_OUTDATED = {
    *("literal_error", "missing", "string_too_long", "string_too_short", "too_long", "too_short"),
    *("less_than", "less_than_equal", "greater_than", "greater_than_equal"),
}
"""What an input may be refused for that Kie takes by now; rules between fields are not among them."""


def _json(value: dict[str, Any]) -> dict[str, Any]:
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"must be plain JSON: {error}") from None
    return value


def _described_openly(schema: dict[str, Any], model: type[BaseModel]) -> None:
    # A typed model that has no tab of its own is given here, too, and may have its fields beside its name.
    described(schema, model)
    schema |= {"additionalProperties": True, "required": ["model"]}


class MarketModel(JobRequest, title="Any other", json_schema_extra=_described_openly):
    """Any other model of Kie's jobs API, by its name, with an input that Kie checks."""

    usual_seconds: ClassVar[float] = 120.0
    result_kind: ClassVar[str] = "any"

    model: Annotated[
        str,
        Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/:-]*$"),
        AfterValidator(_not_typed),
    ]
    """The model's name at Kie, as on its page at docs.kie.ai."""
    input: Annotated[dict[str, Any], AfterValidator(_json)]
    """The model's input, as Kie's page of the model documents it."""

    def input_fields(self) -> dict[str, Any]:
        """The `input` object of the createTask body, as given."""
        return dict(self.model_dump(mode="json", include={"input"})["input"])

    def identity(self) -> dict[str, Any]:
        """The same, without the defaults of the model's typed request, where there is one: the version that
        knows what is newer here takes it for the same job.
        """
        cls, given = request_class(self.model), self.input_fields()
        if cls is MarketModel:
            return given
        fields = {name: field.default for name, field in cls.model_fields.items() if not field.is_required()}
        defaults = as_sent({name: value for name, value in fields.items() if name != "model"})
        return {name: value for name, value in given.items() if not _same(value, defaults.get(name))}


def _same(value: Any, other: Any) -> bool:
    return isinstance(value, bool) is isinstance(other, bool) and value == other


@cache
def request_class(model: str) -> type[JobRequest]:
    """The class that describes a model: its own, or `MarketModel`."""
    known = MODELS.get(model)
    if known is None:
        return MarketModel
    cls: type[JobRequest] = getattr(import_module(f"prefect_kie.models.{known.module}"), known.class_name)
    return cls


def meant(model: str) -> str | None:
    """The typed model of which a name is a typo; None where it may be one that is not known here."""
    name = re.sub(r"[_\s]", "-", model.lower())[:100]
    # wan-2-text-to-video is no typo, with a likeness of 0.87 to sora-2-text-to-video.
    near = get_close_matches(name, MODELS, 1, 0.0 if name.startswith("sora") else 0.9)
    # sora-3-text-to-video is no typo but a model that we do not know yet.
    versions = [re.findall(r"\d+", one) for one in (name, *near)]
    return near[0] if near and (not versions[0] or versions[0] == versions[1]) else None


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
    names = {sent: name for name, sent in SENT_AS.items() if name in cls.model_fields}
    fields = {names.get(name, name): value for name, value in as_object(given).items()}
    return cls.model_validate({"model": model, **fields})


def newer_request(body: dict[str, Any], refusal: ValueError) -> MarketModel:
    """A body that its typed request refuses for what may be newer than this package; or the refusal itself."""
    cls, given = request_class(str(body.get("model"))), body.get("input")
    if cls is MarketModel or not isinstance(given, dict):
        raise refusal
    names = {SENT_AS.get(name, name): name for name in cls.model_fields if name != "model"}
    fields = {name: value for name, value in as_object(given).items() if name in names}
    try:
        parse_request({**body, "input": fields})
    except ValidationError as error:
        newer = all(one["type"] in _OUTDATED or "must be one of" in one["msg"] for one in error.errors())
        if newer and issubclass(cls, CatalogRequest):  # pydantic did not come to the rules
            values = {name: None for name, field in cls.model_fields.items() if field.is_required()}
            values |= {names[name]: value for name, value in fields.items()}
            try:
                cast("Any", cls.model_construct(**values))._keeps_the_rules()
            except ValueError:
                newer = False
    else:
        newer = len(fields) < len(as_object(given))
    if not newer:
        raise refusal
    return MarketModel.model_validate({"model": body["model"], "input": given}, context=_NEWER)


def read_request(value: Any) -> JobRequest:
    """A request as it is, or of its fields beside `model`, or of a createTask body; else a ValueError.

    A body may be newer than the model's typed request: Kie's own schema checks it before it is paid.
    """
    if isinstance(value, JobRequest):
        return value
    fields = as_object(value)
    if not fields.get("model"):
        raise ValueError("a request needs the name of its model, like {'model': 'kling-3.0/video', …}")
    model = str(fields["model"])
    # A form has a model's rarer fields in a group of its name; an empty one may be of a tab that was left.
    groups = {name: as_object(one) for name, one in fields.items() if isinstance(one, dict)}
    groups = {name: one for name, one in groups.items() if name in MODELS and (name == model or not one)}
    fields = {name: one for name, one in fields.items() if name not in groups} | groups.get(model, {})
    cls = request_class(model)
    if "input" in fields and "input" not in cls.model_fields:
        try:
            return parse_request(fields)
        except ValidationError as refusal:
            return newer_request(fields, refusal)
    return cls.model_validate(fields)


INSTEAD = {
    "video": "makes a video: run generate_video",
    "image": "makes pictures: run generate_image",
    "audio": "makes sound: run generate_audio",
    "text": "makes a text or data: run its task, or make(request)",
    "character": "makes a character: run create_character",
}
"""What each kind of model is for, where it is asked for something else."""


class _Request:
    """An annotation for requests of some models: a form has a tab for each of the first, and one for any."""

    def __init__(self, kind: str, classes: Callable[[], Sequence[type[JobRequest]]]) -> None:
        self._kind, self._classes = kind, classes

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        dumped = core_schema.plain_serializer_function_ser_schema(lambda one: one.model_dump(mode="json"))
        return core_schema.no_info_plain_validator_function(self._read, serialization=dumped)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        # One union for the form; what is read is any request. A run has Prefect make the other schema anew.
        choices: Any = Union[tuple(self._classes())]  # noqa: UP007
        return handler(TypeAdapter(choices).core_schema)

    def _read(self, value: Any) -> JobRequest:
        request = read_request(value)
        if self._kind not in ("any", request.result_kind) and request.result_kind != "any":
            raise ValueError(f"{request.model_name} {INSTEAD[request.result_kind]}")
        return request


def _tabs(kind: str) -> Callable[[], list[type[JobRequest]]]:
    return lambda: [*map(request_class, TABS[kind]), MarketModel]


def _originals() -> list[type[JobRequest]]:
    return [*map(request_class, TABS["video"][:4]), request_class("sora-2-text-to-video"), MarketModel]


VideoRequest = Annotated[JobRequest, _Request("video", _tabs("video")), ByItsModel()]
"""Any request whose result is a video; a dictionary is read by its `model`."""

ImageRequest = Annotated[JobRequest, _Request("image", _tabs("image")), ByItsModel()]
"""Any request whose result is pictures."""

AudioRequest = Annotated[JobRequest, _Request("audio", _tabs("audio")), ByItsModel()]
"""Any request whose result is sound: speech, music, effects."""

AnyRequest = Annotated[
    JobRequest, _Request("any", lambda: [MarketModel]), WithJsonSchema({"type": "object", "title": "Request"})
]
"""Any request at all."""

OriginalRequest = Annotated[JobRequest, _Request("video", _originals), ByItsModel()]
"""A request of a series' first video: a few of the current models, Sora, and any other."""
