"""What `resolve_submission` reports of each submission."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from prefect_kie.run_page.markdown import cell
from prefect_kie.submissions.store import SubmissionRecord

SubmissionStatus = Literal["in doubt", "being submitted", "bound", "released"]


class ResolvedSubmission(BaseModel, frozen=True):
    """What is known of one submission whose answer was lost.

    Attributes:
        submission: The submission's key.
        status: `in doubt`; `being submitted` (its process may still learn the outcome); `bound` to a job;
            or `released`, free to be made again.
        model: The model's name at Kie.
        prompt: Its prompt, or what stands for it.
        begun_at: When it was sent, or, once settled, when it was settled.
        flow_run_id: The flow run that sent it.
        flow_run_name: That run's name, where the server knows it.
        job_key: Whose job it is; a new run with this `job_key` goes on with it too.
        host: The machine it was sent from.
        task_id: The job it became; while in doubt, a job that an unclear answer named.
    """

    submission: str
    status: SubmissionStatus
    model: str
    prompt: str
    begun_at: datetime
    flow_run_id: str | None
    flow_run_name: str | None
    job_key: str
    host: str
    task_id: str | None

    @classmethod
    def of(
        cls, record: SubmissionRecord, flow_run_name: str | None, being_submitted: bool
    ) -> "ResolvedSubmission":
        """What a submission's record says."""
        status: dict[str, SubmissionStatus] = {
            "submitting": "being submitted" if being_submitted else "in doubt",
            "submitted": "bound",
            "released": "released",
        }
        return cls(
            **record.model_dump(include={"model", "flow_run_id", "host", "task_id"}),
            submission=record.key,
            status=status[record.state],
            prompt=record.title,
            begun_at=record.written_at,
            flow_run_name=flow_run_name,
            job_key=record.scope,
        )

    @property
    def line(self) -> str:
        """All of it in one line."""
        run = f" by flow run {self.flow_run_name or self.flow_run_id}" if self.flow_run_id else ""
        again = f"its flow run, run again, or a run with job_key={self.job_key!r}"
        said = {
            "bound": f"bound to job {self.task_id}; {again} goes on with it, or fetch it with "
            f"collect_job({self.task_id!r})",
            "released": f"released; {again} submits it anew and pays for it",
            "in doubt": f"in doubt, sent on {self.begun_at:%Y-%m-%d at %H:%M:%S} UTC{run}",
            "being submitted": f"being submitted just now{run}",
        }[self.status]
        return f"{self.submission}: {said}: {self.model} {self.prompt[:60]!r}"

    @property
    def row(self) -> dict[str, str]:
        """The same as a row of a table."""
        columns = {
            "submission": self.submission,
            "status": self.status,
            "model": self.model,
            "prompt": self.prompt[:200],
            "sent (UTC)": f"{self.begun_at:%Y-%m-%d %H:%M:%S}",
            "flow run": self.flow_run_name,
            "flow run id": self.flow_run_id,
            "job_key": self.job_key,
            "machine": self.host,
            "job": self.task_id,
        }
        return {name: cell(value or "") for name, value in columns.items()}


class ResolvedSubmissions(BaseModel, frozen=True):
    """What `resolve_submission` polled: one entry per submission, none where none is in doubt."""

    submissions: tuple[ResolvedSubmission, ...]
