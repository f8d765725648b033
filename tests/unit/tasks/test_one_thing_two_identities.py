"""Whoever wants the same thing gets the same job, whatever it is written like and whoever asks for it."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from pydantic import SecretStr

from prefect_kie.blocks import KieCredentials
from prefect_kie.keys import submission_key
from prefect_kie.models import MarketModel
from prefect_kie.submissions import store

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "Café in Zürich") for form in ("NFC", "NFD"))


KIE = KieCredentials(api_key=SecretStr("one"))


def key(value: Any, kie: KieCredentials | None = None, scope: str = "run") -> str:
    """The identity of a market model's submission with this input."""
    request = MarketModel(model="acme/any-video", input={"prompt": "a cat", "x": value})
    return submission_key(kie, scope, request, 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (5, 5.0),
        (0, -0.0),
        (1e3, 1000),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": [{"b": 5}]}, {"a": [{"b": 5.0}]}),
        ({"a": 1}, {"a": 1, "b": None}),
        (COMPOSED, DECOMPOSED),
        ({COMPOSED: 1}, {DECOMPOSED: 1}),
        ([1, 2], (1, 2)),
    ],
    ids=str,
)
def test_what_is_the_same_is_one_submission(one: Any, other: Any) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (5, "5"),
        (5, 5.5),
        (True, 1),
        (False, 0),
        ("a cat", "A cat"),
        ("a cat", "a cat "),
        ([1, 2], [2, 1]),
        ([], {}),
        (2**53, 2**53 + 1),
    ],
    ids=str,
)
def test_what_differs_is_two(one: Any, other: Any) -> None:
    assert key(one) != key(other)


def test_a_null_is_a_field_left_out() -> None:
    left_out = MarketModel(model="acme/any-video", input={"prompt": "a cat"})
    assert key(None) == submission_key(None, "run", left_out, 1)


def test_a_new_key_of_the_same_account_pays_nothing_again() -> None:
    replaced = KieCredentials(api_key=SecretStr("two"))
    assert (
        key(1, KIE)
        == key(1, replaced)
        == key(1, KIE.model_copy(update={"base_url": "https://API.kie.ai:443"}))
    )
    assert key(1, KIE) == key(1)  # Kie and its one account are what is meant where nothing is said


def test_another_account_or_another_host_is_another_submission() -> None:
    others = (
        {"account": "studio"},
        {"account": "agency"},
        {"base_url": "http://127.0.0.1:4210"},
        {"base_url": "http://127.0.0.1:4211"},
    )
    assert len({key(1, KIE.model_copy(update=change)) for change in ({}, *others)}) == 5


def test_the_record_tells_whose_it_is() -> None:
    record = store.SubmissionRecord(key="kie-1", scope="one", model="m", input={})
    assert record.in_flight_seconds(record.written_at) == 0  # of this very process
    told = json.loads(record.model_dump_json())
    twin = {**told, "machine": "the same host in another container"}
    assert store.SubmissionRecord.model_validate(twin).in_flight_seconds(record.written_at) > 190
