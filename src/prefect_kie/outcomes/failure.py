"""An exception as data: persisted with a flow's result, and an exception of its own class again."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from prefect_kie import api
from prefect_kie.api import KieError
from prefect_kie.api.errors import Billed


class Failure(BaseModel):
    """Why a video is missing, as data: persisted with the result, and an exception again when asked for.

    Attributes:
        type: The error's class, one of `prefect_kie.api`; the class's name for any other exception.
        message: What happened.
        task_id: Kie's id of the job, where it got one.
        code: Kie's code.
        billed: Whether Kie charged for it.
        next_step: What to run next.
        further: What else the error knows, by attribute: `transient`, `submission` …
    """

    model_config = ConfigDict(frozen=True)

    type: str
    message: str
    task_id: str | None = None
    code: int | str | None = None
    billed: Billed = "unknown"
    next_step: str
    further: dict[str, str | bool | int | float | None] = {}

    @classmethod
    def of(cls, error: Exception, task_id: str | None = None) -> Failure:
        """An exception as data.

        Args:
            error: The exception.
            task_id: The job's id, where the exception does not have it.
        """
        known = (
            error
            if isinstance(error, KieError)
            else KieError(str(error), billed="unknown", next_step="Read the log of this run.")
        )
        further = {
            name: value
            for name, value in vars(known).items()
            if name not in cls.model_fields and isinstance(value, str | bool | int | float | None)
        }
        return cls(
            type=type(error).__name__,
            message=known.message,
            task_id=known.task_id or task_id,
            code=known.code,
            billed=known.billed,
            next_step=known.next_step,
            further=further,
        )

    @property
    def exception(self) -> KieError:
        """The exception, of its own class; one that is not ours is a plain `KieError`."""
        found: object = getattr(api, self.type, None)
        ours = found if isinstance(found, type) and issubclass(found, KieError) else None
        error = (ours or KieError)(
            self.message if ours else f"{self.type}: {self.message}",
            task_id=self.task_id,
            code=self.code,
            billed=self.billed,
            next_step=self.next_step,
        )
        vars(error).update(self.further)
        return error
