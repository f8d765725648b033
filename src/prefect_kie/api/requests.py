"""What every request for a job has; the models themselves are in `prefect_kie.models`."""

import re
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr, model_validator

from prefect_kie.api.envelope import as_list, as_object, mapped
from prefect_kie.api.forms import described

TITLES = ("prompt", "character_prompt", "origin_task_id", "video_url", "character_file_url")
"""Fields of an input by which a person knows a job, the best one first."""

_LEGEND = re.compile(r"\A@?(image|character) ?\d+\b[^\n]*\n(?=.)", re.IGNORECASE)
"""The line before a prompt that says who is in which picture: it is the same for many jobs."""


class JobRequest(BaseModel):
    """Base of all requests: a model's name and its input.

    A subclass's `title` names its tab in forms, where several stand side by side.

    Class attributes:
        usual_seconds: How long a job of this model usually takes, for the poll schedule.
        result_kind: What the model makes: `video`, `image`, `audio`, `text`, `character`; `any`: not known.
        reports_progress: Whether the model takes a progressCallBackUrl.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True, json_schema_extra=described
    )

    usual_seconds: ClassVar[float] = 180.0
    result_kind: ClassVar[str] = "video"
    reports_progress: ClassVar[bool] = False

    _called: str | None = PrivateAttr(default=None)

    @model_validator(mode="before")
    @classmethod
    def _known_fields(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        given = as_object(data)
        for name, sent in SENT_AS.items():
            if sent != "model" and sent in given and name in cls.model_fields:
                given = {name if one == sent else one: value for one, value in given.items()}
        if unknown := sorted(str(name) for name in given if name not in cls.model_fields):
            names = ", ".join(map(repr, unknown))
            raise ValueError(f"unknown field {names}; {cls.__name__} takes {', '.join(cls.model_fields)}")
        # Kie takes no empty list (minItems 1), and forms send an empty text for what nobody filled in.
        optional = {name for name, field in cls.model_fields.items() if field.default is None}
        return {name: value for name, value in given.items() if name not in optional or value not in ([], "")}

    @property
    def model_name(self) -> str:
        """The model's name at Kie, for example `sora-2-text-to-video`."""
        return str(getattr(self, "model"))  # noqa: B009 - each subclass declares its own Literal

    def input_fields(self) -> dict[str, Any]:
        """The `input` object of the createTask body: what is set, by the API's own names."""
        return as_sent(self.model_dump(mode="json", exclude={"model"}, exclude_none=True))

    def effective_fields(self) -> dict[str, Any]:
        """The same with all documented defaults, whether or not they are sent: what decides the price."""
        return self.input_fields()

    def identity(self) -> dict[str, Any]:
        """The same without defaults: what makes two requests the same job, in later versions too."""
        set_fields = self.model_dump(mode="json", exclude={"model"}, exclude_defaults=True, exclude_none=True)
        return as_sent(set_fields)

    def body(self) -> dict[str, Any]:
        """The createTask body, without callbacks: `{"model": ..., "input": {...}}`."""
        return {"model": self.model_name, "input": self.input_fields()}

    @property
    def title(self) -> str:
        """What a person knows this job by: the prompt as it was written, or what stands for it."""
        return self._called or title_of(self.input_fields())

    @property
    def is_cast(self) -> bool:
        """Whether the characters that its prompt named are in it."""
        return self._called is not None

    def called(self, title: str) -> Self:
        """The same request, with another title than its prompt."""
        named = self.model_copy()
        named._called = title
        return named


SENT_AS = {"model_version": "model", "track_title": "title"}
"""Fields of inputs whose names are a request's own, by what they are called here."""


def as_sent(fields: dict[str, Any]) -> dict[str, Any]:
    """An input by Kie's own names, whole numbers without a point."""
    return {SENT_AS.get(name, name): mapped(value, whole) for name, value in fields.items()}


def whole(value: Any) -> Any:
    """A number without a point where it is a whole one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def title_of(fields: dict[str, Any]) -> str:
    """The first text of an input that a person knows a job by, on one line; empty where it has none."""
    first_shot = as_object(next(iter(as_list(fields.get("shots"))), None))
    texts = [*map(fields.get, TITLES), first_shot.get("Scene")]
    said = (_LEGEND.sub("", text) for text in texts if isinstance(text, str))
    return next((" ".join(text.split()) for text in said if text.strip()), "")
