"""Waiting for a job: what its task takes and keeps."""

from __future__ import annotations

import pytest
from prefect.cache_policies import INPUTS, NO_CACHE

from prefect_kie.tasks import wait_for_job


@pytest.mark.parametrize("option", ["persist_result", "cache_policy"])
def test_options_that_would_keep_a_waiting_state_are_refused(option: str) -> None:
    with pytest.raises(ValueError, match=option):
        wait_for_job.with_options(**{option: True if option == "persist_result" else INPUTS})
    assert wait_for_job.with_options(persist_result=False, cache_policy=NO_CACHE).retries


def test_the_wait_task_keeps_nothing_that_could_be_taken_for_its_result() -> None:
    # A persisted waiting state would come back as the result at the next look.
    assert wait_for_job.persist_result is False
    assert wait_for_job.retries * 10 > 1800  # failed looks are repeated for longer than the deadline
