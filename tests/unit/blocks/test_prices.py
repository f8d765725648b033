"""The user's price table: which row counts, and what is no table."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from pydantic import ValidationError

from prefect_kie.api import JobRequest, ServiceUnavailable
from prefect_kie.blocks import PriceTable, load_prices
from prefect_kie.blocks.server import asked
from prefect_kie.models import MarketModel, Sora2ProTextToVideo, Sora2TextToVideo

TABLE = PriceTable.model_validate(
    {
        "sora-2-text-to-video": 30,
        "sora-2-pro-text-to-video": [
            {"size": "high", "n_frames": 15, "credits": 630},
            {"size": "high", "credits": 330},
            {"remove_watermark": True, "credits": 200},
        ],
        "kling": [{"duration": "5", "sound": False, "credits": 55.5}],
        "free": 0,
    }
)


def pro(**fields: Any) -> JobRequest:
    return Sora2ProTextToVideo(prompt="a cat", **fields)


@pytest.mark.parametrize(
    ("request_", "credits"),
    [
        (Sora2TextToVideo(prompt="a cat"), 30),
        (pro(size="high", n_frames="15"), 630),
        (pro(size="high"), 330),
        (pro(size="standard", remove_watermark=True), 200),
        (pro(size="standard"), None),  # no row fits
        (MarketModel(model="kling", input={"prompt": "a yak", "duration": "5", "sound": False}), 55.5),
        (MarketModel(model="kling", input={"prompt": "a yak", "duration": 5.0, "sound": False}), 55.5),
        (MarketModel(model="kling", input={"prompt": "a yak", "duration": "5"}), None),
        (MarketModel(model="free", input={}), 0),
        (MarketModel(model="other", input={}), None),
    ],
)
def test_the_first_row_that_fits_counts(request_: JobRequest, credits: float | None) -> None:
    assert TABLE.credits_for(request_) == credits


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ([30], "Input should be a valid dictionary"),
        ({"sora": "cheap"}, "must be a number of credits or a list of rows, not 'cheap'"),
        ({"sora": True}, "must be a number of credits or a list of rows, not 'True'"),
        ({"sora": -1}, "greater than or equal to 0"),
        ({"sora": float("nan")}, "finite number"),
        ({"sora": [{"size": "high"}]}, "Field required"),
        ({"sora": [30]}, "valid dictionary"),
    ],
)
def test_what_is_no_table_is_refused(table: Any, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        PriceTable.model_validate(table)


async def test_a_server_that_does_not_answer_is_told() -> None:
    nobody = {PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}
    with temporary_settings(nobody), pytest.raises(ServiceUnavailable, match="kie_prices"):
        await load_prices()


def test_the_password_of_a_servers_address_stands_in_no_error() -> None:
    with pytest.raises(ServiceUnavailable) as caught, asked("for the block 'kie'"):
        raise httpx.HTTPError("Server error '500' for url 'http://me:secret@host/api/blocks'")
    assert "http://me:***@host/api/blocks" in str(caught.value)
    assert caught.value.__suppress_context__
