"""The error tree: what a person reads at night, and what survives a pickle."""

from __future__ import annotations

import pickle
import re
from typing import Any

import cloudpickle
import pytest

import prefect_kie.api as package
from prefect_kie import errors as run_errors
from prefect_kie.api import (
    AuthenticationFailed,
    ContentRejected,
    JobFailed,
    KieError,
    SubmissionInDoubt,
    errors,
)
from prefect_kie.errors import JobTimedOut, RunIncomplete

MODULES = (errors.__name__, run_errors.__name__)


def tree(cls: type[KieError]) -> dict[str, Any]:
    """The classes below this one, as nested dictionaries of names."""
    return {child.__name__: tree(child) for child in cls.__subclasses__() if child.__module__ in MODULES}


def drawn_tree(drawing: str) -> dict[str, Any]:
    """The tree that box characters draw, as nested dictionaries of names."""
    root: dict[str, Any] = {}
    path = [root]
    for indent, name in re.findall(r"^ {4}([│ ]*)[├└]── (\w+)", drawing, re.MULTILINE):
        del path[1 + len(indent) // 4 :]
        path.append(path[-1].setdefault(name, {}))
    return root


def every_class(cls: type[KieError] = KieError) -> list[type[KieError]]:
    below = (each for child in cls.__subclasses__() for each in every_class(child))
    return [cls, *(each for each in below if each.__module__ in MODULES)]


each_class = pytest.mark.parametrize("cls", every_class(), ids=lambda cls: cls.__name__)
ATTRIBUTES: dict[str, Any] = {
    "task_id": "e989621f54392584b05867f87b160672",
    "code": "SENSITIVE_WORD_ERROR",
    "billed": "yes",
    "retryable": True,
    "next_step": "Run collect_job.",
}


def test_the_drawings_in_the_docstrings_are_the_real_tree() -> None:
    drawn = [drawn_tree(module.__doc__ or "") for module in (errors, run_errors)]
    assert drawn[0] | drawn[1] == tree(KieError)
    assert not drawn[0].keys() & drawn[1].keys()


@each_class
def test_every_error_is_exported_and_documented(cls: type[KieError]) -> None:
    home = package if cls.__module__ == errors.__name__ else run_errors
    assert getattr(home, cls.__name__) is cls
    assert cls.__doc__
    assert cls.__doc__ != KieError.__doc__ or cls is KieError


@each_class
def test_every_class_says_what_to_do_next(cls: type[KieError]) -> None:
    step = cls("it broke").next_step
    assert step
    assert step.endswith(".")
    assert "next_step" not in step


@each_class
def test_only_what_costs_nothing_is_retryable_by_itself(cls: type[KieError]) -> None:
    error = cls("it broke")
    assert error.billed in ("no", "yes", "unknown")
    assert not error.retryable or error.billed == "no"


@pytest.mark.parametrize("cls", [JobTimedOut, SubmissionInDoubt], ids=lambda cls: cls.__name__)
def test_what_may_be_charged_never_says_no(cls: type[KieError]) -> None:
    assert cls("it broke").billed == "unknown"


def test_what_happened_which_job_charged_and_next_are_told_in_three_lines() -> None:
    error = JobTimedOut("still generating after 1800 s", task_id="abc123")
    assert error.line == " ".join(str(error).split())
    assert str(error) == (
        "still generating after 1800 s. Job: abc123.\nCharged: unknown.\n"
        "Next: Run collect_job with this task id later; results live 14 days."
    )


def test_without_a_job_none_is_told() -> None:
    assert str(KieError("Is it broken?")) == (
        "Is it broken?\nCharged: no.\nNext: Read the message above; nothing was submitted."
    )


@pytest.mark.parametrize("cls", [cls for cls in every_class() if cls is not RunIncomplete])
def test_the_text_of_every_error_carries_all_four(cls: type[KieError]) -> None:
    text = str(cls("it broke", **ATTRIBUTES))
    for part in (
        "it broke.",
        "Job: e989621f54392584b05867f87b160672.",
        "Charged: yes.",
        "Next: Run collect_job.",
    ):
        assert part in text


def test_an_incomplete_run_is_told_by_the_lines_of_its_videos() -> None:
    assert (
        str(RunIncomplete("1 of 2 failed\n- a: no. Charged: no.")) == "1 of 2 failed\n- a: no. Charged: no."
    )


def test_given_attributes_go_before_those_of_the_class() -> None:
    error = SubmissionInDoubt("it broke", **ATTRIBUTES)
    assert {name: getattr(error, name) for name in ATTRIBUTES} == ATTRIBUTES
    assert SubmissionInDoubt("it broke", retryable=False).retryable is False


def filled(cls: type[KieError]) -> KieError:
    """An error with every attribute, and some that were set later."""
    error = cls("it broke", **ATTRIBUTES)
    if isinstance(error, JobFailed):
        error.transient = True
    if isinstance(error, SubmissionInDoubt):
        error.submission = "submission-key"
    if isinstance(error, RunIncomplete):
        error.result = [{"url": "https://a.example/v.mp4"}]
    error.__dict__["__notes__"] = ["seen in shot 3"]
    error.__dict__["anything_else"] = {"a": (1, 2)}
    return error


@each_class
@pytest.mark.parametrize("module", [pickle, cloudpickle], ids=["pickle", "cloudpickle"])
def test_every_error_survives_a_pickle_with_all_it_carries(cls: type[KieError], module: Any) -> None:
    error = filled(cls)
    again = module.loads(module.dumps(error))
    assert type(again) is cls
    assert vars(again) == vars(error)
    assert vars(again).keys() >= {"message", "anything_else", "__notes__", *ATTRIBUTES}
    assert (str(again), repr(again), again.args) == (str(error), repr(error), error.args)


@pytest.mark.parametrize("cls", [JobFailed, ContentRejected], ids=lambda cls: cls.__name__)
def test_a_failed_job_is_not_worth_a_repetition_until_it_is_known_to_be_passing(cls: type[JobFailed]) -> None:
    error = cls("it broke")
    assert (error.transient, error.retryable, error.billed) == (False, False, "no")


PREFECTS_WORDS = r"\b(prefect|flows?|deployments?|blocks?|KieCredentials|collect_job|job_key|workers?)\b"


@each_class
def test_the_api_knows_no_prefect_and_a_run_adds_its_next_call(cls: type[KieError]) -> None:
    error = cls("it broke")
    if cls.__module__ == errors.__name__:
        assert not re.search(PREFECTS_WORDS, str(error), re.IGNORECASE)
    run_errors.add_next_step(error)
    assert error.next_step.endswith(".")


def test_a_run_says_its_own_next_call() -> None:
    refused = AuthenticationFailed("no such key")
    run_errors.add_next_step(refused)
    assert "save it in the KieCredentials block" in run_errors.remedy(refused)
    assert refused.next_step == f"{run_errors.remedy(refused)}Then run again."
    doubt = SubmissionInDoubt("it broke")
    run_errors.add_next_step(doubt)
    assert "run collect_job with its task id" in doubt.next_step
    own = SubmissionInDoubt("it broke", next_step="Run resolve_submission.")
    run_errors.add_next_step(own)
    assert own.next_step == "Run resolve_submission."
